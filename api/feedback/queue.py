"""Corrections that wait for the database: a bounded queue in memory that one thread empties.

Requests never wait for the database. Accepted corrections stay until they are stored, in order, however long the
database is away. When the queue is full, new corrections are refused. Only the end of the process can lose corrections;
the log says how many.
"""

import asyncio
import logging
import random
import threading
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from api.contract.errors import FeedbackQueueFull, FeedbackUnavailable, ServiceStopping
from api.contract.schemas import FeedbackState, FeedbackStatus
from api.contract.settings import ServiceSettings
from api.observability.metrics import ServiceMetrics
from sentiment_core.errors import DatabaseUnavailable, SchemaOutdated, SentimentError
from sentiment_core.feedback.correction import Correction

if TYPE_CHECKING:
    from sentiment_core.feedback.store import FeedbackStore

log = logging.getLogger(__name__)

# Wait of a write for more corrections: those that arrive together share a connection and a transaction.
_GATHER_S = 0.1
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_BATCH = 200
_BATCH_BYTES = 2_000_000
_JOIN_S = 0.5
# The database does not recover from these states by itself. New corrections are refused; accepted ones are retried.
_REFUSING: dict[FeedbackState, str] = {
    "outdated": "its schema is older than this release needs",
    "refused": "it refuses them (see the log of the service)",
}


def open_feedback(settings: ServiceSettings, metrics: ServiceMetrics) -> "FeedbackQueue | None":
    """Return the queue, or None without a database; the database driver is then not loaded."""
    if settings.database_url is None:
        return None
    from sentiment_core.feedback.store import FeedbackStore  # noqa: PLC0415 -- 4 MB that few services need

    return FeedbackQueue(FeedbackStore(settings.database_url.get_secret_value()), settings, metrics)


class FeedbackQueue:
    """Hold at most `SENTIMENT_FEEDBACK_QUEUE` corrections with `SENTIMENT_FEEDBACK_QUEUE_BYTES` of texts."""

    def __init__(self, store: "FeedbackStore", settings: ServiceSettings, metrics: ServiceMetrics) -> None:
        self._store = store
        self._settings = settings
        self._counts = metrics.feedback
        self._states = metrics.feedback_database
        self._changed = threading.Condition()
        self._waiting: deque[Correction] = deque()
        self._waiting_bytes = 0
        self._deadline: float | None = None
        self._state: FeedbackState = "starting"
        self._told = ("starting", "")
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
        for outcome in ("accepted", "stored", "refused", "lost"):
            self._counts.labels(outcome)
        metrics.feedback_queue_length.set_function(lambda: len(self._waiting))
        metrics.feedback_queue_bytes.set_function(lambda: self._waiting_bytes)

    @property
    def status(self) -> FeedbackStatus:
        """Return the state of the database at the last attempt, and the number of waiting corrections."""
        return {"state": self._state, "waiting": len(self._waiting)}

    def put(self, correction: Correction) -> None:
        """Accept a correction, to be stored as soon as the database accepts it.

        Raises `FeedbackQueueFull`, `FeedbackUnavailable` and `ServiceStopping` when it is not accepted.
        """
        try:
            self._put(correction)
        except SentimentError:
            self._counts.labels("refused").inc()
            raise
        self._counts.labels("accepted").inc()

    def _put(self, correction: Correction) -> None:
        if self._state in _REFUSING:
            raise FeedbackUnavailable(why=_REFUSING[self._state])
        with self._changed:
            if self._deadline is not None:
                raise ServiceStopping
            if not self._has_room(correction.text_bytes):
                raise FeedbackQueueFull(waiting=len(self._waiting))
            self._waiting.append(correction)
            self._waiting_bytes += correction.text_bytes
            self._changed.notify_all()

    def _has_room(self, text_bytes: int) -> bool:
        # An empty queue accepts the largest text that a body can have, whatever the settings are.
        return not self._waiting or (
            len(self._waiting) < self._settings.feedback_queue
            and self._waiting_bytes + text_bytes <= self._settings.feedback_queue_bytes
        )

    def start(self) -> None:
        """Start to store corrections."""
        self._thread.start()

    async def close(self) -> None:
        """Store waiting corrections for at most `SENTIMENT_FEEDBACK_FLUSH_S` seconds, and log how many are lost."""
        flush_s = self._settings.feedback_flush_s
        with self._changed:
            self._deadline = time.monotonic() + flush_s
            self._changed.notify_all()
        await asyncio.to_thread(self._thread.join, flush_s + _JOIN_S)
        if self._waiting:
            self._lose(len(self._waiting), f"the database did not accept them within {flush_s:g} s of the end")

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            if self._try():
                pause_s = _FIRST_PAUSE_S
                if not self._wait_for_work():
                    return
            else:
                # Random, so that many services do not return to a recovered database at the same moment.
                if not self._pause(pause_s * random.uniform(0.5, 1)):  # noqa: S311 -- no secret
                    return
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _try(self) -> bool:
        """Store the first corrections, or check the database if none wait. Return whether that succeeded."""
        with self._changed:
            batch = self._first()
        try:
            if batch:
                self._settle(batch, self._store.write(batch))
            else:
                self._store.check()
        except SentimentError as error:
            self._show(_state_after(error), error)
            return False
        except Exception as error:  # noqa: BLE001 -- no error may lose accepted corrections
            self._show("refused", error)
            return False
        self._show("ok")
        return True

    def _first(self) -> list[Correction]:
        batch: list[Correction] = []
        size = 0
        for one in islice(self._waiting, _BATCH):
            size += one.text_bytes
            if batch and size > _BATCH_BYTES:
                break
            batch.append(one)
        return batch

    def _settle(self, batch: list[Correction], unstorable: set[UUID]) -> None:
        with self._changed:
            for one in batch:
                self._waiting.popleft()
                self._waiting_bytes -= one.text_bytes
        self._counts.labels("stored").inc(len(batch) - len(unstorable))
        if unstorable:
            self._lose(len(unstorable), "the database refuses their content")

    def _wait_for_work(self) -> bool:
        """Wait for corrections. Return False when no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._deadline is not None)
            self._changed.wait_for(lambda: self._deadline is not None or len(self._waiting) >= _BATCH, _GATHER_S)
            return not self._is_over()

    def _pause(self, seconds: float) -> bool:
        """Wait before the next attempt. Return False when there is none."""
        with self._changed:
            if self._deadline is None:
                self._changed.wait_for(lambda: self._deadline is not None, seconds)
                return not self._is_over()
        time.sleep(min(seconds, _FIRST_PAUSE_S))
        return not self._is_over()

    def _is_over(self) -> bool:
        return self._deadline is not None and (not self._waiting or time.monotonic() >= self._deadline)

    def _show(self, state: FeedbackState, error: Exception | None = None) -> None:
        before, self._state = self._state, state
        if state != before:
            self._states.labels(before).set(0)
            self._states.labels(state).set(1)
        if (state, str(error)) == self._told:
            return
        self._told = (state, str(error))
        match error:
            case None:
                log.info("corrections are stored", extra={"waiting": len(self._waiting)})
            case SentimentError():
                log.warning("corrections are not stored", extra={"code": error.code, "detail": str(error)})
            case _:
                log.error("corrections are not stored", exc_info=error)

    def _lose(self, count: int, why: str) -> None:
        self._counts.labels("lost").inc(count)
        log.error("corrections lost", extra={"count": count, "detail": why})


def _state_after(error: SentimentError) -> FeedbackState:
    match error:
        case DatabaseUnavailable():
            return "unavailable"
        case SchemaOutdated():
            return "outdated"
        case _:
            return "refused"
