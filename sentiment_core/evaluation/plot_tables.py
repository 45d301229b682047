"""The points of an evaluation's plots as CSV files, for tools that draw and compare plots themselves (`dvc plots`)."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from sentiment_core.evaluation.predictions import Predictions
from sentiment_core.evaluation.set_measures import given_sentiment
from sentiment_core.labels import LABELS

_NEGATIVE, _, _POSITIVE = range(len(LABELS))
_BINS: Final = 10
_MOST_POINTS: Final = 500  # of a curve


def plot_tables(found: Predictions, labels: NDArray[np.int8]) -> dict[str, str]:
    """Return the CSV files by name, for the predictions of n texts and their given labels (indices into LABELS).

    `confusion.csv` has a row per text: the given label, and the label that users get. The other files cover the texts
    with a sentiment, by the probability of positive given that the text has one. They have no rows if the texts lack
    negative or positive ones. The same predictions always give the same bytes.
    """
    polar = np.isin(labels, (_NEGATIVE, _POSITIVE))
    positive, given = labels[polar] == _POSITIVE, given_sentiment(found)[polar]
    both = positive.any() and not positive.all()
    confusion = zip(*(np.array(LABELS)[values].tolist() for values in (labels, found.label)), strict=True)
    return {
        "roc.csv": _csv(("false_positive_rate", "true_positive_rate"), _roc(positive, given) if both else ()),
        "precision_recall.csv": _csv(("recall", "precision"), _precision_recall(positive, given) if both else ()),
        "calibration.csv": _csv(("mean_score", "positive", "rows"), _calibration(positive, given) if both else ()),
        "confusion.csv": _csv(("given", "predicted"), confusion),
    }


def _roc(positive: NDArray[np.bool_], given: NDArray[np.float64]) -> Iterable[Sequence[Any]]:
    false, true, _ = roc_curve(positive, given)
    return _thinned(false, true)


def _precision_recall(positive: NDArray[np.bool_], given: NDArray[np.float64]) -> Iterable[Sequence[Any]]:
    precision, recall, _ = precision_recall_curve(positive, given)
    return _thinned(recall, precision)


def _calibration(positive: NDArray[np.bool_], given: NDArray[np.float64]) -> Iterable[Sequence[Any]]:
    """Yield the mean score, the fraction of positive texts and the number of texts of each bin that has any."""
    bins = np.minimum((given * _BINS).astype(np.int64), _BINS - 1)
    for number in np.unique(bins).tolist():
        mine = bins == number
        yield _rounded(given[mine].mean()), _rounded(positive[mine].mean()), int(mine.sum())


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Iterable[Sequence[Any]]:
    """Yield at most `_MOST_POINTS` points of a curve, with its ends."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(np.int64))
    return ((_rounded(x[place]), _rounded(y[place])) for place in chosen.tolist())


def _rounded(value: float) -> float:
    # The last bits of a sum differ between processors. Rounded, the files stay the same.
    return round(float(value), 6)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
