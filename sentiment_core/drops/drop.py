"""A drop: one version of one object below the incoming prefix."""

import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, Self

from sentiment_core.drops.contract import RejectCode
from sentiment_core.errors import FileRejected, FolderUnreadable

# Folders that name a day. A named group makes the day. The lists are tried in this order, because a folder of the
# first says most clearly what it is; of one list, the folder that starts first counts.
_EQUALS = r"(?:=|%3D)"
_YEAR, _MONTH, _DAY = (rf"(?:{name}){_EQUALS}(?P<{part}>[^/]*)" for name, part in (
    ("year|yyyy|yr|y", "year"), ("month|mm|mon|m", "month"), ("day|dd|d", "day"),
))  # fmt: skip
_DAY_FOLDERS = tuple(
    tuple(re.compile(rf"(?:^|/){pattern}(?=/)", re.IGNORECASE) for pattern in patterns)
    for patterns in (
        (rf"(?:dt|ds|date|day){_EQUALS}(?P<day>[^/]*)", rf"{_YEAR}/{_MONTH}/{_DAY}"),
        (
            # Other names of Hive's folders: `ingest_date`, `pt`, `event_day`, and any name before a date.
            rf"(?:pt|[^/=]*?(?:date|[_-](?:dt|ds|day))){_EQUALS}(?P<day>[^/]*)",
            rf"[^/=]+{_EQUALS}(?P<day>(?:19|20)\d\d-\d\d-\d\d[^/]*)",
            r"(?P<year>(?:19|20)\d\d|0001)/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
            r"(?:(?:dt|ds|date|day)[-_: ]?)?(?P<year>(?:19|20)\d\d|0001)(?P<separator>[-_.])(?P<month>\d{1,2})"
            r"(?P=separator)(?P<day>\d{1,2})(?:[T_ -]\d\d[^/]*)?",
            r"(?:(?:dt|ds|date|day)[-_: ]?)?(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
            r"(?:[T_ -]?\d{2,6}Z?)?",
            # A day of which only a person knows the order of its parts, or a month without a day.
            r"(?P<unclear>\d{1,2}(?P<mark>[-_./])\d{1,2}(?P=mark)(?:19|20)\d\d)",
            r"(?P<unclear>(?:19|20)\d\d/(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}/\d{1,2})",
        ),
        (
            rf"(?P<unclear>(?:year|yyyy|yr|y){_EQUALS}[^/]*/(?:month|mm|mon|m){_EQUALS}[^/]*)",
            rf"(?P<unclear>(?:month|year_month|yearmonth|ym){_EQUALS}(?:19|20)\d\d[^/]*)",
            r"(?P<unclear>(?:19|20)\d\d[-/](?:0[1-9]|1[0-2]))",
        ),
    )
)
# Earlier days are the empty date of some programs, such as 0001-01-01.
_FIRST_DAY = date(1970, 1, 1)

UPLOAD: Final = "upload"
_PLACES: Final = {
    "{year}": r"(?P<year>(?:19|20)\d\d)",
    "{month}": r"(?P<month>\d\d?)",
    "{day}": r"(?P<day>\d\d?)",
    "*": "[^/]*",
}


class DayTemplate(NamedTuple):
    """Where a key names its day: any text with `{year}`, `{month}` and `{day}`; `*` is any text without a slash.

    `upload` means the UTC day on which the object was stored.
    """

    text: str
    pattern: re.Pattern[str] | None  # None: the day of the upload

    @classmethod
    def parse(cls, text: str) -> Self:
        """Compile a template. Raises `ValueError` when a place is missing or unknown."""
        if text == UPLOAD:
            return cls(text, None)
        pattern = ""
        for part in re.split(r"(\{\w*\}|\*)", text):
            if part.startswith("{") and part not in _PLACES:
                raise ValueError(f"{part} is no place of a day. Use {{year}}, {{month}} and {{day}}")
            pattern += _PLACES.get(part, re.escape(part))
        if any(text.count(place) != 1 for place in ("{year}", "{month}", "{day}")):
            raise ValueError(f"{text!r} must have each of {{year}}, {{month}} and {{day}} once, or be {UPLOAD}")
        return cls(text, re.compile(rf"(?<![0-9]){pattern}(?![0-9])"))


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

    def named_day(self, template: DayTemplate | None = None) -> str | None:
        """Return the day that the key names, as `YYYY-MM-DD` if it is valid, or None if it names none.

        Without a template, the usual folders name it.
        """
        if template is None:
            found = _day_folder(self.key)
        else:
            found = template.pattern.search(self.key) if template.pattern else None
        if found is None:
            return None
        named = found.groupdict()
        if "unclear" in named:
            return named["unclear"] if self.bucket else None  # local folders are not named for their files' day
        if "year" in named:
            return "-".join((named["year"], named["month"].zfill(2), named["day"].zfill(2)))
        return re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", named["day"])

    def day(self, template: DayTemplate | None = None) -> date:
        """Return the day that the key names, or else the UTC day on which the object was stored."""
        named = parse_day(self.named_day(template) or "")
        return named if named and named >= _FIRST_DAY else self.last_modified.astimezone(UTC).date()

    def require_day(self, template: DayTemplate | None = None) -> None:
        """Raise `FileRejected` when the key does not name a valid day, or not as its template says."""
        if template is None and len(days := {found["day"] for found in _DAY_FOLDERS[0][0].finditer(self.key)}) > 1:
            why = f"the key of {self.uri} names several days: {', '.join(sorted(days))}"
            raise FileRejected(reason=RejectCode.INVALID_DAY, why=why)
        named = self.named_day(template)
        if named is None and template is not None and template.pattern is not None:
            why = f"the key of {self.uri} has no part like {template.text}, where the source's contract finds the day"
            raise FileRejected(reason=RejectCode.INVALID_DAY, why=why)
        if named is not None and named != self.day(template).isoformat():
            why = (
                f"the key of {self.uri} names the day {named}, which is not a date since {_FIRST_DAY} of the form "
                "YYYY-MM-DD. Rename the folder, or declare the day of the source: `day` in its contract is a pattern "
                "of the key, or `upload`"
            )
            raise FileRejected(reason=RejectCode.INVALID_DAY, why=why)

    def source(self, prefix: str) -> str:
        """Return the key segment after the prefix. Return "" if that segment names a day or is the file name."""
        return source_of(self.uri, prefix)


def source_of(uri: str, prefix: str) -> str:
    """Return the source of a drop from its URI.

    In the path of a local file, the key starts after the last folder that is named like the prefix. A path without such
    a folder has the source "".
    """
    if uri.startswith("s3://"):
        key = uri.removeprefix("s3://").partition("/")[2].removeprefix(prefix)
    else:
        _, found, key = uri.rpartition(f"/{prefix}")
        if not (prefix and found):
            return ""
    first, separator, _ = key.partition("/")
    day = _day_folder(key)
    return first if separator and not (day and day.start() == 0) else ""


def _day_folder(key: str) -> re.Match[str] | None:
    """Return the folders of a key that name a day. Of several, the clearest spelling that starts first counts."""
    for patterns in _DAY_FOLDERS:
        # `year=…/month=…/day=…` starts before the `day=…` that it contains.
        found = [match for pattern in patterns if (match := pattern.search(key))]
        if found:
            return min(found, key=lambda match: match.start())
    return None


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


def local_drops(folder: Path) -> list[Drop]:
    """Describe all files below a folder as drops, in the order of an S3 listing: that of the bytes of their paths.

    Hidden files are included, as in S3. A link to a file means that file, once. Links to folders are not followed,
    because S3 has none and they can form circles. Raises `FolderUnreadable` when a folder cannot be listed or a name
    is not UTF-8.
    """
    found: dict[bytes, Drop] = {}
    for parent, _, names in os.walk(folder.resolve(), onerror=_refuse):
        for path in (Path(parent, name) for name in names):
            if path.is_file():  # not a pipe, a socket or a link to nothing
                drop = local_drop(path)
                found[_utf8(drop.key)] = drop
    return [drop for _, drop in sorted(found.items())]


def _refuse(error: OSError) -> NoReturn:
    raise FolderUnreadable(path=error.filename, why=error.strerror) from error


def _utf8(path: str) -> bytes:
    try:
        return path.encode()
    except UnicodeEncodeError as error:
        raise FolderUnreadable(path=ascii(path), why="this name is not UTF-8, so the ledger cannot store it") from error
