"""Split the bytes of a delimited file into records and fields, block by block.

One pass over the bytes, 64 at a time, finds record boundaries, field boundaries, physical line numbers and invalid
UTF-8. A `Dialect` says how to read the bytes:

- A line ends with LF or CRLF. A lone CR is a character, except in a file without any LF, where it ends a line.
- A blank line, or a line that has only delimiters, is not a record.
- A field is quoted if it begins with `"` and its closing quote is followed by a delimiter or a line end (RFC 4180).
  Spaces may stand between them. Quoted fields may contain delimiters and line ends. A doubled quote means one quote.
- Otherwise each quote is a character, and the field ends at the next delimiter or line end. So a stray quote at the
  start of a field does not swallow the records behind it. The record is flagged.
- A quote that is not closed before the end of the file, or within the maximum size of a record, is a character too.
- With backslash escapes, a backslash makes the next punctuation character a part of the field.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.simd import BYTES
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.record_kernel import RFC4180, count, gather, split
from sentiment_core.errors import FileRejected


class Dialect(NamedTuple):
    """How the bytes of a file become records and fields."""

    delimiter: str = ","  # one ASCII character
    quoting: int = RFC4180  # or BACKSLASH_ESCAPES, NO_QUOTING or JSON_OBJECTS (`record_kernel`)
    cr_ends_lines: bool = False
    encoding: str = "utf-8"  # of the file; records are UTF-8
    form: str = "delimited"  # or json, parquet, workbook


class Stream(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes. The result is empty at the end of the stream."""


class RecordBlock(NamedTuple):
    """The records that end within one block of the file: `n` records with `f` fields in total."""

    dialect: Dialect
    data: NDArray[np.uint8]
    field_start: NDArray[np.int64]  # f: first byte in data, after the opening quote
    field_end: NDArray[np.int64]  # f: end in data, before the closing quote
    field_escape: NDArray[np.uint8]  # f: how `column` resolves escapes (`record_kernel`)
    first_field: NDArray[np.int64]  # n + 1: index of a record's first field
    start: NDArray[np.int64]  # n: first byte of the record in data
    end: NDArray[np.int64]  # n: end of the record, without its line end
    line: NDArray[np.int32]  # n: physical line of the file on which the record starts
    flags: NDArray[np.uint8]  # n: bits of what is known of the record (`record_kernel`)
    has_header: bool = False  # the first record names the columns of this block and of those after it
    warnings: tuple[str, ...] = ()  # of the file, for the header
    following: bytes = b""  # the first record of the next block, if the check of the last one needs it

    @property
    def size(self) -> int:
        """Return the number of records."""
        return len(self.start)

    @property
    def field_counts(self) -> NDArray[np.int64]:
        """Return the number of fields of each record, shape (n,)."""
        return np.diff(self.first_field)

    def flagged(self, flag: int) -> NDArray[np.int64]:
        """Return the indices of the records that have a flag."""
        return np.flatnonzero(self.flags & flag)

    def raw(self, record: int) -> bytes:
        """Return the unchanged bytes of a record."""
        return self.data[self.start[record] : self.end[record]].tobytes()

    def fields(self, record: int) -> list[bytes]:
        """Return the contents of the fields of one record, with quotes resolved."""
        first = int(self.first_field[record])
        fields = self._contents(np.arange(first, first + int(self.field_counts[record])))
        data, at = fields.data.tobytes(), fields.offsets.tolist()
        return [data[start:end] for start, end in pairwise(at)]

    def column(self, records: NDArray[np.int64], field: int) -> TextColumn:
        """Return one field of the given records, with quotes resolved. The bytes may be invalid UTF-8."""
        return self._contents(self.first_field[records] + field)

    def _contents(self, at: NDArray[np.int64]) -> TextColumn:
        start, end, escape = self.field_start[at], self.field_end[at], self.field_escape[at]
        offsets = np.zeros(len(at) + 1, np.int64)
        np.cumsum(end - start, out=offsets[1:])
        data = np.empty(offsets[-1], np.uint8)
        gather(self.data, start, end, escape, data, offsets)
        return TextColumn(data[: offsets[-1]], offsets)

    def records(self, first: int, last: int | None = None) -> "RecordBlock":
        """Return the block with only the records from `first` up to, but not including, `last`."""
        return self._replace(
            first_field=self.first_field[first : None if last is None else last + 1],
            start=self.start[first:last],
            end=self.end[first:last],
            line=self.line[first:last],
            flags=self.flags[first:last],
            has_header=self.has_header and first == 0,
        )


def joined(blocks: Sequence[RecordBlock]) -> RecordBlock:
    """Return the records of at least one block, all of one dialect, as one block."""
    bytes_before = np.cumsum([0, *(len(block.data) for block in blocks[:-1])])
    fields_before = np.cumsum([0, *(block.first_field[-1] for block in blocks[:-1])])
    first_fields = [block.first_field[:-1] + at for block, at in zip(blocks, fields_before, strict=True)]
    first_fields.append(blocks[-1].first_field[-1:] + fields_before[-1])
    padding = np.zeros(BYTES, np.uint8)  # the compiled functions read past the end
    data = np.concatenate([*(block.data for block in blocks), padding])

    def moved(name: str, records: bool) -> NDArray[np.int64]:
        columns = [getattr(block, name)[: block.size if records else block.first_field[-1]] for block in blocks]
        return np.concatenate([column + at for column, at in zip(columns, bytes_before, strict=True)])

    return RecordBlock(
        blocks[0].dialect,
        data[:-BYTES],
        moved("field_start", records=False),
        moved("field_end", records=False),
        np.concatenate([block.field_escape[: block.first_field[-1]] for block in blocks]),
        np.concatenate(first_fields),
        moved("start", records=True),
        moved("end", records=True),
        np.concatenate([block.line for block in blocks]),
        np.concatenate([block.flags for block in blocks]),
        blocks[0].has_header,
    )


def read_records(
    stream: Stream, dialect: Dialect, block_bytes: int, max_record_bytes: int, source: str, line: int = 1
) -> Iterator[RecordBlock]:
    """Yield the records of a stream of UTF-8 in blocks of about `block_bytes` bytes, the header first.

    `source` names the stream in errors.
    `line` is the physical line at which the stream starts. Memory is bounded by `block_bytes + max_record_bytes`.
    Raises `FileRejected` for a record larger than `max_record_bytes`.
    """
    blocks = _blocks(stream, dialect, block_bytes, max_record_bytes, source, line)
    if first := next(blocks, None):
        yield first._replace(has_header=True)
    yield from blocks


def _blocks(
    stream: Stream, dialect: Dialect, block_bytes: int, max_record_bytes: int, source: str, line: int
) -> Iterator[RecordBlock]:
    rest = b""
    while True:
        fresh = stream.read(block_bytes)
        data, final = rest + fresh, not fresh
        block, consumed, next_line = scan(data, dialect, line, final)
        if not final and len(data) - consumed > max_record_bytes:
            # No record is so large: a quote that opens in it is a character.
            larger, more, next_line = scan(data[consumed:], dialect, next_line, final, give_up=True)
            if more == 0:
                raise too_large(next_line, max_record_bytes, source)
            yield from _bounded(block, max_record_bytes, source)
            block, consumed = larger, consumed + more
        yield from _bounded(block, max_record_bytes, source)
        rest, line = data[consumed:], next_line
        if final:
            return


def _bounded(block: RecordBlock, max_record_bytes: int, source: str) -> Iterator[RecordBlock]:
    if block.size:
        longest = int(np.argmax(block.end - block.start))
        if block.end[longest] - block.start[longest] > max_record_bytes:
            raise too_large(int(block.line[longest]), max_record_bytes, source)
        yield block


def too_large(line: int, max_record_bytes: int, source: str) -> FileRejected:
    """Return the error for a record that is larger than the limit."""
    return FileRejected(
        reason=RejectCode.RECORD_TOO_LARGE,
        why=f"the record on line {line} of {source} is larger than {max_record_bytes:,} bytes "
        "(SENTIMENT_MAX_RECORD_BYTES)",
    )


def scan(
    data: bytes, dialect: Dialect, line: int, final: bool, *, give_up: bool = False
) -> tuple[RecordBlock, int, int]:
    """Split one block of data that starts at the beginning of a record, on physical line `line`.

    Returns the complete records, the number of bytes they occupy, and the line on which the rest starts. With `final`,
    the end of the data ends the last record. With `give_up`, a quote that opens in the first record and is not closed
    in the data is a character.
    """
    separator = ord(dialect.delimiter)
    padded = np.frombuffer(data + bytes(BYTES), np.uint8)
    ends, fields = count(padded, len(data), separator)
    ends, fields = ends + 1, fields + ends + 1
    block = RecordBlock(
        dialect,
        padded[: len(data)],
        np.empty(fields, np.int64),
        np.empty(fields, np.int64),
        np.empty(fields, np.uint8),
        np.zeros(ends + 1, np.int64),
        np.empty(ends, np.int64),
        np.empty(ends, np.int64),
        np.empty(ends, np.int32),
        np.empty(ends, np.uint8),
    )
    records, consumed, line = split(
        *block[1:10], separator, dialect.quoting, dialect.cr_ends_lines, line, final, give_up
    )
    return block.records(0, records), consumed, line
