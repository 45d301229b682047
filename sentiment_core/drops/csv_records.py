"""Split the bytes of a delimited file into records and fields, block by block.

One pass over the bytes, 64 at a time, finds record boundaries, field boundaries, physical line numbers and invalid
UTF-8. The dialect is RFC 4180 as Python's `csv` module reads it. Fields may be quoted with `"`. A doubled quote means
one quote. Quoted fields may contain delimiters and line ends. A line ends with CR, LF or CRLF. A blank line is not a
record.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import BYTES, byte_mask, copy_bytes, ones, trailing_zeros
from sentiment_core.drops.contract import RejectCode
from sentiment_core.errors import FileRejected

QUOTE, LF, CR, COMMA, TAB = ord('"'), ord("\n"), ord("\r"), ord(","), ord("\t")
UTF8_BOM, UTF16_BOMS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")

_line_ends: Final = byte_mask({LF, CR})
_commas: Final = byte_mask({COMMA})
_tabs: Final = byte_mask({TAB})
_comma_ends: Final = byte_mask({COMMA, LF, CR})
_tab_ends: Final = byte_mask({TAB, LF, CR})
_quotes_and_ends: Final = byte_mask({QUOTE, LF, CR})
_odd_bytes: Final = byte_mask({0, *range(0x80, 0x100)})  # NUL, and every byte of a multi-byte sequence


class Stream(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes. The result is empty at the end of the stream."""


class RecordBlock(NamedTuple):
    """The records that end within one block of the file: `n` records with `f` fields in total."""

    data: NDArray[np.uint8]
    field_start: NDArray[np.int64]  # f: first byte in data, after the opening quote
    field_end: NDArray[np.int64]  # f: end in data, before the closing quote
    field_escaped: NDArray[np.bool_]  # f: contains doubled or stray quotes, which `column` resolves
    first_field: NDArray[np.int64]  # n + 1: index of a record's first field
    start: NDArray[np.int64]  # n: first byte of the record in data
    end: NDArray[np.int64]  # n: end of the record, without its line end
    line: NDArray[np.int32]  # n: physical line of the file on which the record starts
    invalid_utf8: NDArray[np.bool_]  # n: the record contains invalid UTF-8
    holds_nul: NDArray[np.bool_]  # n: the record contains a NUL byte

    @property
    def size(self) -> int:
        """Return the number of records."""
        return len(self.start)

    @property
    def field_counts(self) -> NDArray[np.int64]:
        """Return the number of fields of each record, shape (n,)."""
        return np.diff(self.first_field)

    def raw(self, record: int) -> bytes:
        """Return the unchanged bytes of a record."""
        return self.data[self.start[record] : self.end[record]].tobytes()

    def fields(self, record: int) -> list[bytes]:
        """Return the contents of the fields of one record, with quotes resolved."""
        at = np.array([record])
        return [self.column(at, field).data.tobytes() for field in range(int(self.field_counts[record]))]

    def column(self, records: NDArray[np.int64], field: int) -> TextColumn:
        """Return one field of the given records, with quotes resolved. The bytes may be invalid UTF-8."""
        at = self.first_field[records] + field
        start, end, escaped = self.field_start[at], self.field_end[at], self.field_escaped[at]
        offsets = np.zeros(len(at) + 1, np.int64)
        np.cumsum(end - start, out=offsets[1:])
        data = np.empty(offsets[-1], np.uint8)
        gather(self.data, start, end, escaped, data, offsets)
        return TextColumn(data[: offsets[-1]], offsets)

    def records(self, first: int, last: int | None = None) -> "RecordBlock":
        """Return the block with only the records from `first` up to, but not including, `last`."""
        return self._replace(
            first_field=self.first_field[first : None if last is None else last + 1],
            start=self.start[first:last],
            end=self.end[first:last],
            line=self.line[first:last],
            invalid_utf8=self.invalid_utf8[first:last],
            holds_nul=self.holds_nul[first:last],
        )


def read_records(
    stream: Stream, delimiter: str, block_bytes: int, max_record_bytes: int, source: str
) -> Iterator[RecordBlock]:
    """Yield the records of a stream in blocks of about `block_bytes` bytes. `source` names the stream in errors.

    Memory is bounded by `block_bytes + max_record_bytes`. Raises `FileRejected` for UTF-16, for an unclosed quote and
    for a record larger than `max_record_bytes`.
    """
    rest, line, first = b"", 1, True
    while True:
        fresh = stream.read(block_bytes)
        final = not fresh
        data = rest + fresh
        if first and not final and len(data) < len(UTF8_BOM):
            rest = data
            continue
        if first:
            data, first = without_bom(data, source), False
        block, consumed, line = scan(data, delimiter, line, final)
        if block.size:
            longest = int(np.argmax(block.end - block.start))
            if block.end[longest] - block.start[longest] > max_record_bytes:
                raise too_large(int(block.line[longest]), max_record_bytes, source)
            yield block
        rest = data[consumed:]
        if final:
            if rest:
                raise FileRejected(
                    reason=RejectCode.UNCLOSED_QUOTE,
                    why=f"the record on line {line} of {source} opens a quote that is never closed",
                )
            return
        if len(rest) > max_record_bytes:
            raise too_large(line, max_record_bytes, source)


def too_large(line: int, max_record_bytes: int, source: str) -> FileRejected:
    """Return the error for a record that is larger than the limit."""
    return FileRejected(
        reason=RejectCode.RECORD_TOO_LARGE,
        why=f"the record on line {line} of {source} is larger than {max_record_bytes:,} bytes, "
        "or it opens a quote that is never closed",
    )


def without_bom(data: bytes, source: str) -> bytes:
    """Return the data without a UTF-8 byte order mark.

    Raises `FileRejected` when the data starts with a UTF-16 byte order mark.
    """
    if data.startswith(UTF16_BOMS):
        raise FileRejected(reason=RejectCode.UNSUPPORTED_ENCODING, why=f"{source} is UTF-16. Save it as UTF-8")
    return data.removeprefix(UTF8_BOM)


def scan(data: bytes, delimiter: str, line: int, final: bool) -> tuple[RecordBlock, int, int]:
    """Split one block of data that starts at the beginning of a record, on physical line `line`.

    Returns the complete records, the number of bytes they occupy, and the line on which the rest starts. With `final`,
    the end of the data ends the last record.
    """
    separator = ord(delimiter)
    padded = np.frombuffer(data + bytes(BYTES), np.uint8)
    ends, fields = count(padded, len(data), separator)
    ends, fields = ends + 1, fields + ends + 1
    block = RecordBlock(
        padded[: len(data)],
        np.empty(fields, np.int64),
        np.empty(fields, np.int64),
        np.empty(fields, np.bool_),
        np.zeros(ends + 1, np.int64),
        np.empty(ends, np.int64),
        np.empty(ends, np.int64),
        np.empty(ends, np.int32),
        np.empty(ends, np.bool_),
        np.empty(ends, np.bool_),
    )
    records, consumed, line = split(*block, separator, line, final)
    return block.records(0, records), consumed, line


# The functions below may read up to 64 bytes past the end of `data`. The caller must provide these bytes.


@compiled
def count(data, size, delimiter):  # type: ignore[no-untyped-def]
    """Return the number of line ends (CRLF counts as two) and of delimiters, inside and outside quotes."""
    ends = 0
    delimiters = 0
    for at in range(0, size, BYTES):
        ends += ones(_line_ends(data, at))
        delimiters += ones(_commas(data, at) if delimiter == COMMA else _tabs(data, at))
    return ends, delimiters


@compiled
def _next_end(data, at, size, delimiter):  # type: ignore[no-untyped-def]
    """Return the position of the next delimiter or line end outside quotes, or `size` if there is none."""
    while at < size:
        found = _comma_ends(data, at) if delimiter == COMMA else _tab_ends(data, at)
        if found != 0:
            return min(at + trailing_zeros(found), size)
        at += BYTES
    return size


@compiled
def _next_in_quotes(data, at, size):  # type: ignore[no-untyped-def]
    """Return the position of the next quote or line end, or `size` if there is none."""
    while at < size:
        found = _quotes_and_ends(data, at)
        if found != 0:
            return min(at + trailing_zeros(found), size)
        at += BYTES
    return size


@compiled
def split(  # type: ignore[no-untyped-def]
    data,
    field_start,
    field_end,
    field_escaped,
    first_field,
    start,
    end,
    line_of,
    invalid_utf8,
    holds_nul,
    delimiter,
    line,
    final,
):
    """Fill the arrays of a `RecordBlock`, and return (records, bytes consumed, line of the rest)."""
    size = len(data)
    at = 0
    records = 0
    fields = 0
    while at < size:
        byte = data[at]
        if byte == LF or byte == CR:  # a blank line
            if byte == CR:
                if at + 1 == size and not final:
                    break
                if at + 1 < size and data[at + 1] == LF:
                    at += 1
            at += 1
            line += 1
            continue

        record_start = at
        record_line = line
        complete = False
        while True:  # one field per iteration
            escaped = False
            closed = True
            if at < size and data[at] == QUOTE:
                content_start = at + 1
                closed = False
                at = _next_in_quotes(data, at + 1, size)
                while at < size:
                    byte = data[at]
                    if byte == QUOTE:
                        if at + 1 < size and data[at + 1] == QUOTE:
                            escaped = True
                            at = _next_in_quotes(data, at + 2, size)
                            continue
                        closed = True
                        break
                    if byte == LF or not (at + 1 < size and data[at + 1] == LF):
                        line += 1
                    at = _next_in_quotes(data, at + 1, size)
                content_end = at
                if closed:
                    at += 1
                    if at < size and data[at] != delimiter and data[at] != LF and data[at] != CR:
                        # Text after the closing quote belongs to the field, as in the csv module.
                        at = _next_end(data, at, size, delimiter)
                        escaped = True
                        content_end = at
            else:
                content_start = at
                at = _next_end(data, at, size, delimiter)
                content_end = at
            if not closed:
                break
            field_start[fields] = content_start
            field_end[fields] = content_end
            field_escaped[fields] = escaped
            fields += 1
            if at == size:
                complete = final
                record_end = at
                break
            if data[at] == delimiter:
                at += 1
                continue
            record_end = at
            if data[at] == CR:
                if at + 1 == size and not final:
                    break
                if at + 1 < size and data[at + 1] == LF:
                    at += 1
            at += 1
            line += 1
            complete = True
            break

        if not complete:
            return records, record_start, record_line
        start[records] = record_start
        end[records] = record_end
        line_of[records] = record_line
        invalid_utf8[records], holds_nul[records] = _validate_bytes(data, record_start, record_end)
        records += 1
        first_field[records] = fields
    return records, at, line


@compiled
def _validate_bytes(data, at, end):  # type: ignore[no-untyped-def]
    """Return (invalid, nul): whether the bytes break UTF-8, and whether one is NUL.

    Valid UTF-8 is defined by Unicode table 3-7 (well-formed byte sequences).
    """
    invalid = False
    nul = False
    while at < end:
        found = _odd_bytes(data, at)
        if found == 0:
            at += BYTES
            continue
        at += trailing_zeros(found)
        if at >= end:
            break
        if data[at] == 0:
            nul = True
            at += 1
            continue
        width = _sequence(data, at, end)
        invalid |= width == 0
        at += max(width, 1)
    return invalid, nul


@compiled
def _sequence(data, at, end):  # type: ignore[no-untyped-def]
    """Return the width in bytes of the well-formed multi-byte sequence that starts at `at`, or 0 if there is none."""
    lead = data[at]
    low, high, more = 0x80, 0xBF, 0
    if 0xC2 <= lead <= 0xDF:
        more = 1
    elif 0xE0 <= lead <= 0xEF:
        more = 2
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
    elif 0xF0 <= lead <= 0xF4:
        more = 3
        if lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
    if more == 0 or at + more >= end or data[at + 1] < low or data[at + 1] > high:
        return 0
    for following in range(2, more + 1):
        if data[at + following] & 0xC0 != 0x80:
            return 0
    return more + 1


@compiled
def gather(source, start, end, escaped, data, offsets):  # type: ignore[no-untyped-def]
    """Copy fields one after another into `data`, resolve escaped fields, and set `offsets` to the written lengths."""
    to = 0
    for i in range(len(start)):
        offsets[i] = to
        if not escaped[i]:
            copy_bytes(data, to, source, start[i], end[i] - start[i])
            to += end[i] - start[i]
            continue
        at = start[i]
        quoted = True
        while at < end[i]:
            byte = source[at]
            at += 1
            if quoted and byte == QUOTE:
                if at < end[i] and source[at] == QUOTE:
                    at += 1
                else:
                    quoted = False
                    continue
            data[to] = byte
            to += 1
    offsets[len(start)] = to
