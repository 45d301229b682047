"""The first rows of a file, column by column, for proposals and reports."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

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
_FIRST: Final = 20  # a reading that none of the first values has is tried no further
_LEAST_WORDS: Final = 1.7  # mean words of prose; short reviews have two
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_WORD: Final = re.compile(r"(?<!\S)[^\w\s]*[^\W\d_]+(?:['’.-][^\W\d_]+)*[^\w\s]*(?!\S)")  # noqa: RUF001
_NO_PROSE: Final = re.compile(r"[\[{]|https?://|\S+@\S+$|[\d./:,+-]+(?:[ T][\d:.+-]+)*(?: ?(?:[AP]M|UTC|Z))?$")


class SampleColumn:
    """A column of a sample: its name, the cell of each row (None if it is missing), and the other cells as `values`."""

    def __init__(self, name: str, cells: list[str | None]) -> None:
        self.name = name
        self.cells = cells
        self.values = [value for value in cells if value is not None]

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.cells)

    @cached_property
    def mean_words(self) -> float:
        """Return the mean number of words of a value. Two characters of a script without spaces are one word."""
        words = sum(len(_WORD.findall(value)) + len(_UNSPACED.findall(value)) / 2 for value in self.values)
        return words / max(1, len(self.values))

    @property
    def is_prose(self) -> bool:
        """Return whether the values are sentences or phrases, and not numbers, times, addresses of pages or lists."""
        other = sum(_NO_PROSE.match(value) is not None for value in self.values)
        return self.mean_words >= _LEAST_WORDS and other * 2 < len(self.values)

    @property
    def mean_length(self) -> float:
        """Return the mean number of characters of a value."""
        return sum(map(len, self.values)) / max(1, len(self.values))

    @property
    def distinct(self) -> float:
        """Return the ratio of distinct values."""
        return len(set(self.values)) / max(1, len(self.values))

    @cached_property
    def counts(self) -> Counter[str]:
        """Return how often each value occurs."""
        return Counter(self.values)

    def ratio(self, reads: Callable[[str], object]) -> float:
        """Return the ratio of values that a function reads without a `ValueError`."""
        found = 0
        for tried, (value, count) in enumerate(self.counts.items(), 1):
            found += count * _reads(reads, value)
            if tried == _FIRST and found == 0:
                return 0.0
        return found / max(1, len(self.values))


def _reads(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except (ValueError, OverflowError):
        return False
    return True


class Sample(NamedTuple):
    """The header and the first records of a file."""

    block: RecordBlock  # the header first
    columns: list[SampleColumn]
    unreadable: int  # records that are not UTF-8

    @property
    def is_delimited(self) -> bool:
        """Return whether the file is delimited text."""
        return self.block.dialect.form == "delimited"

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
    unreadable = rows.flags & INVALID_UTF8 > 0
    good = np.flatnonzero((rows.field_counts == len(names)) & ~unreadable & (rows.flags & NUL == 0))
    missing = packed_words(rules.null_words)
    columns = [
        SampleColumn(
            name,
            [
                value.decode() if value else None
                for value in rows.column(good, field).trimmed().without(missing).values()
            ],
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
