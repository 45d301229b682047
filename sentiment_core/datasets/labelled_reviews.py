"""Labelled reviews for training and evaluation. `labelled_csv.py` reads them from files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.split import in_test
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS


@dataclass(frozen=True, eq=False)
class LabelledReviews:
    """n texts with their labels and groups. A group is never split between folds, or between training and test data."""

    texts: Sequence[str]
    labels: NDArray[np.int8]  # n, indices into LABELS
    groups: Sequence[str]  # n; without a group column, each text is its own group
    ratings: NDArray[np.float64] | None = None  # n, NaN for rows without a rating; None without a rating column
    weights: NDArray[np.float64] | None = None  # n, in training; None means that all are 1
    languages: Sequence[str] | None = None  # n, ISO 639; None if they are not known
    natural_weights: NDArray[np.float64] | None = None  # n, in calibration; None means as in training

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that occur, in the order of LABELS: the labels of a model trained on these reviews."""
        return tuple(LABELS[label] for label in np.unique(self.labels).tolist())

    @property
    def calibration_weights(self) -> NDArray[np.float64] | None:
        """The weights of the rows in calibration. None means that all are 1."""
        return self.weights if self.natural_weights is None else self.natural_weights

    @property
    def rows(self) -> dict[str, int]:
        """The number of reviews of each label."""
        return {LABELS[label]: count for label, count in sorted(Counter(self.labels.tolist()).items())}

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of texts and labels, in order."""
        return digest_of(self.texts, self.labels.tolist())

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return the selected reviews; `rows` is an index array or a boolean mask."""
        chosen = np.arange(len(self.texts))[rows].tolist()
        texts, groups = ([values[row] for row in chosen] for values in (self.texts, self.groups))
        languages = None if self.languages is None else [self.languages[row] for row in chosen]
        ratings, weights, natural = (
            None if values is None else values[rows] for values in (self.ratings, self.weights, self.natural_weights)
        )
        groups = texts if self.groups is self.texts else groups
        return type(self)(texts, self.labels[rows], groups, ratings, weights, languages, natural)


def digest_of(texts: Sequence[str], labels: Iterable[int] = repeat(-1)) -> str:
    """Return the SHA-256 digest of texts and their labels, in order."""
    digest = sha256()
    for text, label in zip(texts, labels, strict=False):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d %d " % (label, len(encoded)))
        digest.update(encoded)
    return digest.hexdigest()


class TrainTestSplit(NamedTuple):
    """Reviews for training, and test reviews that training never uses."""

    training: LabelledReviews
    test: LabelledReviews


def split(reviews: LabelledReviews, test_size: int) -> TrainTestSplit:
    """Split reviews by their groups (`split.py`). Raises `TrainingDataInvalid` when either side lacks a label."""
    test = in_test(reviews.groups, test_size)
    parts = TrainTestSplit(reviews.take(~test), reviews.take(test))
    for name, part in zip(TrainTestSplit._fields, parts if test_size else parts[:1], strict=False):
        if part.names != reviews.names:
            raise TrainingDataInvalid(
                why=f"with test_size {test_size} the {name} part of {len(reviews.texts)} rows has {_counts(part.rows)} "
                f"rows, and it needs {' and '.join(reviews.names)}. Change test_size or add rows"
            )
    return parts


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {label}" for label, count in rows.items()) or "no"
