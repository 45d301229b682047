"""From margins to probabilities, and the band of probabilities in which a model does not decide."""

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.manifest import Calibration, Thresholds


def platt_scaling(margins: NDArray[np.float64], positive: NDArray[np.bool_]) -> Calibration:
    """Fit the logistic curve from n held-out margins to their labels (Platt, 1999).

    Raises `TrainingDataInvalid` when the margins do not grow from one label to the other.
    """
    curve = LogisticRegression(C=np.inf).fit(margins[:, np.newaxis], positive)
    slope, intercept = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    if slope <= 0:
        raise TrainingDataInvalid(
            why="what a model learns from some of its texts does not tell the labels of the others"
        )
    return Calibration(slope=slope, intercept=intercept)


def calibrated(margins: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Return the probability of positive for each margin."""
    probability: NDArray[np.float64] = 1 / (1 + np.exp(-(calibration.slope * margins + calibration.intercept)))
    return probability


def neutral_band(scores: NDArray[np.float64], positive: NDArray[np.bool_], accuracy: float, most: float) -> Thresholds:
    """Choose the narrowest band around 0.5 outside of which held-out accuracy is nowhere below `accuracy`.

    Accuracy as a function of the distance from 0.5 is estimated by isotonic regression: it grows with the distance.
    The band holds at most the share `most` of the n held-out scores.
    """
    distance = np.abs(scores - 0.5)
    correct = (scores >= 0.5) == positive
    local = IsotonicRegression(out_of_bounds="clip").fit(distance, correct).predict(distance)
    uncertain = np.sort(distance[local < accuracy])
    widest = np.sort(distance)[int(most * len(distance)) - 1] if most * len(distance) >= 1 else 0.0
    half = min(float(uncertain[-1]) if len(uncertain) else 0.0, float(widest), 0.5)
    return Thresholds(neutral_low=0.5 - half, neutral_high=0.5 + half)
