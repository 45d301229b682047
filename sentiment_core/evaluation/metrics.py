"""Classification and calibration metrics of scores, compared with human labels."""

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
from sentiment_core.model.scorer import label_of
from sentiment_core.model.wilson import wilson_interval

_BINS: Final = 10


class ClassificationMetrics(NamedTuple):
    """Metrics of n scores.

    All metrics except the last two cover all rows and use the most probable label. With two labels the decision
    threshold is 0.5, and the neutral band is not applied. With two labels, precision, recall and F1 are those of the
    positive label. With three labels they are means over the labels (macro average), and so is AUC (one label against
    the rest).
    """

    rows: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    brier: float  # mean squared distance from the label; with three labels, summed over the labels
    ece: float  # expected calibration error, ten bins of equal width
    confusion: dict[str, dict[str, int]]  # number of rows by given label, then by predicted label
    coverage: float  # fraction of rows outside the neutral band
    accuracy_covered: float | None  # accuracy of those rows; None if the band contains every row


class LearningPoint(NamedTuple):
    """Accuracy of models trained on a fraction of the groups; `rows` is the mean number of their training reviews."""

    share: float
    rows: int
    accuracy: float


class Evaluation(NamedTuple):
    """The held-out scores of n training reviews, each from a fold model that did not train on it, and their metrics."""

    names: tuple[str, ...]  # the model's labels
    labels: NDArray[np.int8]  # (n,), indices into LABELS
    probabilities: NDArray[np.float64]  # (n, len(names))
    thresholds: Thresholds | None
    metrics: ClassificationMetrics
    uncalibrated: ClassificationMetrics
    fold_accuracies: tuple[float, ...]
    learned_rows: int  # mean number of training reviews of a fold's model
    slices: Mapping[str, SliceMetrics]
    learning_curve: tuple[LearningPoint, ...] = ()  # ascending by share
    test: ClassificationMetrics | None = None  # metrics of the bundle on the test reviews, which training never used
    # With starred rows: `held_out_human`, `held_out_stars` and `test_stars` measure rows by the origin of their labels.
    by_origin: Mapping[str, ClassificationMetrics] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return all metrics as a JSON-serializable dictionary."""
        return {
            "held_out": self.metrics._asdict(),
            "held_out_accuracy_95": wilson_interval(self.metrics.accuracy, self.metrics.rows),
            "held_out_uncalibrated": self.uncalibrated._asdict(),
            "fold_accuracies": self.fold_accuracies,
            "slices": {name: metrics._asdict() for name, metrics in self.slices.items()},
            "learning_curve": [point._asdict() for point in self.learning_curve],
            "test": self.test._asdict() if self.test else None,
        } | {name: metrics._asdict() for name, metrics in (self.by_origin or {}).items()}


def measure(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], names: tuple[str, ...], thresholds: Thresholds | None
) -> ClassificationMetrics:
    """Return the metrics of probabilities, of shape (n, labels), for n given labels.

    The given labels are indices into LABELS, and every label in `names` must occur.
    """
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
    """Return metrics of n reviews' probabilities, of shape (n, labels), for each slice of the reviews (`slices.py`)."""
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
        # Metrics that compare labels with each other are undefined for rows that lack a label.
        found = _of_any_labels(probabilities, labels, names, thresholds) | dict.fromkeys(("f1", "auc", "ece"))
    return SliceMetrics(**{field: found[field] for field in SliceMetrics._fields})


def _of_any_labels(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], names: tuple[str, ...], thresholds: Thresholds | None
) -> dict[str, Any]:
    """Return the metrics that are defined even if some labels do not occur."""
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
    """Return the most probable label (index into LABELS) of each row of probabilities.

    With two labels the decision threshold is 0.5. The neutral band is not applied.
    """
    if len(names) == len(LABELS):
        return label_of(probabilities, neutral_ratio=None)
    found: NDArray[np.int8] = _indices(names)[(probabilities[:, -1] >= 0.5).astype(np.int64)]
    return found


def _indices(names: tuple[str, ...]) -> NDArray[np.int8]:
    return np.array([LABELS.index(name) for name in names], np.int8)


def _brier_labels(known: NDArray[np.int8]) -> dict[str, object]:
    return {"pos_label": known[-1]} if len(known) == 2 else {"labels": known}


def expected_calibration_error(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the mean over all rows of the distance between a bin's mean score and its fraction of positive rows."""
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=scores - positive, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(scores))
