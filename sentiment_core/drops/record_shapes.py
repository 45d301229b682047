"""Tells records from texts: whether the lines of a quoted field look like records that a stray quote has swallowed.

A physical line looks like a record if it has the header's number of delimiters and, in the columns other than the
text, values of the same kinds as the record that it is compared with: numbers, dates, codes. Where these columns have
only words or nothing, a line looks like a record if, unlike prose, it has no space behind a delimiter.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.drops.contract import ID_COLUMNS
from sentiment_core.drops.csv_records import Dialect, RecordBlock, scan
from sentiment_core.drops.header import Header
from sentiment_core.drops.record_kernel import DOUBTFUL, LF, MULTILINE, QUOTE, UNCLOSED

_NUMBER: Final = re.compile(rb"[+-]?\d+(?:[.,]\d+)?")
_DATE: Final = re.compile(rb"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].{0,24})?")
_CODE: Final = re.compile(rb"(?=\S*\d)[\w.:#/+-]{2,64}")
_NULL: Final = (b"null", b"\\n", b"nan", b"nat", b"none", b"<na>", b"n/a", b"#n/a")
_MANY_COLUMNS: Final = 4  # a line of prose rarely has so many delimiters without a space behind them
_STRUCTURED: Final = ("number", "date", "code")
_WORD: Final = re.compile(rb"[^\W\d]{1,30}")


class Swallowed(NamedTuple):
    """A record whose quoted field has a line that looks like a record of its own."""

    record: int
    line: int  # physical line of the file that looks like a record


class RecordShapes:
    """Compares physical lines with records of one file."""

    def __init__(self, header: Header) -> None:
        self._columns = len(header.names)
        self._others = [field for field in range(self._columns) if field not in header.parts]
        self.text_is_last = self._columns - 1 in header.parts
        self._ids = {header.known[name] for name in ID_COLUMNS if name in header.known}

    def swallowed(self, block: RecordBlock) -> Iterator[Swallowed]:
        """Yield the records that hold other records in a quoted field."""
        records = block.flagged(MULTILINE)
        if self._columns == 1 or not len(records):
            return
        delimiter = ord(block.dialect.delimiter)
        suspects = records[
            _have_lines_of(block.data, block.start[records], block.end[records], delimiter, self._columns - 1)
        ]
        for record in suspects.tolist():
            own = block.fields(record)
            if len(own) != self._columns:
                continue
            plain = self._has_plain_others(record, block)
            first, *lines = block.raw(record).split(b"\n")
            start = self._fields(first, block)  # the quote may be in any column
            # The last line has the columns behind the text, which are the record's own.
            whole = len(lines) if self.text_is_last else len(lines) - 1
            for offset, line in enumerate(lines, 1):
                fields = self._fields(line, block)
                if fields and (
                    (start and self._alike(start, fields))
                    or (offset <= whole and self._alike(own, fields))
                    or (offset <= whole and plain and self._may_be_alike(own, fields))
                ):
                    yield Swallowed(record, int(block.line[record]) + offset)
                    break

    def unlike_the_unclosed(self, block: RecordBlock) -> list[int]:
        """Return the records behind a quote that is never closed that do not look like its own record.

        They may be the rest of its text.
        """
        doubtful: list[int] = block.flagged(DOUBTFUL).tolist()
        unclosed = block.flagged(UNCLOSED)
        if not doubtful or not len(unclosed):
            return doubtful
        own = block.fields(int(unclosed[0]))
        return [
            record
            for record in doubtful
            if len(own) != self._columns
            or int(block.field_counts[record]) != self._columns
            or not self._alike(own, block.fields(record))
        ]

    def misfit(self, raw: bytes, dialect: Dialect) -> list[bytes] | None:
        """Return the fields of a record if it does not have the header's number of columns, else None."""
        block, _, _ = scan(raw, dialect, 1, final=True)
        fields = block.fields(0) if block.size else []
        return fields if 0 < len(fields) != self._columns else None

    def begins_alike(self, row: Sequence[bytes], other: Sequence[bytes]) -> bool:
        """Return whether the first fields of two records may be of the same kinds."""
        for field in self._others[: len(other)]:
            first, second = kind_of(row[field]), kind_of(other[field])
            if first in _STRUCTURED and second and second not in _STRUCTURED:
                return False
        return True

    def _fields(self, line: bytes, block: RecordBlock) -> list[bytes] | None:
        fields = line.split(block.dialect.delimiter.encode())
        return fields if len(fields) == self._columns else None

    def _has_plain_others(self, record: int, block: RecordBlock) -> bool:
        """Return whether no column but the text is quoted."""
        starts = block.field_start[int(block.first_field[record]) + np.array(self._others, np.int64)]
        return not np.any((starts > 0) & (block.data[starts - 1] == QUOTE))

    def _alike(self, one: Sequence[bytes], other: Sequence[bytes]) -> bool:
        kinds = self._kinds(one, other)
        return kinds is not None and any(_says_much(first, second) for first, second in kinds)

    def _may_be_alike(self, one: Sequence[bytes], line: Sequence[bytes]) -> bool:
        """Return whether a line may be a record, of columns that say little: words or nothing."""
        kinds = self._kinds(one, line)
        if kinds is None or any(field.startswith((b" ", b'"')) for field in line[1:]):
            return False
        few = self._columns < _MANY_COLUMNS
        return not (few and any("text" in pair for pair in kinds))

    def _kinds(self, one: Sequence[bytes], other: Sequence[bytes]) -> list[tuple[str, str]] | None:
        """Return the kinds of the values of two records, or None if they differ. Empty fields say nothing."""
        found = []
        for field in self._others:
            first, second = kind_of(one[field]), kind_of(other[field])
            if not first or not second:
                continue
            if field in self._ids and "text" not in (first, second) and "date" not in (first, second):
                # An id may have digits only, or letters only, by chance.
                if "word" in first or "word" in second:
                    continue
                first = second = "code"
            if first.partition(" ")[0] != second.partition(" ")[0]:
                return None
            found.append((first, second))
        return found


def _says_much(first: str, second: str) -> bool:
    return first == second and first != "text"


def kind_of(value: bytes) -> str:
    """Return the kind of a value: "" if empty, null, number, date, code, `word …` with the word, or text."""
    value = value.strip().strip(b'"')
    if not value:
        return ""
    if value.lower() in _NULL:
        return "null"
    for kind, pattern in (("number", _NUMBER), ("date", _DATE), ("code", _CODE)):
        if pattern.fullmatch(value):
            return kind
    if _WORD.fullmatch(value):
        return f"word {value.decode('utf-8', 'replace').casefold()}"
    return "text"


@compiled
def _have_lines_of(data, starts, ends, delimiter, wanted):  # type: ignore[no-untyped-def]
    """Return which records have a physical line, other than the first, with `wanted` delimiters."""
    result = np.zeros(len(starts), np.bool_)
    for record in range(len(starts)):
        found = 0
        first = True
        for at in range(starts[record], ends[record] + 1):
            if at < ends[record] and data[at] != LF:
                found += data[at] == delimiter
                continue
            if not first and found == wanted:
                result[record] = True
                break
            first = False
            found = 0
    return result
