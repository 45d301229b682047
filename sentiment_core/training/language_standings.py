"""The languages of a model and their standing: measured on held-out reviews."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.labels import LABELS
from sentiment_core.model.manifest import Manifest
from sentiment_core.model.scorer import how_positive
from sentiment_core.params import Params

SUPPORTED: Final = 0.75  # least balanced accuracy of held-out rows with a sentiment
_LEAST_ROWS: Final = 200  # of each sentiment; fewer leave an interval of more than six points
_NEGATIVE, _, _POSITIVE = range(len(LABELS))


def standings(
    reviews: LabelledReviews, probabilities: NDArray[np.float64], params: Params, base: Manifest | None
) -> dict[str, Any]:
    """Return the manifest's `languages` and `experimental_languages`, given the held-out probabilities of the reviews.

    Reviews without languages are in those of the configuration, and these are not measured separately. The languages of
    a base model keep their standing.
    """
    if reviews.languages is None:
        languages = dict.fromkeys((*params.model.languages, *(base.languages if base else ())))
        return {"languages": tuple(languages), "experimental_languages": base.experimental_languages if base else ()}
    measured = balanced_accuracies(reviews, probabilities)
    experimental = tuple(name for name, accuracy in measured.items() if accuracy is None or accuracy < SUPPORTED)
    return {"languages": tuple(measured), "experimental_languages": experimental}


def balanced_accuracies(reviews: LabelledReviews, probabilities: NDArray[np.float64]) -> dict[str, float | None]:
    """Return the balanced accuracy of the score by language, or None for a language with too few rows.

    `probabilities`, of shape (n, labels), are held-out ones. Rows that are labelled neutral do not count.
    """
    names = np.array(reviews.languages)
    positive = how_positive(probabilities) >= 0.5
    found: dict[str, float | None] = {}
    for name in sorted(set(names.tolist())):
        right = [
            (positive == (label == _POSITIVE))[(names == name) & (reviews.labels == label)]
            for label in (_NEGATIVE, _POSITIVE)
        ]
        enough = min(map(len, right)) >= _LEAST_ROWS
        found[name] = float(np.mean([each.mean() for each in right])) if enough else None
    return found
