"""Loads as workers perform them: each with a separate connection, and retried while errors are transient."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from sentiment_core.database.connection import connect
from sentiment_core.drops.body import Readable
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import TransientError
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.loader import Loader, LoadOutcome, load_drop
from sentiment_core.settings import Settings
from tests.starter import starter_scorer


def put_files(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Write files into one day's folder on the local disk, and return their paths."""
    day = folder / "dt=2026-11-16"
    day.mkdir()
    for name, data in files.items():
        (day / name).write_bytes(data)
    return [str(day / name) for name in files]


def load_once(settings: Settings, storage: Storage, uri: str) -> LoadOutcome:
    """Load a file with a separate connection."""
    with connect(settings.require_database_url()) as connection:
        model = open_model(connection, starter_scorer())
        loader = Loader(connection, storage, model, settings, threading.current_thread().name)
        return load_drop(loader, storage.find(uri), replace=False)


def load_until_it_works(settings: Settings, storage: Storage, uri: str) -> tuple[LoadOutcome, list[TransientError]]:
    """Load a file, retry after each transient error for a minute, and return the result with the errors."""
    errors: list[TransientError] = []
    deadline = time.monotonic() + 60
    while True:
        try:
            return load_once(settings, storage, uri), errors
        except TransientError as error:
            errors.append(error)
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Watched(Storage):
    """A storage that calls `at_half` after half of an object's bytes were read, once per object."""

    def __init__(self, client: object, at_half: Callable[[], object]) -> None:
        super().__init__(client)
        self.at_half = at_half
        self.seen: set[str] = set()

    @contextmanager
    def open(self, drop: Drop) -> Iterator[BinaryIO]:
        """Open an object."""
        with super().open(drop) as body:
            yield body if drop.uri in self.seen else cast("BinaryIO", _WatchedBody(body, drop, self))


class _WatchedBody:
    def __init__(self, body: Readable, drop: Drop, storage: Watched) -> None:
        self.body = body
        self.drop = drop
        self.storage = storage
        self.left = drop.size // 2

    def read(self, size: int = -1, /) -> bytes:
        data = self.body.read(size)
        self.left -= len(data)
        if self.left <= 0 and self.drop.uri not in self.storage.seen:
            self.storage.seen.add(self.drop.uri)
            self.storage.at_half()
        return data
