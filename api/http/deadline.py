"""A deadline that is set and cleared for every request at the cost of an attribute."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Call `expire` when the deadline was set `seconds` ago and not cleared since.

    One timer serves many requests: it fires at most once per `seconds`, and restarts itself for the time that is left.
    """

    __slots__ = ("_due", "_expire", "_loop", "_seconds", "_timer")

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._expire = expire
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Start the time again."""
        self._due = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._check)

    def clear(self) -> None:
        """Do not expire until `set` is called again."""
        self._due = math.inf

    def cancel(self) -> None:
        """Drop the timer, because the connection has ended."""
        self._due = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._loop.time() >= self._due:
            self._expire()
        elif self._due < math.inf:
            self._timer = self._loop.call_at(self._due, self._check)
