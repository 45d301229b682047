"""Read raw rows of the quarantine again, each alone, with the header that the ledger keeps."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sentiment_core.drops.csv_records import Dialect, RecordBlock, joined, scan
from sentiment_core.drops.declared_form import UNDECLARED, DeclaredForm
from sentiment_core.drops.json_records import JsonBlocks, JsonRow, header_names
from sentiment_core.drops.recognition import made_header, recognise
from sentiment_core.drops.record_kernel import DOUBTFUL, JSON_OBJECTS, UNCLOSED
from sentiment_core.drops.text_stream import encoded


class RawRow(NamedTuple):
    """A row of the quarantine: its line, its bytes, and whether a quote that is never closed rejected it."""

    line: int
    raw: bytes
    unclosed: bool = False


class RawHeader(NamedTuple):
    """The header of a file and the dialect of its raw rows."""

    raw: bytes
    dialect: Dialect
    names: list[str]


def raw_header(
    header: bytes,
    sample: Sequence[bytes],
    delimiter: str,
    is_header: Callable[[Sequence[bytes]], bool],
    form: DeclaredForm = UNDECLARED,
) -> RawHeader:
    """Return how a file's raw rows are read. `sample` has some of them; `delimiter` is that of the file's name."""
    names = header_names(header)
    if names is not None:
        return RawHeader(header, Dialect(quoting=JSON_OBJECTS, encoding=form.encoding or "utf-8"), names)
    rule = form._replace(header_line=1)
    dialect = recognise(b"\n".join([header, *sample]), not sample, delimiter, is_header, rule).dialect
    dialect = dialect._replace(encoding=form.encoding or "utf-8")
    raw = header if form.names is None else made_header(form.names, dialect).rstrip(b"\r\n")
    block, _, _ = scan(transcoded(raw, dialect), dialect, 1, final=True)
    names = [name.decode("utf-8", "replace") for name in block.fields(0)] if block.size else []
    return RawHeader(raw, dialect, names)


def transcoded(raw: bytes, dialect: Dialect) -> bytes:
    """Return a raw row as UTF-8. One that is not UTF-8 was read before its encoding was declared."""
    if dialect.encoding.startswith("utf"):
        return raw
    try:
        raw.decode()
    except UnicodeDecodeError:
        return encoded(raw.decode(dialect.encoding, "surrogateescape"))
    return raw


class RawRows:
    """The raw rows of one file, some at a time, in the order of their lines.

    With `splits`, a raw row may be several records: then a quoting rule is declared that the load did not have.
    """

    def __init__(self, header: RawHeader, source: str, *, splits: bool) -> None:
        self._header = header
        self._source = source
        self._splits = splits
        self._unclosed = False  # a quote is still not closed: the rows that it made doubtful stay so

    def blocks(self, rows: Sequence[RawRow]) -> tuple[Iterator[RecordBlock], dict[int, int]]:
        """Return the header and the rows as blocks, with the lines of the file, and the raw row's line of each record.

        The second has only the records of raw rows that are several records now. Bytes that are no record are left out.
        """
        dialect = self._header.dialect
        if dialect.quoting == JSON_OBJECTS:
            objects = [JsonRow(transcoded(row.raw, dialect), row.line) for row in rows]
            return JsonBlocks(dialect, self._source, self._header.names).blocks(objects), {}
        raw_lines: dict[int, int] = {}
        found = []
        for row in rows:
            block = self._block(row)
            if block is None:
                continue
            found.append(block)
            if block.size > 1:
                raw_lines |= dict.fromkeys(block.line.tolist(), row.line)
        header, _, _ = scan(transcoded(self._header.raw, dialect), dialect, 1, final=True)
        # One block, because the values behind the header decide what a guessed column is.
        return iter([joined([header, *found])._replace(has_header=True)]), raw_lines

    def _block(self, row: RawRow) -> RecordBlock | None:
        dialect = self._header.dialect
        block, _, _ = scan(transcoded(row.raw, dialect), dialect, row.line, final=True)
        if block.size != 1 and not (self._splits and block.size):
            return None
        if row.unclosed:
            self._unclosed |= bool(len(block.flagged(UNCLOSED)))
            if self._unclosed:
                return None
        # In the file, the quote was not unclosed.
        return block._replace(flags=block.flags & ~np.uint8(UNCLOSED | DOUBTFUL))
