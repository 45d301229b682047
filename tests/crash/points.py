"""Kill points: a process that reaches an ordered point announces this and waits there to be killed.

`install` wraps the functions that a load calls. An order is a file named after its point. The process that removes the
file stops. Each order therefore stops one process, once, regardless of how many are forked from the one that called
`install`. No exception is raised and no cleanup runs: only SIGKILL from outside ends a stopped process.
"""

import os
import select
import signal
import time
from collections.abc import Callable
from enum import Enum
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

from sentiment_core.ledger import source_files
from sentiment_core.loading import binary_copy
from sentiment_core.loading.loader import Loader, LoadOutcome

FOLDER = "CRASH_FOLDER"  # the environment variable that names the folder of the orders
# The file at which the process stops. One file is stored before it, and others follow.
TARGET = 2
# The COPY of that file in which it stops: the reviews of the second block. The scores and rejected rows of each block
# follow its reviews.
STREAM = 4


class Point(Enum):
    """The points where a load can be stopped, in the order in which it reaches them."""

    LISTED = "after listing"
    CLAIMED = "after the claim"
    COPYING = "half-way through COPY"
    MARKED = "before commit"
    COMMITTED = "after commit, before the report"


class Orders:
    """A folder of orders, and the pipe on which the processes that follow them announce themselves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pipe = folder / "announced"
        os.mkfifo(self._pipe)
        # Also open for writing, so that the pipe does not end when the first writer closes it.
        self._announced = os.open(self._pipe, os.O_RDWR)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._announced)

    def give(self, point: Point) -> None:
        """Order the next process that reaches the point to stop there.

        This cancels an order that no process followed.
        """
        for other in Point:
            (self.folder / other.name).unlink(missing_ok=True)
        (self.folder / point.name).touch()

    def wait(self, check: Callable[[], object], seconds: float) -> tuple[Point, int]:
        """Return the point that a process announced, and its process id.

        `check` raises when no announcement can follow.
        """
        deadline = time.monotonic() + seconds
        while not select.select([self._announced], [], [], 0.1)[0]:
            check()
            assert time.monotonic() < deadline, f"no process announced its point within {seconds:g} s"
        name, pid = os.read(self._announced, 100).decode().split()
        return Point[name], int(pid)


class _Trap:
    """Track one process's progress through its loads, and stop it at an ordered point."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loads = 0
        self._streams = 0

    def enter(self) -> None:
        """Record that the load of another file begins."""
        self._loads += 1
        self._streams = 0

    def open_stream(self) -> int:
        """Return the number of a new stream of the file."""
        self._streams += 1
        return self._streams

    def reach(self, point: Point) -> None:
        """Stop here if this is the target's load and this process gets the order."""
        if self._loads != TARGET:
            return
        try:
            (self._folder / point.name).unlink()
        except FileNotFoundError:
            return
        self._stop(point)

    def _stop(self, point: Point) -> NoReturn:
        with (self._folder / "announced").open("w") as pipe:
            pipe.write(f"{point.name} {os.getpid()}\n")
        while True:
            signal.pause()


def install(folder: Path) -> None:
    """Install all points in this process and in the processes forked from it."""
    trap = _Trap(folder)
    load, claim, mark_loaded = Loader.load, source_files.claim, source_files.mark_loaded

    @wraps(load)
    def load_and_stop(self: Loader, *args: Any, **options: Any) -> LoadOutcome:
        trap.enter()
        trap.reach(Point.LISTED)
        outcome = load(self, *args, **options)
        trap.reach(Point.COMMITTED)
        return outcome

    @wraps(claim)
    def claim_and_stop(*args: Any, **options: Any) -> source_files.SourceFile:
        file = claim(*args, **options)
        trap.reach(Point.CLAIMED)
        return file

    @wraps(mark_loaded)
    def mark_loaded_and_stop(*args: Any, **options: Any) -> None:
        mark_loaded(*args, **options)
        trap.reach(Point.MARKED)

    class StoppingStream(BytesIO):
        """A stream for COPY that can stop after half of its bytes are passed on."""

        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            self._half = len(data) // 2
            self._number = trap.open_stream()

        def read(self, size: int | None = -1, /) -> bytes:
            if self._number != STREAM:
                return super().read(size)
            if self.tell() >= self._half:
                trap.reach(Point.COPYING)
            return super().read(self._half + 1)

    Loader.load = load_and_stop  # type: ignore[method-assign]
    source_files.claim = claim_and_stop
    source_files.mark_loaded = mark_loaded_and_stop
    binary_copy.BytesIO = StoppingStream  # type: ignore[misc]
