"""A suite: a folder of labelled sets of reviews with an index, `corpora.tsv`, for measuring a model over many domains.

The index is tab-separated, without quotes. Its columns `name`, `language` (ISO 639), `kind` (reviews, sentences,
tweets …) and `domain` are required. `licence_class`, `licence` and `source` are used if present; others are ignored.
The set NAME is the file `NAME.csv.xz`, or NAME with another ending of labelled files, with the columns `review` and
`sentiment` (`labelled_csv.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from sentiment_core.datasets.domain_groups import domain_group
from sentiment_core.datasets.labelled_csv import Columns, read_file
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.snapshot import labelled_reviews
from sentiment_core.drops.drop import Drop, local_drop
from sentiment_core.drops.source_contract import NO_CONTRACT, Rules
from sentiment_core.drops.storage import Storage, s3_client, split_uri
from sentiment_core.errors import FileRejected, ObjectChanged, SuiteInvalid
from sentiment_core.params import Params
from sentiment_core.settings import settings

INDEX: Final = "corpora.tsv"
_REQUIRED: Final = ("name", "language", "kind", "domain")
_LABEL_COLUMN: Final = "sentiment"
_ENDINGS: Final = (".csv.xz", ".csv", ".csv.gz", ".csv.zst", ".tsv")


class SuiteSet(NamedTuple):
    """What the index says of one set, and its file."""

    name: str
    language: str
    kind: str
    domain: str
    licence: str  # class of the licence, empty if the index does not say
    source: str  # where the set comes from, with its licence; empty if the index does not say
    drop: Drop | None  # None: the folder has no file of this name

    @property
    def domain_group(self) -> str:
        """The group of the domain (`domain_groups.py`)."""
        return domain_group(self.domain)


class ReadSet(NamedTuple):
    """The reviews of a set, or why they cannot be read."""

    described: SuiteSet
    reviews: LabelledReviews | None
    rejected: int = 0  # bad rows, which are left out
    fault: str | None = None  # why there are no reviews


@dataclass(frozen=True)
class Suite:
    """The sets of a folder or of a prefix in S3."""

    location: str
    sets: tuple[SuiteSet, ...]
    unlisted: tuple[str, ...]  # files that the index does not name
    storage: Storage

    @classmethod
    def open(cls, location: str | Path, storage: Storage | None = None) -> Self:
        """Read the index of a local folder or of `s3://bucket/prefix`.

        Without a `storage`, the credentials for S3 come from the environment. Raises `SuiteInvalid` when there is no
        index or when it does not have the form above, and the storage errors.
        """
        place = str(location)
        if storage is None:
            storage = Storage(s3_client(settings().s3_endpoint_url) if place.startswith("s3://") else None)
        files = dict(_files(place, storage))
        if INDEX not in files:
            raise SuiteInvalid(path=place, why=f"it has no {INDEX}, which must describe its sets")
        with storage.open(files.pop(INDEX)) as stored:
            rows = list(_index(place, stored.read()))
        sets = tuple(
            SuiteSet(
                row["name"],
                row["language"],
                row["kind"],
                row["domain"],
                row.get("licence_class", ""),
                ", ".join(text for name in ("source", "licence") if (text := row.get(name, ""))),
                _file_of(row["name"], files),
            )
            for row in rows
        )
        measured = {each.drop for each in sets}
        unlisted = sorted(name for name, drop in files.items() if name.endswith(_ENDINGS) and drop not in measured)
        return cls(place, sets, tuple(unlisted), storage)

    def of_languages(self, languages: Sequence[str]) -> Self:
        """Return the suite with only the sets of some languages. Raises `SuiteInvalid` when a language has no set."""
        known = {each.language for each in self.sets}
        if missing := [language for language in languages if language not in known]:
            why = f"it has no set of the language {missing[0]!r}. Its languages are {', '.join(sorted(known))}"
            raise SuiteInvalid(path=self.location, why=why)
        sets = tuple(each for each in self.sets if each.language in languages)
        return type(self)(self.location, sets, self.unlisted, self.storage)

    def read(self, described: SuiteSet) -> ReadSet:
        """Read the reviews of one set. A set that cannot be read has a fault, and raises nothing.

        Bad rows are left out and counted, up to SENTIMENT_MAX_REJECTED_RATIO. Raises the storage errors.
        """
        if described.drop is None:
            files = ", ".join(f"{described.name}{ending}" for ending in _ENDINGS[:2])
            return ReadSet(described, None, fault=f"{self.location} has no file {files} or of another known ending")
        columns = Columns(_LABEL_COLUMN, None, Params.load().data.with_every_label().spellings)
        rules = Rules(settings(), NO_CONTRACT)
        try:
            file = read_file(self.storage, described.drop, columns, rules, settings().max_rejected_ratio)
        except FileRejected as error:
            return ReadSet(described, None, fault=error.details["why"])
        except (ObjectChanged, OSError) as error:
            return ReadSet(described, None, fault=str(error))
        rejected = sum(map(len, file.rejected.values()))
        if not file.rows:
            bad = file.first_bad[0]
            why = f"all {rejected:,} rows of {described.drop.uri} are bad; line {bad.line}: {bad.reason} ({bad.code})"
            return ReadSet(described, None, rejected, why)
        return ReadSet(described, labelled_reviews(file.rows), rejected)


def _files(location: str, storage: Storage) -> Iterator[tuple[str, Drop]]:
    """Yield the name and the drop of each file that is directly in a folder or below a prefix."""
    bucket, prefix = split_uri(location)
    if bucket:
        prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        for drop in storage.list(bucket, prefix):
            if "/" not in (name := drop.key.removeprefix(prefix)):
                yield name, drop
        return
    try:
        paths = [path for path in sorted(Path(location).iterdir()) if path.is_file()]
    except OSError as error:
        raise SuiteInvalid(path=location, why=f"the folder cannot be read ({error.strerror})") from error
    yield from ((path.name, local_drop(path)) for path in paths)


def _file_of(name: str, files: Mapping[str, Drop]) -> Drop | None:
    return next((files[name + ending] for ending in _ENDINGS if name + ending in files), None)


def _index(location: str, content: bytes) -> Iterator[dict[str, str]]:
    """Yield the rows of the index. Raises `SuiteInvalid` when it does not have the required form."""

    def invalid(why: str) -> SuiteInvalid:
        return SuiteInvalid(path=location, why=f"{INDEX} {why}")

    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise invalid("is not UTF-8") from error
    header = lines[0].split("\t") if lines else []
    if missing := [name for name in _REQUIRED if name not in header]:
        raise invalid(f"has no column {missing[0]!r}. Its columns must include {', '.join(_REQUIRED)}")
    seen: set[str] = set()
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row = dict(zip(header, (field.strip() for field in line.split("\t")), strict=False))
        if empty := [name for name in _REQUIRED if not row.get(name)]:
            raise invalid(f"has no {empty[0]} on line {number}")
        if row["name"] in seen:
            raise invalid(f"names the set {row['name']!r} twice, the second time on line {number}")
        seen.add(row["name"])
        yield row
    if not seen:
        raise invalid("names no set")
