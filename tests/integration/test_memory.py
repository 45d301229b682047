"""A load's memory does not grow with its file."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

from sentiment_core.settings import Settings

ROWS = 150_000
LIMIT_MB = 400  # of which the libraries take some 240


def test_a_file_is_loaded_in_less_memory_than_it_expands_to(settings: Settings, query, tmp_path: Path) -> None:
    path = tmp_path / "big.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"review_id,review\n")
        for first in range(0, ROWS, 1000):
            file.write(b"".join(b"r%d,%d %s\n" % (row, row, b"so good " * 200) for row in range(first, first + 1000)))
    environment = os.environ | {"SENTIMENT_DATABASE_URL": settings.require_database_url()}
    command = [str(Path(sys.executable).with_name("sentiment")), "load", str(path)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert b"150,000 scored" in process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert query("SELECT sum(octet_length(text)) / 1000000 FROM sentiment.review") == [(240,)]
    assert usage.ru_maxrss / 1000 < LIMIT_MB
