"""Slices of labelled reviews. They show regressions in a subset that an overall mean hides."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.labelled_reviews import LabelledReviews

MAX_GROUPS: Final = 100

# In characters. Of the IMDB reviews, a tenth is in the first band and a tenth in the last.
_LENGTHS: Final = (("below 500", 0, 500), ("500 to 1,000", 500, 1_000), ("1,000 to 2,500", 1_000, 2_500))


def slices_of(reviews: LabelledReviews, least_rows: int = 100) -> dict[str, NDArray[np.int64]]:
    """Return the ascending rows of each slice of n reviews: by length, and by rating and group if known.

    Slices with fewer than `least_rows` reviews are left out, because their figures would be noise. Of the groups, the
    largest `MAX_GROUPS` are slices.
    """
    lengths = np.fromiter(map(len, reviews.texts), np.int64, len(reviews.texts))
    found = {f"length {name}": np.flatnonzero((lengths >= least) & (lengths < most)) for name, least, most in _LENGTHS}
    found["length from 2,500"] = np.flatnonzero(lengths >= _LENGTHS[-1][2])
    if reviews.ratings is not None:
        for rating in np.unique(reviews.ratings[~np.isnan(reviews.ratings)]).tolist():
            found[f"rating {rating:g}"] = np.flatnonzero(reviews.ratings == rating)
    if reviews.groups is not reviews.texts:
        found |= _groups(reviews.groups, least_rows)
    return {name: rows for name, rows in found.items() if len(rows) >= least_rows}


def _groups(groups: Sequence[str], least_rows: int) -> dict[str, NDArray[np.int64]]:
    """Return the rows of the largest groups, by name."""
    large = [(-count, name) for name, count in Counter(groups).items() if count >= least_rows]
    numbers = {name: number for number, name in enumerate(sorted(name for _, name in sorted(large)[:MAX_GROUPS]))}
    rows = np.fromiter((numbers.get(name, -1) for name in groups), np.int64, len(groups))
    return {f"group {name}": np.flatnonzero(rows == number) for name, number in numbers.items()}
