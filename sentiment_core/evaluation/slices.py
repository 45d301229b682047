"""Slices of labelled reviews. They show regressions in a subset that an overall mean hides."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.labelled_reviews import LabelledReviews

# In characters. Of the IMDB reviews, a tenth is in the first band and a tenth in the last.
_LENGTHS: Final = (("below 500", 0, 500), ("500 to 1,000", 500, 1_000), ("1,000 to 2,500", 1_000, 2_500))


def slices_of(reviews: LabelledReviews, least_rows: int = 100) -> dict[str, NDArray[np.bool_]]:
    """Return a mask of shape (n,) for each slice of n reviews: by length, and by rating and group if known.

    Slices with fewer than `least_rows` reviews are left out, because their figures would be noise.
    """
    lengths = np.array([len(text) for text in reviews.texts])
    found = {f"length {name}": (lengths >= least) & (lengths < most) for name, least, most in _LENGTHS}
    found["length from 2,500"] = lengths >= _LENGTHS[-1][2]
    if reviews.ratings is not None:
        for rating in np.unique(reviews.ratings[~np.isnan(reviews.ratings)]).tolist():
            found[f"rating {rating:g}"] = reviews.ratings == rating
    groups = np.array(reviews.groups, dtype=object)
    if reviews.groups is not reviews.texts:
        names, counts = np.unique(groups, return_counts=True)
        for name in names[counts >= least_rows].tolist():
            found[f"group {name}"] = groups == name
    return {name: rows for name, rows in found.items() if rows.sum() >= least_rows}
