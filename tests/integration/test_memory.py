"""The memory of a load does not grow with the size of its file."""

import gzip
import sys
from pathlib import Path

import pytest

from benchmarks.harness import measured
from sentiment_core.settings import Settings

ROWS = 150_000
LIMIT_MB = 400  # the libraries use about 240


def test_a_load_needs_less_memory_than_the_expanded_file(settings: Settings, query, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's peak memory as Linux does")
    path = tmp_path / "big.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"review_id,review\n")
        for first in range(0, ROWS, 1000):
            file.write(b"".join(b"r%d,%d %s\n" % (row, row, b"so good " * 200) for row in range(first, first + 1000)))
    command = [str(Path(sys.executable).with_name("sentiment")), "load", str(path)]
    _, peak_mb = measured(command, {"SENTIMENT_DATABASE_URL": settings.require_database_url()})
    assert query("SELECT count(*), sum(octet_length(text)) / 1000000 FROM sentiment.review") == [(ROWS, 240)]
    assert 100 < peak_mb < LIMIT_MB
