"""The scale of a source's ratings, declared or found from the ratings themselves, and the label of each rating."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from sentiment_core.drops.source_contract import STARS
from sentiment_core.params import StarParams

_NEAR_NEUTRAL: Final = 0.25  # in stars; on a scale from 1 to 10, no rating is exactly 3 stars


class Refusal(StrEnum):
    """Reasons to refuse all ratings of a source."""

    TOO_FEW_RATINGS = "too_few_ratings"
    ONE_RATING = "one_rating"
    ONE_LABEL = "one_label"
    UNKNOWN_SCALE = "unknown_scale"
    CONTRADICTS_TEXTS = "contradicts_texts"


class LeftOut(StrEnum):
    """Reasons to leave out a single rated review."""

    BETWEEN_THRESHOLDS = "between_thresholds"
    AMBIGUOUS_RATING = "ambiguous_rating"
    OFF_SCALE = "off_scale"
    SHORT_TEXT = "short_text"
    OTHER_LANGUAGE = "other_language"
    LABELLED = "labelled"
    CONTRADICTING = "contradicting"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    PRODUCT_LIMIT = "product_limit"
    AUTHOR_LIMIT = "author_limit"
    ROW_LIMIT = "row_limit"


class Scale(NamedTuple):
    """The two ends of a scale. The worst rating may be the greater number."""

    worst: float
    best: float

    def stars(self, rating: float) -> float | None:
        """Return a rating as stars, 1 to 5, or None if it is not on the scale."""
        if not min(self) <= rating <= max(self):
            return None
        least, most = STARS
        return least + (rating - self.worst) * (most - least) / (self.best - self.worst)

    def __str__(self) -> str:
        return f"{self.worst:g} to {self.best:g}"


class SourceRatings(NamedTuple):
    """The stored ratings of a source that were read by one rule."""

    source: str
    declared: bool  # a contract declared the scale when the rows were loaded, so that the ratings are stars
    counts: Mapping[float, int]  # number of rows of each rating
    unreadable: int = 0  # rows whose rating could not be parsed; they have none

    @property
    def rows(self) -> int:
        """The number of rows with a rating."""
        return sum(self.counts.values())


class Reading(NamedTuple):
    """How the ratings of a source become labels, or why none does."""

    scales: tuple[Scale, ...]  # all scales that the ratings can be on
    labels: Mapping[float, str]  # label, or code of `LeftOut`, of each rating
    refusal: Refusal | None = None
    why: str = ""


def read_ratings(ratings: SourceRatings, labels: Collection[str], params: StarParams) -> Reading:
    """Return the label of each rating of a source, for a model of these labels.

    The scale is that of the contract, of `stars.scales`, or the one that the ratings show. If they fit several scales,
    a rating has a label only if it is the same on all of them.
    """
    values, rows = sorted(ratings.counts), ratings.rows
    shown = f"{rows:,} ratings from {values[0]:g} to {values[-1]:g}"
    if rows < params.least_ratings:
        return _refused(Refusal.TOO_FEW_RATINGS, f"it has {shown}, and least_ratings is {params.least_ratings}")
    if len(values) == 1:
        return _refused(Refusal.ONE_RATING, f"all {rows:,} ratings are {values[0]:g}")
    scales = _scales(ratings, params)
    if not scales:
        why = f"{shown} fit no known scale. Declare the scale in the source's contract, or in stars.scales"
        return _refused(Refusal.UNKNOWN_SCALE, why)
    found = {value: _label(value, scales, labels, params) for value in values}
    polar = {"negative", "positive"}
    if missing := sorted(polar - set(found.values())):
        named = " or ".join(map(str, scales))
        why = f"{shown} on a scale of {named} have no {' and no '.join(missing)} row"
        return Reading(scales, found, Refusal.ONE_LABEL, why)
    return Reading(scales, found)


def _refused(refusal: Refusal, why: str) -> Reading:
    return Reading((), {}, refusal, why)


def _scales(ratings: SourceRatings, params: StarParams) -> tuple[Scale, ...]:
    if ratings.declared:
        return (Scale(*STARS),)
    if ratings.source in params.scales:
        return (Scale(*params.scales[ratings.source]),)
    return _found_scales(min(ratings.counts), max(ratings.counts))


def _found_scales(least: float, most: float) -> tuple[Scale, ...]:
    """Return the scales that ratings from `least` to `most` can be on; none if that is unclear.

    The upper part of a scale must occur. So ratings up to 7, 20 or 50 have no known scale.
    """
    if least < 0:
        return ()
    if 4 < most <= 5:
        # A rating of 0 may be the lowest rating, or mean that there is none.
        return (Scale(1, 5),) if least >= 1 else (Scale(1, 5), Scale(0, 5))
    if 8 < most <= 10:
        return (Scale(1, 10), Scale(0, 10)) if least >= 1 else (Scale(0, 10),)
    return (Scale(0, 100),) if 50 < most <= 100 else ()


def _label(rating: float, scales: Collection[Scale], labels: Collection[str], params: StarParams) -> str:
    found = {_label_on(scale, rating, labels, params) for scale in scales}
    return found.pop() if len(found) == 1 else LeftOut.AMBIGUOUS_RATING


def _label_on(scale: Scale, rating: float, labels: Collection[str], params: StarParams) -> str:
    stars = scale.stars(rating)
    if stars is None:
        return LeftOut.OFF_SCALE
    if stars <= params.negative_at_most:
        return "negative"
    if stars >= params.positive_at_least:
        return "positive"
    if "neutral" in labels and abs(stars - params.neutral) <= _NEAR_NEUTRAL:
        return "neutral"
    return LeftOut.BETWEEN_THRESHOLDS
