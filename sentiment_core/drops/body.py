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

# Endings of names, with the delimiter that is tried first. The content decides what a file is.
DELIMITERS = {
    ".csv": ",",
    ".tsv": "\t",
    ".txt": "\t",
    ".tab": "\t",
    ".psv": "|",
    **dict.fromkeys((".jsonl", ".jsonlines", ".ndjson", ".json", ".parquet", ".zip"), ","),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), ","),
}
COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz")
CHUNK = 1 << 20

# The first bytes of files that are no text.
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
PARQUET = (b"PAR1", b"PARE")

# Markers and checksums of Spark and Hadoop, and what desktops, editors and transfers leave behind.
_LEFT_BY_A_TOOL = re.compile(
    r"(?:_(?:SUCCESS|FAILURE|DONE|READY|committed_.*|started_.*|metadata|common_metadata|manifest|sync)|\..+|~\$.+|#.+#"
    r"|.+_\$folder\$|manifest|unload_manifest|(?:eh)?thumbs\.db|desktop\.ini|Icon\r|(?:MD5|SHA1|SHA256|SHA512)SUMS"
    r"|.+\.(?:crc|md5|sha1|sha256|sha512|md5sum|sha1sum|sha256sum|asc|sig|etag|manifest|done|ok|ctl|trigger|lock"
    r"|tmp|temp|filepart|part|partial|crdownload|opdownload|download|aria2|inprogress|_COPYING_|sw[a-z]|bak|old|orig)"
    r"|.+~)",
    re.IGNORECASE | re.DOTALL,
)
# Folders in which programs keep files that are not finished, their logs and copies of names.
_FOLDER_OF_A_TOOL = re.compile(
    r"(?:^|/)(?:_temporary|_delta_log|_spark_metadata|_impala_insert_staging|_logs|\.[^/]+|__MACOSX|@eaDir|\$RECYCLE\.BIN"
    r"|lost\+found)/",
    re.IGNORECASE,
)
MAX_LEVELS = 2  # of compression that are undone; an archive is one
_PEEKED = 64
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
        self.levels = MAX_LEVELS  # that are left, once the first bytes are read
        self._stored = _Hashed(stored)
        self._expanded: Readable | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` expanded bytes. The result is empty at the end of the stream."""
        try:
            if self._expanded is None:
                self._expanded, self.levels = expand(self._stored, self._suffix, MAX_LEVELS)
            data = self._expanded.read(size)
        except (*_DAMAGES, OSError) as error:
            if not damage_of(error):
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


def damage_of(error: Exception) -> bool:
    """Return whether an error means that compressed data is damaged."""
    # bz2 reports damage as a bare OSError. One of the system or of a connection has a number or a class.
    return isinstance(error, _DAMAGES) or (type(error) is OSError and error.errno is None)


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


class Peeked:
    """A stream whose first bytes, `start`, were read in advance."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.start = b""
        while len(self.start) < _PEEKED and (more := stream.read(_PEEKED - len(self.start))):
            self.start += more
        self._pending = self.start

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes. The result is empty at the end of the stream."""
        if not self._pending or size == 0:
            return self._stream.read(size)
        if 0 < size < len(self._pending):
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        data, self._pending = self._pending, b""
        return data if size > 0 else data + self._stream.read(size)


def expand(stored: Readable, suffix: str, levels: int) -> tuple["Peeked", int]:
    """Return the decompressed stream, and how many levels are left of `levels`.

    The first bytes decide, because names are often wrong. Raises `gzip.BadGzipFile` when they are not those of the
    suffix, or when more levels are needed.
    """
    stream = Peeked(stored)
    while opener := next((opener for magic, opener in _OPENERS.items() if magic.match(stream.start)), None):
        if levels == 0:
            raise gzip.BadGzipFile(f"it is compressed more than {MAX_LEVELS} times")
        stream = Peeked(opener(cast("BinaryIO", stream)))
        suffix, levels = "", levels - 1
    if suffix and not _is_text(stream.start) and not is_container(stream.start):
        raise gzip.BadGzipFile(f"the first bytes are not those of a {suffix} file")
    return stream, levels


def is_container(start: bytes) -> bool:
    """Return whether the first bytes are those of an archive, a workbook or a Parquet file."""
    return start.startswith((*ZIP, OLD_WORKBOOK, *PARQUET))


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(start) and error.start > len(start) - 4
    return b"\0" not in start


def left_by_a_tool(name: str) -> bool:
    """Return whether a name, with its folders, is that of a marker, a checksum or a temporary file."""
    return bool(_LEFT_BY_A_TOOL.fullmatch(name.rpartition("/")[2]) or _FOLDER_OF_A_TOOL.search(name))


def file_format(drop: Drop) -> tuple[str, str]:
    """Return the delimiter and the compression suffix ('' for none) from the end of the key.

    Raises `FileRejected` when the key is a directory marker or its format is not supported.
    """
    if drop.key.endswith("/"):
        raise FileRejected(
            reason=RejectCode.DIRECTORY_MARKER,
            why=f"{drop.uri} is a directory marker, not a file. Some tools create one for each folder. No data is lost",
        )
    # The folders of a local file are those of the user.
    if left_by_a_tool(drop.key if drop.bucket else drop.key.rpartition("/")[2]):
        raise FileRejected(
            reason=RejectCode.LEFT_BY_A_TOOL,
            why=f"{drop.uri} is a file that a tool left behind, such as a marker or a checksum. It has no reviews",
        )
    found = format_of_name(drop.key)
    if found is None:
        raise FileRejected(
            reason=RejectCode.UNSUPPORTED_FORMAT,
            why=f"{drop.uri} does not end in {', '.join(DELIMITERS)}, optionally followed by "
            f"{' or '.join(COMPRESSIONS)}",
        )
    return found


def format_of_name(name: str) -> tuple[str, str] | None:
    """Return the delimiter and the compression suffix of a name, or None if its end is not known."""
    name = name.lower()
    compression = next((suffix for suffix in COMPRESSIONS if name.endswith(suffix)), "")
    plain = name.removesuffix(compression)
    delimiter = next((delimiter for suffix, delimiter in DELIMITERS.items() if plain.endswith(suffix)), None)
    return None if delimiter is None else (delimiter, compression)
