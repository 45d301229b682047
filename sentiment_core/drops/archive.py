"""Read the members of a ZIP archive, one after another, as the records of one file."""

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Final

from sentiment_core.drops.body import MAX_LEVELS, Readable, damage_of, expand, left_by_a_tool
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock, Stream
from sentiment_core.drops.record_kernel import JSON_OBJECTS
from sentiment_core.errors import FileRejected

EXCEL: Final = "an Excel workbook"
OPEN_DOCUMENT: Final = "an OpenDocument workbook"
MAX_MEMBERS: Final = 10_000
_MAX_DIRECTORY_BYTES: Final = 1 << 24
_ENCRYPTED: Final = 1
_TAIL: Final = 22 + 65_535  # the end record and its comment

# The files of another format that is a ZIP archive too.
_FORMATS: Final = (
    ("xl/", EXCEL),
    ("content.xml", OPEN_DOCUMENT),
    ("word/", "a Word document"),
    ("ppt/", "a PowerPoint document"),
    ("Index/Document.iwa", "an Apple Numbers or Pages document. Export it as CSV or as an Excel workbook"),
    ("AndroidManifest.xml", "an Android app"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
)

# Reads a member: its stream, its name for messages, and the end of its name.
ReadMember = Callable[[Stream, str, str], Iterator[RecordBlock]]


class Archive:
    """A ZIP archive in a file. Raises `FileRejected` when it is damaged or has too many members."""

    def __init__(self, file: IO[bytes], source: str, max_expanded_bytes: int, levels: int = MAX_LEVELS) -> None:
        self._source = source
        self._left = max_expanded_bytes
        self._max_expanded_bytes = max_expanded_bytes
        self._levels = levels - 1
        try:
            if _directory_bytes(file) > _MAX_DIRECTORY_BYTES:
                raise self._too_many()
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, OSError, struct.error, ValueError) as error:
            raise self._damaged("", error) from error
        names = [member.filename for member in self._zip.infolist()]
        if len(names) > MAX_MEMBERS:
            raise self._too_many()
        self.format = next((form for start, form in _FORMATS if any(name.startswith(start) for name in names)), None)
        self.expanded_bytes = sum(member.file_size for member in self._zip.infolist())

    def blocks(self, read: ReadMember, is_header: Callable[[list[bytes]], bool]) -> Iterator[RecordBlock]:
        """Yield the records of all members in the archive's order. Lines count on from member to member.

        Raises `FileRejected` for a member that cannot be read, has no text column, or differs from the first one in
        its form: the ledger keeps one header, with which a replay reads the rejected rows of all members.
        """
        first: tuple[str, RecordBlock] | None = None
        lines = 0
        for member in self._members():
            name, before = member.filename, lines
            for block in self._member_blocks(member, read):
                if first is None:
                    first = name, block
                if block.has_header:
                    self._check_header(name, block, first, is_header)
                if block.size > block.has_header:
                    lines = before + _last_line(block)
                yield block._replace(line=block.line + before)
        if first is None:
            why = f"{self._source} is a ZIP archive without a file of reviews"
            raise FileRejected(reason=RejectCode.EMPTY_FILE, why=why)

    def _members(self) -> list[zipfile.ZipInfo]:
        members = [
            member
            for member in self._zip.infolist()
            if not member.is_dir()
            and not member.filename.startswith("__MACOSX/")
            and not left_by_a_tool(member.filename)
        ]
        for member in members:
            if member.flag_bits & _ENCRYPTED:
                why = f"{self._source} is a ZIP archive with a password. Make one without a password"
                raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=why)
        return members

    def _member_blocks(self, member: zipfile.ZipInfo, read: ReadMember) -> Iterator[RecordBlock]:
        try:
            with self._open(member) as opened:
                stream, _ = expand(_Limited(opened, self._count), "", self._levels)
                yield from read(stream, f"{member.filename} in {self._source}", member.filename)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
            # An offset that cannot be is an invalid argument.
            if not damage_of(error) and not isinstance(error, zipfile.BadZipFile) and not _is_invalid(error):
                raise
            raise self._damaged(member.filename, error) from error

    def _open(self, member: zipfile.ZipInfo) -> IO[bytes]:
        try:
            return self._zip.open(member)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, struct.error) as error:
            raise self._damaged(member.filename, error) from error

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            why = f"{self._source} expands to more than {self._max_expanded_bytes:,} bytes"
            raise FileRejected(reason=RejectCode.EXPANDS_TOO_FAR, why=why)

    def _check_header(
        self,
        name: str,
        block: RecordBlock,
        first: tuple[str, RecordBlock],
        is_header: Callable[[list[bytes]], bool],
    ) -> None:
        first_name, first_block = first
        names, dialect = block.fields(0), block.dialect
        shown = b", ".join(names).decode("utf-8", "replace")
        is_text, first_is_text = (each.quoting != JSON_OBJECTS for each in (dialect, first_block.dialect))
        if is_text and not is_header(names):
            why = f"{name} in {self._source} has no text column. Its columns are {shown}. Leave it out of the archive"
            raise FileRejected(reason=RejectCode.NO_TEXT_COLUMN, why=why)
        if is_text != first_is_text:
            why = f"{self._source} has both delimited text and another form: {first_name} and {name}"
        elif is_text and (names, dialect.delimiter) != (first_block.fields(0), first_block.dialect.delimiter):
            others = b", ".join(first_block.fields(0)).decode("utf-8", "replace")
            why = (
                f"{first_name} and {name} in {self._source} have other columns or delimiters: {others} "
                f"(`{first_block.dialect.delimiter}`), and {shown} (`{dialect.delimiter}`)"
            )
        else:
            return
        raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=f"{why}. Drop the files one by one")

    def _too_many(self) -> FileRejected:
        why = f"{self._source} is a ZIP archive with more than {MAX_MEMBERS:,} members"
        return FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=why)

    def _damaged(self, name: str, error: Exception) -> FileRejected:
        what = f"{name} in {self._source}" if name else self._source
        code = RejectCode.DAMAGED_COMPRESSION
        if isinstance(error, NotImplementedError):
            code = RejectCode.UNSUPPORTED_FORMAT
        return FileRejected(reason=code, why=f"{what} cannot be decompressed ({error})")


class _Limited:
    """A stream that reports how much is read."""

    def __init__(self, stream: Readable, count: Callable[[int], None]) -> None:
        self._stream = stream
        self._count = count

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._count(len(data))
        return data


def _is_invalid(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EINVAL


def _last_line(block: RecordBlock) -> int:
    last = block.size - 1
    is_text = block.dialect.quoting != JSON_OBJECTS
    return int(block.line[last]) + (block.raw(last).count(b"\n") if is_text else 0)


def _directory_bytes(file: IO[bytes]) -> int:
    """Return the size of an archive's directory, which `zipfile` reads into memory, or 0 if it cannot be found."""
    end = file.seek(0, 2)
    start = file.seek(max(0, end - _TAIL))
    tail = file.read(end - start)
    file.seek(0)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 22 > len(tail):
        return 0
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    wide = tail.rfind(b"PK\6\6", 0, at)
    if size == 0xFFFFFFFF and wide >= 0:
        size = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    return size
