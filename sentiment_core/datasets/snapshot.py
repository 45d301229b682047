"""Snapshots of labelled training data: the rows, the origin of each, its side of the split, and one id for them all.

A snapshot is immutable. Its id is the SHA-256 of its manifest, and the manifest contains the SHA-256 of the rows.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.star_summary import Stars
from sentiment_core.labels import LABELS
from sentiment_core.model.manifest import ArrayFile, Part
from sentiment_core.text.fingerprints import TextHashes

FORMAT_VERSION: Final = 1

_REPEATED: Final = ("label", "group", "language", "key", "side", "source", "bucket", "version")  # equal in many rows
_MAX_SHARED: Final = 100_000

# Near-duplicates are rows of the test side that nearly equal training rows, and starred rows of the training side that
# nearly equal human-labelled test rows. They are used on neither side.
Side = Literal["training", "test", "near_duplicate"]
Origin = Literal["file", "correction", "stars"]


class Row(NamedTuple):
    """A labelled text and its origin.

    The origin is line `line` of the object `key`. If `key` is None, it is the text's first correction, and `line` is
    the correction's id. If `source` is set, the label comes from the stars of a stored review of that source, and the
    object is a drop.
    """

    text: str
    label: str
    group: str | None  # None if the row names no group; its text is then its group
    rating: float | None
    language: str | None
    key: str | None
    line: int
    review_id: str | None
    author_id: str | None
    side: Side = "training"
    weight: float = 1.0  # in training, relative to a human label
    source: str | None = None
    bucket: str | None = None
    version: str | None = None

    @property
    def origin(self) -> Origin:
        """Where the label comes from."""
        if self.source is not None:
            return "stars"
        return "correction" if self.key is None else "file"

    def document(self) -> dict[str, Any]:
        """Return the row as JSON. Fields of starred rows are absent from the others, as in earlier releases."""
        always = self._fields[: self._fields.index("weight")]
        unchanged = self._field_defaults
        return {name: value for name, value in self._asdict().items() if name in always or value != unchanged[name]}


class Rejected(Part):
    """Rows rejected for one reason."""

    rows: int
    lines: tuple[int, ...] = Field(description="Line numbers of the first rejected rows.")


class Source(Part):
    """One version of one object of labelled reviews, and its row counts by outcome. Each row is counted once."""

    bucket: str
    key: str
    version: str = Field(description="Version id, or ETag and modification time in a bucket without versioning.")
    sha256: str = Field(description="SHA-256 of the object as stored.")
    source: str = Field(description="The source that the review and author ids belong to.")
    rows: int
    taken: int
    duplicates: int = Field(description="Rows that repeat a row of this or another object.")
    contradicting: int = Field(description="Rows with a text that also occurs with another label.")
    rejected: dict[str, Rejected]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        rejected = sum(each.rows for each in self.rejected.values())
        if self.rows != self.taken + self.duplicates + self.contradicting + rejected:
            raise ValueError(f"the row counts of {self.key} do not add up to {self.rows}")
        return self


class RejectedFile(Part):
    """An object that could not be read and is therefore not part of the snapshot."""

    bucket: str
    key: str
    version: str
    code: str
    why: str


class Corrections(Part):
    """The user corrections: their number, and the counts of the corrected texts by outcome."""

    corrections: int
    ids: tuple[tuple[int, int], ...] = Field(
        description="Their `feedback_id`s, as the first and last of each run without gaps."
    )
    sha256: str = Field(description="SHA-256 of their ids, labels and texts.")
    rejected: dict[str, int] = Field(description="Corrections that break the contract, by reason.")
    texts: int
    taken: int = Field(description="Texts for which more than half of the corrections agree on a label.")
    undecided: int = Field(description="Texts without such a majority.")
    labelled: int = Field(description="Texts that an object labels. Corrections never override these labels.")
    unknown_label: int = Field(description="Texts with a majority label that the model does not have.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.texts != self.taken + self.undecided + self.labelled + self.unknown_label:
            raise ValueError(f"the counts of corrected texts do not add up to {self.texts}")
        return self


class Days(Part):
    """The range of days of the collected files and corrections, both ends included. None means no limit."""

    since: date | None = None
    until: date | None = None

    def include(self, day: date) -> bool:
        """Return whether a day is in the range."""
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


class SnapshotSplit(Part):
    """How rows are assigned to the training or test side."""

    test_size: int
    rule: Literal["sha256(group or text)[:8] % 100 < test_size"] = "sha256(group or text)[:8] % 100 < test_size"


class SideRows(Part):
    """The number of rows of one side by label, and the digest of their texts and labels."""

    rows: dict[str, int]
    sha256: str


class NearDuplicates(Part):
    """Rows that are left out because they nearly equal rows of the other side."""

    rows: int
    first: tuple[tuple[str | None, int], ...] = Field(description="Key and line of the first near-duplicates.")


class Content(Part):
    """Size (bytes) and digest of the rows as JSON lines."""

    size: int
    sha256: str


class SnapshotManifest(Part):
    """Everything about a snapshot except its rows, which it references by their digest."""

    format_version: Literal[1] = 1
    label_column: str
    group_column: str | None = Field(description="Null if no object has a group column.")
    days: Days
    sources: tuple[Source, ...]
    rejected_files: tuple[RejectedFile, ...]
    corrections: Corrections
    split: SnapshotSplit
    training: SideRows
    test: SideRows
    near_duplicates: NearDuplicates
    content: Content
    known_texts: ArrayFile = Field(description="Hashes of the training texts (`text/fingerprints.py`), sorted.")
    stars: Stars | None = Field(None, description="Reviews labelled by their stars. Absent if they were not requested.")

    @model_serializer(mode="wrap")
    def _without_absent(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave absent stars out, so that the id of a snapshot without them is that of earlier releases."""
        document: dict[str, Any] = serialize(self)
        if self.stars is None:
            del document["stars"]
        return document

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return sha256(self.document).hexdigest()

    @property
    def rows(self) -> int:
        """The number of rows, including the near-duplicates, which are on neither side."""
        return sum(self.training.rows.values()) + sum(self.test.rows.values()) + self.near_duplicates.rows


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The manifest, the rows in order, and the hashes of the training texts."""

    manifest: SnapshotManifest
    rows: Sequence[Row]
    known_texts: TextHashes

    @cached_property
    def id(self) -> str:
        """The snapshot's id."""
        return self.manifest.id

    def reviews(self, *sides: Side) -> LabelledReviews:
        """Return the rows of the given sides as reviews for training or testing."""
        return labelled_reviews([row for row in self.rows if row.side in sides])

    @cached_property
    def test_rows(self) -> list[Row]:
        """The rows of the test side on which models are compared.

        They are those with human labels, unless they are fewer than `stars.least_human_test` or lack a label. Then
        starred rows count too.
        """
        rows = [row for row in self.rows if row.side == "test"]
        stars = self.manifest.stars
        human = [row for row in rows if row.origin != "stars"]
        enough = stars is None or len(human) >= stars.settings["least_human_test"]
        return human if enough and set(rows_by_label(human)) == set(self.manifest.training.rows) else rows


def labelled_reviews(rows: Sequence[Row]) -> LabelledReviews:
    """Return rows as reviews. Each row without a group forms a separate group."""
    texts = [row.text for row in rows]
    ratings = np.array([np.nan if row.rating is None else row.rating for row in rows], np.float64)
    weights = np.array([row.weight for row in rows], np.float64)
    return LabelledReviews(
        texts,
        np.array([LABELS.index(row.label) for row in rows], np.int8),
        texts if all(row.group is None for row in rows) else [group_of(row) for row in rows],
        None if np.isnan(ratings).all() else ratings,
        None if np.all(weights == 1) else weights,
    )


def group_of(row: Row) -> str:
    """Return the key that the split hashes: the row's group, or its text if it has none."""
    return row.text if row.group is None else row.group


def rows_by_label(rows: Iterable[Row]) -> dict[str, int]:
    """Return the number of rows of each label that occurs."""
    counts = Counter(row.label for row in rows)
    return {label: counts[label] for label in LABELS if counts[label]}


def encoded(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows as JSON lines. The same rows always give the same bytes."""
    for row in rows:
        yield json.dumps(row.document(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def content_of(rows: Iterable[Row]) -> Content:
    """Return the size and digest of rows as JSON lines, without holding these."""
    size, digest = 0, sha256()
    for line in encoded(rows):
        size += len(line)
        digest.update(line)
    return Content(size=size, sha256=digest.hexdigest())


def decoded(lines: Iterable[bytes]) -> list[Row]:
    """Return the rows of JSON lines. Raises `ValueError` or `TypeError` when `encoded` did not write the lines."""
    shared: dict[str, str] = {}  # rows that name the same object, group or side share the name
    return [_row(line, shared) for line in lines]


def _row(line: bytes, shared: dict[str, str]) -> Row:
    document = dict(json.loads(line))
    if len(shared) > _MAX_SHARED:
        shared.clear()
    for name in _REPEATED:
        if (value := document.get(name)) is not None:
            document[name] = shared.setdefault(value, value)
    return Row(**document)
