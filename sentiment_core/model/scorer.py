"""Scoring of texts with a model bundle, and exact explanations of the scores."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn, chunks
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Thresholds
from sentiment_core.ngrams.lookup import Margins, margins, unknown_shares
from sentiment_core.ngrams.single_text import TextMargins
from sentiment_core.ngrams.spans import Clause, mixed_parts, occurrences, strongest
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.canonical import canonical_tokens
from sentiment_core.text.token_pipeline import TokenPipeline

NO_LABEL: Final = len(LABELS)  # the label of a null text: not a valid index into LABELS

_NEGATIVE, _NEUTRAL, _POSITIVE = range(len(LABELS))
# A text is unfamiliar if the model does not know at least this fraction of its n-grams. Measured with the starter: 85 %
# of Basque and 52 % of Catalan sentences, which it did not learn, reach it, and 0.2 to 0.9 % of unseen English sets.
UNFAMILIAR: Final = 0.7

# The softmax of three logits depends on two differences only: the log-odds of positive against negative, and how far
# the logit of neutral exceeds the mean of the others. Each n-gram therefore needs two weights, not three.
_DIFFERENCES: Final = {2: np.ones((1, 1)), 3: np.array([[-1.0, 0.0, 1.0], [-0.5, 1.0, -0.5]])}
_LOGITS: Final = {2: np.ones((1, 1)), 3: np.array([[-0.5, 0.0], [0.0, 1.0], [0.5, 0.0]])}  # from the differences

_Value = TypeVar("_Value", float, NDArray[np.float64])

__all__ = [
    "LABELS",
    "NO_LABEL",
    "UNFAMILIAR",
    "Contribution",
    "Explanation",
    "Part",
    "Reasons",
    "Scorer",
    "Scores",
    "TextColumn",
    "TextScore",
]


class TextScore(NamedTuple):
    """The score of one text, as in `Scores`."""

    score: float
    label: str
    neutral: float | None  # None if the model has no label `neutral`
    unfamiliar: bool
    mixed: bool

    @property
    def probabilities(self) -> dict[str, float]:
        """Return the probability of each of the model's labels."""
        half = (self.neutral or 0.0) / 2
        # A score near 0 or 1 and the rounded neutral can differ by a rounding error.
        negative, positive = max(0.0, 1 - self.score - half), max(0.0, self.score - half)
        if self.neutral is None:
            return {"negative": negative, "positive": positive}
        return {"negative": negative, "neutral": self.neutral, "positive": positive}


class Scores(NamedTuple):
    """The scores of n texts.

    The score says how positive a text is. With two labels it is the calibrated probability of positive. With three
    labels it is that probability plus half the probability of neutral. So it is at least 0.5 exactly if positive is at
    least as probable as negative, and P(positive) = score - neutral / 2, P(negative) = 1 - score - neutral / 2.
    """

    score: NDArray[np.float64]  # n, in [0, 1]; NaN for a null
    label: NDArray[np.int8]  # n, index into LABELS; NO_LABEL for a null
    neutral: NDArray[np.float32]  # n, probability of neutral; NaN for a null and from a model of two labels
    unfamiliar: NDArray[np.bool_]  # n, whether the model knows hardly any of the text's n-grams (`UNFAMILIAR`)
    mixed: NDArray[np.bool_]  # n, whether one part of the text is clearly positive and another clearly negative

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the scores of the given rows, in the given order."""
        return type(self)(
            self.score[rows], self.label[rows], self.neutral[rows], self.unfamiliar[rows], self.mixed[rows]
        )

    @property
    def positive(self) -> NDArray[np.float64]:
        """Return the probability of positive, of shape (n,)."""
        positive: NDArray[np.float64] = np.maximum(0, self.score - np.nan_to_num(self.neutral) / 2)
        return positive

    @property
    def negative(self) -> NDArray[np.float64]:
        """Return the probability of negative, of shape (n,)."""
        negative: NDArray[np.float64] = np.maximum(0, 1 - self.score - np.nan_to_num(self.neutral) / 2)
        return negative

    def texts(self) -> Iterator[TextScore]:
        """Yield the score of each text. None of them may be null."""
        for score, label, neutral, *flags in zip(*(field.tolist() for field in self), strict=True):
            yield TextScore(score, LABELS[label], None if math.isnan(neutral) else neutral, *flags)


class Contribution(NamedTuple):
    """What one n-gram adds to a text's logits. A word has the contribution of its stem, too.

    A model of two labels has one logit, the log-odds of positive. A model of three labels has one logit per label; the
    softmax of the logits gives the probabilities.
    """

    ngram: str  # in the spelling of its first occurrence
    weights: tuple[float, ...]  # one per logit
    spans: tuple[tuple[int, int], ...]  # first and end character of each occurrence

    @property
    def weight(self) -> float:
        """Return what the n-gram adds to the log-odds of positive."""
        return _log_odds(self.weights)


class Part(NamedTuple):
    """A clause of a mixed text that is clearly positive or clearly negative."""

    label: Literal["negative", "positive"]
    score: float  # P(positive) / (P(positive) + P(negative)) of the clause as a separate text
    start: int  # first character
    end: int


class Explanation:
    """The explanation of a score: each logit is the sum of its bias and all contributions.

    `parts` are the most positive and the most negative clause of a mixed text, and empty for other texts.

    The contributions are created on first access, because creating some hundred objects takes far longer than all the
    arithmetic.
    """

    def __init__(
        self,
        text: str,
        scored: TextScore,
        biases: tuple[float, ...],
        data: "_Contributions",
        parts: tuple[Part, ...] = (),
    ) -> None:
        self.text = text
        self.scored = scored
        self.biases = biases
        self.parts = parts
        self._data = data

    @property
    def label(self) -> str:
        """Return the label of the text."""
        return self.scored.label

    @property
    def score(self) -> float:
        """Return the score of the text."""
        return self.scored.score

    @property
    def bias(self) -> float:
        """Return the bias of the log-odds of positive, to which `Contribution.weight` adds."""
        return _log_odds(self.biases)

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        """Return the contribution of each n-gram, strongest first."""
        order, weights, begins, spans = self._data
        places, at = list(map(tuple, spans.tolist())), begins.tolist()
        made = []
        for number, values in zip(order.tolist(), weights[order].tolist(), strict=True):
            mine = tuple(places[at[number] : at[number + 1]])
            start, end = mine[0]
            made.append(Contribution(self.text[start:end], tuple(values), mine))
        return tuple(made)


class _Contributions(NamedTuple):
    """The data of the contributions of n n-grams, in any order, and their display order."""

    order: NDArray[np.int64]
    weights: NDArray[np.float64]  # n, logits
    begins: NDArray[np.int64]  # n + 1: where each n-gram's spans begin
    spans: NDArray[np.int64]  # occurrences, 2: first and end character


class Reasons(NamedTuple):
    """The scores of n texts and their strongest n-grams, at most `top` per text. Weights beyond `counts` are 0."""

    scores: Scores
    weights: NDArray[np.float64]  # n, top, logits
    spans: NDArray[np.int64]  # n, top, 2: first and end byte of the first occurrence, in the column's data
    counts: NDArray[np.int64]  # n: number of the text's n-grams with stems merged into words, at most `top`

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """Return each n-gram's addition to the log-odds of positive, of shape (n, top)."""
        return _log_odds(list(np.moveaxis(self.weights, -1, 0)))


class Scorer:
    """A bundle prepared for scoring. Threads can share it, and scoring releases the GIL.

    Processes of one machine that give the same `table_file` share the memory of the table of n-grams. The file is
    written if there is none, and must belong to one bundle.
    """

    def __init__(self, bundle: Bundle, table_file: Path | None = None) -> None:
        self.bundle = bundle
        manifest, recipe = bundle.manifest, bundle.manifest.recipe
        slopes = np.array(manifest.calibration.slopes)
        differences, self._of_differences = _DIFFERENCES[len(manifest.labels)], _LOGITS[len(manifest.labels)]
        self._biases = differences @ (slopes @ manifest.biases + manifest.calibration.intercepts)
        weights = (differences @ slopes) @ bundle.weights
        self._ngrams = WeightedNgrams(
            recipe.shortest_ngram, recipe.longest_ngram, bundle.ngrams, weights, self._biases[0], table_file
        )
        canonical = canonical_tokens(bundle.tokens, bundle.canonical) if len(bundle.tokens) else None
        self._recipe = TokenPipeline(recipe.negation_reach, canonical, recipe.version)
        self._text_margins = None if canonical else TextMargins(recipe.negation_reach, self._ngrams, recipe.version)

    @property
    def ngrams(self) -> WeightedNgrams:
        """Return the model's n-grams. The first row of weights adds to the calibrated log-odds of positive."""
        return self._ngrams

    @property
    def bias(self) -> float:
        """Return the calibrated log-odds of positive of a text without known n-grams."""
        return float(self._biases[0])

    @property
    def pipeline(self) -> TokenPipeline:
        """Return the steps from a text to the tokens of the n-grams."""
        return self._recipe

    def score(self, texts: TextColumn, threads: int = 1) -> Scores:
        """Score n texts. Each score depends on its text only, to the last bit, for any number of threads."""
        return self._scores(self._margins(texts, threads))

    def score_texts(self, texts: Sequence[str | None], threads: int = 1) -> Scores:
        """Score n strings. None is null."""
        null = np.array([text is None for text in texts], bool)
        return _with_nulls(self.score(TextColumn.from_texts([text or "" for text in texts]), threads), null)

    def score_text(self, text: str) -> TextScore:
        """Return the score of one text, at a fraction of the cost of a column of one text.

        The score can differ from that of `score` in the last bit. Raises `UnicodeEncodeError` for a lone surrogate.
        """
        if self._text_margins is None:
            return next(self.score_texts([text]).texts())
        found = self._text_margins(text.encode())
        marks = found.unknown.item() >= UNFAMILIAR, found.mixed.item()
        values, manifest = (found.sums[0] + self._biases).tolist(), self.bundle.manifest
        if manifest.thresholds is None:
            polarity, neutrality = values
            return _text_score_of_three(polarity, neutrality, manifest.neutral_ratio, marks)
        (score,) = map(_sigmoid_of, values)
        label = LABELS[(score >= manifest.thresholds.neutral_low) + (score > manifest.thresholds.neutral_high)]
        return TextScore(score, label, None, *marks)

    def score_arrow(self, texts: Any, threads: int = 1) -> Scores:
        """Score the n texts of a pyarrow array, plain or chunked, without copying them.

        The type must be `string`, `large_string` or a dictionary of one of them. Each dictionary entry is scored once.
        Raises `ColumnUnsupported` for any other type.
        """
        if hasattr(texts, "chunks"):
            parts = [self.score_arrow(chunk, threads) for chunk in texts.chunks]
            return _joined(parts) if parts else self.score_texts([])
        null = ~np.asarray(texts.is_valid())
        if hasattr(texts, "dictionary"):
            rows = np.asarray(texts.indices.fill_null(0))
            entries = self.score_arrow(texts.dictionary, threads) if len(texts.dictionary) else self.score_texts([None])
            return _with_nulls(entries.take(rows), null)
        return _with_nulls(self.score(TextColumn.from_arrow(texts), threads), null)

    def probabilities(self, texts: TextColumn, threads: int = 1) -> NDArray[np.float64]:
        """Return the probability of each of the model's labels, of shape (texts, labels)."""
        logits = self._logits(self._margins(texts, threads).sums)
        if logits.shape[1] == 1:
            return np.stack((_sigmoid(-logits[:, 0]), _sigmoid(logits[:, 0])), axis=1)
        return _softmax(logits)

    def unknown_shares(self, texts: TextColumn) -> NDArray[np.float64]:
        """Return the fraction of each text's n-grams that the model does not know, of shape (n,)."""
        shares = np.empty(texts.size)
        for first, last in chunks(texts.offsets):
            tokens = self._recipe.tokens(texts.rows(first, last))
            shares[first:last] = unknown_shares(tokens, *self._ngrams.sizes, self._ngrams.known)
        return shares

    def explain(self, text: str, top: int | None = None) -> Explanation:
        """Return the score of a text and the n-grams that contribute to it, or only the `top` strongest ones."""
        column = TextColumn.from_texts([text])
        tokens, token_spans = self._recipe.tokens_with_spans(column)
        found = occurrences(tokens, self._ngrams)
        weights = self._contributions(found.weights, found.distinct)
        order = np.argsort(-np.abs(_log_odds(list(weights.T))), kind="stable")[:top]
        if len(column.data) > len(text):
            token_spans = _character_positions(column)[token_spans]
        spans = np.stack((token_spans[found.first, 0], token_spans[found.last, 1]), axis=1)
        clauses = mixed_parts(tokens, self._ngrams)
        parts = _parts_of(clauses, token_spans) if clauses else ()
        scored = next(self._scores(margins(tokens, self._ngrams)).texts())
        data = _Contributions(order, weights, found.offsets, spans)
        biases = self._of_differences @ self._biases
        return Explanation(text, scored, tuple(biases.tolist()), data, parts)

    def reasons(self, texts: TextColumn, top: int) -> Reasons:
        """Score n texts and return the strongest n-grams of each: the batch version of `explain`."""
        parts = [self._reasons(texts.rows(first, last), top) for first, last in chunks(texts.offsets)]
        if not parts:
            parts = [self._reasons(texts, top)]
        scores = _joined([each.scores for each in parts])
        return Reasons(scores, *(np.concatenate(part) for part in zip(*(each[1:] for each in parts), strict=True)))

    def _reasons(self, texts: TextColumn, top: int) -> Reasons:
        tokens, spans = self._recipe.tokens_with_spans(texts)
        found = strongest(tokens, self._ngrams, top)
        weights = self._contributions(found.weights, found.counts[:, np.newaxis])
        if not len(spans):
            spans = np.zeros((1, 2), np.int64)
        places = np.stack((spans[found.first, 0], spans[found.last, 1]), axis=-1)
        scores = self._scores(found.margins)
        return Reasons(scores, weights, places, np.minimum(found.lines, top))

    def _contributions(self, weights: NDArray[np.float64], counts: Any) -> NDArray[np.float64]:
        """Return what n-grams add to each logit, of shape (*, logits), given their weights and the texts' counts."""
        of_logits = weights @ self._of_differences.T
        added: NDArray[np.float64] = of_logits / np.sqrt(np.maximum(counts, 1))[..., np.newaxis]
        return added

    def _margins(self, texts: TextColumn, threads: int) -> Margins:
        out = Margins.empty(texts.size, self._ngrams.rows)

        def work(rows: tuple[int, int]) -> None:
            tokens = self._recipe.tokens(texts.rows(*rows))
            found = margins(tokens, self._ngrams)
            for whole, part in zip(out, found, strict=True):
                whole[slice(*rows)] = part

        if threads > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, chunks(texts.offsets)))
        else:
            for rows in chunks(texts.offsets):
                work(rows)
        return out

    def _logits(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits, of shape (n, logits), for margins of shape (n, rows)."""
        values = sums + self._biases
        if values.shape[1] == 1:
            return values
        # Not a matrix product, which over many rows is not bit-identical to one over a single row.
        polarity, neutrality = values.T
        return np.stack((-polarity / 2, neutrality, polarity / 2), axis=1)

    def _scores(self, found: Margins) -> Scores:
        logits, thresholds = self._logits(found.sums), self.bundle.manifest.thresholds
        marks = found.unknown >= UNFAMILIAR, found.mixed
        if thresholds:
            score = _sigmoid(logits[:, 0])
            return Scores(score, banded(score, thresholds), np.full(len(score), np.nan, np.float32), *marks)
        probabilities = _softmax(logits)
        neutral = probabilities[:, _NEUTRAL].astype(np.float32)
        labels = label_of(probabilities, self.bundle.manifest.neutral_ratio)
        return Scores(how_positive(probabilities), labels, neutral, *marks)


def banded(score: NDArray[np.float64], thresholds: Thresholds) -> NDArray[np.int8]:
    """Return the label of each score of a two-label model, as an index into LABELS: neutral in the neutral band."""
    return (score >= thresholds.neutral_low).astype(np.int8) + (score > thresholds.neutral_high)


def how_positive(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the score of each row of the probabilities of two labels or three, of shape (n, labels)."""
    if probabilities.shape[1] == 2:
        return probabilities[:, 1]
    # P(positive) + P(neutral) / 2, written so that rounding cannot put equal probabilities below 0.5.
    score: NDArray[np.float64] = 0.5 + (probabilities[:, _POSITIVE] - probabilities[:, _NEGATIVE]) / 2
    return score


def label_of(probabilities: NDArray[np.float64], neutral_ratio: float | None) -> NDArray[np.int8]:
    """Return the label of each row of the probabilities of three labels, as an index into LABELS.

    A text is neutral if P(neutral) exceeds |P(positive) - P(negative)| times the ratio: it says little, or both.
    Without a ratio the most probable label is given.
    """
    if neutral_ratio is None:
        most_probable: NDArray[np.int8] = probabilities.argmax(axis=1).astype(np.int8)
        return most_probable
    difference = probabilities[:, _POSITIVE] - probabilities[:, _NEGATIVE]
    neutral = probabilities[:, _NEUTRAL] > neutral_ratio * np.abs(difference)
    return np.where(neutral, _NEUTRAL, np.where(difference >= 0, _POSITIVE, _NEGATIVE)).astype(np.int8)


def _text_score_of_three(
    polarity: float, neutrality: float, neutral_ratio: float | None, marks: tuple[bool, bool]
) -> TextScore:
    """Return what `Scorer._scores` says of one text with three labels, without the cost of arrays."""
    largest = max(abs(polarity) / 2, neutrality)
    powers = [math.exp(logit - largest) for logit in (-polarity / 2, neutrality, polarity / 2)]
    total = sum(powers)
    negative, neutral, positive = (power / total for power in powers)
    difference = positive - negative
    if neutral_ratio is None:
        is_neutral = neutral > max(negative, positive)
    else:
        is_neutral = neutral > neutral_ratio * abs(difference)
    label = "neutral" if is_neutral else "positive" if difference >= 0 else "negative"
    return TextScore(0.5 + difference / 2, label, np.float32(neutral).item(), *marks)


def _parts_of(clauses: tuple[Clause, Clause], token_spans: NDArray[np.int64]) -> tuple[Part, Part]:
    """Return the parts of a mixed text, given its most positive and its most negative clause."""
    positive, negative = clauses
    return _part("positive", positive, token_spans), _part("negative", negative, token_spans)


def _part(label: Literal["negative", "positive"], clause: Clause, token_spans: NDArray[np.int64]) -> Part:
    start, end = int(token_spans[clause.first, 0]), int(token_spans[clause.last, 1])
    return Part(label, _sigmoid_of(clause.log_odds), start, end)


def _joined(parts: Sequence[Scores]) -> Scores:
    return Scores(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _log_odds(logits: Sequence[_Value]) -> _Value:
    """Return the log-odds of positive from a sequence of logits. For three labels they are against negative."""
    return logits[0] if len(logits) == 1 else logits[-1] - logits[0]


def _with_nulls(scores: Scores, null: NDArray[np.bool_]) -> Scores:
    if null.any():
        scores.score[null] = scores.neutral[null] = np.nan
        scores.label[null] = NO_LABEL
        scores.unfamiliar[null] = scores.mixed[null] = False
    return scores


def _character_positions(column: TextColumn) -> NDArray[np.int64]:
    """Return the number of characters before each byte of a one-text column, and before its end."""
    starts = (column.data & 0xC0) != 0x80
    positions: NDArray[np.int64] = np.concatenate(([0], np.cumsum(starts))) - np.append(~starts, False)
    return positions


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # The argument of exp is never positive, so it does not overflow.
    small = np.exp(-np.abs(logits))
    probabilities: NDArray[np.float64] = np.where(logits >= 0, 1, small) / (1 + small)
    return probabilities


def _sigmoid_of(logit: float) -> float:
    small = math.exp(-abs(logit))
    return (1 if logit >= 0 else small) / (1 + small)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
