r"""Recognise how a text file is written, from its first block.

- Encoding: UTF-8, or UTF-16 with a byte order mark, which is transcoded. Further byte order marks are dropped.
- A first line `sep=X`, as Excel writes it, names the delimiter and is no record.
- Delimiter: that of the file's name if the header, read with it, names a text column. Otherwise the first of
  comma, semicolon, tab and vertical bar with which it does.
- Line ends: a lone CR ends a line only if the block has no LF, or if a lone CR ends the header.
- Quoting: RFC 4180, unless a backslash stands before a quote, a delimiter or a line end, RFC 4180 leaves quotes that
  enclose no field or rows with another number of columns than the header, and reading backslashes as escapes leaves
  no such quote and fewer such rows.

A file that has another form is rejected with a reason that names the form.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Final, NamedTuple

from sentiment_core.drops.archive import EXCEL, OPEN_DOCUMENT, Archive
from sentiment_core.drops.body import MAX_LEVELS, OLD_WORKBOOK, PARQUET, Body, Peeked, format_of_name, is_container
from sentiment_core.drops.column_names import fold, position
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, RecordBlock, Stream, read_records, scan
from sentiment_core.drops.declared_form import UNDECLARED, DeclaredForm
from sentiment_core.drops.json_records import is_json, read_json
from sentiment_core.drops.parquet_records import read_parquet
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, IMPROPER_QUOTE, NO_QUOTING, RFC4180
from sentiment_core.drops.remedies import Remedy
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.spool import spooled
from sentiment_core.drops.text_stream import TextStream
from sentiment_core.drops.workbook_records import read_workbook
from sentiment_core.errors import FileRejected

DELIMITERS: Final = (",", ";", "\t", "|")
_MIN_FIRST_BYTES: Final = 1 << 12
_UTF8_BOM: Final = codecs.BOM_UTF8
_GARBLED_BOM: Final = _UTF8_BOM.decode("cp1252").encode()  # read as Windows-1252 and saved again
# Programs that know nothing of this line pad it with delimiters.
_SEPARATOR_LINE: Final = re.compile(rb'"?sep[ ]*=[ ]*(\\t|.)"?\1*(?:\r\n|\n|\r)', re.IGNORECASE)
_LONE_CR: Final = re.compile(rb"[^\r\n\"]+\r(?!\r?\n)")
# What some files really are, by their first bytes.
_OTHER_FORMS: Final = (
    (re.compile(rb"%PDF"), "is a PDF document"),
    (re.compile(rb"ORC"), "is an ORC file. Write it as Parquet or CSV"),
    (re.compile(rb"Obj\x01"), "is an Avro file. Write it as Parquet or JSON lines"),
    (re.compile(rb"ARROW1|FEA1"), "is a Feather or Arrow file. Write it as Parquet"),
    (re.compile(rb"7z\xbc\xaf|Rar!\x1a|.{257}ustar", re.DOTALL), "is an archive. Make a ZIP archive"),
    (re.compile(rb"SQLite format 3\0"), "is a database of SQLite. Export the table as CSV"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP", re.DOTALL), "is an image"),
    (
        re.compile(rb"\x04\x22\x4d\x18|\xff\x06\0\0sNaPpY|\x1f[\x9d\xa0]"),
        "is compressed. Compress it with gzip or zstd",
    ),
    (re.compile(rb"-----BEGIN PGP|\x85[\x01-\x04]"), "is encrypted. Decrypt it"),
    (re.compile(rb"version https://git-lfs"), "is a pointer of Git LFS, not the file itself"),
    (re.compile(rb"\{\\rtf"), "is an RTF document. Save it as CSV"),
    (re.compile(rb"\s*<[!?a-z]", re.IGNORECASE), "is an HTML or XML document, perhaps an error page"),
)

IsHeader = Callable[[Sequence[bytes]], bool]


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


def read_body(body: Body, rules: Rules) -> Iterator[RecordBlock]:
    """Yield the records of a drop's body, the header first. What the contract declares is not guessed.

    Raises `FileRejected`, also when the content contradicts the declared form.
    """
    remedy = Remedy.of(body.drop.uri, rules.settings.incoming_prefix)
    yield from _Reading(rules, remedy).records(body, body.delimiter, body.drop.uri, lambda: body.levels)


class _Reading:
    """Reads streams by their content: text, a Parquet file, a workbook or an archive of them."""

    def __init__(self, rules: Rules, remedy: Remedy) -> None:
        self._rules = rules
        self._settings = rules.settings.model_copy(update={"text_columns": rules.text_names})
        self._form = rules.contract.form
        self._remedy = remedy
        self._is_header = text_column_test(rules.text_names)

    def records(self, stored: Stream, delimiter: str, source: str, levels: Callable[[], int]) -> Iterator[RecordBlock]:
        """Yield the records of a stream. `levels` returns how many levels of compression an archive may add."""
        settings = self._settings
        stream = Peeked(_Sized(stored))
        if not is_container(stream.start):
            yield from records_of(
                stream,
                delimiter,
                self._is_header,
                settings.block_bytes,
                settings.max_record_bytes,
                source,
                self._form,
                self._remedy,
            )
            return
        with spooled(stream) as file:
            if stream.start.startswith(PARQUET):
                require_undeclared(self._form, f"{source} is a Parquet file", self._remedy)
                yield from read_parquet(file.name, settings, self._rules.named_columns, source)
            elif stream.start.startswith(OLD_WORKBOOK):
                yield from self._workbook(file, source, EXCEL)
            else:
                yield from self._archive(file, source, levels())

    def _workbook(self, file: IO[bytes], source: str, what: str) -> Iterator[RecordBlock]:
        form = self._form
        require_undeclared(form._replace(header_line=1, names=None), f"{source} is {what}", self._remedy)
        yield from read_workbook(file, self._settings, f"{source} is {what}", source, form)

    def _archive(self, file: IO[bytes], source: str, levels: int) -> Iterator[RecordBlock]:
        archive = Archive(file, source, self._settings.max_expanded_bytes, levels)
        if archive.format in (EXCEL, OPEN_DOCUMENT):
            if archive.expanded_bytes > self._settings.max_expanded_bytes:
                why = f"{source} expands to more than {self._settings.max_expanded_bytes:,} bytes"
                raise FileRejected(reason=RejectCode.EXPANDS_TOO_FAR, why=why)
            yield from self._workbook(file, source, archive.format)
        elif archive.format is not None:
            raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=f"{source} is {archive.format}")
        elif levels == 0:
            why = f"{source} is an archive in an archive, or compressed more than {MAX_LEVELS} times. Extract it"
            raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=why)
        else:
            yield from archive.blocks(self._member, self._is_header)

    def _member(self, stream: Stream, source: str, name: str) -> Iterator[RecordBlock]:
        delimiter, _ = format_of_name(name) or (",", "")
        yield from self.records(stream, delimiter, source, lambda: 0)


class _Sized:
    """A stream whose `read` needs a size, as one that has a default."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def read(self, size: int = 1 << 20, /) -> bytes:
        return self._stream.read(size)


def text_column_test(text_columns: Sequence[str]) -> IsHeader:
    """Return the function that tells whether the names of a record have a text column."""

    def is_header(names: Sequence[bytes]) -> bool:
        folded = [fold(name.decode("utf-8", "replace")) for name in names]
        return position(folded, text_columns) is not None

    return is_header


def records_of(
    stream: Stream,
    delimiter: str,
    is_header: IsHeader,
    block_bytes: int,
    max_record_bytes: int,
    source: str,
    form: DeclaredForm = UNDECLARED,
    remedy: Remedy = Remedy(),  # noqa: B008 - immutable
) -> Iterator[RecordBlock]:
    """Yield the records of a stream of text, the header first. `delimiter` is that of the file's name.

    `is_header` tells whether names have a text column. Raises `FileRejected` like `read_records`, and for a stream
    that is neither delimited text nor JSON, or contradicts `form`.
    """
    text = TextStream(stream, source, form.encoding, remedy)
    first, final = b"", False
    size = max(block_bytes, _MIN_FIRST_BYTES)
    while len(first) < size and not final:
        fresh = text.read(size - len(first))
        final = not fresh
        first += fresh
    marks = 0
    while mark := next((mark for mark in (_UTF8_BOM, _GARBLED_BOM) if first.startswith(mark, marks)), b""):
        marks += len(mark)
    first = first[marks:]
    require_text(first, source)
    if is_json(first):
        require_undeclared(form._replace(encoding=None), f"{source} is JSON", remedy)
        json = Dialect(encoding=text.encoding, form="json")
        yield from read_json(_Replayed(first, text), json, block_bytes, max_record_bytes, source)
        return
    found = recognise(first, final, delimiter, is_header, form)
    if found.skipped > len(first):
        why = f"{source} has fewer than {form.header_line} lines, the declared line of its header"
        raise FileRejected(reason=RejectCode.EMPTY_FILE, why=why)
    dialect = found.dialect._replace(encoding=text.encoding)
    head = b"" if form.names is None else made_header(form.names, dialect)
    rest = _Replayed(head + first[found.skipped :], text)
    yield from read_records(rest, dialect, block_bytes, max_record_bytes, source, found.line - bool(head))


def require_undeclared(form: DeclaredForm, found: str, remedy: Remedy) -> None:
    """Raise `FileRejected` when the form of delimited text is declared for a file that is something else."""
    declared = next(
        (name for name in ("delimiter", "quoting", "encoding", "names") if getattr(form, name) is not None), None
    )
    if declared or form.header_line != 1:
        article = "an" if declared == "encoding" else "a"
        what = f"{article} {declared}" if declared else "a header line"
        source = remedy.source or "its source"
        raise FileRejected(
            reason=RejectCode.UNSUPPORTED_FORMAT,
            why=f"{found}, but {source} declares {what}. Drop the file below another source, or change "
            f"the declaration of {source}",
        )


def made_header(names: Sequence[str], dialect: Dialect) -> bytes:
    """Return a header record with these names, for a file without one."""
    end = "\r" if dialect.cr_ends_lines else "\n"
    plain = [" ".join(name.split()) for name in names]
    if dialect.quoting == NO_QUOTING:
        return (dialect.delimiter.join(name.replace(dialect.delimiter, " ") for name in plain) + end).encode()
    if dialect.quoting == BACKSLASH_ESCAPES:
        plain = [name.replace("\\", "\\\\") for name in plain]
    return (dialect.delimiter.join('"' + name.replace('"', '""') + '"' for name in plain) + end).encode()


def require_text(data: bytes, source: str) -> None:
    """Raise `FileRejected` when the first bytes of a file are those of another form."""
    for pattern, form in _OTHER_FORMS:
        if pattern.match(data):
            raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=f"{source} {form}")


def recognise(
    data: bytes, final: bool, delimiter: str, is_header: IsHeader, form: DeclaredForm = UNDECLARED
) -> Recognised:
    """Return how a file is written of which `data` is the first block; with `final`, it is the whole file.

    `skipped` is larger than `data` if the declared line of the header lies behind it.
    """
    cr_ends = b"\r" in data and (b"\n" not in data or bool(_LONE_CR.match(data)))
    found = Recognised(Dialect(form.delimiter or delimiter, RFC4180, cr_ends), 0, 1)
    if form.header_line > 1:
        found = found._replace(skipped=_start_of_line(data, form.header_line, cr_ends), line=form.header_line)
    elif separator := _SEPARATOR_LINE.match(data):
        named = separator[1].decode("latin-1").replace("\\t", "\t")
        found = Recognised(Dialect(form.delimiter or named, RFC4180, cr_ends), separator.end(), 2)
        form = form._replace(delimiter=form.delimiter or named)
    rest = data[found.skipped :]
    if form.delimiter is None:
        if form.names is not None:
            columns = len(form.names)
            found = found._replace(dialect=_delimited(rest, found.dialect, lambda names: len(names) == columns))
        else:
            found = found._replace(dialect=_delimited(rest, found.dialect, is_header))
    if form.quoting is not None:
        return found._replace(dialect=found.dialect._replace(quoting=form.quoting))
    return found._replace(dialect=_quoted(rest, found.dialect, final))


def _start_of_line(data: bytes, line: int, cr_ends: bool) -> int:
    at = 0
    for _ in range(line - 1):
        at = data.find(b"\r" if cr_ends else b"\n", at) + 1
        if at == 0:
            return len(data) + 1
    return at


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
    # Searching for a backslash alone is fast, and most files have none.
    if b"\\" not in data or not re.search(rb'\\["\r\n' + re.escape(dialect.delimiter.encode()) + b"]", data):
        return dialect
    improper, misfits = _faults(data, dialect, final)
    if not improper and not misfits:
        return dialect
    escaping = dialect._replace(quoting=BACKSLASH_ESCAPES)
    also_improper, left = _faults(data, escaping, final)
    return escaping if not also_improper and (improper or left < misfits) else dialect


def _faults(data: bytes, dialect: Dialect, final: bool) -> tuple[bool, int]:
    """Return whether there are quotes that enclose no field, and how many rows do not have the header's columns."""
    block, _, _ = scan(data, dialect, 1, final)
    counts = block.field_counts
    return bool(len(block.flagged(IMPROPER_QUOTE))), int((counts != counts[0]).sum()) if block.size else 0
