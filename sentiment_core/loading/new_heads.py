"""Collect the review keys of a batch's rows, so that their heads need not be read back from the database."""

from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.database.connection import Connection
from sentiment_core.drops.deduplication import KEY_BYTES
from sentiment_core.drops.typed_fields import POSTGRES_EPOCH
from sentiment_core.ledger.file_heads import FileHeads
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading import binary_copy

MAX_HEADS: Final = 1_000_000  # 20 MB
COPY_ROWS: Final = 100_000  # of one COPY, which then has 6 MB


class NewHeads:
    """The rows with a review key, up to `MAX_HEADS` of them."""

    def __init__(self, connection: Connection, file: SourceFile) -> None:
        self._connection = connection
        self._file = file
        self._keys = [np.empty((0, KEY_BYTES), np.uint8)]
        self._lines = [np.empty(0, np.int32)]
        self._left = MAX_HEADS

    def add(self, keys: BytesColumn, line: NDArray[np.int32]) -> None:
        """Add the rows of one block. No earlier row has their keys."""
        keyed = np.flatnonzero(~keys.null)
        self._left -= len(keyed)
        if self._left < 0:
            self._keys, self._lines = [], []
            return
        self._keys.append(keys.data.reshape(-1, KEY_BYTES)[keys.start[keyed] // KEY_BYTES])
        self._lines.append(line[keyed])

    @property
    def heads(self) -> FileHeads | None:
        """Return the rows in the order of their keys, or None if there are too many: they must then be read back."""
        if self._left < 0:
            return None
        keys, lines = np.concatenate(self._keys), np.concatenate(self._lines)
        # Keys are hashes. Sorted inserts follow the index order, so that its pages are written one after another.
        order = np.argsort(keys[:, :8].copy().view(">u8")[:, 0].astype(np.uint64))
        keys, lines = keys[order], lines[order]

        def copy() -> None:
            for first in range(0, len(keys), COPY_ROWS):
                self._copy(keys[first : first + COPY_ROWS], lines[first : first + COPY_ROWS])

        return FileHeads(keys, copy)

    def _copy(self, keys: NDArray[np.uint8], lines: NDArray[np.int32]) -> None:
        rows, file = len(keys), self._file
        modified = (file.last_modified - POSTGRES_EPOCH) // timedelta(microseconds=1)
        binary_copy.copy_rows(
            self._connection,
            "review_head",
            {
                "review_key": BytesColumn(
                    keys.reshape(-1), np.arange(rows) * KEY_BYTES, np.full(rows, KEY_BYTES, np.int32)
                ),
                "day": binary_copy.day(file.day, rows),
                "source_file_id": binary_copy.bigint(file.source_file_id, rows),
                "line": binary_copy.numbers(lines),
                "last_modified": binary_copy.bigint(modified, rows),
            },
        )
