"""The measures of predictions on one set of labelled reviews, with a reason for each measure that is undefined."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from sentiment_core.evaluation.metrics import ClassificationMetrics, expected_calibration_error, measure
from sentiment_core.evaluation.predictions import Predictions
from sentiment_core.labels import LABELS

# With fewer rows a figure would be noise: the 95 % interval of an accuracy on 30 rows is up to 36 points wide.
LEAST_ROWS: Final = 30
LEAST_OF_LABEL: Final = 10

_TWO: Final = ("negative", "positive")
_NEGATIVE, _NEUTRAL, _POSITIVE = range(len(LABELS))


class SetMeasures(NamedTuple):
    """The measures of one model on one set. None means undefined; `missing` says why.

    A row is polar if its given label is negative or positive. For the first four and for `ece`, the predicted label of
    a polar row is positive if its score is at least 0.5, and else negative.
    """

    rows: int
    polar_rows: int
    accuracy: float | None  # of the polar rows
    balanced_accuracy: float | None  # mean of the polar rows' recall by label
    auc: float | None  # area under the ROC curve of the score, polar rows
    ece: float | None  # calibration error of P(positive) / (P(positive) + P(negative)), polar rows
    polar_neutral: float | None  # fraction of the polar rows that get the label neutral
    macro_f1: float | None  # mean F1 of the three labels, all rows, by the label that a user gets
    ece_labels: float | None  # calibration error of the most probable label's probability, sets with neutral rows
    unfamiliar: float | None  # fraction of the rows of which the model hardly knows an n-gram
    missing: Mapping[str, str]  # reason by measure


MEASURES: Final = SetMeasures._fields[2:-1]


def measure_set(found: Predictions, labels: NDArray[np.int8]) -> SetMeasures:
    """Measure predictions for n texts with the given labels, which are indices into LABELS."""
    polar = labels != _NEUTRAL
    missing = _missing(found, labels)
    measures: dict[str, float] = {}
    if "accuracy" not in missing:
        measures |= _of_polar(found, labels, polar)
    if "balanced_accuracy" not in missing:
        measures |= _of_both(found, labels, polar)
    if "macro_f1" not in missing:
        measures["macro_f1"] = macro_f1(found.label, labels)
    if "ece_labels" not in missing:
        measures |= _of_labels(found, labels)
    if "unfamiliar" not in missing and found.unfamiliar is not None:
        measures["unfamiliar"] = float(found.unfamiliar.mean())
    values = {name: measures.get(name) if name not in missing else None for name in MEASURES}
    return SetMeasures(rows=len(labels), polar_rows=int(polar.sum()), missing=missing, **values)


def without_figures(why: str, rows: int = 0) -> SetMeasures:
    """Return the measures of a set that could not be measured, with one reason for all of them."""
    return SetMeasures(rows, 0, **dict.fromkeys(MEASURES), missing=dict.fromkeys(MEASURES, why))


def measure_polar(found: Predictions, labels: NDArray[np.int8]) -> ClassificationMetrics:
    """Return the metrics of the polar rows as for two labels, for models and rows whose labels differ.

    The probability of positive is the one given that the row has a sentiment: P(positive) / (P(positive) +
    P(negative)). With two labels it is the score. Coverage is the fraction of these rows that do not get the label
    neutral. Both labels must occur, and the predictions must have probabilities.
    """
    polar = labels != _NEUTRAL
    given, covered, correct = (
        given_sentiment(found)[polar],
        found.label[polar] != _NEUTRAL,
        polar_correct(found, labels),
    )
    metrics = measure(np.stack((1 - given, given), axis=1), labels[polar], _TWO, None)
    return metrics._replace(
        coverage=float(covered.mean()), accuracy_covered=float(correct[covered].mean()) if covered.any() else None
    )


def polar_correct(found: Predictions, labels: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return whether each polar row is on the correct side of 0.5, in the order of the polar rows."""
    polar = labels != _NEUTRAL
    correct: NDArray[np.bool_] = (found.score[polar] >= 0.5) == (labels[polar] == _POSITIVE)
    return correct


def macro_f1(predicted: NDArray[np.int8], labels: NDArray[np.int8]) -> float:
    """Return the mean F1 of the three labels. A label that is neither predicted nor given counts as 0."""
    return float(np.mean([_f1(predicted, labels, label) for label in range(len(LABELS))]))


def _missing(found: Predictions, labels: NDArray[np.int8]) -> dict[str, str]:
    """Return the reason for each measure that is undefined."""
    if len(labels) < LEAST_ROWS:
        return dict.fromkeys(MEASURES, f"{len(labels)} rows, fewer than {LEAST_ROWS}")
    counts = dict(zip(LABELS, np.bincount(labels, minlength=len(LABELS)).tolist(), strict=True))
    few = {
        label: f"{count or 'no'} {label} rows" + (f", fewer than {LEAST_OF_LABEL}" if count else "")
        for label, count in counts.items()
        if count < LEAST_OF_LABEL
    }
    missing: dict[str, str] = {}
    if (polar := counts["negative"] + counts["positive"]) < LEAST_ROWS:
        why = f"{polar or 'no'} rows with a sentiment" + (f", fewer than {LEAST_ROWS}" if polar else "")
        missing |= dict.fromkeys(("accuracy", "balanced_accuracy", "auc", "ece", "polar_neutral"), why)
    elif one := few.get("negative") or few.get("positive"):
        missing |= dict.fromkeys(("balanced_accuracy", "auc"), one)
    if one := next((few[label] for label in ("neutral", "negative", "positive") if label in few), None):
        missing["macro_f1"] = one
    if "neutral" in few:
        missing["ece_labels"] = few["neutral"]
    if found.probabilities is None:
        missing |= dict.fromkeys(("ece", "ece_labels"), "no probabilities")
    if found.unfamiliar is None:
        missing["unfamiliar"] = "no n-grams"
    return missing


def _of_polar(found: Predictions, labels: NDArray[np.int8], polar: NDArray[np.bool_]) -> dict[str, float]:
    measures = {
        "accuracy": float(polar_correct(found, labels).mean()),
        "polar_neutral": float((found.label[polar] == _NEUTRAL).mean()),
    }
    if found.probabilities is not None:
        measures["ece"] = expected_calibration_error(given_sentiment(found)[polar], labels[polar] == _POSITIVE)
    return measures


def given_sentiment(found: Predictions) -> NDArray[np.float64]:
    """Return the probability of positive given that a row is not neutral, of shape (n,)."""
    assert found.probabilities is not None  # noqa: S101 -- the callers check
    negative, positive = found.probabilities[:, _NEGATIVE], found.probabilities[:, _POSITIVE]
    # A row that is neutral beyond doubt says nothing about the two, so it counts as undecided.
    undecided = np.full(len(positive), 0.5)
    given: NDArray[np.float64] = np.divide(positive, negative + positive, out=undecided, where=negative + positive > 0)
    return given


def _of_both(found: Predictions, labels: NDArray[np.int8], polar: NDArray[np.bool_]) -> dict[str, float]:
    correct, positive = polar_correct(found, labels), labels[polar] == _POSITIVE
    return {
        "balanced_accuracy": float((correct[positive].mean() + correct[~positive].mean()) / 2),
        "auc": float(roc_auc_score(positive, found.score[polar])),
    }


def _of_labels(found: Predictions, labels: NDArray[np.int8]) -> dict[str, float]:
    if found.probabilities is None:
        return {}
    correct = found.probabilities.argmax(axis=1) == labels
    return {"ece_labels": expected_calibration_error(found.probabilities.max(axis=1), correct)}


def _f1(predicted: NDArray[np.int8], labels: NDArray[np.int8], label: int) -> float:
    hits = int(np.count_nonzero((predicted == label) & (labels == label)))
    named = int(np.count_nonzero(predicted == label)) + int(np.count_nonzero(labels == label))
    return 2 * hits / named if named else 0.0
