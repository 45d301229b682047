"""How good scores are, compared with the labels that people gave."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, confusion_matrix, precision_recall_fscore_support, roc_auc_score

from sentiment_core.manifest import LABELS, Thresholds

_BINS: Final = 10


class Metrics(NamedTuple):
    """Measures of n scores.

    All but the last two are over all rows, by the most probable label: with two labels the limit is 0.5, and the
    neutral band is not applied. Precision, recall and F1 are those of positive; of three labels, as AUC (each label
    against the others), their mean over the labels.
    """

    rows: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    brier: float  # mean squared distance from the label; of three labels summed over them
    ece: float  # expected calibration error over ten bins of equal width
    confusion: dict[str, dict[str, int]]  # rows by given label, then by predicted one
    coverage: float  # share of rows outside the neutral band
    accuracy_covered: float | None  # accuracy there; None when the band holds every row


def measure(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], names: tuple[str, ...], thresholds: Thresholds | None
) -> Metrics:
    """Measure probabilities, of shape (n, labels), against n labels (indices into LABELS), of which all must occur."""
    known = np.array([LABELS.index(name) for name in names], np.int8)
    two = len(names) == 2
    score = probabilities[:, -1]
    predicted = known[(score >= 0.5).astype(np.int64) if two else probabilities.argmax(axis=1)]
    correct = predicted == labels
    averaged: dict[str, object] = {"average": "binary", "pos_label": known[-1]} if two else {"average": "macro"}
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, zero_division=0, **averaged)
    table = confusion_matrix(labels, predicted, labels=known).tolist()
    covered = np.ones(len(score), np.bool_)
    if thresholds:
        covered = (score < thresholds.neutral_low) | (score > thresholds.neutral_high)
    return Metrics(
        rows=len(score),
        accuracy=float(correct.mean()),
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        auc=float(roc_auc_score(labels, score if two else probabilities, multi_class="ovr")),
        brier=float(brier_score_loss(labels, score if two else probabilities, **_brier_labels(known))),
        ece=expected_calibration_error(score, labels == known[-1])
        if two
        else expected_calibration_error(probabilities.max(axis=1), correct),
        confusion={name: dict(zip(names, row, strict=True)) for name, row in zip(names, table, strict=True)},
        coverage=float(covered.mean()),
        accuracy_covered=float(correct[covered].mean()) if covered.any() else None,
    )


def _brier_labels(known: NDArray[np.int8]) -> dict[str, object]:
    return {"pos_label": known[-1]} if len(known) == 2 else {"labels": known}


def expected_calibration_error(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the mean distance, over all rows, of a bin's mean score from its share of positive rows."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=scores - positive, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(scores))
