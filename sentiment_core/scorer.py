"""Scores texts with a model bundle, and explains each score exactly."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.bundle import Bundle
from sentiment_core.columns import TextColumn
from sentiment_core.kernel import hash_tokens, token_spans
from sentiment_core.ngrams import margins, occurrences, vocabulary

LABELS: Final = ("negative", "neutral", "positive")

_CHUNK_BYTES: Final = 256 * 1024  # texts are worked on while their token hashes are still in the processor's cache

__all__ = ["LABELS", "Contribution", "Explanation", "Scorer", "Scores", "TextColumn"]


class Scores(NamedTuple):
    """The scores of n texts."""

    score: NDArray[np.float64]  # n, calibrated probability of positive in [0, 1]
    label: NDArray[np.int8]  # n, index into LABELS


class Contribution(NamedTuple):
    """What one n-gram adds to the logit of a text's score."""

    ngram: str  # as the text first spells it
    weight: float
    spans: tuple[tuple[int, int], ...]  # first and end character of each occurrence


class Explanation(NamedTuple):
    """Why a text got its score: the bias and all contributions sum to the score's logit."""

    label: str
    score: float
    bias: float
    contributions: tuple[Contribution, ...]  # the largest first, either sign


class Scorer:
    """A bundle made ready to score. It may be shared by threads, and scoring releases the GIL."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        calibration = bundle.manifest.calibration
        self._bias = calibration.slope * bundle.manifest.bias + calibration.intercept
        self._weights = calibration.slope * bundle.weights.astype(np.float64)
        self._vocabulary = vocabulary(bundle.hashes)

    def score(self, texts: TextColumn) -> Scores:
        """Score n texts. Each score depends on its own text alone, to the last bit."""
        recipe = self.bundle.manifest.recipe
        logits = np.empty(len(texts.offsets) - 1)
        for first, last in _chunks(texts.offsets):
            tokens = hash_tokens(TextColumn(texts.data, texts.offsets[first : last + 1]))
            logits[first:last] = margins(
                tokens, recipe.shortest_ngram, recipe.longest_ngram, self._vocabulary, self._weights
            )
        score = _sigmoid(logits + self._bias)
        return Scores(score, self._labels(score))

    def score_texts(self, texts: Sequence[str]) -> Scores:
        """Score n strings."""
        return self.score(TextColumn.from_texts(texts))

    def explain(self, text: str, top: int | None = None) -> Explanation:
        """Return the score of a text and the n-grams that made it; `top` keeps the largest contributions."""
        recipe = self.bundle.manifest.recipe
        column = TextColumn.from_texts([text])
        hashes, byte_spans = token_spans(column)
        spans = _character_positions(column)[byte_spans]
        places: dict[int, list[tuple[int, int]]] = {}
        found = occurrences(hashes, recipe.shortest_ngram, recipe.longest_ngram, self._vocabulary)
        for feature, first, last in zip(*(each.tolist() for each in found), strict=True):
            places.setdefault(feature, []).append((int(spans[first, 0]), int(spans[last, 1])))
        features = np.fromiter(places, np.int64, len(places))
        weights = self._weights[features] / np.sqrt(max(len(features), 1))
        order = np.argsort(-np.abs(weights), kind="stable")[:top].tolist()
        score, label = self.score(column)
        return Explanation(
            LABELS[label[0]],
            float(score[0]),
            self._bias,
            tuple(_contribution(text, float(weights[each]), places[int(features[each])]) for each in order),
        )

    def _labels(self, score: NDArray[np.float64]) -> NDArray[np.int8]:
        thresholds = self.bundle.manifest.thresholds
        above = (score >= thresholds.neutral_low).astype(np.int8)
        return above + (score > thresholds.neutral_high)


def _contribution(text: str, weight: float, spans: list[tuple[int, int]]) -> Contribution:
    start, end = spans[0]
    return Contribution(text[start:end], weight, tuple(spans))


def _chunks(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges of texts that are `_CHUNK_BYTES` long together, or one longer text."""
    first, texts = 0, len(offsets) - 1
    while first < texts:
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK_BYTES, "right")) - 1
        last = min(max(last, first + 1), texts)
        yield first, last
        first = last


def _character_positions(column: TextColumn) -> NDArray[np.int64]:
    """Return for each byte of a one-text column, and for its end, the number of characters before it."""
    starts = (column.data & 0xC0) != 0x80
    positions: NDArray[np.int64] = np.concatenate(([0], np.cumsum(starts))) - np.append(~starts, False)
    return positions


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # Both branches keep exp's argument negative, so that neither overflows.
    small = np.exp(-np.abs(logits))
    probabilities: NDArray[np.float64] = np.where(logits >= 0, 1, small) / (1 + small)
    return probabilities
