"""How much each known n-gram moved the mean log-odds of positive between two sets of reviews.

The log-odds of a text are the sum of a bias and its n-grams' contributions (`model/scorer.py`). So the difference of
two means is the sum over all n-grams of the differences of their mean contributions.
"""

from collections.abc import Iterator
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn, chunks
from sentiment_core.drivers.reviews import Reviews
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.sums import ContributionSums
from sentiment_core.text.tokenizer import TokenColumn

_Z: Final = 1.959963984540054  # standard deviations within which 95 % of the normal distribution lie


class PeriodSums(NamedTuple):
    """The sums over one set of reviews."""

    reviews: int
    mean: float  # log-odds of positive
    variance: float  # of the log-odds
    contributions: NDArray[np.float64]  # entries: mean contribution of each n-gram


class Movements(NamedTuple):
    """The change of the mean log-odds, and what each n-gram adds to it."""

    then: PeriodSums
    now: PeriodSums

    @property
    def change(self) -> float:
        """Return the change of the mean log-odds."""
        return self.now.mean - self.then.mean

    @property
    def by_ngram(self) -> NDArray[np.float64]:
        """Return what each n-gram adds to the change, of shape (entries,). The sum is the change."""
        return self.now.contributions - self.then.contributions

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % confidence interval of the change, by the normal approximation with unequal variances."""
        reach = _Z * sqrt(sum(each.variance / each.reviews for each in (self.then, self.now)))
        return self.change - reach, self.change + reach


def movements(scorer: Scorer, then: Reviews, now: Reviews) -> Movements:
    """Return the movements between two sets of reviews. Neither may be empty."""
    return Movements(_sums(scorer, then), _sums(scorer, now))


def _sums(scorer: Scorer, reviews: Reviews) -> PeriodSums:
    sums = ContributionSums(scorer.ngrams)
    count, total, squares = 0, 0.0, 0.0
    for batch in reviews():
        log_odds = np.concatenate([sums.add(tokens) for tokens in tokens_of(scorer, batch.texts)])
        count += len(log_odds)
        total += float(log_odds.sum())
        squares += float((log_odds**2).sum())
    mean = total / count
    variance = max(squares - count * mean**2, 0.0) / max(count - 1, 1)
    return PeriodSums(count, mean + scorer.bias, variance, sums.contributions / count)


def tokens_of(scorer: Scorer, texts: list[str]) -> Iterator[TokenColumn]:
    """Yield the tokens of consecutive chunks of texts."""
    column = TextColumn.from_texts(texts)
    for first, last in chunks(column.offsets):
        yield scorer.pipeline.tokens(column.rows(first, last))
