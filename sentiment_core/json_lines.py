"""Run a program and write its output as JSON lines: `python -m sentiment_core.json_lines NAME COMMAND…`.

For programs that have no setting for this, such as MLflow and the scripts of Jobs. A line that is a JSON object passes
unchanged. NAME is the logger of all other lines.
"""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO

# A collector splits longer lines, which are then no JSON.
_LINE_BYTES = 60_000
_TRACEBACK = "Traceback (most recent call last):"
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|\[(debug|info|warning|error|critical)\s*\]|^\w+Warning\b")
# A level is near the beginning of a line, after a time. Further on it is a word of the message.
_LEVEL_WITHIN = 60
# Processes that outlive the program can keep its output open.
_LAST_OUTPUT_S = 5.0


def json_lines(lines: Iterable[str], name: str) -> Iterator[str]:
    """Return the lines as JSON objects. A traceback and the line of its error are one object with the level `error`."""
    traceback: list[str] = []
    for line in lines:
        text = line.rstrip()
        if traceback:
            traceback.append(text)
            if not text or text[0].isspace():
                continue
            text, traceback = "\n".join(traceback), []
            yield _json(name, "error", text)
        elif text == _TRACEBACK:
            traceback = [text]
        elif text:
            yield text if _is_object(text) else _json(name, _level(text), text)
    if traceback:
        yield _json(name, "error", "\n".join(traceback))


def _is_object(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _level(text: str) -> str:
    found = _LEVEL.search(text[:_LEVEL_WITHIN])
    if found is None:
        return "info"
    return (found[1] or found[2] or "warning").lower()


def _json(name: str, level: str, text: str) -> str:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": time, "level": level, "logger": name, "event": text}, separators=(",", ":"))


def _lines(stream: IO[bytes]) -> Iterator[str]:
    while line := stream.readline(_LINE_BYTES):
        yield line.decode(errors="replace")


def _copy(stream: IO[bytes], output: IO[str], name: str, lock: threading.Lock) -> None:
    for line in json_lines(_lines(stream), name):
        with lock:
            output.write(f"{line}\n")
            output.flush()


def run(name: str, command: list[str]) -> int:
    """Run a command and return its exit status, 128 plus the number of a signal. SIGTERM and SIGINT are passed on."""
    # Not its own session: a terminal's Ctrl-C reaches the program, too.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: process.send_signal(received))
        lock = threading.Lock()
        outputs = ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        threads = [
            threading.Thread(target=_copy, args=(stream, output, name, lock), daemon=True) for stream, output in outputs
        ]
        for thread in threads:
            thread.start()
        status = process.wait()
        for thread in threads:
            thread.join(_LAST_OUTPUT_S)
        sys.stdout.flush()
    return status if status >= 0 else 128 - status


def main() -> int:
    """Run the command of the arguments. A command that cannot be started gets the exit status of a shell, 127."""
    if len(sys.argv) < 3:
        sys.exit("usage: python -m sentiment_core.json_lines NAME COMMAND [ARGUMENT…]")
    name, *command = sys.argv[1:]
    try:
        return run(name, command)
    except OSError as error:
        sys.stdout.write(_json(name, "error", f"{command[0]} cannot be started: {error.strerror}") + "\n")
        return 127


if __name__ == "__main__":
    sys.exit(main())
