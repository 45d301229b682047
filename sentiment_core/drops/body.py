"""Reader for the body of a drop. It hashes the stored bytes, decompresses them and limits the expanded size."""

import bz2
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from backports import zstd

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop
from sentiment_core.errors import FileRejected

DELIMITERS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz")
CHUNK = 1 << 20

# Markers and checksums of Spark and Hadoop, and what desktops, editors and transfers leave behind.
_LEFT_BY_A_TOOL = re.compile(
    r"(?:^|/)(?:_(?:SUCCESS|FAILURE|committed_[^/]*|started_[^/]*|metadata|common_metadata)|\.[^/]+|~\$[^/]+"
    r"|Thumbs\.db|desktop\.ini|[^/]+\.(?:crc|md5|sha1|sha256|tmp|filepart|part|partial|crdownload|swp))$",
    re.IGNORECASE,
)
_PEEKED = 64
_MAX_LEVELS = 2
_DAMAGES = (gzip.BadGzipFile, EOFError, lzma.LZMAError, zlib.error, zstd.ZstdError)


class Readable(Protocol):
    """A stream with the only method that this module needs."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes. The result is empty at the end of the stream."""


_OPENERS: dict[re.Pattern[bytes], Callable[[BinaryIO], Readable]] = {
    re.compile(rb"\x1f\x8b"): lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    re.compile(rb"\x28\xb5\x2f\xfd"): lambda stream: cast("Readable", zstd.ZstdFile(stream)),
    re.compile(rb"\xfd7zXZ\0"): lzma.LZMAFile,
    # The head, and behind it the first block's mark or that of an empty stream: `BZh` alone can begin a text.
    re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"): bz2.BZ2File,
}


class Body:
    """Reads the expanded bytes of a drop. `finish` returns the SHA-256 of the object as stored.

    Raises `FileRejected` when the contract does not support the name, when the compression is damaged, and when the
    object expands to more than `max_expanded_bytes`.
    """

    def __init__(self, stored: Readable, drop: Drop, max_expanded_bytes: int) -> None:
        self.drop = drop
        self.expanded_bytes = 0
        self.max_expanded_bytes = max_expanded_bytes
        self.delimiter, self._suffix = file_format(drop)
        self._stored = _Hashed(stored)
        self._expanded: Readable | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` expanded bytes. The result is empty at the end of the stream."""
        try:
            if self._expanded is None:
                self._expanded = _expanded(self._stored, self._suffix)
            data = self._expanded.read(size)
        except (*_DAMAGES, OSError) as error:
            # bz2 reports damage as a bare OSError. One of the system or of a connection has a number or a class.
            if not isinstance(error, _DAMAGES) and (type(error) is not OSError or error.errno is not None):
                raise
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


class _Peeked:
    """A stream whose first bytes were looked at."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.start = b""
        while len(self.start) < _PEEKED and (more := stream.read(_PEEKED - len(self.start))):
            self.start += more
        self._pending = self.start

    def read(self, size: int = -1, /) -> bytes:
        if not self._pending or size == 0:
            return self._stream.read(size)
        if 0 < size < len(self._pending):
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        data, self._pending = self._pending, b""
        return data if size > 0 else data + self._stream.read(size)


def _expanded(stored: Readable, suffix: str) -> Readable:
    """Return the decompressed stream. The first bytes decide, because names are often wrong. Two levels are undone."""
    stream = _Peeked(stored)
    for _ in range(_MAX_LEVELS):
        opener = next((opener for magic, opener in _OPENERS.items() if magic.match(stream.start)), None)
        if opener is None:
            break
        stream = _Peeked(opener(cast("BinaryIO", stream)))
        suffix = ""
    if suffix and not _is_text(stream.start):
        raise gzip.BadGzipFile(f"the first bytes are not those of a {suffix} file")
    return stream


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(start) and error.start > len(start) - 4
    return b"\0" not in start


def file_format(drop: Drop) -> tuple[str, str]:
    """Return the delimiter and the compression suffix ('' for none) from the end of the key.

    Raises `FileRejected` when the key is a directory marker or its format is not supported.
    """
    if drop.key.endswith("/"):
        raise FileRejected(
            reason=RejectCode.DIRECTORY_MARKER,
            why=f"{drop.uri} is a directory marker, not a file. Some tools create one for each folder. No data is lost",
        )
    if _LEFT_BY_A_TOOL.search(drop.key):
        raise FileRejected(
            reason=RejectCode.LEFT_BY_A_TOOL,
            why=f"{drop.uri} is a file that a tool left behind, such as a marker or a checksum. It has no reviews",
        )
    name = drop.key.lower()
    compression = next((suffix for suffix in COMPRESSIONS if name.endswith(suffix)), "")
    plain = name.removesuffix(compression)
    for suffix, delimiter in DELIMITERS.items():
        if plain.endswith(suffix):
            return delimiter, compression
    raise FileRejected(
        reason=RejectCode.UNSUPPORTED_FORMAT,
        why=f"{drop.uri} does not end in .csv or .tsv, optionally followed by {' or '.join(COMPRESSIONS)}",
    )
