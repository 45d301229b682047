"""How good scores are, compared with the labels that people gave."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, confusion_matrix, precision_recall_fscore_support, roc_auc_score

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.evaluation.slices import slices_of
from sentiment_core.labels import LABELS
from sentiment_core.model.manifest import Thresholds
from sentiment_core.model.measures import SliceMetrics
from sentiment_core.model.wilson import wilson_interval

_BINS: Final = 10


class ClassificationMetrics(NamedTuple):
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


class LearningPoint(NamedTuple):
    """How good models are that learn from a share of the groups; `rows` is how many reviews these have on average."""

    share: float
    rows: int
    accuracy: float


class Evaluation(NamedTuple):
    """The scores that held-out folds gave to n training reviews, and what they measure."""

    names: tuple[str, ...]  # the labels that the model knows
    labels: NDArray[np.int8]  # n, indices into LABELS
    probabilities: NDArray[np.float64]  # (n, names)
    thresholds: Thresholds | None
    metrics: ClassificationMetrics
    uncalibrated: ClassificationMetrics
    fold_accuracies: tuple[float, ...]
    learned_rows: int  # reviews that a fold's model learned from, on average
    slices: Mapping[str, SliceMetrics]
    learning_curve: tuple[LearningPoint, ...] = ()  # by growing share
    test: ClassificationMetrics | None = None  # of the bundle, on the reviews that training never saw

    def as_dict(self) -> dict[str, Any]:
        """Return all measures, for JSON."""
        return {
            "held_out": self.metrics._asdict(),
            "held_out_accuracy_95": wilson_interval(self.metrics.accuracy, self.metrics.rows),
            "held_out_uncalibrated": self.uncalibrated._asdict(),
            "fold_accuracies": self.fold_accuracies,
            "slices": {name: metrics._asdict() for name, metrics in self.slices.items()},
            "learning_curve": [point._asdict() for point in self.learning_curve],
            "test": self.test._asdict() if self.test else None,
        }


def measure(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], names: tuple[str, ...], thresholds: Thresholds | None
) -> ClassificationMetrics:
    """Measure probabilities, of shape (n, labels), against n labels (indices into LABELS), of which all must occur."""
    known, predicted = _indices(names), predicted_labels(probabilities, names)
    two = len(names) == 2
    averaged: dict[str, object] = {"average": "binary", "pos_label": known[-1]} if two else {"average": "macro"}
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, zero_division=0, **averaged)
    table = confusion_matrix(labels, predicted, labels=known).tolist()
    return ClassificationMetrics(
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        auc=float(roc_auc_score(labels, probabilities[:, -1] if two else probabilities, multi_class="ovr")),
        confusion={name: dict(zip(names, row, strict=True)) for name, row in zip(names, table, strict=True)},
        **_of_any_labels(probabilities, labels, names, thresholds),
    )


def measure_slices(
    probabilities: NDArray[np.float64], reviews: LabelledReviews, thresholds: Thresholds | None
) -> dict[str, SliceMetrics]:
    """Measure the probabilities of n reviews, of shape (n, labels), on each of their slices (`slices.py`)."""
    return {
        name: _measure_slice(probabilities[rows], reviews.labels[rows], reviews.names, thresholds)
        for name, rows in slices_of(reviews).items()
    }


def _measure_slice(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], names: tuple[str, ...], thresholds: Thresholds | None
) -> SliceMetrics:
    if len(np.unique(labels)) == len(names):
        found = measure(probabilities, labels, names, thresholds)._asdict()
    else:
        # What compares labels with each other says nothing of rows that lack one.
        found = _of_any_labels(probabilities, labels, names, thresholds) | dict.fromkeys(("f1", "auc", "ece"))
    return SliceMetrics(**{field: found[field] for field in SliceMetrics._fields})


def _of_any_labels(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], names: tuple[str, ...], thresholds: Thresholds | None
) -> dict[str, Any]:
    """Return the measures that need not all labels to occur."""
    known, predicted = _indices(names), predicted_labels(probabilities, names)
    two = len(names) == 2
    score = probabilities[:, -1]
    correct = predicted == labels
    covered = np.ones(len(score), np.bool_)
    if thresholds:
        covered = (score < thresholds.neutral_low) | (score > thresholds.neutral_high)
    return {
        "rows": len(score),
        "accuracy": float(correct.mean()),
        "brier": float(brier_score_loss(labels, score if two else probabilities, **_brier_labels(known))),
        "ece": expected_calibration_error(score, labels == known[-1])
        if two
        else expected_calibration_error(probabilities.max(axis=1), correct),
        "coverage": float(covered.mean()),
        "accuracy_covered": float(correct[covered].mean()) if covered.any() else None,
    }


def predicted_labels(probabilities: NDArray[np.float64], names: tuple[str, ...]) -> NDArray[np.int8]:
    """Return the label (index into LABELS) of each row of probabilities; of two labels the limit is 0.5, no band."""
    known = _indices(names)
    places = (probabilities[:, -1] >= 0.5).astype(np.int64) if len(names) == 2 else probabilities.argmax(axis=1)
    found: NDArray[np.int8] = known[places]
    return found


def _indices(names: tuple[str, ...]) -> NDArray[np.int8]:
    return np.array([LABELS.index(name) for name in names], np.int8)


def _brier_labels(known: NDArray[np.int8]) -> dict[str, object]:
    return {"pos_label": known[-1]} if len(known) == 2 else {"labels": known}


def expected_calibration_error(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the mean distance, over all rows, of a bin's mean score from its share of positive rows."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=scores - positive, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(scores))
