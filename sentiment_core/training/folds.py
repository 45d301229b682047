"""Cross-validation folds of labelled reviews. No group is in two folds."""

import heapq
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid


class Fold(NamedTuple):
    """The rows to learn from and the rows held out, both ascending."""

    learned: NDArray[np.int64]
    held_out: NDArray[np.int64]


def group_numbers(groups: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each row's group, from 0, in the order of a hash of the group's name.

    The names are hashed, because an array of strings takes rows times the longest name. Groups whose 64-bit hashes are
    equal count as one group.
    """
    hashes = np.fromiter(map(_hash, groups), np.uint64, len(groups))
    numbers: NDArray[np.int64] = np.unique(hashes, return_inverse=True)[1]
    return numbers


def group_folds(reviews: LabelledReviews, count: int) -> Iterator[Fold]:
    """Return the folds, of which one is made at a time.

    They have about equal numbers of rows, and do not depend on the order of the reviews.

    Raises `TrainingDataInvalid` when there are fewer groups than folds, or a fold leaves one label only.
    """
    numbers = group_numbers(reviews.groups)
    sizes = np.bincount(numbers)
    if len(sizes) < count:
        raise TrainingDataInvalid(
            why=f"{len(reviews.texts)} rows in {len(sizes)} groups are too few for {count} folds. "
            "Add groups or lower folds"
        )
    folds = _lightest(sizes, count)[numbers]
    if any(len(np.unique(reviews.labels[folds != fold])) < len(reviews.names) for fold in range(count)):
        raise TrainingDataInvalid(
            why=f"all rows of one label are in one of the {count} folds. Add groups with this label"
        )
    return (Fold(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(count))


def some_groups(rows: NDArray[np.int64], groups: Sequence[str], share: float) -> NDArray[np.int64]:
    """Return the rows of a fraction of their groups. The groups of a smaller fraction are among those of a larger."""
    if share >= 1:
        return rows
    numbers = group_numbers([groups[row] for row in rows.tolist()])
    chosen: NDArray[np.int64] = rows[numbers < max(1, round(share * (numbers.max(initial=0) + 1)))]
    return chosen


def _lightest(sizes: NDArray[np.int64], count: int) -> NDArray[np.int16]:
    """Return the fold of each group: the largest groups first, each into the fold that has the fewest rows."""
    folds = np.empty(len(sizes), np.int16)
    loads = [(0, fold) for fold in range(count)]
    for group in np.argsort(-sizes, kind="stable").tolist():
        load, fold = loads[0]
        folds[group] = fold
        heapq.heapreplace(loads, (load + int(sizes[group]), fold))
    return folds


def _hash(group: str) -> int:
    return int.from_bytes(blake2b(group.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
