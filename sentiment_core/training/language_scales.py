"""How much larger the margins of each language must be, so that one calibration serves all languages.

A model that learned much of a language separates its texts better than its margins say, because all languages share one
regularization. With one calibration it is then underconfident in this language, and overconfident in the others.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.training.calibration import calibrated, platt_scaling

# A smaller scale would be a better calibration of languages that the model hardly knows, but would label most of their
# texts as neutral.
_LEAST: Final = 0.8
_MOST: Final = 2.0
_PRIOR: Final = 50.0  # rows of mean weight; a scale of 1 is the prior, so that a few rows cannot decide


def language_scales(sums: NDArray[np.float64], reviews: LabelledReviews) -> NDArray[np.float64]:
    """Return what the language of each of n reviews multiplies its margins by, of shape (n,).

    `sums`, of shape (n, margins), are held-out margins without intercepts. The scale of a language minimizes the log
    loss of its reviews, given the calibration of all languages (temperature scaling: C. Guo et al., ICML 2017). Raises
    `TrainingDataInvalid` when the margins do not increase with the labels.
    """
    weights = np.ones(len(sums)) if reviews.calibration_weights is None else reviews.calibration_weights
    weights = weights / weights.mean()
    calibration = platt_scaling(sums, reviews.labels, weights)
    numbers = np.unique(reviews.labels, return_inverse=True)[1]
    languages = reviews.languages or ()
    places = {language: place for place, language in enumerate(sorted(set(languages)))}
    language_of = np.fromiter((places[language] for language in languages), np.int64, len(languages))
    scales = np.empty(len(places))
    for place in places.values():
        rows = np.flatnonzero(language_of == place)

        def loss(exponent: float, rows: NDArray[np.int64] = rows) -> float:
            probabilities = calibrated(np.exp(exponent) * sums[rows], calibration)[np.arange(len(rows)), numbers[rows]]
            surprise = -np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
            return float(weights[rows] @ surprise + _PRIOR / 2 * exponent**2)

        bounds = (np.log(_LEAST), np.log(_MOST))
        scales[place] = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
    return scales[language_of]
