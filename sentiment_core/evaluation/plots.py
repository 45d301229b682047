"""Plots of a training run's held-out scores, as PNG files.

They use Matplotlib's object interface, which shares no global state.
"""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from sentiment_core.evaluation.metrics import Evaluation
from sentiment_core.labels import LABELS
from sentiment_core.model.scorer import how_positive
from sentiment_core.model.wilson import wilson_interval
from sentiment_core.png import png_of

WIDTH: Final = 960  # pixels
HEIGHT: Final = 720
_DPI: Final = 120
# Colours that remain distinguishable with red-green colour blindness (M. Okabe and K. Ito, 2008).
_COLOURS: Final = {"negative": "#D55E00", "neutral": "#999999", "positive": "#0072B2"}
_GREY: Final = "#666666"
_BINS: Final = 10
_HISTOGRAM_BINS: Final = 50


def draw_all(evaluation: Evaluation) -> dict[str, bytes]:
    """Return the PNG files of an evaluation by name. The learning curve is included if it has two points or more."""
    figures = {
        "roc.png": _roc,
        "precision_recall.png": _precision_recall,
        "calibration.png": _calibration,
        "confusion.png": _confusion,
        "scores.png": _scores,
    }
    if len(evaluation.learning_curve) > 1:
        figures["learning_curve.png"] = _learning_curve
    return {name: png_of(draw(evaluation)) for name, draw in figures.items()}


def _roc(evaluation: Evaluation) -> Figure:
    figure, axes = _axes("ROC curve, held-out reviews", "False positive rate", "True positive rate")
    for name, mine, score in _one_against_rest(evaluation):
        false, true, _ = roc_curve(mine, score)
        axes.plot(false, true, color=_COLOURS[name], label=f"{name}: AUC {roc_auc_score(mine, score):.4f}")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="chance: AUC 0.5")
    _unit_square(axes, "lower right")
    return figure


def _precision_recall(evaluation: Evaluation) -> Figure:
    figure, axes = _axes("Precision and recall, held-out reviews", "Recall", "Precision")
    for name, mine, score in _one_against_rest(evaluation):
        precision, recall, _ = precision_recall_curve(mine, score)
        mean = average_precision_score(mine, score)
        axes.plot(recall, precision, color=_COLOURS[name], label=f"{name}: average precision {mean:.4f}")
        share = float(mine.mean())
        axes.axhline(share, color=_COLOURS[name], linestyle="--", linewidth=1, label=f"chance: {share:.0%} are {name}")
    _unit_square(axes, "lower left")
    return figure


def _calibration(evaluation: Evaluation) -> Figure:
    figure, axes = _axes(
        "Calibration curve, held-out reviews", "Mean score of a bin", "Share of the label in the bin, 95 % interval"
    )
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="perfect")
    for name, mine, score in _one_against_rest(evaluation):
        bins = np.minimum((score * _BINS).astype(np.int64), _BINS - 1)
        rows = np.bincount(bins, minlength=_BINS)
        filled = rows > 0
        rows = rows[filled]
        means, shares = (np.bincount(bins, weights=values, minlength=_BINS)[filled] / rows for values in (score, mine))
        ends = np.array([wilson_interval(*each) for each in zip(shares.tolist(), rows.tolist(), strict=True)])
        # For fractions of 0 or 1, rounding errors can make the distance to the interval's end slightly negative.
        reach = np.maximum([shares - ends[:, 0], ends[:, 1] - shares], 0)
        label = name
        if len(evaluation.names) == 2:
            label += f": expected calibration error {evaluation.metrics.ece:.4f}"
        axes.errorbar(means, shares, reach, color=_COLOURS[name], marker="o", markersize=4, capsize=3, label=label)
    _unit_square(axes, "upper left")
    return figure


def _confusion(evaluation: Evaluation) -> Figure:
    table = np.array([list(row.values()) for row in evaluation.metrics.confusion.values()])
    shares = table / table.sum(axis=1, keepdims=True)
    title = f"Confusion matrix at 0.5, accuracy {evaluation.metrics.accuracy:.2%}"
    if len(evaluation.names) > 2:
        title = f"Confusion matrix, accuracy {evaluation.metrics.accuracy:.2%}"
    figure, axes = _axes(title, "Predicted label", "Given label")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    places = range(len(evaluation.names))
    axes.set_xticks(places, evaluation.names)
    axes.set_yticks(places, evaluation.names)
    for row in places:
        for column in places:
            share = shares[row, column]
            axes.text(
                column,
                row,
                f"{table[row, column]:,}\n{share:.1%} of {evaluation.names[row]}",
                ha="center",
                va="center",
                color="white" if share > 0.5 else "black",
            )
    return figure


def _scores(evaluation: Evaluation) -> Figure:
    figure, axes = _axes(
        "Scores of held-out reviews, by given label",
        "Score (how positive, 0 to 1)",
        "Reviews in a bin of 0.02 (log scale)",
    )
    edges = np.linspace(0, 1, _HISTOGRAM_BINS + 1).tolist()
    score = how_positive(evaluation.probabilities)
    for name in evaluation.names:
        mine = score[evaluation.labels == LABELS.index(name)]
        axes.hist(mine, edges, color=_COLOURS[name], alpha=0.55, label=f"{name}: {len(mine):,} reviews")
    if evaluation.thresholds:
        low, high = evaluation.thresholds.neutral_low, evaluation.thresholds.neutral_high
        label = f"neutral band: {1 - evaluation.metrics.coverage:.1%} of the reviews"
        axes.axvspan(low, high, color=_COLOURS["neutral"], alpha=0.3, label=label)
    axes.set_xlim(0, 1)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.legend(loc="upper center")
    return figure


def _learning_curve(evaluation: Evaluation) -> Figure:
    figure, axes = _axes(
        "Learning curve, held-out reviews",
        "Reviews learned from (mean of the folds, log scale)",
        "Accuracy, 95 % interval",
    )
    rows = [point.rows for point in evaluation.learning_curve]
    accuracies = np.array([point.accuracy for point in evaluation.learning_curve])
    ends = np.array([wilson_interval(accuracy, evaluation.metrics.rows) for accuracy in accuracies.tolist()])
    reach = np.maximum([accuracies - ends[:, 0], ends[:, 1] - accuracies], 0)
    axes.errorbar(rows, accuracies, reach, color=_COLOURS["positive"], marker="o", markersize=5, capsize=3)
    for point in evaluation.learning_curve:
        axes.annotate(
            f"{point.share:.0%} of the groups\n{point.accuracy:.2%}",
            (point.rows, point.accuracy),
            xytext=(8, -4),
            textcoords="offset points",
            va="top",
            fontsize=9,
        )
    axes.set_xscale("log")
    axes.set_xticks(rows, [f"{count:,}" for count in rows])
    axes.minorticks_off()
    axes.margins(x=0.3, y=0.25)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    return figure


def _one_against_rest(evaluation: Evaluation) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.float64]]]:
    """Yield each label, a mask of the rows that have it, and its probabilities.

    With two labels only the last is yielded, because the other is its complement.
    """
    names = evaluation.names[-1:] if len(evaluation.names) == 2 else evaluation.names
    for name in names:
        column = evaluation.names.index(name)
        yield name, evaluation.labels == LABELS.index(name), evaluation.probabilities[:, column]


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure((WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=13)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, color="#E5E5E5")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _unit_square(axes: Axes, legend: Literal["lower left", "lower right", "upper left"]) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.legend(loc=legend, frameon=False)
