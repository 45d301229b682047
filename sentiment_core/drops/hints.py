"""What a file without a usable header seems to be, and the command that takes it in."""

import re
import shlex
from collections.abc import Sequence
from typing import Final

from sentiment_core.drops.column_names import KNOWN_NAMES, SIMILAR_NAMES, SIMILAR_TEXTS, fold
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.likely_encoding import likely_encoding, shown_encoding
from sentiment_core.drops.record_kernel import JSON_OBJECTS
from sentiment_core.drops.record_shapes import kind_of
from sentiment_core.drops.remedies import Remedy
from sentiment_core.errors import FileRejected

_DELIMITERS: Final = (b",", b";", b"\t", b"|", b"^", b"~", b"\x01")
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "\x01": "'\\x01'"}
_SAMPLE: Final = 50
_NEAR: Final = 6  # records at the start of a file, among which a second line of names is looked for
_LEAST_NAMES: Final = 2  # of known columns, in such a line
_PARTS: Final = {fold(name) for name in SIMILAR_TEXTS} - {"reviews"}
_LEAST_TEXT: Final = 15  # mean characters of a column that may be the text


def taught(rejection: FileRejected, block: RecordBlock, text_columns: Sequence[str], remedy: Remedy) -> FileRejected:
    """Return the rejection of a header with what was found, and the command for it, in its reason.

    `block` is the first block of the file, with its header.
    """
    code, why = rejection.details["reason"], str(rejection.details["why"])
    hint = ""
    if code == RejectCode.UNSUPPORTED_ENCODING:
        hint = _encoding(block, remedy)
        why = why.removesuffix(". Save the file as UTF-8") if hint else why
    elif code == RejectCode.NO_TEXT_COLUMN:
        hint = _text_column(block, text_columns, remedy)
    return FileRejected(reason=code, why=f"{why}. {hint}") if hint else rejection


def require_first_header(block: RecordBlock, text_columns: Sequence[str], source: str, remedy: Remedy) -> None:
    """Raise `FileRejected` when a record near the start of a file looks more like its header than the first one.

    Then the first line is a title, or the upper one of two lines of names.
    """
    if block.dialect.quoting == JSON_OBJECTS:
        return
    texts = {fold(name) for name in text_columns}
    others = {fold(name) for names in (*KNOWN_NAMES.values(), *SIMILAR_NAMES.values()) for name in names}
    first = [fold(name.decode("utf-8", "replace")) for name in block.fields(0)]
    clear = (sum(name in texts or name in others for name in first), sum(map(bool, first)))
    for record in range(1, min(block.size, _NEAR)):
        names = [fold(name.decode("utf-8", "replace")) for name in block.fields(record)]
        if sum(map(bool, block.fields(record - 1))) > 1 and record > 1:
            return  # a row: a header behind it is that of another file
        found = sum(name in texts or name in others for name in names)
        if texts.isdisjoint(names) or sorted(names) == sorted(first) or found < _LEAST_NAMES:
            continue
        if (found, sum(map(bool, names))) <= clear:
            continue
        line = int(block.line[record])
        raise FileRejected(
            reason=RejectCode.NO_TEXT_COLUMN,
            why=f"{source} has two lines of names. Line {line} looks more like the header. "
            + remedy.declare(f"--header-line {line}"),
        )


def _encoding(block: RecordBlock, remedy: Remedy) -> str:
    data = b"\n".join(block.raw(record) for record in range(min(block.size, _SAMPLE)))
    name = likely_encoding(data)
    if name is None:
        return ""
    return f"The file looks like {shown_encoding(name)}. {remedy.declare(f'--encoding {name}')}"


def _text_column(block: RecordBlock, text_columns: Sequence[str], remedy: Remedy) -> str:
    if nested := list_in_object(block):
        return nested
    if block.dialect.quoting == JSON_OBJECTS:
        names = [name.decode("utf-8", "replace") for name in block.fields(0)]
        rows = [_shown(block.fields(record)) for record in range(1, min(block.size, _SAMPLE))]
        return _candidate(names, rows, remedy, "")
    lines = [line for record in range(min(block.size, _SAMPLE)) for line in block.raw(record).split(b"\n")]
    delimiter = _delimiter(lines, block.dialect.delimiter.encode())
    found = delimiter.decode()
    options = "" if found == block.dialect.delimiter else f"--delimiter {_spelled(found)} "
    folded = {fold(name) for name in text_columns}
    for record in range(1, min(block.size, _SAMPLE)):
        for other in (delimiter, *_DELIMITERS):
            if any(fold(name) in folded for name in _split(block.raw(record), other)):
                line = int(block.line[record])
                named = other.decode()
                options = "" if named == block.dialect.delimiter else f"--delimiter {_spelled(named)} "
                return f"Line {line} looks like the header. {remedy.declare(f'{options}--header-line {line}')}"
    names, *rows = [_split(line, delimiter) for line in lines]
    if any(kind_of(name.encode()) in ("number", "date") for name in names):
        return (
            "The first line does not look like a header. "
            + remedy.declare("--from FILE.yaml").removesuffix(".")
            + ", with the names of the columns in the file"
        )
    hint = f"The delimiter looks like {_spelled(found)}. " if options else ""
    return hint + (_candidate(names, rows, remedy, options) or (remedy.declare(options.strip()) if options else ""))


def list_in_object(block: RecordBlock) -> str:
    """Return the sentence about a file that is one JSON object with its rows in a list, or "" for another file."""
    if block.dialect.quoting != JSON_OBJECTS or block.size != 2:
        return ""
    names = (name for name, value in zip(block.fields(0), block.fields(1), strict=True) if value.startswith(b"[{"))
    name = next(names, b"").decode("utf-8", "replace")
    if not name:
        return ""
    path = shlex.quote(f'.["{name}"][]')
    return f"The file is one object, and the list {name} in it has the rows. Write one row a line: `jq -c {path} FILE`"


def _spelled(delimiter: str) -> str:
    """Return a delimiter as a shell and a reader can take it."""
    return _NAMES.get(delimiter) or shlex.quote(delimiter)


def _candidate(names: Sequence[str], rows: Sequence[Sequence[str]], remedy: Remedy, options: str) -> str:
    """Return the sentence about the column with the longest texts, if it may be the text."""
    if len(parts := [name.strip() for name in names if fold(name) in _PARTS]) > 1:
        texts = " ".join(f"--text {shlex.quote(name)}" for name in parts)
        return f"Columns {' and '.join(parts)} look like parts of the text. {remedy.declare(f'{options}{texts}')}"
    whole = [row for row in rows if len(row) == len(names)]
    means = [
        sum(len(row[field]) for row in whole if " " in row[field]) / len(whole) for field in range(len(names)) if whole
    ]
    if not means or max(means) < _LEAST_TEXT:
        return ""
    name = names[means.index(max(means))].strip()
    return f"Column {name} looks like the text. {remedy.declare(f'{options}--text {shlex.quote(name)}')}"


def _delimiter(lines: Sequence[bytes], own: bytes) -> bytes:
    """Return the delimiter that most of the lines have as often as the first line, or the file's own one."""
    best, most = own, lines[0].count(own)
    for delimiter in _DELIMITERS:
        count = lines[0].count(delimiter)
        alike = sum(line.count(delimiter) >= count for line in lines)
        if count > most and alike * 2 > len(lines):
            best, most = delimiter, count
    return best


def _split(line: bytes, delimiter: bytes) -> list[str]:
    quoted = re.escape(delimiter.decode())
    text = line.decode("utf-8", "replace").rstrip("\r")
    fields = re.findall(rf'(?:^|{quoted})("(?:[^"]|"")*"|[^{quoted}]*)', text)
    return [field.strip().strip('"') for field in fields]


def _shown(fields: Sequence[bytes]) -> list[str]:
    return [field.decode("utf-8", "replace") for field in fields]
