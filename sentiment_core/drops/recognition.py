r"""Recognise how a text file is written, from its first block.

- Encoding: UTF-8, or UTF-16 with a byte order mark, which is transcoded. Further byte order marks are dropped.
- A first line `sep=X`, as Excel writes it, names the delimiter and is no record.
- Delimiter: that of the file's name if the header, read with it, names a text column. Otherwise the first of
  comma, semicolon, tab and vertical bar with which it does.
- Line ends: a lone CR ends a line only if the block has no LF.
- Quoting: RFC 4180, unless that leaves quotes that enclose no field, `\"` occurs, and reading backslashes as escapes
  leaves none.

A file that has another form is rejected with a reason that names the form.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from sentiment_core.drops.body import Body
from sentiment_core.drops.column_names import fold, position
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, RecordBlock, Stream, read_records, scan
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, IMPROPER_QUOTE, RFC4180
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

DELIMITERS: Final = (",", ";", "\t", "|")
_MIN_FIRST_BYTES: Final = 1 << 12
_UTF8_BOM: Final = codecs.BOM_UTF8
_UTF16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_SEPARATOR_LINE: Final = re.compile(rb'"?sep=(.)"?(?:\r\n|\n|\r)', re.IGNORECASE)
# What some files really are, by their first bytes.
_OTHER_FORMS: Final = (
    (re.compile(rb"PK\x03\x04"), "is a ZIP archive or an Excel workbook. Extract it, or save the sheet as CSV UTF-8"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "is an old Excel workbook (.xls). Save the sheet as CSV UTF-8"),
    (re.compile(rb"PAR1"), "is a Parquet file. Write it as CSV"),
    (re.compile(rb"%PDF"), "is a PDF document"),
    (re.compile(rb"\s*<(?:!|\?|html)", re.IGNORECASE), "is an HTML or XML document, perhaps an error page"),
    (re.compile(rb"\s*[{\[]\s*[\"{\]}]"), "is JSON. Write it as CSV"),
)

IsHeader = Callable[[Sequence[bytes]], bool]


class _Text:
    """A stream of UTF-8, without byte order marks at its start, of a stream in UTF-8 or UTF-16."""

    def __init__(self, stream: Stream, source: str) -> None:
        self._stream = stream
        self._source = source
        start = stream.read(4)
        while start and len(start) < 4 and (more := stream.read(4 - len(start))):
            start += more
        encoding = next((name for bom, name in _UTF16.items() if start.startswith(bom)), None)
        # A lone surrogate becomes bytes that are not UTF-8, so the contract rejects its row alone.
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass") if encoding else None
        self._pending = start

    def read(self, size: int, /) -> bytes:
        data, self._pending = self._pending, b""
        fresh = self._stream.read(size)
        if self._decoder is None:
            return data + fresh
        text = self._transcoded(self._decoder, data + fresh, final=not fresh)
        while fresh and not text:  # an empty result would mean the end of the stream
            fresh = self._stream.read(size)
            text = self._transcoded(self._decoder, fresh, final=not fresh)
        return text

    def _transcoded(self, decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> bytes:
        try:
            return decoder.decode(data, final=final).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            why = f"{self._source} ends inside a UTF-16 character"
            raise FileRejected(reason=RejectCode.UNSUPPORTED_ENCODING, why=why) from None


class _Replayed:
    """The bytes that were read for the recognition, and then the rest of the stream."""

    def __init__(self, first: bytes, stream: Stream) -> None:
        self._first = first
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        if self._first:
            data, self._first = self._first, b""
            return data
        return self._stream.read(size)


class Recognised(NamedTuple):
    """How a file is written: its dialect, the bytes before its header, and the header's physical line."""

    dialect: Dialect
    skipped: int
    line: int


def read_body(body: Body, settings: Settings) -> Iterator[RecordBlock]:
    """Yield the records of a drop's body, the header first. Raises `FileRejected`."""
    return records_of(
        body,
        body.delimiter,
        text_column_test(settings.text_columns),
        settings.block_bytes,
        settings.max_record_bytes,
        body.drop.uri,
    )


def text_column_test(text_columns: Sequence[str]) -> IsHeader:
    """Return the function that tells whether the names of a record have a text column."""

    def is_header(names: Sequence[bytes]) -> bool:
        folded = [fold(name.decode("utf-8", "replace")) for name in names]
        return position(folded, text_columns) is not None

    return is_header


def records_of(
    stream: Stream, delimiter: str, is_header: IsHeader, block_bytes: int, max_record_bytes: int, source: str
) -> Iterator[RecordBlock]:
    """Yield the records of a stream, the header first. `delimiter` is that of the file's name.

    `is_header` tells whether names have a text column. Raises `FileRejected` like `read_records`, and for a stream
    that is not delimited text.
    """
    text = _Text(stream, source)
    first, final = b"", False
    size = max(block_bytes, _MIN_FIRST_BYTES)
    while len(first) < size and not final:
        fresh = text.read(size - len(first))
        final = not fresh
        first += fresh
    marks = 0
    while first.startswith(_UTF8_BOM, marks):
        marks += len(_UTF8_BOM)
    first = first[marks:]
    require_delimited_text(first, source)
    found = recognise(first, final, delimiter, is_header)
    rest = _Replayed(first[found.skipped :], text)
    yield from read_records(rest, found.dialect, block_bytes, max_record_bytes, source, found.line)


def require_delimited_text(data: bytes, source: str) -> None:
    """Raise `FileRejected` when the first bytes of a file are those of another form."""
    for pattern, form in _OTHER_FORMS:
        if pattern.match(data):
            raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=f"{source} {form}")


def recognise(data: bytes, final: bool, delimiter: str, is_header: IsHeader) -> Recognised:
    """Return how a file is written of which `data` is the first block; with `final`, it is the whole file."""
    cr_ends = b"\n" not in data and b"\r" in data
    if separator := _SEPARATOR_LINE.match(data):
        line = Recognised(Dialect(separator[1].decode("latin-1"), RFC4180, cr_ends), separator.end(), 2)
    else:
        line = Recognised(_delimited(data, Dialect(delimiter, RFC4180, cr_ends), is_header), 0, 1)
    return line._replace(dialect=_quoted(data[line.skipped :], line.dialect, final))


def _delimited(data: bytes, dialect: Dialect, is_header: IsHeader) -> Dialect:
    for delimiter in dict.fromkeys((dialect.delimiter, *DELIMITERS)):
        candidate = dialect._replace(delimiter=delimiter)
        if is_header(_first_record(data, candidate)):
            return candidate
    return dialect


def _first_record(data: bytes, dialect: Dialect) -> list[bytes]:
    end = re.compile(rb"[^\r\n]").search(data)
    start = end.start() if end else 0
    size = 1 << 12
    while True:
        part = data[start : start + size]
        block, _, _ = scan(part, dialect, 1, final=start + size >= len(data))
        if block.size or start + size >= len(data):
            return block.fields(0) if block.size else []
        size *= 16


def _quoted(data: bytes, dialect: Dialect, final: bool) -> Dialect:
    if b'\\"' not in data:
        return dialect
    escaping = dialect._replace(quoting=BACKSLASH_ESCAPES)
    if _has_improper_quotes(data, dialect, final) and not _has_improper_quotes(data, escaping, final):
        return escaping
    return dialect


def _has_improper_quotes(data: bytes, dialect: Dialect, final: bool) -> bool:
    block, _, _ = scan(data, dialect, 1, final)
    return bool(len(block.flagged(IMPROPER_QUOTE)))
