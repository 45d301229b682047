"""Rate limits per client."""

import time

from api.contract.errors import RateLimited

_MOST_CLIENTS = 100_000


class RateLimit:
    """A rate and a burst per client, by the generic cell rate algorithm (ITU-T I.371, annex A).

    It keeps one number per client, for the most recent clients.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self.per_s = per_s
        self._interval = 1 / per_s if per_s else 0.0
        self._slack = (burst - 1) * self._interval
        self._due: dict[str, float] = {}  # earliest time of a client's next request within its rate

    def take(self, client: str) -> None:
        """Count one request of a client, or raise `RateLimited`, which counts nothing."""
        if not self.per_s:
            return
        now = time.monotonic()
        due = max(self._due.get(client, now), now)
        wait = due - now - self._slack
        if wait > 0:
            raise RateLimited(rate=self.per_s, wait=wait)
        self._due.pop(client, None)  # keeps the table in the order of the last requests
        self._due[client] = due + self._interval
        if len(self._due) > _MOST_CLIENTS:
            del self._due[next(iter(self._due))]
