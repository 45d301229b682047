"""The scale of a source's ratings is declared or found, and unclear ratings get no label."""

import pytest
from pydantic import ValidationError

from sentiment_core.datasets.star_scale import LeftOut, Refusal, Scale, SourceRatings, read_ratings
from sentiment_core.params import StarParams

TWO = ("negative", "positive")
THREE = ("negative", "neutral", "positive")


def ratings(*values: float, declared: bool = False, rows: int = 10) -> SourceRatings:
    return SourceRatings("shop", declared, dict.fromkeys(values, rows))


def test_stars_are_read_by_the_thresholds() -> None:
    read = read_ratings(ratings(1, 2, 2.5, 3, 3.5, 4, 5), TWO, StarParams())
    assert read.scales == (Scale(1, 5),)
    assert {value for value, label in read.labels.items() if label == "negative"} == {1, 2}
    assert {value for value, label in read.labels.items() if label == "positive"} == {4, 5}
    assert read.labels[3] == read.labels[2.5] == LeftOut.BETWEEN_THRESHOLDS
    neutral = read_ratings(ratings(1, 2.5, 3, 3.2, 5), THREE, StarParams()).labels
    assert (neutral[3], neutral[3.2], neutral[2.5]) == ("neutral", "neutral", LeftOut.BETWEEN_THRESHOLDS)


def test_ratings_from_0_to_10_have_that_scale() -> None:
    read = read_ratings(ratings(*range(11)), THREE, StarParams())
    assert read.scales == (Scale(0, 10),)
    assert [read.labels[value] for value in (0, 2, 5, 8, 10)] == ["negative", "negative", "neutral", *["positive"] * 2]


def test_a_rating_that_two_possible_scales_read_differently_has_no_label() -> None:
    read = read_ratings(ratings(*range(1, 11)), TWO, StarParams())
    assert read.scales == (Scale(1, 10), Scale(0, 10))
    assert read.labels[3] == LeftOut.AMBIGUOUS_RATING  # 1.9 or 2.2 stars
    assert (read.labels[2], read.labels[8]) == ("negative", "positive")


def test_a_zero_below_stars_may_mean_no_rating_and_has_no_label() -> None:
    read = read_ratings(ratings(0, 1, 2, 3, 4, 5), TWO, StarParams())
    assert read.labels[0] == read.labels[2] == LeftOut.AMBIGUOUS_RATING
    assert (read.labels[1], read.labels[4], read.labels[5]) == ("negative", "positive", "positive")


def test_percentages_have_the_scale_of_percentages() -> None:
    read = read_ratings(ratings(1, 10, 25, 50, 80, 100), THREE, StarParams())
    assert read.scales == (Scale(0, 100),)
    assert [read.labels[value] for value in (10, 25, 50, 80)] == ["negative", "negative", "neutral", "positive"]


@pytest.mark.parametrize(
    "values", [(1, 4, 7), (0, 1), (1, 2, 3), (4, 12, 20), (10, 20, 50), (-1, 1), (1, 5, 400)], ids=str
)
def test_ratings_of_an_unknown_scale_are_refused(values: tuple[float, ...]) -> None:
    read = read_ratings(ratings(*values), TWO, StarParams())
    assert (read.refusal, read.labels) == (Refusal.UNKNOWN_SCALE, {})
    assert "Declare the scale in the source's contract, or in stars.scales" in read.why


def test_a_configured_scale_is_used_and_its_worst_rating_may_be_the_greater_number() -> None:
    grades = StarParams(scales={"shop": (6, 1)})
    read = read_ratings(ratings(1, 2, 5, 6, 7), TWO, grades)
    assert [read.labels[value] for value in (1, 2, 5, 6)] == ["positive", "positive", "negative", "negative"]
    assert read.labels[7] == LeftOut.OFF_SCALE
    # A contract that declared the scale has already turned the ratings into stars.
    declared = read_ratings(ratings(1, 5, declared=True), TWO, grades)
    assert (declared.scales, declared.labels[1]) == ((Scale(1, 5),), "negative")


@pytest.mark.parametrize("declared", [False, True])
def test_a_source_with_equal_ratings_or_one_label_or_few_rows_is_refused(declared: bool) -> None:
    def read(*values: float, rows: int = 10):
        return read_ratings(ratings(*values, declared=declared, rows=rows), TWO, StarParams())

    assert read(5, rows=1000).refusal == Refusal.ONE_RATING
    assert read(5, rows=1000).why == "all 1,000 ratings are 5"
    assert (read(3, 4, 5).refusal, "have no negative row" in read(3, 4, 5).why) == (Refusal.ONE_LABEL, True)
    assert read(1, 5, rows=9).refusal == Refusal.TOO_FEW_RATINGS


@pytest.mark.parametrize(
    "fault", [{"negative_at_most": 3}, {"positive_at_least": 2.5}, {"scales": {"shop": (5, 5)}}], ids=str
)
def test_thresholds_out_of_order_and_scales_of_one_value_are_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"neutral must be above|must have two different ends"):
        StarParams(**fault)
