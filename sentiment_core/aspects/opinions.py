"""What texts say about aspects: which they mention, and what the clauses that mention them add to the log-odds."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.aspects.catalogue import Aspects
from sentiment_core.columnar.columns import TextColumn, chunks
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.marked_clauses import marked_sums, marked_words

# A sum of less than this says neither: it moves a probability of 0.5 by less than 2.5 percentage points.
CLEAR: Final = 0.1


class Opinions(NamedTuple):
    """The aspects that n texts mention, ordered by text. m is the number of mentions."""

    texts: int  # n
    text: NDArray[np.int64]  # m: the text that mentions the aspect
    aspect: NDArray[np.int64]  # m: number of the aspect
    # m: what the clauses of the text that mention the aspect add to the text's log-odds of positive
    log_odds: NDArray[np.float64]


class OpinionFinder:
    """Finds the opinions of texts with one model. Threads can share it."""

    def __init__(self, scorer: Scorer, aspects: Aspects) -> None:
        self.aspects = aspects
        self._scorer = scorer
        plain = scorer.pipeline._replace(negation_reach=0)
        spelled = [(word, number) for number, words in enumerate(aspects.words) for word in words]
        tokens = plain.tokens(TextColumn.from_texts([word for word, _ in spelled]))
        hashes, begins = tokens.hashes.tolist(), tokens.offsets.tolist()
        words = ((hashes[begins[row] : begins[row + 1]], number) for row, (_, number) in enumerate(spelled))
        # The model's text recipe can drop a word.
        self._words = marked_words((each, number) for each, number in words if each)

    def find(self, texts: TextColumn) -> Opinions:
        """Return the opinions of texts."""
        none = np.empty(0, np.int64)
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = [(none, none, np.empty(0))]
        for first, last in chunks(texts.offsets):
            tokens = self._scorer.pipeline.tokens(texts.rows(first, last))
            marks, sums = marked_sums(tokens, self._scorer.ngrams, self._words)
            text, aspect = np.nonzero(marks)
            found.append((first + text, aspect, sums[text, aspect]))
        text, aspect, log_odds = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return Opinions(texts.size, text, aspect, log_odds)


@dataclass
class AspectTotals:
    """The sums of an aspect over reviews that mention it."""

    reviews: int = 0
    positive: int = 0  # reviews whose clauses add at least `CLEAR`
    negative: int = 0  # reviews whose clauses subtract at least `CLEAR`
    log_odds: float = 0.0

    def add(self, log_odds: float) -> None:
        """Add a review that mentions the aspect, given the sum of its clauses."""
        self.reviews += 1
        self.positive += log_odds >= CLEAR
        self.negative += log_odds <= -CLEAR
        self.log_odds += log_odds
