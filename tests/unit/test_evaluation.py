"""Measures and calibration, against values worked out by hand."""

import numpy as np
import pytest

from sentiment_core.calibration import calibrated, neutral_band, platt_scaling
from sentiment_core.evaluation import expected_calibration_error, measure
from sentiment_core.manifest import Thresholds


def test_measures_of_five_scores() -> None:
    scores = np.array([0.1, 0.45, 0.5, 0.55, 0.9])
    positive = np.array([False, True, True, False, True])
    metrics = measure(scores, positive, Thresholds(neutral_low=0.4, neutral_high=0.6))
    assert (metrics.true_negative, metrics.false_positive, metrics.false_negative, metrics.true_positive) == (
        1,
        1,
        1,
        2,
    )
    assert metrics.accuracy == pytest.approx(3 / 5)
    assert metrics.precision == metrics.recall == metrics.f1 == pytest.approx(2 / 3)
    assert metrics.auc == pytest.approx(4 / 6)
    assert metrics.brier == pytest.approx((0.01 + 0.3025 + 0.25 + 0.3025 + 0.01) / 5)
    assert metrics.coverage == pytest.approx(2 / 5)
    assert metrics.accuracy_covered == 1


def test_a_band_over_everything_covers_nothing() -> None:
    metrics = measure(np.array([0.2, 0.8]), np.array([False, True]), Thresholds(neutral_low=0, neutral_high=1))
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
    calibration = platt_scaling(margins, positive)
    assert calibration.slope == pytest.approx(3, abs=0.1)
    assert calibration.intercept == pytest.approx(-1, abs=0.1)
    assert expected_calibration_error(calibrated(margins, calibration), positive) < 0.01


def test_the_band_ends_where_accuracy_reaches_the_goal() -> None:
    # Of calibrated scores, those from 0.3 to 0.7 are right less than 70 % of the time.
    dice = np.random.default_rng(2)
    scores = dice.beta(0.2, 0.2, size=50_000)
    positive = dice.random(50_000) < scores
    thresholds = neutral_band(scores, positive, accuracy=0.7, most=1.0)
    assert thresholds.neutral_low == pytest.approx(0.3, abs=0.03)
    assert thresholds.neutral_high == pytest.approx(0.7, abs=0.03)


def test_the_band_is_capped() -> None:
    dice = np.random.default_rng(3)
    scores = dice.random(10_000)
    positive = dice.random(10_000) < scores
    thresholds = neutral_band(scores, positive, accuracy=0.7, most=0.1)
    inside = (scores >= thresholds.neutral_low) & (scores <= thresholds.neutral_high)
    assert inside.mean() == pytest.approx(0.1, abs=0.001)


def test_no_band_where_every_score_is_right() -> None:
    scores = np.array([0.4, 0.6] * 50)
    assert neutral_band(scores, scores > 0.5, accuracy=0.7, most=0.1) == Thresholds(neutral_low=0.5, neutral_high=0.5)
