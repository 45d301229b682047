"""The drivers of a change: the phrases that moved the mean log-odds of positive between two sets of reviews most."""

from math import hypot
from typing import Final, NamedTuple

from sentiment_core.drivers.mentions import Example, Mentions, find_mentions
from sentiment_core.drivers.movements import Movements, movements
from sentiment_core.drivers.phrases import Phrase, merged, phrases
from sentiment_core.drivers.reviews import Reviews
from sentiment_core.drivers.wording import word_ngrams
from sentiment_core.model.scorer import Scorer
from sentiment_core.model.wilson import wilson_interval

LEAST_REVIEWS: Final = 2  # reviews that say a phrase that is shown


class Driver(NamedTuple):
    """A phrase that moved the mean log-odds."""

    phrase: str
    movement: float  # what it adds to the change
    explained: float | None  # the movement as a ratio of the change; None without a change
    reviews_then: int  # reviews that say it
    reviews_now: int
    # Change of the ratio of reviews that say it, and its 95 % confidence interval.
    ratio_change: float
    low: float
    high: float
    examples: list[Example]  # of the period in which more of the reviews say it


class Drivers(NamedTuple):
    """Why the mean log-odds of positive changed: the change is the sum of all movements and the rest."""

    reviews_then: int
    reviews_now: int
    mean_then: float
    mean_now: float
    change: float
    low: float  # 95 % confidence interval of the change
    high: float
    up: list[Driver]  # the strongest first
    down: list[Driver]
    rest: float  # movement of all other phrases and of n-grams that say nothing alone


def find_drivers(scorer: Scorer, then: Reviews, now: Reviews, top: int) -> Drivers:
    """Return at most `top` drivers in each direction. Both sets must have reviews, and are read three times."""
    found = movements(scorer, then, now)
    said = phrases(word_ngrams(scorer, found, then, now))
    before, after = find_mentions(scorer, said, then), find_mentions(scorer, said, now)
    counts = {each.tokens: before[each.tokens].reviews + after[each.tokens].reviews for each in said}
    shown = [
        _driver(phrase, before[phrase.tokens], after[phrase.tokens], found)
        for phrase in merged(said, counts)
        if counts[phrase.tokens] >= LEAST_REVIEWS
    ]
    shown.sort(key=lambda driver: (-abs(driver.movement), driver.phrase))
    up = [driver for driver in shown if driver.movement > 0][:top]
    down = [driver for driver in shown if driver.movement < 0][:top]
    return Drivers(
        found.then.reviews,
        found.now.reviews,
        found.then.mean,
        found.now.mean,
        found.change,
        *found.interval,
        up,
        down,
        found.change - sum(driver.movement for driver in (*up, *down)),
    )


def _driver(phrase: Phrase, before: Mentions, after: Mentions, found: Movements) -> Driver:
    reviews = found.then.reviews, found.now.reviews
    then, now = before.reviews / reviews[0], after.reviews / reviews[1]
    low, high = ratio_difference(then, now, *reviews)
    return Driver(
        phrase.spelled,
        phrase.movement,
        phrase.movement / found.change if found.change else None,
        before.reviews,
        after.reviews,
        now - then,
        low,
        high,
        after.examples if now >= then else before.examples,
    )


def ratio_difference(then: float, now: float, rows_then: int, rows_now: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of the difference of two independent ratios, now minus then.

    It combines their score intervals (R. G. Newcombe, Statistics in Medicine 17, 1998, method 10).
    """
    (low_then, high_then), (low_now, high_now) = wilson_interval(then, rows_then), wilson_interval(now, rows_now)
    change = now - then
    return change - hypot(now - low_now, high_then - then), change + hypot(high_now - now, then - low_then)
