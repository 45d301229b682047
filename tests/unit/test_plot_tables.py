"""The points of plots, as `dvc plots` reads them."""

import csv
import io

import numpy as np

from sentiment_core.evaluation.plot_tables import plot_tables
from sentiment_core.evaluation.predictions import Predictions
from sentiment_core.labels import LABELS

NEGATIVE, NEUTRAL, POSITIVE = range(len(LABELS))


def predictions(positive: list[float], labels: list[int]) -> Predictions:
    score = np.array(positive)
    probabilities = np.stack((1 - score, np.zeros(len(score)), score), axis=1)
    return Predictions(score, np.array(labels, np.int8), probabilities, None)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_tables_have_the_curves_of_the_rows_with_a_sentiment_and_every_label() -> None:
    given = np.array([NEGATIVE, NEGATIVE, POSITIVE, POSITIVE, NEUTRAL], np.int8)
    tables = plot_tables(
        predictions([0.1, 0.6, 0.4, 0.9, 0.5], [NEGATIVE, POSITIVE, NEUTRAL, POSITIVE, NEUTRAL]), given
    )
    confusion = [(row["given"], row["predicted"]) for row in read(tables["confusion.csv"])]
    assert confusion[1:3] == [("negative", "positive"), ("positive", "neutral")]
    assert len(confusion) == 5
    roc = [(float(row["false_positive_rate"]), float(row["true_positive_rate"])) for row in read(tables["roc.csv"])]
    assert (roc[0], roc[-1]) == ((0, 0), (1, 1))
    assert sum(int(row["rows"]) for row in read(tables["calibration.csv"])) == 4
    assert {float(row["recall"]) for row in read(tables["precision_recall.csv"])} >= {0.0, 1.0}


def test_rows_of_one_label_have_no_curves() -> None:
    tables = plot_tables(predictions([0.1, 0.2], [NEGATIVE, NEGATIVE]), np.array([NEGATIVE, NEGATIVE], np.int8))
    assert [len(read(tables[name])) for name in ("roc.csv", "precision_recall.csv", "calibration.csv")] == [0, 0, 0]
    assert len(read(tables["confusion.csv"])) == 2


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    dice = np.random.default_rng(1)
    labels = np.where(dice.random(5_000) < 0.5, NEGATIVE, POSITIVE).astype(np.int8)
    points = read(plot_tables(predictions(dice.random(5_000).tolist(), labels.tolist()), labels)["roc.csv"])
    assert len(points) == 500
    assert (points[0]["true_positive_rate"], points[-1]["true_positive_rate"]) == ("0.0", "1.0")
