"""Download labelled reviews from the object store to local disk, for programs that read files."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sentiment_core.datasets.collection import SNAPSHOTS
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.settings import settings

_SUFFIXES: Final = (".csv", ".csv.gz", ".csv.xz")
_MOST_BYTES: Final = 2_000_000_000


@contextmanager
def downloaded(storage: Storage, bucket: str, prefix: str, most_bytes: int = _MOST_BYTES) -> Iterator[list[Path]]:
    """Yield the local paths of the files below a prefix (or of the one object with that key), sorted by key.

    Snapshots are skipped. The files are deleted when the context ends.

    Raises `TrainingDataInvalid` when no object is found, when an object is not a CSV file (.csv, .csv.gz, .csv.xz) or
    when their total size exceeds `most_bytes`, and the errors of `Storage`.
    """
    snapshots = settings().training_prefix + SNAPSHOTS
    listed = (drop for drop in storage.list(bucket, prefix) if not drop.key.startswith(snapshots))
    found = sorted(listed, key=lambda drop: drop.key)
    where = f"s3://{bucket}/{prefix}"
    if not found:
        raise TrainingDataInvalid(why=f"there is nothing at {where}")
    for drop in found:
        if _suffix(drop) is None:
            raise TrainingDataInvalid(
                why=f"{drop.uri} is none of {', '.join(_SUFFIXES)}; name other objects than {where}"
            )
    if (total := sum(drop.size for drop in found)) > most_bytes:
        raise TrainingDataInvalid(
            why=f"{where} has {total:,} bytes, at most {most_bytes:,} are read; name fewer objects"
        )
    with tempfile.TemporaryDirectory(prefix="labelled-") as folder:
        paths = [Path(folder, f"{number}{_suffix(drop)}") for number, drop in enumerate(found)]
        for drop, path in zip(found, paths, strict=True):
            with storage.open(drop) as stored, path.open("wb") as file:
                shutil.copyfileobj(stored, file)
        yield paths


def _suffix(drop: Drop) -> str | None:
    return next((suffix for suffix in _SUFFIXES if drop.key.endswith(suffix)), None)
