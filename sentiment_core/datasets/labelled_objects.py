"""Find labelled reviews in the object store."""

from typing import Final

from sentiment_core.datasets.collection import SNAPSHOTS
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.settings import settings

_MAX_BYTES: Final = 2_000_000_000


def labelled_objects(storage: Storage, bucket: str, prefix: str, max_bytes: int = _MAX_BYTES) -> list[Drop]:
    """Return the objects below a prefix (or the one object with that key), sorted by key. Snapshots are left out.

    Raises `TrainingDataInvalid` when no object is found or their total size exceeds `max_bytes`, and the errors of
    `Storage`.
    """
    snapshots = settings().training_prefix + SNAPSHOTS
    found = sorted(drop for drop in storage.list(bucket, prefix) if not drop.key.startswith(snapshots))
    where = f"s3://{bucket}/{prefix}"
    if not found:
        raise TrainingDataInvalid(why=f"there are no objects at {where}. Check the key or prefix")
    if (total := sum(drop.size for drop in found)) > max_bytes:
        raise TrainingDataInvalid(
            why=f"the objects at {where} have {total:,} bytes, and the maximum is {max_bytes:,}. Name fewer objects"
        )
    return found
