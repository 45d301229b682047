"""Start services as forks of a process that has imported the service: the imports take most of a start."""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

POLL_S = 0.02


class Forks:
    """The client of the process that forks. That process ends, and ends all services, when its client is closed."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._parent = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._stream = ours.makefile("rw")
        ours.close()
        self._lock = threading.Lock()
        atexit.register(self.close)

    def start(self, environment: Mapping[str, str], log: Path) -> "ForkedProcess":
        """Start a service with this environment. Its output goes to the log."""
        return ForkedProcess(self, self.request(environment=dict(environment), log=str(log)))

    def request(self, **what: Any) -> Any:
        """Send a request to the process that forks, and return its answer."""
        with self._lock:
            self._stream.write(json.dumps(what) + "\n")
            self._stream.flush()
            return json.loads(self._stream.readline())

    def close(self) -> None:
        """End the process and the services."""
        self._stream.close()
        self._parent.wait(30)


class ForkedProcess:
    """A service's process, with the methods of `subprocess.Popen` that the tests use."""

    def __init__(self, forks: Forks, pid: int) -> None:
        self._forks = forks
        self._exit_code: int | None = None
        self.pid = pid

    def poll(self) -> int | None:
        """Return the exit code, minus the signal's number if a signal ended the process, or None while it runs."""
        if self._exit_code is None:
            self._exit_code = self._forks.request(pid=self.pid)
        return self._exit_code

    def wait(self, timeout: float) -> int:
        """Return the exit code. Raises `subprocess.TimeoutExpired` if the process still runs after these seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("api", timeout)
            time.sleep(POLL_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal if the process has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)


def serve(stream: IO[str], become: Callable[[dict[str, Any]], None]) -> bool:
    """Answer requests until the client is gone, then kill what still runs. Return True in a forked child."""
    running: set[int] = set()
    for request in requests(stream):
        if "pid" in request:
            answer = exit_code(request["pid"])
            if answer is not None:
                running.discard(request["pid"])
        else:
            answer = os.fork()
            if not answer:
                become(request)
                return True
            running.add(answer)
        stream.write(json.dumps(answer) + "\n")
        stream.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return False


def requests(stream: IO[str]) -> Iterator[dict[str, Any]]:
    """Return the requests as they come."""
    while line := stream.readline():
        yield json.loads(line)


def exit_code(pid: int) -> int | None:
    """Return the exit code of a child, or None while it runs. It is reaped: its id is asked for once after its end."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def main(descriptor: int) -> int:
    """Fork services on request, and in each of them run the service."""
    from api import __main__ as program  # noqa: PLC0415 -- the tests, which import this module, do not need them
    from api.models.served_model import ScorerCache  # noqa: PLC0415
    from sentiment_core.columnar.columns import TextColumn  # noqa: PLC0415
    from sentiment_core.languages.detected_languages import DetectedLanguage, DetectedLanguages  # noqa: PLC0415
    from sentiment_core.model.bundle import STARTER  # noqa: PLC0415

    with suppress(ImportError):
        import uvloop  # noqa: F401, PLC0415 -- the service imports it late, as some systems do not have it

    # These read compiled kernels from their cache, and tables.
    ScorerCache().load(STARTER)
    DetectedLanguage.of("good")
    DetectedLanguages.of(TextColumn.from_texts(["good"]))
    assert threading.active_count() == 1, "a fork would copy the locks of other threads, held or not"
    gc.freeze()  # keeps the first collection in a fork from copying every page
    connection = socket.socket(fileno=descriptor)
    stream = connection.makefile("rw")

    def become(request: dict[str, Any]) -> None:
        stream.close()
        connection.close()
        os.environ.clear()
        os.environ.update(request["environment"])
        output = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for standard in (1, 2):
            os.dup2(output, standard)
        os.close(output)

    return program.main() if serve(stream, become) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
