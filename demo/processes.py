"""A small supervisor: start programs in separate sessions, check that they become ready and stay up, and end them."""

import atexit
import errno
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, NoReturn, Self

import psutil

from demo.errors import DiskFull, PartFailed
from demo.sessions import Trace, end_all

NEEDED_MB = 2_000
TAIL_LINES = 15
LOOK_EVERY_S = 0.1

Handler = Callable[[int, FrameType | None], Any] | int | None


def free_mb(path: Path) -> int:
    """Return the free space, in megabytes, on the disk of a path."""
    return int(psutil.disk_usage(str(path)).free // 10**6)


def require_room(folder: Path) -> None:
    """Raise `DiskFull` when the folder's disk has less free space than the stack needs."""
    if free_mb(folder) < NEEDED_MB:
        raise DiskFull(path=folder, free_mb=free_mb(folder), needed_mb=NEEDED_MB)


class Stopping(Exception):
    """Raised while the supervisor is ending its programs."""


@dataclass(frozen=True)
class Program:
    """A program to start, with its readiness probe and its way to stop.

    The supervisor calls `ready` ten times a second; an OSError means "not yet". `needs` names the programs that must
    outlive this one. `user` is the user id to run as, for a program that refuses to run as root.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 10.0
    needs: tuple[str, ...] = ()
    user: int | None = None
    folder: Path | None = None


@dataclass
class Process:
    """A started program. `lasting` means that the program must not end by itself."""

    program: Program
    log: Path
    popen: subprocess.Popen[bytes]
    trace: Trace
    lasting: bool

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while the program runs."""
        return self.popen.poll()

    def failure(self, why: str) -> PartFailed:
        """Return the error to raise about this program, with the last lines of its log as a note."""
        text = "\n".join(self.log_lines())
        if os.strerror(errno.ENOSPC) in text:
            why = f"found its disk full ({free_mb(self.log)} MB are free)"
        error = PartFailed(name=self.program.name, why=why, log=self.log)
        error.add_note(f"The last lines of {self.log}:\n{text}" if text else f"{self.log} is empty.")
        return error

    def log_lines(self) -> list[str]:
        """Return the last lines of the program's log."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 32_768))
            return file.read().decode(errors="replace").splitlines()[-TAIL_LINES:]


class Supervisor:
    """Start and end programs; a context manager.

    The supervisor records its programs in `processes.json` in the state folder. If a supervisor is killed, the next one
    on the same folder finds and ends the programs that it left running. Only one process may use the folder. In the
    main thread, SIGTERM and SIGHUP raise KeyboardInterrupt, so they end the programs in the same way as Ctrl-C.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._record = state / "processes.json"
        self.logs = state / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._processes: dict[str, Process] = {}
        self._stopping = threading.Event()
        self._getting_ready = threading.Semaphore(max(2, os.cpu_count() or 1))
        self._handlers: dict[signal.Signals, Handler] = {}
        self._end_stale()
        self._catch_signals()
        atexit.register(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def processes(self) -> list[Process]:
        """All programs that were started and have not been ended, in start order."""
        with self._lock:
            return list(self._processes.values())

    def start(self, program: Program) -> None:
        """Start a program and wait until it is ready.

        Raises `PartFailed` when the program ends first or is not ready in time. The number of programs that become
        ready concurrently is limited to the number of processors. More would slow each other down, including the
        program that all others wait for.
        """
        while not self._getting_ready.acquire(timeout=LOOK_EVERY_S):
            self.pause(0)
        try:
            self._wait_until_ready(self._spawn(program, lasting=True))
        finally:
            self._getting_ready.release()

    def run(self, program: Program) -> None:
        """Run a program until it ends.

        Raises `PartFailed` on a nonzero exit code or if it takes longer than `ready_within_s`.
        """
        process = self._spawn(program, lasting=False)
        deadline = time.monotonic() + program.ready_within_s
        while (code := process.exit_code) is None:
            if time.monotonic() > deadline:
                raise process.failure(f"was not done after {program.ready_within_s:g} s")
            self.pause(LOOK_EVERY_S)
        with self._lock:
            del self._processes[program.name]
            self._write_record()
        if code != 0:
            raise process.failure(_ended(code))

    def check(self) -> None:
        """Raise `PartFailed` if a program has ended by itself."""
        for process in self.processes:
            if process.lasting and (code := process.exit_code) is not None:
                raise process.failure(_ended(code))

    def watch(self) -> NoReturn:
        """Block until interrupted. Raises `PartFailed` as soon as a program ends by itself."""
        while True:
            self.check()
            self.pause(0.25)

    def pause(self, seconds: float) -> None:
        """Wait for the given time. Raises `Stopping` if the programs are being ended in the meantime."""
        if self._stopping.wait(seconds):
            raise Stopping

    def stop(self) -> None:
        """End all programs with all their child processes, each before the programs that it needs."""
        self._stopping.set()
        with self._lock:
            in_order = list(self._processes.values())
            # This step must not be interrupted, because a program that is not ended now would be left running.
            held = self._set_handlers(signal.SIG_IGN) if self._handlers else {}
            try:
                end_all(process.trace for process in in_order)
                for process in in_order:
                    process.popen.wait()
                self._processes.clear()
                self._write_record()
            finally:
                self._restore_handlers(held)
                self._restore_handlers(self._handlers)
                self._handlers = {}
        atexit.unregister(self.stop)

    def _wait_until_ready(self, process: Process) -> None:
        deadline = time.monotonic() + process.program.ready_within_s
        while not self._is_ready(process):
            if time.monotonic() > deadline:
                raise process.failure(f"was not ready after {process.program.ready_within_s:g} s")
            self.pause(LOOK_EVERY_S)

    def _is_ready(self, process: Process) -> bool:
        # Check the exit code before the probe: if this program died, another one could answer on its port.
        if (code := process.exit_code) is not None:
            raise process.failure(_ended(code))
        with suppress(OSError):
            return process.program.ready()
        return False

    def _spawn(self, program: Program, *, lasting: bool) -> Process:
        path = self.logs / f"{program.name}.log"
        with self._lock:
            if self._stopping.is_set():
                raise Stopping
            if path.exists():
                path.replace(path.with_suffix(".previous.log"))
            with path.open("wb") as log:
                popen = self._popen(program, log)
            process = Process(program, path, popen, self._trace(program, popen), lasting)
            self._processes[program.name] = process
            self._write_record()
        return process

    def _popen(self, program: Program, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.folder or self._state,
            user=program.user,
            group=program.user,
            extra_groups=None if program.user is None else [],
            start_new_session=True,
        )

    def _trace(self, program: Program, popen: subprocess.Popen[bytes]) -> Trace:
        return Trace(
            name=program.name,
            pid=popen.pid,
            created=psutil.Process(popen.pid).create_time(),
            folder=str(self._state.resolve()),
            stop_signal=program.stop_signal,
            stop_within_s=program.stop_within_s,
            needs=program.needs,
        )

    def _write_record(self) -> None:
        records = [process.trace.to_json() for process in self._processes.values()]
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps(records, indent=1))
        fresh.replace(self._record)

    def _end_stale(self) -> None:
        """End the programs that a killed supervisor left running."""
        with suppress(FileNotFoundError, ValueError):
            end_all([Trace.from_json(record) for record in json.loads(self._record.read_text())])

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._handlers = self._set_handlers(_interrupt, only=(signal.SIGTERM, signal.SIGHUP))

    def _set_handlers(
        self,
        handler: Handler,
        only: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    ) -> dict[signal.Signals, Handler]:
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, handler) for number in only}

    def _restore_handlers(self, handlers: Mapping[signal.Signals, Handler]) -> None:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ended(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended by itself with exit code {code}"
