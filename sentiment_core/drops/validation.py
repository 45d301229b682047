"""Check rows against the drop contract. Good rows become typed columns. All others are rejected with a reason."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import chain
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, NumberColumn, TextColumn
from sentiment_core.drops.contract import Header, RejectCode
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.typed_fields import Refused, json_objects, ratings, time_of, times
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

BadValues = Literal["reject", "null"]  # how to treat a row whose rating or reviewed_at cannot be parsed


class RejectedRow(NamedTuple):
    """A row for the quarantine: its physical line, the code and reason, and its unchanged bytes.

    The bytes are None if they must not be kept because their erasure was requested.
    """

    line: int
    code: RejectCode
    reason: str
    raw: bytes | None


class Review(NamedTuple):
    """The fields of one row. Two rows with the same review id are duplicates if all these fields are equal."""

    review_id: str | None
    product_id: str | None
    author_id: str | None
    rating: float | None
    reviewed_at: datetime | None
    language: str | None
    text: str
    extra: dict[str, str] | None
    nulled: dict[str, str] | None


class ReviewBatch(NamedTuple):
    """The good rows of one block. Every column has one entry per row."""

    block: RecordBlock
    record: NDArray[np.int64]  # index of the row's record in the block
    line: NDArray[np.int32]  # physical line in the file
    text: TextColumn
    review_id: BytesColumn
    product_id: BytesColumn
    author_id: BytesColumn
    rating: NumberColumn  # float64
    reviewed_at: NumberColumn  # int64, microseconds since 2000
    language: BytesColumn
    extra: BytesColumn  # JSON objects
    nulled: BytesColumn  # JSON objects of the original values that could not be parsed and became null

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return len(self.line)

    def review(self, row: int) -> Review:
        """Return one row's fields."""
        rating, at = self.rating.value(row), self.reviewed_at.value(row)
        return Review(
            self.review_id.text(row),
            self.product_id.text(row),
            self.author_id.text(row),
            rating,
            None if at is None else time_of(int(at)),
            self.language.text(row),
            self.text.text(row),
            _document(self.extra.value(row)),
            _document(self.nulled.value(row)),
        )

    def rejected(self, row: int, code: RejectCode, reason: str) -> RejectedRow:
        """Return the row as a rejected row for the quarantine."""
        return RejectedRow(int(self.line[row]), code, reason, self.block.raw(int(self.record[row])))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the batch with only the given rows."""
        if len(rows) == self.size:
            return self
        return type(self)(
            self.block,
            self.record[rows],
            self.line[rows],
            self.text.take(rows),
            self.review_id.take(rows),
            self.product_id.take(rows),
            self.author_id.take(rows),
            self.rating.take(rows),
            self.reviewed_at.take(rows),
            self.language.take(rows),
            self.extra.take(rows),
            self.nulled.take(rows),
        )


Faults = dict[int, tuple[RejectCode, str]]  # record -> why it is rejected; the first reason found is kept


class CheckedRows(NamedTuple):
    """One block of a file after the check against the contract."""

    header: Header
    header_raw: bytes  # unchanged bytes of the header
    batch: ReviewBatch
    rejected: list[RejectedRow]


def checked(
    blocks: Iterator[RecordBlock],
    settings: Settings,
    source: str,
    clock: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[CheckedRows]:
    """Check the blocks of a file against the contract. The first record is the header. `clock` times the work.

    Raises `FileRejected` when the file has no record or its header is invalid.
    """
    first = next(blocks, None)
    if first is None:
        raise FileRejected(reason=RejectCode.EMPTY_FILE, why=f"{source} is empty")
    header = Header(first.fields(0), settings.text_columns, source)
    validator = Validator(header, settings.max_text_bytes, settings.bad_values)
    for block in chain((first.records(1),), blocks):
        with clock():
            batch, rejected = validator.validate(block)
        yield CheckedRows(header, first.raw(0), batch, rejected)


class Validator:
    """Checks the blocks of one file against the contract.

    With `bad_values` "null", a rating or time that cannot be parsed does not reject its row. The value becomes null,
    and `nulled` keeps the original text.
    """

    def __init__(self, header: Header, max_text_bytes: int, bad_values: BadValues = "reject") -> None:
        self.header = header
        self.max_text_bytes = max_text_bytes
        self.bad_values = bad_values

    def validate(self, block: RecordBlock) -> tuple[ReviewBatch, list[RejectedRow]]:
        """Split a block into good and rejected rows. Each record is in exactly one of the two."""
        faults: Faults = {}
        self._check_records(block, faults)
        readable = np.delete(np.arange(block.size), list(faults))
        batch = self._typed(block, readable, faults)
        self._check_text(batch, faults)
        bad = np.fromiter(faults, np.int64, len(faults))
        good = np.flatnonzero(~np.isin(readable, bad)) if faults else np.arange(len(readable))
        rejected = [
            RejectedRow(int(block.line[record]), code, reason, block.raw(record))
            for record, (code, reason) in sorted(faults.items())
        ]
        return batch.take(good), rejected

    def _check_records(self, block: RecordBlock, faults: Faults) -> None:
        expected, counts = len(self.header.names), block.field_counts
        for record in np.flatnonzero(counts != expected).tolist():
            reason = f"the row has {counts[record]} columns, the header has {expected}"
            faults[record] = (RejectCode.COLUMN_COUNT, reason)
        for record in np.flatnonzero(block.invalid_utf8).tolist():
            faults.setdefault(record, (RejectCode.INVALID_UTF8, "the row contains bytes that are not UTF-8"))
        for record in np.flatnonzero(block.holds_nul).tolist():
            faults.setdefault(record, (RejectCode.NUL_BYTE, "the row contains a NUL byte"))

    def _typed(self, block: RecordBlock, records: NDArray[np.int64], faults: Faults) -> ReviewBatch:
        nulled: dict[int, dict[str, str]] = {}

        def strings(name: str) -> BytesColumn:
            field = self.header.known.get(name)
            return BytesColumn.nulls(len(records)) if field is None else block.column(records, field).trimmed()

        def numbers(name: str, read: Callable[[BytesColumn], tuple[NumberColumn, Refused]]) -> NumberColumn:
            column = strings(name)
            read_numbers, refused = read(column)
            for row, reason in refused.items():
                if self.bad_values == "null":
                    nulled.setdefault(row, {})[name] = column.text(row) or ""
                else:
                    code = RejectCode(f"invalid_{name}")
                    faults.setdefault(int(records[row]), (code, f"column {name}: {reason}"))
            return read_numbers

        extra = {name: block.column(records, field) for name, field in self.header.extra.items()}
        return ReviewBatch(
            block,
            records,
            block.line[records],
            block.column(records, self.header.text),
            strings("review_id"),
            strings("product_id"),
            strings("author_id"),
            numbers("rating", ratings),
            numbers("reviewed_at", times),
            strings("language"),
            json_objects(extra, len(records)),
            _documents(nulled, len(records)),
        )

    def _check_text(self, batch: ReviewBatch, faults: Faults) -> None:
        name, text = self.header.names[self.header.text], batch.text
        lengths = np.diff(text.offsets)
        for row in np.flatnonzero(lengths > self.max_text_bytes).tolist():
            reason = f"column {name} has {lengths[row]:,} bytes, more than the limit of {self.max_text_bytes:,}"
            faults.setdefault(int(batch.record[row]), (RejectCode.TEXT_TOO_LONG, reason))
        for row in np.flatnonzero(text.trimmed().null).tolist():
            faults.setdefault(int(batch.record[row]), (RejectCode.MISSING_TEXT, f"column {name} is empty"))


def _document(value: bytes | None) -> dict[str, str] | None:
    return None if value is None else json.loads(value)


def _documents(rows: dict[int, dict[str, str]], size: int) -> BytesColumn:
    if not rows:
        return BytesColumn.nulls(size)
    return BytesColumn.of([json.dumps(rows[row]).encode() if row in rows else None for row in range(size)])


def require_good_rows(
    rows: int, rejected: Mapping[RejectCode, int] | Mapping[str, int], max_ratio: float, source: str
) -> None:
    """Raise `FileRejected` when a file has no rows, or when the ratio of rejected rows exceeds `max_ratio`."""
    if rows == 0:
        raise FileRejected(reason=RejectCode.NO_ROWS, why=f"{source} has a header but no rows")
    bad = sum(rejected.values())
    if bad > max_ratio * rows:
        codes = ", ".join(f"{count:,} {code}" for code, count in Counter(rejected).most_common())
        raise FileRejected(
            reason=RejectCode.TOO_MANY_REJECTED,
            why=f"{bad:,} of {rows:,} rows of {source} break the contract ({codes}). "
            f"SENTIMENT_MAX_REJECTED_RATIO allows a ratio of {max_ratio:g}",
        )
