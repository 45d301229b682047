"""Mutated exports: no byte of a record is lost, and no stored text spans two records unless it is properly quoted.

The files are those of `test_export_cases`. DuckDB, which reads broken CSV tolerantly, and Python's csv, which reads it
strictly, are the second parsers.
"""

import csv
import io
import random
import re
from pathlib import Path

import duckdb
import pytest

from sentiment_core.drops.body import Body
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, JSON_OBJECTS
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import CheckedRows, checked
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings
from tests.unit.test_export_cases import EXPECTED, cases, mutated  # noqa: F401 -- a fixture

TEXT_FILES = [name for name in EXPECTED if name.endswith((".csv", ".tsv")) and "utf16" not in name]
TURNS = 30


def read(path: Path) -> tuple[list[RecordBlock], list[CheckedRows]]:
    """Return the blocks of a file and its checked rows. Small blocks, so that records cross them."""
    rules = Rules(Settings(block_bytes=4096))
    blocks: list[RecordBlock] = []
    with path.open("rb") as stored:
        body = Body(stored, local_drop(path), rules.settings.max_expanded_bytes)

        def noted():
            for block in read_body(body, rules):
                blocks.append(block)
                yield block

        return blocks, list(checked(noted(), rules, str(path)))


def without_line_ends(data: bytes, delimiter: str) -> bytes:
    """Return the bytes without byte order marks, line ends, and lines that have only delimiters."""
    only = re.compile(rb"[" + re.escape(delimiter.encode()) + rb"]*")
    lines = re.split(rb"[\r\n]+", data.replace(b"\xef\xbb\xbf", b""))
    return b"".join(line for line in lines if not only.fullmatch(line))


def fields_of_duckdb(path: Path, delimiter: str, columns: int, escape: str) -> set[str]:
    """Return all fields that DuckDB sees; none if it gives up."""
    names = {f"c{number}": "VARCHAR" for number in range(columns)}
    try:
        relation = duckdb.read_csv(
            str(path),
            sep=delimiter,
            quotechar='"',
            escapechar=escape,
            header=False,
            columns=names,
            auto_detect=False,
            ignore_errors=True,
            strict_mode=False,
            null_padding=False,
            parallel=False,
        )
        return {field.replace("\r\n", "\n") for row in relation.fetchall() for field in row if field}
    except duckdb.Error:
        return set()


def is_properly_quoted(raw: bytes, delimiter: str, columns: int, escapes: bool) -> bool:
    style = {"escapechar": "\\", "doublequote": True} if escapes else {}
    try:
        text = raw.decode()
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, **style))
    except (csv.Error, UnicodeDecodeError):
        return False
    return len(rows) == 1 and len(rows[0]) == columns


@pytest.mark.parametrize("name", TEXT_FILES)
def test_no_byte_is_lost_and_no_text_spans_two_records(cases: Path, name: str, tmp_path: Path) -> None:  # noqa: F811
    chance = random.Random(name)
    original = (cases / name).read_bytes()
    if original.startswith((b"\x1f\x8b", b"PK")):
        pytest.skip("the file is compressed: a mutation is only a damaged file")
    for number in range(TURNS):
        path = tmp_path / f"{number}{Path(name).suffix}"
        data = original
        for _ in range(chance.randrange(1, 4)):
            data = mutated(data, chance)
        path.write_bytes(data)
        try:
            blocks, rows = read(path)
        except FileRejected as rejection:
            assert rejection.details["why"]
            continue
        dialect = blocks[0].dialect
        if dialect.quoting == JSON_OBJECTS:
            continue
        records = [(int(block.line[at]), block.raw(at)) for block in blocks for at in range(block.size)]

        # Every byte but line ends and blank rows is in a record, and every record but the header is a row.
        kept = b"\n".join(raw for _, raw in records)
        body = re.sub(rb'^(\xef\xbb\xbf)*"?sep=."?(\r\n|\n|\r)', b"", data, flags=re.IGNORECASE)
        assert without_line_ends(kept, dialect.delimiter) == without_line_ends(body, dialect.delimiter), data
        lines = [line for part in rows for line in part.batch.line.tolist()]
        lines += [row.line for part in rows for row in part.rejected]
        assert sorted(lines) == [line for line, _ in records[1:]], data
        raws = dict(records)
        assert all(row.raw == raws[row.line] for part in rows for row in part.rejected), data

        columns, escapes = len(rows[0].header.names), dialect.quoting == BACKSLASH_ESCAPES
        seen: set[str] | None = None
        for part in rows:
            for line, text in zip(part.batch.line.tolist(), part.batch.text.texts(), strict=True):
                if "\n" not in text:
                    continue
                assert is_properly_quoted(raws[line], dialect.delimiter, columns, escapes), (data, text)
                if seen is None:
                    seen = fields_of_duckdb(path, dialect.delimiter, columns, "\\" if escapes else '"')
                assert (
                    not seen or text.replace("\r\n", "\n") in seen or alike_lines(raws[line], dialect.delimiter) <= 1
                ), (
                    data,
                    text,
                )


def alike_lines(raw: bytes, delimiter: str) -> int:
    """Return how many physical lines of a record have as many delimiters as its first line."""
    counts = [line.count(delimiter.encode()) for line in raw.split(b"\n")]
    return counts.count(counts[0])
