"""Process sessions: find the members of a session and end all of them.

Each part of the stack leads a separate session (`setsid`). Its child processes can therefore be found and signalled
even after the part itself has ended. A `Trace` records what another process needs in order to do this later.
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import psutil

# Start times are derived from the boot time, which shifts slightly when the clock is set.
CLOCK_TOLERANCE_S = 2.0
STRAGGLERS_MAY_TAKE_S = 1.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Trace:
    """A record of a started program: enough to recognise its processes and to stop them with the right signal."""

    name: str
    pid: int
    created: float
    folder: str
    stop_signal: int
    stop_within_s: float
    needs: tuple[str, ...]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Parse the output of `to_json`."""
        return cls(**{**record, "needs": tuple(record["needs"])})

    def to_json(self) -> dict[str, Any]:
        """Return the trace as plain values."""
        return asdict(self)

    def leader(self) -> psutil.Process | None:
        """Return the program's main process. Return None if it has ended or if another process has its pid."""
        process = _process(self.pid)
        return process if process and self._is_mine(process) and _runs(process) else None

    def members(self) -> list[psutil.Process]:
        """Return all running processes of the session, and the leader's descendants in other sessions."""
        holder = _process(self.pid)
        if holder is not None and not self._is_mine(holder):
            return []
        found = {member.pid: member for member in _session(self.pid)}
        if holder is None:
            # The pid may have been reused meanwhile, so only processes whose working folder is ours count as members.
            return [member for member in found.values() if _works_in(member, Path(self.folder))]
        with suppress(psutil.Error):
            found |= {child.pid: child for child in holder.children(recursive=True)}
        found[holder.pid] = holder
        return [member for member in found.values() if _runs(member)]

    def _is_mine(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            return bool(abs(process.create_time() - self.created) <= CLOCK_TOLERANCE_S)
        return False


def end_all(traces: Iterable[Trace]) -> None:
    """End these programs and all their child processes.

    A program ends only after all programs that need it have ended.
    """
    waiting = {trace.name: _Ending(trace) for trace in traces}
    while waiting:
        needed = {name for ending in waiting.values() for name in ending.trace.needs}
        for name, ending in list(waiting.items()):
            if name not in needed and ending.advance():
                del waiting[name]
        time.sleep(LOOK_EVERY_S)


class _Ending:
    """A program that is being ended: first signalled, then waited for, then killed."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._members: dict[int, psutil.Process] = {}
        self._asked_at: float | None = None
        self._leader_gone_at: float | None = None

    def advance(self) -> bool:
        """Perform the next step. Return True when no process of the program runs any more."""
        self._members |= {member.pid: member for member in self.trace.members()}
        self._members = {pid: member for pid, member in self._members.items() if _runs(member)}
        if not self._members:
            return True
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._ask()
        if self._leader_gone_at is None and self.trace.leader() is None:
            self._leader_gone_at = now
        leaderless_s = now - self._leader_gone_at if self._leader_gone_at is not None else 0.0
        if now - self._asked_at > self.trace.stop_within_s or leaderless_s > STRAGGLERS_MAY_TAKE_S:
            for member in self._members.values():
                with suppress(psutil.Error):
                    member.kill()
        return False

    def _ask(self) -> None:
        if self.trace.leader() is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.trace.pid, self.trace.stop_signal)
                return
        for member in self._members.values():
            with suppress(psutil.Error):
                member.send_signal(signal.SIGTERM)


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _session(leader: int) -> list[psutil.Process]:
    members = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader and (process := _process(pid)) is not None:
                members.append(process)
    return members


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        return Path(process.cwd()).is_relative_to(folder)
    return False
