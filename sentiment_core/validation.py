"""Holds rows against the drop contract: good rows become typed columns, the others are rejected with a reason."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columns import TextColumn
from sentiment_core.contract import Header, RejectCode
from sentiment_core.records import RecordBlock

Value = TypeVar("Value")

# A text can be all white space only when it starts with some: an ASCII control or space, or a non-ASCII character.
LAST_BLANK_ASCII, FIRST_NON_ASCII = 0x20, 0x80


class RejectedRow(NamedTuple):
    """A row for the quarantine: its physical line, why, and its bytes as they stand in the file."""

    line: int
    code: RejectCode
    reason: str
    raw: bytes


class Review(NamedTuple):
    """The fields of one row. Two rows with one review id are repeats of each other when these are equal."""

    review_id: str | None
    product_id: str | None
    author_id: str | None
    rating: float | None
    reviewed_at: datetime | None
    language: str | None
    text: str
    extra: dict[str, str] | None


class ReviewBatch(NamedTuple):
    """The good rows of one block; every column has one entry for each of them."""

    block: RecordBlock
    record: NDArray[np.int64]  # index of the row's record in the block
    line: NDArray[np.int32]  # physical line in the file
    text: TextColumn
    review_id: list[str | None]
    product_id: list[str | None]
    author_id: list[str | None]
    rating: list[float | None]
    reviewed_at: list[datetime | None]
    language: list[str | None]
    extra: list[str | None]  # JSON objects

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return len(self.line)

    def review(self, row: int) -> Review:
        """Return one row's fields."""
        extra = self.extra[row]
        return Review(
            self.review_id[row],
            self.product_id[row],
            self.author_id[row],
            self.rating[row],
            self.reviewed_at[row],
            self.language[row],
            self.text.text(row),
            None if extra is None else json.loads(extra),
        )

    def rejected(self, row: int, code: RejectCode, reason: str) -> RejectedRow:
        """Return a row as one for the quarantine."""
        return RejectedRow(int(self.line[row]), code, reason, self.block.raw(int(self.record[row])))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the batch with only the given rows."""
        if len(rows) == self.size:
            return self
        kept = rows.tolist()
        return type(self)(
            self.block,
            self.record[rows],
            self.line[rows],
            self.text.take(rows),
            [self.review_id[row] for row in kept],
            [self.product_id[row] for row in kept],
            [self.author_id[row] for row in kept],
            [self.rating[row] for row in kept],
            [self.reviewed_at[row] for row in kept],
            [self.language[row] for row in kept],
            [self.extra[row] for row in kept],
        )


Faults = dict[int, tuple[RejectCode, str]]  # record -> why it is rejected; the first reason found stays


class Validator:
    """Holds the blocks of one file against the contract."""

    def __init__(self, header: Header, max_text_bytes: int) -> None:
        self.header = header
        self.max_text_bytes = max_text_bytes

    def validate(self, block: RecordBlock) -> tuple[ReviewBatch, list[RejectedRow]]:
        """Split a block into good rows and rejected ones; together they are all its records."""
        faults: Faults = {}
        self._check_records(block, faults)
        readable = np.delete(np.arange(block.size), list(faults))
        batch = self._typed(block, readable, faults)
        self._check_text(batch, faults)
        good = np.flatnonzero([record not in faults for record in readable.tolist()])
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
        for record in np.flatnonzero(block.invalid_utf8()).tolist():
            faults.setdefault(record, (RejectCode.INVALID_UTF8, "the row holds bytes that are not UTF-8"))
        for record in np.flatnonzero(block.holds_nul()).tolist():
            faults.setdefault(record, (RejectCode.NUL_BYTE, "the row holds a NUL byte"))

    def _typed(self, block: RecordBlock, records: NDArray[np.int64], faults: Faults) -> ReviewBatch:
        return ReviewBatch(
            block,
            records,
            block.line[records],
            block.column(records, self.header.text),
            self._strings(block, records, "review_id"),
            self._strings(block, records, "product_id"),
            self._strings(block, records, "author_id"),
            self._parsed(block, records, "rating", parse_rating, faults),
            self._parsed(block, records, "reviewed_at", parse_time, faults),
            self._strings(block, records, "language"),
            self._extra(block, records),
        )

    def _check_text(self, batch: ReviewBatch, faults: Faults) -> None:
        name, text = self.header.names[self.header.text], batch.text
        lengths = np.diff(text.offsets)
        for row in np.flatnonzero(lengths > self.max_text_bytes).tolist():
            reason = f"column {name} has {lengths[row]:,} bytes, at most {self.max_text_bytes:,} are taken"
            faults.setdefault(int(batch.record[row]), (RejectCode.TEXT_TOO_LONG, reason))
        first = np.append(text.data, np.uint8(0))[text.offsets[:-1]]
        blank = (lengths == 0) | (first <= LAST_BLANK_ASCII) | (first >= FIRST_NON_ASCII)
        for row in np.flatnonzero(blank).tolist():
            if not text.text(row).strip():
                faults.setdefault(int(batch.record[row]), (RejectCode.MISSING_TEXT, f"column {name} is empty"))

    def _strings(self, block: RecordBlock, records: NDArray[np.int64], name: str) -> list[str | None]:
        field = self.header.known.get(name)
        if field is None:
            return [None] * len(records)
        return [value.strip() or None for value in block.column(records, field).texts()]

    def _parsed(
        self,
        block: RecordBlock,
        records: NDArray[np.int64],
        name: str,
        parse: Callable[[str], Value],
        faults: Faults,
    ) -> list[Value | None]:
        values: list[Value | None] = []
        for record, text in zip(records.tolist(), self._strings(block, records, name), strict=True):
            value = None
            if text is not None:
                try:
                    value = parse(text)
                except ValueError as error:
                    faults.setdefault(record, (RejectCode(f"invalid_{name}"), f"column {name}: {error}"))
            values.append(value)
        return values

    def _extra(self, block: RecordBlock, records: NDArray[np.int64]) -> list[str | None]:
        if not self.header.extra:
            return [None] * len(records)
        names = list(self.header.extra)
        columns = [block.column(records, field).texts() for field in self.header.extra.values()]
        return [
            json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False)
            for values in zip(*columns, strict=True)
        ]


def parse_rating(text: str) -> float:
    """Read a finite number. Raises `ValueError`."""
    try:
        rating = float(text)
    except ValueError:
        rating = math.nan
    if not math.isfinite(rating):
        raise ValueError(f"{text[:40]!r} is not a number")
    return rating


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 date or time; without a zone it is taken as UTC. Raises `ValueError`."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 date or time") from None
