"""Logs as one JSON object a line."""

import asyncio
import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

KEEP_S = 0.1
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Format a record and its `extra` fields.

    Of an exception it keeps the type and the code locations, not the message, because messages can quote users' texts.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return orjson.dumps(line, default=str).decode()


class AccessLog:
    """One line per request, in the format of `JsonFormatter`, at a fraction of its cost.

    Lines are kept for at most `KEEP_S` seconds and written together. They name routes, never raw paths or bodies.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
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
            f'"request_id":"{request_id}"{traced}}}\n'
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEEP_S, self.flush)

    def flush(self) -> None:
        """Write the kept lines."""
        if self._timer is not None:
            self._timer.cancel()
        lines, self._lines, self._timer = self._lines, [], None
        if lines:
            self._stream.write("".join(lines).encode())
            self._stream.flush()


def set_up() -> None:
    """Send all logs to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Numba's own log is for its developers.
    logging.getLogger("numba").setLevel(logging.WARNING)
