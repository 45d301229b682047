"""Logs as one JSON object a line, written by a thread.

A write to a pipe or disk that stalls blocks its thread only. The event loop puts lines into a queue and never waits.
"""

import asyncio
import logging
import logging.handlers
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Literal, Self

from typing_extensions import override

from sentiment_core.json_logs import JsonFormatter

KEEP_S = 0.1
# Access lines that one entry of the queue holds at most.
_LINES_TOGETHER: Final = 100
# Entries that wait at most for a stalled output: about 25 MB if all are full.
_QUEUE_LENGTH: Final = 1_000
# Longest wait, at the end of the process, until the output accepts the entries that wait.
_CLOSE_WITHIN_S: Final = 2.0

Reason = Literal["full", "failed"]
_Entries = queue.Queue[logging.LogRecord | None]


class LogOutput(logging.handlers.QueueHandler):
    """Write log records and access lines to a file descriptor in the order of the calls; a context manager.

    `on_drop` is called with a reason and the number of lines that could not be written: "full" if the queue was full,
    "failed" if the output reported an error. After lines were dropped from a full queue, a record in the log says how
    many are missing at this place. At the end, lines that the output does not accept within `close_within_s` are lost.
    """

    def __init__(self, descriptor: int, length: int = _QUEUE_LENGTH, close_within_s: float = _CLOSE_WITHIN_S) -> None:
        self._entries: _Entries = queue.Queue(length)
        super().__init__(self._entries)
        self.setFormatter(JsonFormatter())
        self.on_drop: Callable[[Reason, int], None] = lambda _reason, _lines: None
        self._missing = 0
        self._close_within_s = close_within_s
        self._listener = _Listener(self._entries, descriptor, self)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def write(self, lines: list[str]) -> None:
        """Write lines that are formatted already."""
        self.acquire()
        try:
            self.enqueue(logging.makeLogRecord({"msg": "\n".join(lines), "lines": len(lines)}))
        finally:
            self.release()

    @override
    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a record, or count its lines as dropped."""
        try:
            if self._missing:
                self._entries.put_nowait(self._gap())
                self._missing = 0
            self._entries.put_nowait(record)
        except queue.Full:
            lines = _lines_of(record)
            self._missing += lines
            self.on_drop("full", lines)

    def stop(self) -> None:
        """Write what waits, and end the thread.

        The wait is limited, because an output that nobody reads must not keep the process from ending.
        """
        ending = threading.Thread(target=self._listener.stop, name="log end", daemon=True)
        ending.start()
        ending.join(self._close_within_s)

    def _gap(self) -> logging.LogRecord:
        fields = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "lines_missing": self._missing}
        record = logging.makeLogRecord({"msg": "log lines dropped", **fields})
        return logging.makeLogRecord({"msg": self.format(record)})


class _Listener(logging.handlers.QueueListener):
    """The thread that writes.

    It uses neither a handler nor a file object. Both have locks, which a blocked thread would hold when the process
    ends, and the interpreter would wait for them.
    """

    def __init__(self, entries: _Entries, descriptor: int, output: LogOutput) -> None:
        super().__init__(entries)
        self._entries = entries
        self._descriptor = descriptor
        self._output = output

    @override
    def handle(self, record: logging.LogRecord) -> None:
        """Write a formatted record."""
        data = memoryview(f"{record.getMessage()}\n".encode())
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self._output.on_drop("failed", _lines_of(record))

    @override
    def enqueue_sentinel(self) -> None:
        """Wait for room: the queue can be full when the process ends."""
        self._entries.put(None)


def _lines_of(record: logging.LogRecord) -> int:
    return int(vars(record).get("lines", 1))


class AccessLog:
    """One line per request, in the format of `JsonFormatter`, at a fraction of its cost.

    Lines are kept for at most `KEEP_S` seconds and written together. They name routes, never raw paths or bodies.
    """

    def __init__(self, output: LogOutput) -> None:
        self._output = output
        self._lines: list[str] = []
        self._second = 0
        self._moment = ""
        self._timer: asyncio.TimerHandle | None = None

    def write(
        self, method: str, route: str, status: int, ms: float, request_id: str, code: str | None, trace_id: str | None
    ) -> None:
        """Log an answered request; no argument may contain characters that JSON escapes."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._moment = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        failed = "" if code is None else f',"code":"{code}"'
        traced = "" if trace_id is None else f',"trace_id":"{trace_id}"'
        self._lines.append(
            f'{{"time":"{self._moment}.{int((now - second) * 1000):03}+00:00","level":"info","logger":"api.access",'
            f'"event":"request","method":"{method}","route":"{route}","status":{status},"ms":{ms:.3f}{failed},'
            f'"request_id":"{request_id}"{traced}}}'
        )
        if len(self._lines) >= _LINES_TOGETHER:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEEP_S, self.flush)

    def flush(self) -> None:
        """Queue the kept lines."""
        if self._timer is not None:
            self._timer.cancel()
        lines, self._lines, self._timer = self._lines, [], None
        if lines:
            self._output.write(lines)


def set_up() -> LogOutput:
    """Send all logs to standard output as JSON. The caller closes the output that is returned."""
    output = LogOutput(sys.stdout.fileno())
    logging.basicConfig(level=logging.INFO, handlers=[output], force=True)
    # Numba's own log is for its developers.
    logging.getLogger("numba").setLevel(logging.WARNING)
    return output
