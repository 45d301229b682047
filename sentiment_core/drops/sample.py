"""The first rows of a file, column by column, for proposals and reports."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sentiment_core.columnar.columns import packed_words
from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock, joined
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.header import shown_names
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.record_kernel import INVALID_UTF8, NUL
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import FileRejected

SAMPLE_ROWS = 2_000


class SampleColumn(NamedTuple):
    """A column of a sample: its name, and its values that are not missing."""

    name: str
    values: list[str]
    rows: int

    @property
    def mean_words(self) -> float:
        """Return the mean number of words of a value."""
        return sum(len(value.split()) for value in self.values) / max(1, len(self.values))

    @property
    def mean_length(self) -> float:
        """Return the mean number of characters of a value."""
        return sum(map(len, self.values)) / max(1, len(self.values))

    @property
    def distinct(self) -> float:
        """Return the ratio of distinct values."""
        return len(set(self.values)) / max(1, len(self.values))


class Sample(NamedTuple):
    """The header and the first records of a file."""

    block: RecordBlock  # the header first
    columns: list[SampleColumn]
    unreadable: int  # records that are not UTF-8

    @property
    def names(self) -> list[str]:
        """Return the names of the columns."""
        return [column.name for column in self.columns]


def read_sample(storage: Storage, drop: Drop, rules: Rules) -> Sample:
    """Read the first rows of a drop. Raises `FileRejected` when it has no record, and the storage errors."""
    settings = rules.settings
    with storage.open(drop) as stored:
        body = Body(stored, drop, settings.max_expanded_bytes)
        block = _first_records(read_body(body, rules))
    if block is None:
        raise FileRejected(reason=RejectCode.EMPTY_FILE, why=f"{drop.uri} is empty")
    names = shown_names(block.fields(0), drop.uri)
    rows = block.records(1)
    unreadable = rows.flags & (INVALID_UTF8 | NUL) > 0
    good = np.flatnonzero((rows.field_counts == len(names)) & ~unreadable)
    missing = packed_words(rules.null_words)
    columns = [
        SampleColumn(
            name,
            [value.decode() for value in rows.column(good, field).trimmed().without(missing).values() if value],
            len(good),
        )
        for field, name in enumerate(names)
    ]
    return Sample(block, columns, int(unreadable.sum()))


def _first_records(blocks: Iterator[RecordBlock]) -> RecordBlock | None:
    """Return the first header and the records below it, up to the sample's size."""
    found: list[RecordBlock] = []
    for block in blocks:
        if found and block.has_header:
            break
        found.append(block)
        if sum(each.size for each in found) > SAMPLE_ROWS:
            break
    return joined(found).records(0, SAMPLE_ROWS + 1) if found else None
