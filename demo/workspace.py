"""The state folder of a stack. It keeps chosen and generated values the same between starts."""

import fcntl
import json
import os
import secrets
import socket
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from demo.errors import PortTaken, StateInUse
from demo.processes import Supervisor, require_room

LOOPBACK = "127.0.0.1"
# Below the system's range of ephemeral ports: an outgoing connection could otherwise hold a stored port at the next
# start.
PORTS = range(20_000, 32_000)


class Workspace:
    """A state folder with the programs, ports, secrets and folders of a stack; a context manager.

    Only one process may hold the folder at a time. `ports` maps names to the ports that the user requested. Raises
    `StateInUse`, `DiskFull` and `PortTaken`.
    """

    def __init__(self, state: Path, ports: Mapping[str, int] | None = None) -> None:
        self.state = state.absolute()
        self.state.mkdir(parents=True, exist_ok=True)
        self._asked = dict(ports or {})
        self._ports: dict[str, int] = {}
        self._lock = threading.Lock()
        self._holder = _hold(self.state)
        with ExitStack() as undo:
            undo.callback(os.close, self._holder)
            require_room(self.state)
            self.supervisor = undo.enter_context(Supervisor(self.state))
            for name in self._asked:
                self.port(name)
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all programs and release the folder."""
        self.supervisor.stop()
        if self._holder >= 0:
            os.close(self._holder)
            self._holder = -1

    def folder(self, name: str) -> Path:
        """Return the folder of this name. Create it if it does not exist."""
        path = self.state / name
        path.mkdir(exist_ok=True)
        return path

    def port(self, name: str) -> int:
        """Return the port of this name: the requested one, the one of the last start, or a new one.

        Raises `PortTaken` when the requested port is in use.
        """
        with self._lock:
            if name not in self._ports:
                kept = _read(self.state / "ports.json")
                self._ports[name] = self._choose(name, kept)
                _write(self.state / "ports.json", kept | self._ports)
            return self._ports[name]

    def secret(self, name: str, fresh: str | None = None) -> str:
        """Return the secret of this name. The first call stores `fresh` or 24 random characters."""
        with self._lock:
            kept = _read(self.state / "secrets.json")
            if name not in kept:
                kept[name] = fresh or secrets.token_hex(12)
                _write(self.state / "secrets.json", kept)
            return str(kept[name])

    def _choose(self, name: str, kept: Mapping[str, int]) -> int:
        if name in self._asked:
            if not _is_free(self._asked[name]):
                raise PortTaken(port=self._asked[name], name=name)
            return self._asked[name]
        if name in kept and _is_free(kept[name]):
            return kept[name]
        return _free_port(but={*kept.values(), *self._asked.values()})


def is_held(state: Path) -> bool:
    """Return whether a process holds the folder."""
    try:
        os.close(_hold(state, write=False))
    except StateInUse:
        return True
    return False


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
        file.write(text)
    fresh.replace(path)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _write(path: Path, values: Mapping[str, Any]) -> None:
    write_private(path, json.dumps(values, indent=1, sort_keys=True) + "\n")


def _hold(state: Path, *, write: bool = True) -> int:
    """Lock the folder for this process. The lock is released when the process ends for any reason."""
    holder = os.open(state / "lock", os.O_RDWR | os.O_CREAT, mode=0o600)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(holder, 20).decode() or "unknown"
        os.close(holder)
        raise StateInUse(path=state, pid=pid) from None
    if write:
        os.ftruncate(holder, 0)
        os.write(holder, str(os.getpid()).encode())
    return holder


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Set SO_REUSEADDR as servers do: a port in TIME_WAIT is usable, a port with a listener is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_port(but: set[int]) -> int:
    while True:
        port = secrets.choice(PORTS)
        if port not in but and _is_free(port):
            return port
