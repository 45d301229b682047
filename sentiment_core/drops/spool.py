"""Spool a stream to disk, for forms whose directory is at their end: archives, workbooks and Parquet."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from sentiment_core.drops.csv_records import Stream

_CHUNK = 1 << 20


@contextmanager
def spooled(stream: Stream) -> Iterator[IO[bytes]]:
    """Yield a temporary file, in the folder that TMPDIR names, with the whole stream. It is deleted at the end."""
    with tempfile.NamedTemporaryFile(prefix="sentiment-") as file:
        while chunk := stream.read(_CHUNK):
            file.write(chunk)
        file.flush()
        file.seek(0)
        yield file
