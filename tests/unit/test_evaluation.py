"""Metrics and calibration, compared with manually calculated values."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.evaluation.bundle_evaluation import evaluate
from sentiment_core.evaluation.metrics import expected_calibration_error, measure, measure_slices
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Thresholds
from sentiment_core.model.scorer import Scorer
from sentiment_core.model.wilson import wilson_interval
from sentiment_core.training.calibration import calibrated, neutral_band, platt_scaling

TWO = ("negative", "positive")
NEGATIVE, NEUTRAL, POSITIVE = range(3)


def as_two(scores: list[float]) -> np.ndarray:
    return np.stack((1 - np.array(scores), scores), axis=1)


def test_measures_of_five_scores() -> None:
    labels = np.array([NEGATIVE, POSITIVE, POSITIVE, NEGATIVE, POSITIVE], np.int8)
    band = Thresholds(neutral_low=0.4, neutral_high=0.6)
    metrics = measure(as_two([0.1, 0.45, 0.5, 0.55, 0.9]), labels, TWO, band)
    assert metrics.confusion == {
        "negative": {"negative": 1, "positive": 1},
        "positive": {"negative": 1, "positive": 2},
    }
    assert metrics.accuracy == pytest.approx(3 / 5)
    assert metrics.precision == metrics.recall == metrics.f1 == pytest.approx(2 / 3)
    assert metrics.auc == pytest.approx(4 / 6)
    assert metrics.brier == pytest.approx((0.01 + 0.3025 + 0.25 + 0.3025 + 0.01) / 5)
    assert metrics.coverage == pytest.approx(2 / 5)
    assert metrics.accuracy_covered == 1


def test_measures_of_three_labels() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1], [0.0, 0.1, 0.9]])
    labels = np.array([NEGATIVE, NEUTRAL, NEUTRAL, POSITIVE], np.int8)
    metrics = measure(probabilities, labels, LABELS, None)
    assert metrics.accuracy == 3 / 4
    assert metrics.confusion["neutral"] == {"negative": 1, "neutral": 1, "positive": 0}
    assert metrics.precision == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert metrics.recall == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert metrics.auc == pytest.approx((1 + 1 + 1) / 3)
    squares = [0.09 + 0.04 + 0.01, 0.01 + 0.04 + 0.01, 0.25 + 0.36 + 0.01, 0.01 + 0.01]
    assert metrics.brier == pytest.approx(sum(squares) / 4)
    assert metrics.ece == pytest.approx((0.3 + 0.2 + 0.5 + 0.1) / 4)
    assert (metrics.coverage, metrics.accuracy_covered) == (1, 3 / 4)


def test_slices_are_measured_as_their_rows_alone_would_be() -> None:
    dice = np.random.default_rng(3)
    labels = np.where(dice.random(400) < 0.5, POSITIVE, NEGATIVE).astype(np.int8)
    scores = np.clip(0.3 + 0.4 * (labels == POSITIVE) + dice.normal(0, 0.25, 400), 0, 1)
    texts = ["a" * (100 if row < 150 else 3_000) for row in range(400)]
    reviews = LabelledReviews(texts, labels, texts, np.where(labels == POSITIVE, 10.0, 1.0))
    band = Thresholds(neutral_low=0.4, neutral_high=0.6)
    found = measure_slices(as_two(scores.tolist()), reviews, band)
    assert list(found) == ["length below 500", "length from 2,500", "rating 1", "rating 10"]
    alone = measure(as_two(scores[:150].tolist()), labels[:150], TWO, band)
    assert found["length below 500"] == tuple(getattr(alone, field) for field in found["length below 500"]._fields)
    best = found["rating 10"]
    mine = scores[labels == POSITIVE]
    assert best.accuracy == np.mean(mine >= 0.5)
    assert best.brier == pytest.approx(np.mean((1 - mine) ** 2))
    assert (best.f1, best.auc, best.ece) == (None, None, None)
    assert best.coverage == np.mean((mine < 0.4) | (mine > 0.6))


@pytest.mark.parametrize(("right", "rows"), [(0, 1), (1, 1), (0, 40), (40, 40), (7, 9), (22_995, 25_000)])
def test_intervals_are_wilsons(right: int, rows: int) -> None:
    expected = binomtest(right, rows).proportion_ci(method="wilson")
    assert wilson_interval(right / rows, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_no_rows_tell_nothing() -> None:
    assert wilson_interval(0.5, 0) == (0, 1)


def test_a_band_over_everything_covers_nothing() -> None:
    labels = np.array([NEGATIVE, POSITIVE], np.int8)
    metrics = measure(as_two([0.2, 0.8]), labels, TWO, Thresholds(neutral_low=0, neutral_high=1))
    assert metrics.coverage == 0
    assert metrics.accuracy_covered is None


def test_calibration_error_is_the_mean_gap() -> None:
    assert expected_calibration_error(np.array([0.75, 0.75, 1.0, 0.0]), np.array([True, False, True, False])) == (
        pytest.approx(0.5 / 4)
    )


def test_platt_scaling_finds_the_curve_that_made_the_labels() -> None:
    dice = np.random.default_rng(1)
    margins = dice.normal(size=20_000)
    positive = dice.random(20_000) < 1 / (1 + np.exp(-(3 * margins - 1)))
    labels = np.where(positive, POSITIVE, NEGATIVE).astype(np.int8)
    calibration = platt_scaling(margins[:, np.newaxis], labels)
    assert calibration.slopes[0][0] == pytest.approx(3, abs=0.1)
    assert calibration.intercepts[0] == pytest.approx(-1, abs=0.1)
    assert expected_calibration_error(calibrated(margins[:, np.newaxis], calibration)[:, 1], positive) < 0.01


def test_three_margins_are_scaled_to_the_curves_that_made_the_labels() -> None:
    dice = np.random.default_rng(6)
    margins = dice.normal(size=(40_000, 3))
    powers = np.exp(2 * margins + [0.5, 0, -0.5])
    expected = powers / powers.sum(axis=1, keepdims=True)
    labels = (dice.random(40_000)[:, np.newaxis] > expected.cumsum(axis=1)).sum(axis=1).astype(np.int8)
    calibration = platt_scaling(margins, labels)
    assert np.abs(calibrated(margins, calibration) - expected).mean() < 0.01
    assert np.array(calibration.slopes).sum(axis=0) == pytest.approx(0, abs=1e-9)


def test_margins_that_fall_with_their_labels_are_refused() -> None:
    margins = np.linspace(-1, 1, 50)[:, np.newaxis]
    with pytest.raises(TrainingDataInvalid, match="scores do not increase with the labels"):
        platt_scaling(margins, np.where(margins[:, 0] < 0, POSITIVE, NEGATIVE).astype(np.int8))


def test_the_band_ends_where_accuracy_reaches_the_goal() -> None:
    # For calibrated scores, those from 0.3 to 0.7 are right less than 70 % of the time.
    dice = np.random.default_rng(2)
    scores = dice.beta(0.2, 0.2, size=50_000)
    positive = dice.random(50_000) < scores
    thresholds = neutral_band(scores, positive, accuracy=0.7, max_fraction=1.0)
    assert thresholds.neutral_low == pytest.approx(0.3, abs=0.03)
    assert thresholds.neutral_high == pytest.approx(0.7, abs=0.03)


def test_the_band_is_capped() -> None:
    dice = np.random.default_rng(3)
    scores = dice.random(10_000)
    positive = dice.random(10_000) < scores
    thresholds = neutral_band(scores, positive, accuracy=0.7, max_fraction=0.1)
    inside = (scores >= thresholds.neutral_low) & (scores <= thresholds.neutral_high)
    assert inside.mean() == pytest.approx(0.1, abs=0.001)


def test_no_band_where_every_score_is_right() -> None:
    scores = np.array([0.4, 0.6] * 50)
    assert neutral_band(scores, scores > 0.5, accuracy=0.7, max_fraction=0.1) == Thresholds(
        neutral_low=0.5, neutral_high=0.5
    )


def test_a_model_of_two_labels_is_measured_on_rows_with_neutral_ones(
    trained: Bundle, three: LabelledReviews, reviews: LabelledReviews
) -> None:
    found, alone = evaluate(trained, three), evaluate(trained, reviews)
    assert (found.polar_only, alone.polar_only) == (True, False)
    assert found.metrics.rows == alone.metrics.rows == len(reviews.texts)
    # A model of two labels has one probability, so the rows with a sentiment have the same metrics either way.
    assert found.metrics.confusion == alone.metrics.confusion
    plain = (metrics._asdict() | {"confusion": 0} for metrics in (found.metrics, alone.metrics))
    assert next(plain) == pytest.approx(next(plain))
    assert (found.measures.rows, found.measures.polar_rows) == (len(three.texts), len(reviews.texts))
    assert found.measures.polar_neutral == pytest.approx(1 - alone.metrics.coverage)
    given = Scorer(trained).score_texts(three.texts).label
    assert found.measures.macro_f1 == pytest.approx(f1_score(three.labels, given, average="macro"))
    assert alone.measures.missing["macro_f1"] == "no neutral rows"


def test_a_model_of_three_labels_is_measured_on_rows_of_two(trained_of_three: Bundle, reviews: LabelledReviews) -> None:
    found = evaluate(trained_of_three, reviews)
    assert found.polar_only
    assert found.metrics.accuracy > 0.8
    assert found.metrics.ece == found.measures.ece
    assert found.metrics.coverage == pytest.approx(1 - found.measures.polar_neutral)
    assert found.metrics.confusion.keys() == {"negative", "positive"}


def test_rows_of_one_label_have_only_the_figures_that_are_defined(trained: Bundle, reviews: LabelledReviews) -> None:
    found = evaluate(trained, reviews.take(reviews.labels == POSITIVE))
    assert found.metrics is None
    assert found.measures.accuracy > 0.8
    assert found.as_dict()["missing"]["auc"] == "no negative rows"
    assert "auc" not in found.as_dict()["labels_given"]
