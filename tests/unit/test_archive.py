"""The members of a ZIP archive are read one after another, each by its content."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from sentiment_core.drops.archive import MAX_MEMBERS
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.declared_form import DeclaredForm
from sentiment_core.drops.spool import spooled
from sentiment_core.errors import FileRejected
from tests.unit.forms import parquet_bytes, read, reviews, workbook_bytes, zip_bytes

CSV = b'review,rating\n"two\nlines",5\nb,4\n'


def archive(tmp_path: Path, members: Mapping[str, bytes]) -> Path:
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes(members))
    return path


def test_lines_count_on_through_the_members(tmp_path: Path) -> None:
    members = {
        "a.csv": CSV,
        "__MACOSX/._a.csv": b"x",
        "dir/": b"",
        "dir/.DS_Store": b"x",
        "dir/b.tsv": CSV,
        "c.csv.gz": gzip.compress(CSV),
    }
    found = reviews(read(archive(tmp_path, members)))
    assert {line: row.text for line, row in found.items()} == {
        2: "two\nlines",
        4: "b",
        6: "two\nlines",
        8: "b",
        10: "two\nlines",
        12: "b",
    }


def test_members_of_other_forms_may_be_mixed(tmp_path: Path) -> None:
    members = {
        "a.jsonl": b'{"review": "a"}\n\n{"review": "b", "rating": 4}\n',
        "b.parquet": parquet_bytes({"text": ["c", "d"]}),
        "c.xlsx": workbook_bytes({"S": [["Rating", "Review"], [5, "e"]]}),
    }
    found = reviews(read(archive(tmp_path, members)))
    assert {line: (row.text, row.rating) for line, row in found.items()} == {
        1: ("a", None),
        3: ("b", 4),
        4: ("c", None),
        5: ("d", None),
        7: ("e", 5),
    }


def test_a_declared_encoding_is_that_of_the_members(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.csv": "review\ncafé\n".encode("cp1252")})
    assert [row.text for row in reviews(read(path, DeclaredForm(encoding="cp1252"))).values()] == ["café"]


def encrypted() -> bytes:
    data = bytearray(zip_bytes({"a.csv": CSV}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(zip_bytes({"good.csv": CSV, "bad.csv": b"review\n" + bytes(range(32, 127)) * 9}))
    at = data.index(b"bad.csv") + 20
    data[at : at + 10] = bytes(10)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (
            zip_bytes({"a.csv": CSV, "b.csv": b"text,stars\nx,1\n"}),
            RejectCode.UNSUPPORTED_FORMAT,
            "a.csv and b.csv .* other columns",
        ),
        (
            zip_bytes({"a.csv": CSV, "b.csv": b"review;rating\nx;1\n"}),
            RejectCode.UNSUPPORTED_FORMAT,
            "other columns or delim",
        ),
        (
            zip_bytes({"a.csv": CSV, "b.jsonl": b'{"review": "x"}'}),
            RejectCode.UNSUPPORTED_FORMAT,
            "both delimited text",
        ),
        (
            zip_bytes({"a.csv": CSV, "README.txt": b"Hello, world\n"}),
            RejectCode.NO_TEXT_COLUMN,
            "README.txt in .* Leave it out",
        ),
        (
            zip_bytes({"a.csv": CSV, "b.zip": zip_bytes({"c.csv": CSV})}),
            RejectCode.UNSUPPORTED_FORMAT,
            "b.zip in .* archive in an",
        ),
        (
            zip_bytes({"a.csv.gz": gzip.compress(gzip.compress(CSV))}),
            RejectCode.DAMAGED_COMPRESSION,
            "more than 2 times",
        ),
        (zip_bytes({"a.csv": CSV, "b.html": b"<html>"}), RejectCode.UNSUPPORTED_FORMAT, "b.html in .* is an HTML"),
        (zip_bytes({}), RejectCode.EMPTY_FILE, "without a file of reviews"),
        (zip_bytes({"__MACOSX/a.csv": CSV}), RejectCode.EMPTY_FILE, "without a file of reviews"),
        (zip_bytes({"a.csv": CSV})[:40], RejectCode.DAMAGED_COMPRESSION, "cannot be decompressed"),
        (encrypted(), RejectCode.UNSUPPORTED_FORMAT, "with a password"),
        (damaged(), RejectCode.DAMAGED_COMPRESSION, "bad.csv in "),
    ],
    ids=lambda value: "archive" if isinstance(value, bytes) else None,  # an archive has the time at which it was made
)
def test_an_archive_that_cannot_be_read_is_rejected(tmp_path: Path, data: bytes, code: RejectCode, words: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(FileRejected, match=words) as refused:
        read(path)
    assert refused.value.details["reason"] == code


def test_the_number_of_members_is_limited(tmp_path: Path) -> None:
    path = archive(tmp_path, {f"{n}.csv": b"" for n in range(MAX_MEMBERS + 1)})
    with pytest.raises(FileRejected, match=f"more than {MAX_MEMBERS:,} members") as refused:
        read(path)
    assert refused.value.details["reason"] == RejectCode.UNSUPPORTED_FORMAT


def test_the_expanded_size_of_all_members_is_limited(tmp_path: Path) -> None:
    path = archive(tmp_path, {f"{n}.csv": b"review\n" + b"a" * 60_000 for n in range(4)})
    with pytest.raises(FileRejected, match="expands to more than 200,000 bytes"):
        read(path, max_expanded_bytes=200_000)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_compression_are_read(tmp_path: Path, method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.writestr("a.csv", CSV)
    path = tmp_path / "a.csv"  # the name says nothing
    path.write_bytes(out.getvalue())
    assert [row.text for row in reviews(read(path)).values()] == ["two\nlines", "b"]


def test_a_compressed_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip.gz"
    path.write_bytes(gzip.compress(zip_bytes({"a.csv": CSV})))
    assert len(reviews(read(path))) == 2


def test_a_spooled_stream_is_whole_and_deleted_at_the_end() -> None:
    data = bytes(range(256)) * 8_192
    with spooled(io.BytesIO(data)) as file:
        path = Path(file.name)
        assert (file.read(), path.stat().st_size) == (data, len(data))
    assert not path.exists()
