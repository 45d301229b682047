"""Snapshots: the labelled rows of one training, where each came from, on which side of the split it is, and one id.

A snapshot is immutable: its id is the SHA-256 of its manifest, which holds the SHA-256 of the rows.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from sentiment_core.labels import LABELS
from sentiment_core.model.manifest import ArrayFile, Part
from sentiment_core.text.fingerprints import TextHashes

if TYPE_CHECKING:
    from sentiment_core.datasets.labelled_reviews import LabelledReviews

FORMAT_VERSION: Final = 1

# Near-duplicates are test rows that are nearly the same as training rows: they are on neither side.
Side = Literal["training", "test", "near_duplicate"]


class Row(NamedTuple):
    """A labelled text, and where it stands.

    That is a line of an object, or, where `key` is None, the first correction of the text, which `line` numbers.
    """

    text: str
    label: str
    group: str | None  # None where it names none: then its text is its group
    rating: float | None
    language: str | None
    key: str | None
    line: int
    review_id: str | None
    author_id: str | None
    side: Side = "training"


class Rejected(Part):
    """Rows that were not taken for one reason."""

    rows: int
    lines: tuple[int, ...] = Field(description="The first of them.")


class Source(Part):
    """One version of one object of labelled reviews, and what became of its rows: each is counted once."""

    bucket: str
    key: str
    version: str = Field(description="Version id, or ETag and time of storing in a bucket without versions.")
    sha256: str = Field(description="Of the object as stored.")
    source: str = Field(description="What review and author ids belong to.")
    rows: int
    taken: int
    duplicates: int = Field(description="They repeat a row of this or another object.")
    contradicting: int = Field(description="Their text has another label elsewhere.")
    rejected: dict[str, Rejected]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        rejected = sum(each.rows for each in self.rejected.values())
        if self.rows != self.taken + self.duplicates + self.contradicting + rejected:
            raise ValueError(
                f"the {self.rows} rows of {self.key} are not those that were taken and those that were not"
            )
        return self


class RejectedFile(Part):
    """An object that could not be read, and so is no part of the snapshot."""

    bucket: str
    key: str
    version: str
    code: str
    why: str


class Corrections(Part):
    """The corrections that users sent: how many, and what became of the texts that they are about."""

    corrections: int
    ids: tuple[tuple[int, int], ...] = Field(description="Their `feedback_id`s, as first and last of each run of them.")
    sha256: str = Field(description="Of their ids, labels and texts.")
    rejected: dict[str, int] = Field(description="Corrections that break the contract, by reason.")
    texts: int
    taken: int = Field(description="Texts for which more than half of the corrections agree on a label.")
    undecided: int = Field(description="Texts for which they do not.")
    labelled: int = Field(description="Texts that an object labels, which corrections never overrule.")
    unknown_label: int = Field(description="Texts whose label the model does not know.")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.texts != self.taken + self.undecided + self.labelled + self.unknown_label:
            raise ValueError(f"the {self.texts} corrected texts are not those that were taken and those that were not")
        return self


class Days(Part):
    """The days of the files and corrections that were taken, both included; null for no limit."""

    since: date | None = None
    until: date | None = None

    def include(self, day: date) -> bool:
        """Tell whether a day is one of them."""
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


class SnapshotSplit(Part):
    """How rows come to their sides."""

    test_size: int
    rule: Literal["sha256(group or text)[:8] % 100 < test_size"] = "sha256(group or text)[:8] % 100 < test_size"


class SideRows(Part):
    """The rows of one side by label, and the digest of their texts and labels."""

    rows: dict[str, int]
    sha256: str


class NearDuplicates(Part):
    """Rows that the split made test data and that are nearly the same as training rows: they are left out."""

    rows: int
    first: tuple[tuple[str | None, int], ...] = Field(description="Where the first of them stand: key and line.")


class Content(Part):
    """The rows, as JSON lines."""

    size: int
    sha256: str


class SnapshotManifest(Part):
    """Everything about a snapshot but its rows, which it names by their digest."""

    format_version: Literal[1] = 1
    label_column: str
    group_column: str | None = Field(description="Null where no object has it.")
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

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return sha256(self.document).hexdigest()

    @property
    def rows(self) -> int:
        """The number of its rows, those included that are on neither side."""
        return sum(self.training.rows.values()) + sum(self.test.rows.values()) + self.near_duplicates.rows


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The manifest, the rows in their order, and the hashes of the training texts."""

    manifest: SnapshotManifest
    rows: Sequence[Row]
    known_texts: TextHashes

    @cached_property
    def id(self) -> str:
        """The snapshot's id."""
        return self.manifest.id

    def reviews(self, *sides: Side) -> "LabelledReviews":
        """Return the rows of these sides as reviews to train on or to test with."""
        return labelled_reviews([row for row in self.rows if row.side in sides])


def labelled_reviews(rows: Sequence[Row]) -> "LabelledReviews":
    """Return rows as reviews; those without a group are groups of their own."""
    from sentiment_core.datasets.labelled_reviews import LabelledReviews  # noqa: PLC0415 - it brings pandas, which storing does not need

    texts = [row.text for row in rows]
    ratings = np.array([np.nan if row.rating is None else row.rating for row in rows], np.float64)
    return LabelledReviews(
        texts,
        np.array([LABELS.index(row.label) for row in rows], np.int8),
        texts if all(row.group is None for row in rows) else [group_of(row) for row in rows],
        None if np.isnan(ratings).all() else ratings,
    )


def group_of(row: Row) -> str:
    """Return what the split goes by."""
    return row.text if row.group is None else row.group


def rows_by_label(rows: Iterable[Row]) -> dict[str, int]:
    """Count rows by their labels."""
    counts = Counter(row.label for row in rows)
    return {label: counts[label] for label in LABELS if counts[label]}


def encoded(rows: Iterable[Row]) -> bytes:
    """Return rows as JSON lines, always the same bytes for the same rows."""
    return b"".join(
        json.dumps(row._asdict(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for row in rows
    )


def decoded(content: bytes) -> list[Row]:
    """Return the rows of JSON lines. Raises `ValueError` and `TypeError` for what `encoded` has not made."""
    return [Row(**json.loads(line)) for line in io.BytesIO(content)]
