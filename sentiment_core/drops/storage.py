"""Storage of drops, in an S3 bucket or on the local disk: lists drops and opens exactly one version of a drop."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import boto3
import botocore.exceptions
import urllib3.exceptions
from botocore.config import Config

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop, local_drop
from sentiment_core.drops.resumable_body import PIECE, ResumingBody
from sentiment_core.errors import FileRejected, ObjectChanged, ObjectMissing, StorageRefused, StorageUnavailable

GONE = {"404", "NoSuchKey", "NoSuchVersion", "412", "PreconditionFailed"}
REFUSED = {"AccessDenied", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch", "403", "400"}


def s3_client(endpoint_url: str | None) -> Any:
    """Return a boto3 S3 client with timeouts and retries. boto3 finds the credentials in the environment."""
    config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})
    return boto3.client("s3", endpoint_url=endpoint_url, config=config)


class Storage:
    """Lists and opens drops. `client` is a boto3 S3 client. Without it, only local files can be opened."""

    def __init__(self, client: Any | None) -> None:
        self.client = client

    def list(self, bucket: str, prefix: str) -> Iterator[Drop]:
        """Yield the current version of each object below a prefix. The listing is read one page at a time.

        Raises `StorageUnavailable` and `StorageRefused`.
        """
        with storage_errors(f"s3://{bucket}/{prefix}"):
            versioning = self.s3.get_bucket_versioning(Bucket=bucket).get("Status")
            if versioning == "Enabled":
                yield from self._list_versions(bucket, prefix)
                return
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield described(bucket, found["Key"], found, found["Size"])

    def _list_versions(self, bucket: str, prefix: str) -> Iterator[Drop]:
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Versions", ()):
                if found["IsLatest"]:
                    yield described(bucket, found["Key"], found, found["Size"])

    def find(self, uri: str) -> Drop:
        """Describe the current version of `s3://bucket/key`, or of a local file.

        Raises `ObjectMissing`, `StorageUnavailable` and `StorageRefused`.
        """
        bucket, key = split_uri(uri)
        if not bucket:
            try:
                return local_drop(Path(key))
            except OSError as error:
                raise ObjectMissing(uri=uri) from error
        with storage_errors(uri):
            try:
                head = self.s3.head_object(Bucket=bucket, Key=key)
            except botocore.exceptions.ClientError as error:
                if error_code(error) in GONE:
                    raise ObjectMissing(uri=uri) from error
                raise
        return described(bucket, key, head, head["ContentLength"])

    @contextmanager
    def open(self, drop: Drop) -> Iterator[BinaryIO]:
        """Open exactly the listed version for reading.

        Raises `FileRejected` when that version no longer exists, `StorageUnavailable` and `StorageRefused`. Reads
        inside the block can raise the last two as well, and `ObjectChanged` when the object was replaced after it was
        opened.
        """
        if not drop.bucket:
            with local_version(drop) as stored:
                yield stored
            return
        try:
            body = ResumingBody(drop, partial(self._get, drop))
        except ObjectChanged as error:
            raise object_gone(drop) from error
        with io.BufferedReader(body, PIECE) as stored:
            yield stored

    def _get(self, drop: Drop, start: int) -> Any:
        """Open the listed version from a byte offset.

        Raises `ObjectChanged` when that version no longer exists, `StorageUnavailable` and `StorageRefused`.
        """
        wanted = {"VersionId": drop.version_id} if drop.version_id else {"IfMatch": f'"{drop.etag}"'}
        if start:
            wanted["Range"] = f"bytes={start}-"
        with storage_errors(drop.uri):
            try:
                answer = self.s3.get_object(Bucket=drop.bucket, Key=drop.key, **wanted)
            except botocore.exceptions.ClientError as error:
                if error_code(error) in GONE:
                    raise ObjectChanged(uri=drop.uri) from error
                raise
        if start and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
            answer["Body"].close()
            raise StorageUnavailable(uri=drop.uri, why=f"the response does not start at the requested byte {start}")
        return answer["Body"]

    @property
    def s3(self) -> Any:
        """Return the S3 client. Raises `StorageRefused` when no client is configured."""
        if self.client is None:
            raise StorageRefused(uri="s3://", why="no S3 client is configured")
        return self.client


def split_uri(uri: str) -> tuple[str, str]:
    """Split `s3://bucket/key` into bucket and key. A local path has the bucket ''."""
    if not uri.startswith("s3://"):
        return "", uri
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def described(bucket: str, key: str, found: dict[str, Any], size: int) -> Drop:
    """Build a drop from an entry of a listing or from a HEAD response.

    Times are truncated to whole seconds, as in HEAD responses and in S3's listings. Some stores list milliseconds,
    which would give one version two tokens.
    """
    version = found.get("VersionId")
    return Drop(
        bucket,
        key,
        found["ETag"].strip('"'),
        # An object stored before versioning was enabled has the version "null".
        None if version in (None, "", "null") else str(version),
        found["LastModified"].replace(microsecond=0),
        size,
    )


@contextmanager
def local_version(drop: Drop) -> Iterator[BinaryIO]:
    """Open a local file if it is still the described version.

    Raises `FileRejected` when the file changed before it was opened. Raises `ObjectChanged` at the end of the block
    when the file changed in the meantime.
    """
    if not is_unchanged(drop):
        raise object_gone(drop)
    try:
        with Path(drop.key).open("rb") as stored:
            yield stored
    except (FileRejected, FileNotFoundError) as error:
        # A mix of the old and the new file can fail in any way, so report the change instead of that failure.
        if is_unchanged(drop):
            raise
        raise ObjectChanged(uri=drop.uri) from error
    if not is_unchanged(drop):
        raise ObjectChanged(uri=drop.uri)


def is_unchanged(drop: Drop) -> bool:
    """Return whether a local file still has the described size and modification time."""
    try:
        return local_drop(Path(drop.key)) == drop
    except FileNotFoundError:
        return False


def object_gone(drop: Drop) -> FileRejected:
    """Return the error for a version that was replaced or deleted before it was read."""
    return FileRejected(
        reason=RejectCode.OBJECT_GONE,
        why=f"this version of {drop.uri} was replaced or deleted before it was read. "
        "A newer version, if present, is loaded as a separate drop",
    )


def error_code(error: botocore.exceptions.ClientError) -> str:
    """Return the S3 error code, or the HTTP status if the response had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def storage_errors(uri: str) -> Iterator[None]:
    """Convert botocore errors to `StorageUnavailable` (retry) or `StorageRefused` (a retry cannot succeed)."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        kind = StorageRefused if error_code(error) in REFUSED else StorageUnavailable
        raise kind(uri=uri, why=str(error)) from error
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.ParamValidationError) as error:
        raise StorageRefused(uri=uri, why=str(error)) from error
    except (botocore.exceptions.BotoCoreError, urllib3.exceptions.HTTPError, ConnectionError) as error:
        raise StorageUnavailable(uri=uri, why=str(error)) from error
