"""Which reviews say a phrase: how many in each of two sets, and some examples."""

from collections.abc import Iterator
from functools import reduce
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn, chunks
from sentiment_core.drivers.phrases import Phrase, Tokens
from sentiment_core.drivers.reviews import ReviewId, Reviews
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.lookup import features
from sentiment_core.text.specification import combine, identity
from sentiment_core.text.vocabulary import vocabulary

EXAMPLES: Final = 3
_GOOD_LENGTH: Final = 160  # characters of a good example: one or two sentences


class Example(NamedTuple):
    """A review that says a phrase."""

    review: ReviewId
    text: str

    @property
    def order(self) -> tuple[int, ReviewId]:
        """Return the key by which examples are chosen: reviews of a good length first."""
        return abs(len(self.text) - _GOOD_LENGTH), self.review


class Mentions(NamedTuple):
    """The reviews of one set that say a phrase."""

    reviews: int
    examples: list[Example]  # at most `EXAMPLES`, with distinct texts


def find_mentions(scorer: Scorer, phrases: list[Phrase], reviews: Reviews) -> dict[Tokens, Mentions]:
    """Return the mentions of each phrase in a set of reviews."""
    by_identity = {identity(reduce(combine, each.tokens)): each.tokens for each in phrases}
    identities = sorted(by_identity)
    tokens = [by_identity[each] for each in identities]
    known = vocabulary(np.array(identities, np.uint64), np.arange(len(identities), dtype=np.uint32))
    longest = max(map(len, tokens), default=1)
    counts = np.zeros(len(tokens), np.int64)
    examples: list[list[Example]] = [[] for _ in tokens]
    for batch in reviews():
        column = TextColumn.from_texts(batch.texts)
        for first, last in chunks(column.offsets):
            found = features(scorer.pipeline.tokens(column.rows(first, last)), 1, longest, known)
            counts += np.bincount(found.indices, minlength=len(tokens))
            rows = np.repeat(np.arange(first, last), np.diff(found.offsets))
            for number, row in _best(found.indices, rows, np.diff(column.offsets)):
                examples[number] = _kept([*examples[number], Example(batch.ids[row], batch.texts[row])])
    return {each: Mentions(int(count), chosen) for each, count, chosen in zip(tokens, counts, examples, strict=True)}


def _best(numbers: NDArray[np.int32], rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield number and row of some mentions of each phrase, those of a good length."""
    order = np.lexsort((np.abs(lengths[rows] - _GOOD_LENGTH), numbers))
    numbers, rows = numbers[order], rows[order]
    rank = np.arange(len(numbers)) - np.searchsorted(numbers, numbers)
    # Twice as many as are needed, because texts can be equal.
    chosen = rank < 2 * EXAMPLES
    yield from zip(numbers[chosen].tolist(), rows[chosen].tolist(), strict=True)


def _kept(examples: list[Example]) -> list[Example]:
    distinct = {each.text: each for each in sorted(examples, key=lambda each: each.order, reverse=True)}
    return sorted(distinct.values(), key=lambda each: each.order)[:EXAMPLES]
