"""Labelled reviews for training and evaluation, read from CSV files and validated before use."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sentiment_core.datasets.split import in_test
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.params import DataParams
from sentiment_core.settings import settings

RATING: Final = "rating"
_SHOWN: Final = 5  # maximum number of unknown labels listed in an error
_SHOWN_CHARACTERS: Final = 60  # maximum characters of an example text in an error


@dataclass(frozen=True, eq=False)
class LabelledReviews:
    """n texts with their labels and groups. A group is never split between folds, or between training and test data."""

    texts: Sequence[str]
    labels: NDArray[np.int8]  # n, indices into LABELS
    groups: Sequence[str]  # n; without a group column, each text is its own group
    ratings: NDArray[np.float64] | None = None  # n, NaN for rows without a rating; None without a rating column

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that occur, in the order of LABELS: the labels of a model trained on these reviews."""
        return tuple(LABELS[label] for label in np.unique(self.labels).tolist())

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
        ratings = None if self.ratings is None else self.ratings[rows]
        return type(self)(texts, self.labels[rows], texts if self.groups is self.texts else groups, ratings)


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


def read_labelled(paths: Sequence[Path], params: DataParams, group_column: str | None = None) -> LabelledReviews:
    """Read CSV files (plain, .gz or .xz) with a text column, a label column and an optional group column.

    Raises `TrainingDataInvalid` when a file or a column is invalid. The error names the column and the counts.
    """
    table = pd.concat([_read(path, params.label_column, group_column) for path in paths], ignore_index=True)
    labels = _labels(table["label"], params)
    texts: list[str] = table["text"].tolist()
    _refuse_contradictions(texts, labels)
    ratings = None
    if RATING in table:
        ratings = pd.to_numeric(table[RATING], errors="coerce").to_numpy(np.float64)
    return LabelledReviews(texts, labels, table["group"].tolist() if group_column else texts, ratings)


def read_texts(paths: Sequence[Path]) -> list[str]:
    """Read the texts of CSV files without labels. Raises `TrainingDataInvalid` when a file is invalid."""
    return [text for path in paths for text in _read(path, None, None)["text"].tolist()]


def split(reviews: LabelledReviews, test_size: int) -> TrainTestSplit:
    """Split reviews by their groups (`split.py`). Raises `TrainingDataInvalid` when either side lacks a label."""
    test = in_test(reviews.groups, test_size)
    parts = TrainTestSplit(reviews.take(~test), reviews.take(test))
    for name, part in zip(TrainTestSplit._fields, parts if test_size else parts[:1], strict=False):
        if part.names != reviews.names:
            raise TrainingDataInvalid(
                why=f"of {len(reviews.texts)} rows the {name} part at test_size {test_size} has {_counts(part.rows)}, "
                f"and needs {' and '.join(reviews.names)}"
            )
    return parts


def _read(path: Path, label_column: str | None, group_column: str | None) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas errors are subclasses of ValueError
        raise TrainingDataInvalid(why=f"{path} cannot be read as CSV: {error}") from error
    columns = {name.strip().lower(): name for name in reversed(table.columns)}
    wanted = {"text": settings().text_columns}
    wanted |= {role: (name,) for role, name in (("label", label_column), ("group", group_column)) if name}
    chosen = {}
    for role, names in wanted.items():
        found = [columns[name.lower()] for name in names if name.lower() in columns]
        if not found:
            raise TrainingDataInvalid(
                why=f"{path} has no {role} column ({' or '.join(names)}); its columns are {', '.join(table.columns)}"
            )
        chosen[role] = table[found[0]]
    if label_column and RATING in columns:
        chosen[RATING] = table[columns[RATING]]
    return pd.DataFrame(chosen)


def _labels(spelled: "pd.Series[str]", params: DataParams) -> NDArray[np.int8]:
    labels = spelled.str.strip().str.lower()
    counts: Mapping[str, int] = Counter(labels)
    known = params.spellings
    unknown = [f"{label!r} in {count} rows" for label, count in counts.items() if label not in known]
    column = f"label column {params.label_column!r}"
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        accepted = ", ".join(sorted(known))
        raise TrainingDataInvalid(
            why=f"{column} holds {', '.join(unknown[:_SHOWN])}{more}; known labels are {accepted}"
        )
    rows = dict.fromkeys(params.labels, 0)
    for spelling, count in counts.items():
        rows[known[spelling]] += count
    if not all(rows.values()):
        raise TrainingDataInvalid(
            why=f"{column} must hold {' and '.join(params.labels)}, and holds {_counts(rows)} rows"
        )
    return np.array([LABELS.index(known[label]) for label in labels], np.int8)


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {label}" for label, count in rows.items()) or "none"


def _refuse_contradictions(texts: Sequence[str], labels: NDArray[np.int8]) -> None:
    first: dict[str, int] = {}
    contradicting = {
        text for text, label in zip(texts, labels.tolist(), strict=True) if first.setdefault(text, label) != label
    }
    if contradicting:
        rows = sum(text in contradicting for text in texts)
        example = min(contradicting, key=len)[:_SHOWN_CHARACTERS]
        raise TrainingDataInvalid(
            why=f"{len(contradicting)} texts, in {rows} rows, have more than one label; one begins {example!r}"
        )
