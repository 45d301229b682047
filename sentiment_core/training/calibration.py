"""Calibration of margins to probabilities, and the neutral band, in which a model abstains."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.model.manifest import Calibration, Thresholds
from sentiment_core.model.scorer import label_of

_RATIOS: Final = tuple(round(0.1 * step, 1) for step in range(1, 41))
_AS_GOOD: Final = 0.001  # macro-F1 that fewer neutral labels are worth


def platt_scaling(
    margins: NDArray[np.float64], labels: NDArray[np.int8], weights: NDArray[np.float64] | None = None
) -> Calibration:
    """Fit the logistic curve from held-out margins, of shape (n, margins), to their labels (Platt, 1999).

    For several margins, fit a multinomial logistic regression on all margins. Its logits sum to 0. `weights`, of shape
    (n,), weigh the rows. Raises `TrainingDataInvalid` when the margins do not increase with the labels.
    """
    curve = LogisticRegression(C=np.inf).fit(margins, labels, weights)
    slopes, intercepts = curve.coef_, curve.intercept_
    if np.trace(slopes) <= 0:
        raise TrainingDataInvalid(
            why="on held-out folds the model's scores do not increase with the labels, so it has learned nothing that "
            "generalises. Check the labels, or add rows"
        )
    if len(slopes) > 1:
        slopes, intercepts = slopes - slopes.mean(axis=0), intercepts - intercepts.mean()
    return Calibration(slopes=tuple(map(tuple, slopes.tolist())), intercepts=tuple(intercepts.tolist()))


def calibrated(margins: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Return the probability of each label, of shape (n, labels), for margins of shape (n, margins)."""
    logits = margins @ np.array(calibration.slopes).T + calibration.intercepts
    if logits.shape[1] == 1:
        logits = np.hstack((np.zeros_like(logits), logits))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def uncalibrated(margins: int) -> Calibration:
    """Return the identity calibration: the margins are the logits."""
    return Calibration(slopes=tuple(map(tuple, np.eye(margins).tolist())), intercepts=(0.0,) * margins)


def neutral_band(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], accuracy: float, max_fraction: float
) -> Thresholds:
    """Return the narrowest band around 0.5 outside which held-out accuracy is at least `accuracy` everywhere.

    Isotonic regression estimates accuracy as a function of the distance from 0.5, assuming that it increases. The band
    contains at most the fraction `max_fraction` of the n held-out scores.
    """
    distance = np.abs(scores - 0.5)
    correct = (scores >= 0.5) == positive
    local = IsotonicRegression(out_of_bounds="clip").fit(distance, correct).predict(distance)
    uncertain = np.sort(distance[local < accuracy])
    widest = np.sort(distance)[int(max_fraction * len(distance)) - 1] if max_fraction * len(distance) >= 1 else 0.0
    half = min(float(uncertain[-1]) if len(uncertain) else 0.0, float(widest), 0.5)
    return Thresholds(neutral_low=0.5 - half, neutral_high=0.5 + half)


def neutral_ratio(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], weights: NDArray[np.float64] | None = None
) -> float:
    """Return the ratio of the manifest for a model of three labels: it decides when a text is neutral (`label_of`).

    It maximizes macro-F1 on n held-out rows, given their probabilities, of shape (n, 3), labels and weights. Of ratios
    that are nearly as good, the one that labels the fewest rows as neutral is chosen.
    """
    found = [
        float(f1_score(labels, label_of(probabilities, ratio), average="macro", sample_weight=weights))
        for ratio in _RATIOS
    ]
    return max(ratio for ratio, f1 in zip(_RATIOS, found, strict=True) if f1 >= max(found) - _AS_GOOD)
