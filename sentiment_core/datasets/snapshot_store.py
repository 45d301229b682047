"""Snapshot storage: each snapshot is a folder of the bucket, named by the snapshot's id."""

import io
import json
import re
from collections.abc import Iterable, Iterator, Set
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple, Self

import botocore.exceptions
import numpy as np
from backports import zstd
from pydantic import ValidationError

from sentiment_core.datasets.collection import SNAPSHOTS
from sentiment_core.datasets.snapshot import FORMAT_VERSION, Content, Row, Snapshot, SnapshotManifest, decoded, encoded
from sentiment_core.drops.storage import GONE, Storage, error_code, storage_errors
from sentiment_core.errors import SnapshotDamaged, SnapshotErased, SnapshotMissing
from sentiment_core.model.bundle import array_bytes
from sentiment_core.settings import Settings
from sentiment_core.text.fingerprints import TextHashes, hash_text

# The snapshot stores the rows, not references to objects. A bucket may have no versioning, an object may be deleted,
# and corrections are in no object. So retraining needs only the snapshot.
_ROWS: Final = "rows.jsonl.zst"
_TEXTS: Final = "texts.npy"
# Written last: a snapshot without a manifest does not exist.
_MANIFEST: Final = "manifest.json"
# Written before rows are erased.
_ERASED: Final = "erased.json"
_ID: Final = re.compile(r"[0-9a-f]{8,64}")


class StoredSnapshot(NamedTuple):
    """A snapshot without its rows."""

    manifest: SnapshotManifest
    created: datetime
    rows_erased: int

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return self.manifest.id


class SnapshotStore:
    """The snapshots below a prefix of a bucket.

    All methods raise `StorageUnavailable` or `StorageRefused` when the object store fails.
    """

    def __init__(self, storage: Storage, bucket: str, prefix: str) -> None:
        self._storage = storage
        self.bucket = bucket
        self.prefix = prefix

    @classmethod
    def of(cls, storage: Storage, settings: Settings) -> Self:
        """Return the store that the settings specify."""
        return cls(storage, settings.bucket, settings.training_prefix + SNAPSHOTS)

    def uri(self, snapshot_id: str) -> str:
        """Return the URI of a snapshot's folder."""
        return f"s3://{self.bucket}/{self.prefix}{snapshot_id}/"

    def write(self, snapshot: Snapshot) -> bool:
        """Store a snapshot and return True, or return False if it is already stored.

        Raises `SnapshotErased` when an erasure removed rows from the stored snapshot.
        """
        erased = self._rows_erased(snapshot.id)
        if erased:
            raise SnapshotErased(snapshot=snapshot.id, rows=f"{erased:,}")
        if self._get(snapshot.id, _MANIFEST) is not None:
            return False
        self._put(snapshot.id, _ROWS, _packed(snapshot.rows))
        self._put(snapshot.id, _TEXTS, array_bytes(snapshot.known_texts))
        self._put(snapshot.id, _MANIFEST, snapshot.manifest.document)
        return True

    def stored(self) -> Iterator[StoredSnapshot]:
        """Yield all snapshots, newest first."""
        found = [drop for drop in self._storage.list(self.bucket, self.prefix) if drop.key.endswith(f"/{_MANIFEST}")]
        for drop in sorted(found, key=lambda drop: (drop.last_modified, drop.key), reverse=True):
            yield self._stored(drop.key.removeprefix(self.prefix).partition("/")[0], drop.last_modified)

    def find(self, name: str) -> StoredSnapshot:
        """Return the snapshot with this id, or with this unique id prefix of eight characters or more.

        Raises `SnapshotMissing` when no snapshot or more than one matches, and `SnapshotDamaged` when the manifest is
        invalid.
        """
        drops = list(self._storage.list(self.bucket, self.prefix + name)) if _ID.fullmatch(name) else []
        found = {drop.key: drop for drop in drops if drop.key.endswith(f"/{_MANIFEST}")}
        if len(found) != 1:
            raise SnapshotMissing(snapshot=name, where=f"s3://{self.bucket}/{self.prefix}")
        (drop,) = found.values()
        return self._stored(drop.key.removeprefix(self.prefix).partition("/")[0], drop.last_modified)

    def read(self, name: str) -> Snapshot:
        """Return a snapshot with its rows, verified against the SHA-256 digests of its manifest.

        Raises `SnapshotMissing` when no snapshot or more than one matches the name, `SnapshotDamaged` when the stored
        objects do not match the manifest, and `SnapshotErased` when an erasure removed rows.
        """
        stored = self.find(name)
        if stored.rows_erased:
            raise SnapshotErased(snapshot=stored.id, rows=f"{stored.rows_erased:,}")
        rows = self._rows(stored, verified=True)
        texts = self._require(stored.id, _TEXTS)
        if sha256(texts).hexdigest() != stored.manifest.known_texts.sha256:
            raise SnapshotDamaged(snapshot=stored.id, why=f"{_TEXTS} does not match the SHA-256 in its manifest")
        hashes: TextHashes = np.load(io.BytesIO(texts), allow_pickle=False)
        return Snapshot(stored.manifest, rows, hashes)

    def erase(self, kind: str, source: str, identifier: str, texts: Set[int]) -> int:
        """Erase the rows of a review or author of a source from all snapshots; return how many snapshots changed.

        Rows from corrections are erased too when their text equals that of an erased row, or when `texts` contains the
        hash of their text. The operation is idempotent.
        """
        return sum(self._erase(stored, kind, source, identifier, texts) for stored in self.stored())

    def _erase(self, stored: StoredSnapshot, kind: str, source: str, identifier: str, texts: Set[int]) -> bool:
        sources = {each.key: each.source for each in stored.manifest.sources}

        def is_theirs(row: Row) -> bool:
            named = row.review_id if kind == "review" else row.author_id
            origin = row.source if row.origin == "stars" else sources.get(row.key or "")
            return named == identifier and row.key is not None and origin == source

        rows = self._rows(stored, verified=not stored.rows_erased)
        gone = texts | {hash_text(row.text) for row in rows if is_theirs(row)}
        left = [row for row in rows if not is_theirs(row) and (row.key is not None or hash_text(row.text) not in gone)]
        if len(left) == len(rows):
            # An earlier attempt may have failed after storing the rows and before deleting their old versions.
            if stored.rows_erased:
                self._delete_older(stored.id)
            return False
        count = stored.manifest.rows - len(left)
        self._put(stored.id, _ERASED, json.dumps({"rows": count}).encode())
        self._put(stored.id, _ROWS, _packed(left))
        self._delete_older(stored.id)
        return True

    def _delete_older(self, snapshot_id: str) -> None:
        """Delete all noncurrent versions of the rows object, if the bucket keeps versions."""
        key = self._key(snapshot_id, _ROWS)
        with storage_errors(f"s3://{self.bucket}/{key}"):
            for page in self._storage.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key):
                for found in page.get("Versions", ()):
                    if not found["IsLatest"]:
                        self._storage.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=found["VersionId"])

    def _stored(self, snapshot_id: str, created: datetime) -> StoredSnapshot:
        document = self._require(snapshot_id, _MANIFEST)
        if sha256(document).hexdigest() != snapshot_id:
            raise SnapshotDamaged(snapshot=snapshot_id, why=f"the SHA-256 of {_MANIFEST} is not the snapshot id")
        found = json.loads(document).get("format_version")
        if found != FORMAT_VERSION:
            why = f"it has format {found}, and this release reads format {FORMAT_VERSION}"
            raise SnapshotDamaged(snapshot=snapshot_id, why=why)
        try:
            manifest = SnapshotManifest.model_validate_json(document)
        except ValidationError as error:
            fault = error.errors(include_input=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise SnapshotDamaged(snapshot=snapshot_id, why=f"{_MANIFEST}: {place}: {fault['msg']}") from error
        return StoredSnapshot(manifest, created.astimezone(UTC), self._rows_erased(snapshot_id))

    def _rows(self, stored: StoredSnapshot, verified: bool) -> list[Row]:
        """Return the stored rows. After an erasure the remaining rows match no digest, so they are not verified."""
        packed = self._require(stored.id, _ROWS)
        try:
            with zstd.ZstdFile(io.BytesIO(packed)) as file:
                lines = _Lines(file, stored.manifest.content.size)
                rows = decoded(lines)
        except (zstd.ZstdError, EOFError, ValueError, TypeError) as error:
            raise SnapshotDamaged(snapshot=stored.id, why=f"{_ROWS} cannot be read") from error
        if verified and lines.content != stored.manifest.content:
            why = f"{_ROWS} does not match the size and SHA-256 in its manifest"
            raise SnapshotDamaged(snapshot=stored.id, why=why)
        return rows

    def _rows_erased(self, snapshot_id: str) -> int:
        document = self._get(snapshot_id, _ERASED)
        return 0 if document is None else int(json.loads(document)["rows"])

    def _key(self, snapshot_id: str, name: str) -> str:
        return f"{self.prefix}{snapshot_id}/{name}"

    def _put(self, snapshot_id: str, name: str, content: bytes) -> None:
        key = self._key(snapshot_id, name)
        with storage_errors(f"s3://{self.bucket}/{key}"):
            self._storage.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def _require(self, snapshot_id: str, name: str) -> bytes:
        content = self._get(snapshot_id, name)
        if content is None:
            raise SnapshotDamaged(snapshot=snapshot_id, why=f"{name} is missing")
        return content

    def _get(self, snapshot_id: str, name: str) -> bytes | None:
        key = self._key(snapshot_id, name)
        with storage_errors(f"s3://{self.bucket}/{key}"):
            try:
                content: bytes = self._storage.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except botocore.exceptions.ClientError as error:
                if error_code(error) in GONE:
                    return None
                raise
        return content


class _Lines:
    """The lines of a file up to a size, beyond which nothing is read, and the size and digest of what was read."""

    def __init__(self, file: zstd.ZstdFile, most: int) -> None:
        self._file = file
        self._most = most
        self._size = 0
        self._digest = sha256()

    def __iter__(self) -> Iterator[bytes]:
        while self._size <= self._most and (line := self._file.readline(self._most + 1)):
            self._size += len(line)
            self._digest.update(line)
            yield line

    @property
    def content(self) -> Content:
        """The size and digest of the lines that were read."""
        return Content(size=self._size, sha256=self._digest.hexdigest())


def _packed(rows: Iterable[Row]) -> bytes:
    """Return rows as compressed JSON lines, which are never held uncompressed."""
    out = io.BytesIO()
    with zstd.ZstdFile(out, "w") as file:
        for line in encoded(rows):
            file.write(line)
    return out.getvalue()
