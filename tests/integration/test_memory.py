"""The memory of a load does not grow with the size of its file."""

import gzip
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.harness import measured
from sentiment_core.settings import Settings

ROWS = 150_000
STEP = 1000
LIMIT_MB = 450  # the libraries and the starter use about 280
LIMIT_MB_OBJECTS = 500  # the objects of one block
LIMIT_MB_ARROW = 600  # pyarrow and its pages


def rows_from(first: int) -> list[tuple[str, str]]:
    return [(f"r{row}", f"{row} " + "so good " * 200) for row in range(first, first + STEP)]


def as_csv(first: int) -> bytes:
    return "".join(f"{review_id},{text}\n" for review_id, text in rows_from(first)).encode()


def write_csv(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"review_id,review\n")
        for first in range(0, ROWS, STEP):
            file.write(as_csv(first))


def write_json(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for first in range(0, ROWS, STEP):
            rows = [{"review_id": review_id, "review": text} for review_id, text in rows_from(first)]
            file.write("".join(json.dumps(row) + "\n" for row in rows).encode())


def write_parquet(path: Path) -> None:
    """All rows are one row group."""
    columns = zip(*(row for first in range(0, ROWS, STEP) for row in rows_from(first)), strict=True)
    parquet.write_table(pa.table(dict(zip(("review_id", "review"), map(list, columns), strict=True))), path)


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for first in range(0, ROWS, ROWS // 2):
            with archive.open(f"{first}.csv", "w") as member:
                member.write(b"review_id,review\n")
                for start in range(first, first + ROWS // 2, STEP):
                    member.write(as_csv(start))


@pytest.mark.parametrize(
    ("name", "write", "limit_mb"),
    [
        ("big.csv.gz", write_csv, LIMIT_MB),
        ("big.jsonl.gz", write_json, LIMIT_MB_OBJECTS),
        ("big.parquet", write_parquet, LIMIT_MB_ARROW),
        ("big.zip", write_zip, LIMIT_MB),
    ],
)
def test_a_load_needs_less_memory_than_the_expanded_file(
    settings: Settings, query, tmp_path: Path, name: str, write: Callable[[Path], None], limit_mb: int
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's peak memory as Linux does")
    path = tmp_path / name
    write(path)
    command = [str(Path(sys.executable).with_name("sentiment")), "load", str(path)]
    _, peak_mb = measured(command, {"SENTIMENT_DATABASE_URL": settings.require_database_url()})
    assert query("SELECT count(*), sum(octet_length(text)) / 1000000 FROM sentiment.review") == [(ROWS, 240)]
    assert 100 < peak_mb < limit_mb
