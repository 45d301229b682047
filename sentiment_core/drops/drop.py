"""A drop: one version of one object below the incoming prefix."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from sentiment_core.drops.contract import RejectCode
from sentiment_core.errors import FileRejected

DAY_SEGMENT = re.compile(r"(?:^|/)dt=([^/]*)(?=/)")


class Drop(NamedTuple):
    """One version of one object, as the object store listed it. An empty bucket means a local file."""

    bucket: str
    key: str
    etag: str
    version_id: str | None
    last_modified: datetime
    size: int

    @property
    def uri(self) -> str:
        """Return `s3://bucket/key`, or the path of a local file."""
        return f"s3://{self.bucket}/{self.key}" if self.bucket else self.key

    @property
    def version_token(self) -> str:
        """Return a token that identifies this object version. It never changes for the same version."""
        return self.version_id or f"{self.etag} {self.last_modified.astimezone(UTC).isoformat()}"

    @property
    def named_day(self) -> str | None:
        """Return the value of the `dt=` segment of the key, or None if absent. The value need not be a valid day."""
        found = DAY_SEGMENT.search(self.key)
        return found[1] if found else None

    @property
    def day(self) -> date:
        """Return the day from `dt=YYYY-MM-DD` in the key, or else the UTC day on which the object was stored."""
        named = self.named_day
        return (parse_day(named) if named else None) or self.last_modified.astimezone(UTC).date()

    def require_day(self) -> None:
        """Raise `FileRejected` when the `dt=` value in the key is not a valid day."""
        if self.named_day is not None and self.named_day != self.day.isoformat():
            why = f"{self.uri} has dt={self.named_day}, which is not a date of the form YYYY-MM-DD"
            raise FileRejected(reason=RejectCode.INVALID_DAY, why=why)

    def source(self, prefix: str) -> str:
        """Return the key segment after the prefix. Return "" if that segment is `dt=…` or the file name."""
        if not self.bucket:
            return ""
        first, *rest = self.key.removeprefix(prefix).split("/")
        return first if rest and not first.startswith("dt=") else ""


def parse_day(text: str) -> date | None:
    """Return the date that the text gives as `YYYY-MM-DD`, or None if it is not such a date."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def local_drop(path: Path) -> Drop:
    """Describe a local file as a drop.

    Raises `OSError` when the file does not exist.
    """
    path = path.resolve()
    stat = path.stat()
    return Drop(
        bucket="",
        key=str(path),
        etag=f"{stat.st_size:x}-{stat.st_mtime_ns:x}",
        version_id=None,
        last_modified=datetime.fromtimestamp(stat.st_mtime, UTC),
        size=stat.st_size,
    )
