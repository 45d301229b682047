"""Check rows against the drop contract. Good rows become typed columns. All others are rejected with a reason."""

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, NumberColumn, TextColumn, joined_texts, packed_words
from sentiment_core.drops.column_names import fold
from sentiment_core.drops.contract import ID_COLUMNS, INDEXED_IDS, MAX_ID_BYTES, RejectCode, not_utf8
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.declared_form import UNDECLARED
from sentiment_core.drops.declared_values import declared_times, scaled_ratings
from sentiment_core.drops.header import Header
from sentiment_core.drops.hints import require_first_header, taught
from sentiment_core.drops.json_records import fields_of
from sentiment_core.drops.likely_encoding import likely_encoding
from sentiment_core.drops.reading import Reading, reading_of
from sentiment_core.drops.record_kernel import BROKEN_ESCAPE, IMPROPER_QUOTE, INVALID_JSON, INVALID_UTF8, NUL, UNCLOSED
from sentiment_core.drops.record_shapes import RecordShapes
from sentiment_core.drops.remedies import Remedy
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.typed_fields import Refused, json_objects, ratings, time_of, times
from sentiment_core.errors import FileRejected

PARTS_SEPARATOR = b"\n"  # between a title and its text, and between several texts of one review


DASH = ord("-")
OTHER_ORDER = "the row has the names of the header in another order"
_RULE = re.compile(rb"\s*:?-{3,}:?\s*")  # the line below a header
SHOWN_CHARACTERS = 60  # of a value in a warning


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


Reader = Callable[[BytesColumn], tuple[NumberColumn, Refused]]
Faults = dict[int, tuple[RejectCode, str]]  # record -> why it is rejected; the first reason found is kept


class CheckedRows(NamedTuple):
    """One block of a file after the check against the contract."""

    header: Header
    header_raw: bytes  # unchanged bytes of the header
    batch: ReviewBatch
    rejected: list[RejectedRow]

    @property
    def reading(self) -> Reading:
        """Return how the block was read."""
        return reading_of(self.header, self.batch.block.dialect)


def checked(
    blocks: Iterator[RecordBlock],
    rules: Rules,
    source: str,
    clock: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[CheckedRows]:
    """Check the blocks of a file against the contract. A block may have a header. `clock` times the work.

    Raises `FileRejected` when the file has no record or its header is invalid.
    """
    for header_raw, validator, block in validators(blocks, Header, rules, source):
        with clock():
            batch, rejected = validator.validate(block)
        yield CheckedRows(validator.header, header_raw, batch, rejected)


def validators(
    blocks: Iterator[RecordBlock],
    header_of: Callable[[Sequence[bytes], Rules, str], Header],
    rules: Rules,
    source: str,
) -> Iterator[tuple[bytes, "Validator", RecordBlock]]:
    """Yield each block without its header, with the bytes of the file's first header and the block's validator.

    A block that has a header gets a new validator. Raises `FileRejected` when there is no record or a header is
    invalid.
    """
    validator: Validator | None = None
    first_raw = b""
    block = next(blocks, None)
    while block is not None:
        peeked: RecordBlock | None = None
        if validator is None or block.has_header:
            raw = block.raw(0)
            remedy = Remedy.of(source, rules.settings.incoming_prefix)
            try:
                header = header_of(block.fields(0), rules, source)
            except FileRejected as rejection:
                raise taught(rejection, block, rules.text_names, remedy) from None
            if validator is None and rules.contract.form == UNDECLARED:
                require_first_header(block, rules.text_names, source, remedy)
            if validator is None:
                first_raw = raw
            else:
                header.demote_as(validator.header)
            header.warnings.extend(block.warnings)
            validator = Validator(header, rules, raw, source)
            validator.crlf = block.data[int(block.end[0]) : int(block.end[0]) + 2].tobytes() == b"\r\n"
            block = block.records(1)  # the header is no row
            validator.demote_unreadable(block)
        if validator.may_end_cut(block):
            peeked = next(blocks, None)
            if peeked is not None and not peeked.has_header:
                block = block._replace(following=peeked.raw(0))
        yield first_raw, validator, block
        block = peeked or next(blocks, None)
    if validator is None:
        raise FileRejected(reason=RejectCode.EMPTY_FILE, why=f"{source} is empty")


class Validator:
    """Checks the blocks of one file against the contract.

    If the rules say "null" for bad values, a rating or time that cannot be parsed does not reject its row. The value
    becomes null, and `nulled` keeps the original text.
    """

    def __init__(self, header: Header, rules: Rules, header_raw: bytes, source: str = "") -> None:
        self.header = header
        self.max_text_bytes = rules.settings.max_text_bytes
        self.bad_values = rules.bad_values
        self._contract = rules.contract
        self._null_words = packed_words(rules.null_words)
        self._header_raw = header_raw.removeprefix(codecs.BOM_UTF8)
        self.crlf = False  # the header ends with CRLF, so a lone LF may be in a text
        self._repeated = _RepeatedHeaders(header)
        self._misread = False  # a header with another order of columns was found
        self._remedy = Remedy.of(source, rules.settings.incoming_prefix)
        self._shapes = RecordShapes(header)

    def validate(self, block: RecordBlock) -> tuple[ReviewBatch, list[RejectedRow]]:
        """Split a block into good and rejected rows. Each record is in exactly one of the two."""
        faults: Faults = {}
        self._check_records(block, faults)
        readable = np.delete(np.arange(block.size), list(faults))
        self._misread |= any(reason.startswith(OTHER_ORDER) for _, reason in faults.values())
        batch = self._typed(block, readable, faults)
        self._check_text(batch, faults)
        self._check_ids(batch, faults)
        bad = np.fromiter(faults, np.int64, len(faults))
        good = np.flatnonzero(~np.isin(readable, bad)) if faults else np.arange(len(readable))
        rejected = [
            RejectedRow(int(block.line[record]), code, reason, block.raw(record))
            for record, (code, reason) in sorted(faults.items())
        ]
        return batch.take(good), rejected

    def demote_unreadable(self, block: RecordBlock) -> None:
        """Make a column that only looks like a rating or a time an extra column, if it has unreadable values here."""
        faults: Faults = {}
        self._check_records(block, faults)
        readable = np.delete(np.arange(block.size), list(faults))
        readers = self._readers(block)
        for name in sorted(self.header.guessed & readers.keys()):
            column = self._strings(block, readable, name)
            _, refused = readers[name](column)
            if refused:
                self.header.demote(name, _shown(column.text(min(refused)) or ""))

    def _check_records(self, block: RecordBlock, faults: Faults) -> None:
        repeated = list(self._repeated.found(block))
        faults |= {record: (RejectCode.REPEATED_HEADER, reason) for record, reason in repeated}
        misread = 0 if self._misread else next((record for record, why in repeated if why == OTHER_ORDER), block.size)
        for record in range(misread, block.size):
            faults.setdefault(record, (RejectCode.REPEATED_HEADER, f"{OTHER_ORDER} or is behind one that has"))
        for record in block.flagged(BROKEN_ESCAPE).tolist():
            reason = (
                'a quoted field has a quote behind a backslash (\\"). The file may escape quotes with backslashes. '
                + self._remedy.declare("--quoting backslash")
            )
            faults.setdefault(record, (RejectCode.ESCAPED_QUOTE, reason))
        self._check_quotes(block, faults)
        for record in block.flagged(INVALID_JSON).tolist():
            faults.setdefault(record, (RejectCode.INVALID_JSON, _json_fault(block.raw(record))))
        expected, counts = len(self.header.names), block.field_counts
        for record in np.flatnonzero(counts != expected).tolist():
            faults.setdefault(record, (RejectCode.COLUMN_COUNT, self._column_count(block, record)))
        self._check_cuts(block, faults)
        for record in block.flagged(INVALID_UTF8).tolist():
            faults.setdefault(record, (RejectCode.INVALID_UTF8, _encoding_fault(block, record, self._remedy)))
        for record in block.flagged(NUL).tolist():
            faults.setdefault(record, (RejectCode.NUL_BYTE, "the row contains a NUL byte"))

    def _check_quotes(self, block: RecordBlock, faults: Faults) -> None:
        cure = f"The quote may be a character of the text. {self._remedy.declare('--quoting none')}"
        for record in block.flagged(UNCLOSED).tolist():
            reason = f"a quote opens a field and is never closed. {cure}"
            faults.setdefault(record, (RejectCode.UNCLOSED_QUOTE, reason))
        for record in self._shapes.unlike_the_unclosed(block):
            reason = "the row may belong to an earlier field, whose quote is never closed"
            faults.setdefault(record, (RejectCode.UNCLOSED_QUOTE, reason))
        for record, line in self._shapes.swallowed(block):
            reason = f"a quote opens a field that contains line {line}, which looks like a row of its own. {cure}"
            faults.setdefault(record, (RejectCode.SWALLOWED_RECORDS, reason))

    def may_end_cut(self, block: RecordBlock) -> bool:
        """Return whether the text of the last record may continue in the next block."""
        checked_form = self._shapes.text_is_last and block.dialect.form == "delimited"
        return block.size > 0 and checked_form and self._ends_by_chance(block, block.size - 1)

    def _check_cuts(self, block: RecordBlock, faults: Faults) -> None:
        """Reject a row if the row behind it is not one and is probably the rest of its text.

        The text is the last column, and the line end after it looks accidental: a lone LF in a file with CRLF, one
        behind a backslash, or one behind a quote that opens a field and is not closed.
        """
        if not self._shapes.text_is_last or block.dialect.form != "delimited":
            return
        misfits = [record for record, (code, _) in faults.items() if code == RejectCode.COLUMN_COUNT]
        behind = [(record, record - 1) for record in misfits if record and record - 1 not in faults]
        if block.following and block.size - 1 not in faults:
            behind.append((block.size, block.size - 1))
        for misfit, record in behind:
            if not self._ends_by_chance(block, record):
                continue
            rest = self._shapes.misfit(block.following, block.dialect) if misfit == block.size else block.fields(misfit)
            if rest and not self._shapes.begins_alike(block.fields(record), rest):
                where = "the next line" if misfit == block.size else f"line {block.line[misfit]}"
                reason = f"the text is probably cut: {where} is no row. Export texts with line ends in quotes"
                faults[record] = (RejectCode.COLUMN_COUNT, reason)

    def _ends_by_chance(self, block: RecordBlock, record: int) -> bool:
        end, raw = int(block.end[record]), block.raw(record)
        after = block.data[end : end + 1].tobytes()
        lone_lf = self.crlf and after == b"\n"
        if record + 1 < block.size and after not in (b"\r", b"\n"):
            # Rows of the quarantine have no line ends. Neighbours in the file are judged as they were.
            lone_lf = int(block.line[record + 1] - block.line[record]) == raw.count(b"\n") + 1
        opened = re.search(re.escape(block.dialect.delimiter.encode()) + rb' *"[^"]*$', raw)
        return bool(lone_lf or raw.endswith(b"\\") or opened or block.flags[record] & IMPROPER_QUOTE)

    def _column_count(self, block: RecordBlock, record: int) -> str:
        expected, found = len(self.header.names), int(block.field_counts[record])
        reason = f"the row has {found} columns, the header has {expected}"
        raw, delimiter = block.raw(record), block.dialect.delimiter.encode()
        return reason + _cause(raw, self._header_raw, delimiter, found - expected, self._remedy)

    def _strings(self, block: RecordBlock, records: NDArray[np.int64], name: str) -> BytesColumn:
        field = self.header.known.get(name)
        if field is None:
            return BytesColumn.nulls(len(records))
        column = block.column(records, field).trimmed().without(self._null_words)
        if name not in ID_COLUMNS:
            return column
        ids, rounded = column.without_exponents()
        if rounded is not None:
            self.header.warn_of_rounded_ids(name, column.text(rounded) or "")
        return ids

    def _texts(self, block: RecordBlock, records: NDArray[np.int64]) -> TextColumn:
        if len(self.header.parts) == 1:
            return block.column(records, self.header.text)
        parts = [block.column(records, field).trimmed().without(self._null_words) for field in self.header.parts]
        return joined_texts(parts, PARTS_SEPARATOR)

    def _readers(self, block: RecordBlock) -> dict[str, Reader]:
        scale, declared = self._contract.rating, self._contract.reviewed_at
        decimal_comma = block.dialect.delimiter != ","
        return {
            "rating": (lambda column: ratings(column, decimal_comma=decimal_comma))
            if scale is None
            else (lambda column: scaled_ratings(column, scale)),
            "reviewed_at": times if declared is None else (lambda column: declared_times(column, declared)),
        }

    def _typed(self, block: RecordBlock, records: NDArray[np.int64], faults: Faults) -> ReviewBatch:
        nulled: dict[int, dict[str, str]] = {}
        readers = self._readers(block)

        def strings(name: str, default: str | None = None) -> BytesColumn:
            column = self._strings(block, records, name)
            return column if default is None else column.filled(default.encode())

        def numbers(name: str) -> NumberColumn:
            column = strings(name)
            read_numbers, refused = readers[name](column)
            for row, reason in refused.items():
                if self.bad_values == "null":
                    nulled.setdefault(row, {})[name] = column.text(row) or ""
                else:
                    code = RejectCode(f"invalid_{name}")
                    column_name = self.header.names[self.header.known[name]]
                    why = f"column {column_name}: {reason}{self._value_cure(name)}"
                    faults.setdefault(int(records[row]), (code, why))
            return read_numbers

        return ReviewBatch(
            block,
            records,
            block.line[records],
            self._texts(block, records),
            strings("review_id"),
            strings("product_id", self._contract.product_id),
            strings("author_id"),
            numbers("rating"),
            numbers("reviewed_at"),
            strings("language", self._contract.language),
            self._extra(block, records),
            _documents(nulled, len(records)),
        )

    def _value_cure(self, name: str) -> str:
        """Return the command that declares how ratings or times are written, unless the contract does."""
        declared = self._contract.rating if name == "rating" else self._contract.reviewed_at
        if declared is not None:
            return ""
        part = "`rating: {scale: 1-5}`" if name == "rating" else "`reviewed_at: {formats: [...]}`"
        return f". {self._remedy.declare('--from FILE.yaml')}, with {part} in the file"

    def _extra(self, block: RecordBlock, records: NDArray[np.int64]) -> BytesColumn:
        """Return the other columns as JSON; columns without a name only where this block has values."""
        columns = {name: block.column(records, field) for name, field in self.header.extra.items()}
        for field in self.header.unnamed:
            column = block.column(records, field)
            if len(column.data):
                columns[self.header.names[field]] = column
        return json_objects(columns, len(records))

    def _check_text(self, batch: ReviewBatch, faults: Faults) -> None:
        name, text = self.header.text_names, batch.text
        lengths = np.diff(text.offsets)
        for row in np.flatnonzero(lengths > self.max_text_bytes).tolist():
            reason = f"column {name} has {lengths[row]:,} bytes, more than the limit of {self.max_text_bytes:,}"
            faults.setdefault(int(batch.record[row]), (RejectCode.TEXT_TOO_LONG, reason))
        for row in np.flatnonzero(text.trimmed().without(self._null_words).null).tolist():
            found = text.text(row).strip()
            reason = f"column {name} has {found!r}, which means no value" if found else f"column {name} is empty"
            faults.setdefault(int(batch.record[row]), (RejectCode.MISSING_TEXT, reason))

    def _check_ids(self, batch: ReviewBatch, faults: Faults) -> None:
        for name in INDEXED_IDS:
            lengths = getattr(batch, name).length
            for row in np.flatnonzero(lengths > MAX_ID_BYTES).tolist():
                column = self.header.names[self.header.known[name]]
                reason = (
                    f"column {column} has {lengths[row]:,} bytes, more than the limit of {MAX_ID_BYTES:,} for an id"
                )
                faults.setdefault(int(batch.record[row]), (RejectCode.ID_TOO_LONG, reason))


class _RepeatedHeaders:
    """Finds records that are no rows but names of columns, in any case, quoted or not, or a line of dashes."""

    def __init__(self, header: Header) -> None:
        self._field = header.text
        self._names = header.folded_names
        self._sorted = sorted(self._names)
        spellings = {
            spelling.encode()
            for name in (*header.names, *self._names)
            for spelling in (name, name.lower(), name.upper(), name.title())
            if name
        }
        self._longest = max(map(len, spellings)) + len(codecs.BOM_UTF8)
        # A text with another first or last byte is no name. The others are exceptions: around names, and in lines.
        self._first, self._last = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
        self._first[[*b" \t\"'-:#\xef", *(each[0] for each in spellings)]] = True
        self._last[[*b" \t\"'-:\r", *(each[-1] for each in spellings)]] = True

    def found(self, block: RecordBlock) -> Iterator[tuple[int, str]]:
        """Yield the records, each with its reason."""
        records = np.flatnonzero(block.field_counts > self._field)
        at = block.first_field[records] + self._field
        start, end = block.field_start[at], block.field_end[at]
        rows = np.flatnonzero(end > start)
        first, last = block.data[start[rows]], block.data[end[rows] - 1]
        short = (end - start)[rows] <= self._longest
        rows = rows[(short & self._first[first] & self._last[last]) | ((first == DASH) & (last == DASH))]
        for row in rows.tolist():
            # Cheap, because many short texts begin and end like a name.
            value = fold(block.data[start[row] : end[row]].tobytes().decode("utf-8", "replace"))
            if value and value not in self._names:
                continue
            record = int(records[row])
            fields = block.fields(record)
            names = [fold(name.decode("utf-8", "replace")) for name in fields]
            if names == self._names:
                yield record, "the row repeats the header of the file"
            elif len(names) > 1 and sorted(names) == self._sorted:
                yield record, OTHER_ORDER
            elif len(names) > 1 and not any(names) and all(_RULE.fullmatch(field) for field in fields if field):
                yield record, "the row is a line of dashes, as some programs write it below a header"


def _cause(raw: bytes, header: bytes, delimiter: bytes, more: int, remedy: Remedy) -> str:
    """Return why a row seems to have `more` columns than the header, or fewer, and the cure, as the end of a reason."""
    cause = ""
    if more > 0 and raw.endswith(delimiter * more):
        cause = ": the row ends with a delimiter and the header does not"
    elif more < 0 and header.endswith(delimiter * -more):
        cause = ": the header ends with a delimiter and the row does not"
    elif re.search(rb'\\["' + re.escape(delimiter) + b"]", raw):
        cause = f". A backslash may be an escape. {remedy.declare('--quoting backslash')}"
    elif re.search(re.escape(delimiter) + b' +"', raw):
        cause = ". A quote behind a space does not open a field. Remove the spaces behind the delimiters"
    elif raw[:1] == raw[-1:] == b'"' and raw.count(delimiter) >= -more > 0:
        cause = ". The whole row is in quotes. Export it without them"
    elif more < 0 and delimiter not in raw:
        other = next((other for other in (b",", b";", b"\t", b"|") if raw.count(other) == -more), None)
        cause = f". The row looks delimited by {other.decode()!r}" if other else ""
    return cause


def _encoding_fault(block: RecordBlock, record: int, remedy: Remedy) -> str:
    raw, encoding = block.raw(record), block.dialect.encoding
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            name = likely_encoding(raw)
            cure = f". {remedy.declare(f'--encoding {name}')}" if name else ""
            return f"the row {not_utf8(raw, error)}{cure}"
        if encoding.startswith("utf-"):
            return f"the row has half of a surrogate pair, which is not valid {encoding}"
        return f"the row has the byte 0x{raw[error.start]:02x}, which is not valid in the encoding {encoding}"
    return "the row contains bytes that are not UTF-8"


def _json_fault(raw: bytes) -> str:
    try:
        fields_of(raw)
    except ValueError as error:
        return str(error)
    return "the row is not a JSON object"


def _shown(value: str) -> str:
    return value if len(value) <= SHOWN_CHARACTERS else f"{value[:SHOWN_CHARACTERS]}…"


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
