"""Reader for the body of a drop. It hashes the stored bytes, decompresses them and limits the expanded size."""

import gzip
import hashlib
import lzma
import zlib
from collections.abc import Sequence
from typing import BinaryIO, Protocol, cast

from backports import zstd

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop
from sentiment_core.errors import FileRejected

DELIMITERS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = (".gz", ".zst")
CHUNK = 1 << 20


class Readable(Protocol):
    """A stream with the only method that this module needs."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes. The result is empty at the end of the stream."""


class Body:
    """Reads the expanded bytes of a drop. `finish` returns the SHA-256 of the object as stored.

    Raises `FileRejected` when the contract does not support the name, when the compression is damaged, and when the
    object expands to more than `max_expanded_bytes`. `compressions` are the accepted suffixes of compressed objects.
    """

    def __init__(
        self, stored: Readable, drop: Drop, max_expanded_bytes: int, compressions: Sequence[str] = COMPRESSIONS
    ) -> None:
        self.drop = drop
        self.expanded_bytes = 0
        self.max_expanded_bytes = max_expanded_bytes
        self.delimiter, compression = file_format(drop, compressions)
        self._stored = _Hashed(stored)
        self._expanded: Readable = self._stored
        if compression == ".gz":
            self._expanded = gzip.GzipFile(fileobj=cast("BinaryIO", self._stored), mode="rb")
        elif compression == ".zst":
            self._expanded = zstd.ZstdFile(cast("BinaryIO", self._stored))
        elif compression == ".xz":
            self._expanded = lzma.LZMAFile(cast("BinaryIO", self._stored))  # noqa: SIM115 -- it closes nothing

    def read(self, size: int) -> bytes:
        """Return up to `size` expanded bytes. The result is empty at the end of the stream."""
        try:
            data = self._expanded.read(size)
        except (gzip.BadGzipFile, EOFError, lzma.LZMAError, zlib.error, zstd.ZstdError) as error:
            raise FileRejected(
                reason=RejectCode.DAMAGED_COMPRESSION, why=f"{self.drop.uri} cannot be decompressed ({error})"
            ) from error
        self.expanded_bytes += len(data)
        if self.expanded_bytes > self.max_expanded_bytes:
            raise FileRejected(
                reason=RejectCode.EXPANDS_TOO_FAR,
                why=f"{self.drop.uri} expands to more than {self.max_expanded_bytes:,} bytes",
            )
        return data

    @property
    def stored_bytes(self) -> int:
        """Return the number of stored (not expanded) bytes read so far."""
        return self._stored.size

    def finish(self) -> bytes:
        """Read the bytes that decompression left unread, and return the SHA-256 digest of the whole stored object."""
        while self._stored.read(CHUNK):
            pass
        return self._stored.sha256.digest()


class _Hashed:
    def __init__(self, stored: Readable) -> None:
        self.stored = stored
        self.size = 0
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self.stored.read(size)
        self.size += len(data)
        self.sha256.update(data)
        return data


def file_format(drop: Drop, compressions: Sequence[str] = COMPRESSIONS) -> tuple[str, str]:
    """Return the delimiter and the compression suffix ('' for none) from the end of the key.

    Raises `FileRejected` when the key is a directory marker or its format is not supported.
    """
    if drop.key.endswith("/"):
        raise FileRejected(
            reason=RejectCode.DIRECTORY_MARKER,
            why=f"{drop.uri} is a directory marker, not a file. Some tools create one for each folder. No data is lost",
        )
    name = drop.key.lower()
    compression = next((suffix for suffix in compressions if name.endswith(suffix)), "")
    plain = name.removesuffix(compression)
    for suffix, delimiter in DELIMITERS.items():
        if plain.endswith(suffix):
            return delimiter, compression
    raise FileRejected(
        reason=RejectCode.UNSUPPORTED_FORMAT,
        why=f"{drop.uri} does not end in .csv or .tsv, optionally followed by {' or '.join(compressions)}",
    )
