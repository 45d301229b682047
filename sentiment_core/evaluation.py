"""How good scores are, compared with the labels that people gave."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, confusion_matrix, precision_recall_fscore_support, roc_auc_score

from sentiment_core.manifest import Thresholds

_BINS: Final = 10


class Metrics(NamedTuple):
    """Measures of n scores. All but the last two are over all rows, with 0.5 as the limit and no neutral band."""

    rows: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    brier: float
    ece: float  # expected calibration error over ten bins of equal width
    true_negative: int
    false_positive: int
    false_negative: int
    true_positive: int
    coverage: float  # share of rows outside the neutral band
    accuracy_covered: float | None  # accuracy there; None when the band holds every row


def measure(scores: NDArray[np.float64], positive: NDArray[np.bool_], thresholds: Thresholds) -> Metrics:
    """Measure n scores against n labels of both kinds."""
    predicted = scores >= 0.5
    correct = predicted == positive
    precision, recall, f1, _ = precision_recall_fscore_support(positive, predicted, average="binary", zero_division=0)
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(
        positive, predicted, labels=[False, True]
    ).tolist()
    covered = (scores < thresholds.neutral_low) | (scores > thresholds.neutral_high)
    return Metrics(
        rows=len(scores),
        accuracy=float(correct.mean()),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        auc=float(roc_auc_score(positive, scores)),
        brier=float(brier_score_loss(positive, scores)),
        ece=expected_calibration_error(scores, positive),
        true_negative=true_negative,
        false_positive=false_positive,
        false_negative=false_negative,
        true_positive=true_positive,
        coverage=float(covered.mean()),
        accuracy_covered=float(correct[covered].mean()) if covered.any() else None,
    )


def expected_calibration_error(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the mean distance, over all rows, of a bin's mean score from its share of positive rows."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=scores - positive, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(scores))
