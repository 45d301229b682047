"""The words of the n-grams that moved the log-odds most, spelled as in their first occurrence.

A model stores hashes only. A stem's movement is divided among the words in which it occurs: in each review, its
occurrences get equal parts.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn, chunks
from sentiment_core.drivers.function_words import is_negation
from sentiment_core.drivers.movements import Movements
from sentiment_core.drivers.reviews import Reviews
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.places import Places, StemWords, find_places
from sentiment_core.ngrams.sums import slots_of
from sentiment_core.text import specification

STRONGEST: Final = 2000  # n-grams that are worded; the others add up to the rest of the change
_BETWEEN: Final = re.compile(rf"<[A-Za-z/!][^<>]{{0,{specification.LONGEST_TAG}}}>|\s+")


class Word(NamedTuple):
    """A token of an n-gram."""

    hash: int  # after negation
    spelled: str
    folded: str
    gap: str = " "  # what separates it from the previous token
    negation: str = ""  # the negation that changed the token, and what separates the two


class Worded(NamedTuple):
    """An n-gram, or a word with its part of a stem, and what it adds to the change of the mean log-odds."""

    words: tuple[Word, ...]
    movement: float


def word_ngrams(scorer: Scorer, found: Movements, then: Reviews, now: Reviews) -> list[Worded]:
    """Return the `STRONGEST` n-grams with their words, in no particular order. The words of a stem are separate."""
    wording = _Wording(scorer, found.by_ngram)
    for reviews, sums, sign in ((then, found.then, -1), (now, found.now, 1)):
        for batch in reviews():
            wording.read(batch.texts, sign / sums.reviews)
    return wording.result()


class _Wording:
    """Collects the words of the strongest n-grams while it reads the texts."""

    def __init__(self, scorer: Scorer, movements: NDArray[np.float64]) -> None:
        self._scorer = scorer
        strongest = np.argsort(-np.abs(movements), kind="stable")[:STRONGEST]
        self._entries = strongest[movements[strongest] != 0]
        self._movements = movements[self._entries]
        self._chosen = np.full(len(movements), -1, np.int32)
        self._chosen[self._entries] = np.arange(len(self._entries))
        self._ngrams: dict[int, tuple[Word, ...]] = {}
        self._stem_words: dict[int, Word] = {}
        self._parts: defaultdict[tuple[int, int], float] = defaultdict(float)

    def read(self, texts: list[str], weight: float) -> None:
        """Read texts, in whose stems the words of a stem get parts of this weight."""
        column = TextColumn.from_texts(texts)
        for first, last in chunks(column.offsets):
            part = column.rows(first, last)
            places, stems = find_places(
                self._scorer.pipeline.tokens(part), self._scorer.ngrams, self._chosen, len(self._entries)
            )
            ngrams = [each for each in np.flatnonzero(places.text >= 0).tolist() if each not in self._ngrams]
            words = self._add_stems(stems, weight)
            self._spell(part, places, ngrams, stems, words)

    def result(self) -> list[Worded]:
        """Return the n-grams, then the words of stems."""
        weights = self._scorer.ngrams.weights_of(slots_of(self._entries))[:, 0].tolist()
        stems = [
            Worded((self._stem_words[word],), part * weights[number]) for (number, word), part in self._parts.items()
        ]
        return [Worded(words, float(self._movements[number])) for number, words in self._ngrams.items()] + stems

    def _add_stems(self, stems: StemWords, weight: float) -> list[int]:
        """Add the parts of stems; return the occurrences of words that have not been spelled yet."""
        for number, word, part in zip(stems.number.tolist(), stems.word.tolist(), stems.part.tolist(), strict=True):
            self._parts[number, word] += weight * part
        words, first = np.unique(stems.word, return_index=True)
        places = zip(words.tolist(), first.tolist(), strict=True)
        return [place for word, place in places if word not in self._stem_words]

    def _spell(self, texts: TextColumn, places: Places, ngrams: list[int], stems: StemWords, words: list[int]) -> None:
        rows = np.unique(np.concatenate((places.text[ngrams], stems.text[words]))).astype(np.int64)
        spelling = _Spelling(self._scorer, texts.take(rows))
        for number in ngrams:
            row = int(np.searchsorted(rows, places.text[number]))
            self._ngrams[number] = tuple(spelling.words(row, int(places.first[number]), int(places.size[number])))
        for place in words:
            row = int(np.searchsorted(rows, stems.text[place]))
            (self._stem_words[int(stems.word[place])],) = spelling.words(row, int(stems.token[place]), 1)


class _Spelling:
    """The tokens of texts as they are written."""

    def __init__(self, scorer: Scorer, texts: TextColumn) -> None:
        self._data = texts.data.tobytes()
        self._reach = scorer.pipeline.negation_reach
        tokens, self._spans = scorer.pipeline.tokens_with_spans(texts)
        self._hashes, self._offsets = tokens.hashes, tokens.offsets
        self._plain = scorer.pipeline._replace(negation_reach=0).tokens(texts).hashes

    def words(self, row: int, first: int, size: int) -> Iterator[Word]:
        """Yield consecutive tokens of a text."""
        begin = int(self._offsets[row])
        for token in range(begin + first, begin + first + size):
            spelled = self._spelled(token)
            gap = self._gap(token - 1) if token > begin + first else ""
            negation = self._negation(token, begin) if self._hashes[token] != self._plain[token] else ""
            yield Word(int(self._hashes[token]), spelled, _folded(spelled), gap, negation)

    def _spelled(self, token: int) -> str:
        return self._text(*self._spans[token])

    def _gap(self, token: int) -> str:
        """Return what separates a token from the next one. Markup and any whitespace become one space."""
        gap = _BETWEEN.sub(" ", self._text(self._spans[token, 1], self._spans[token + 1, 0]))
        return re.sub(" +", " ", gap)

    def _negation(self, token: int, begin: int) -> str:
        for place in range(token - 1, max(begin, token - self._reach) - 1, -1):
            spelled = self._spelled(place)
            if is_negation(_folded(spelled)):
                return spelled + (" " if place == token - 1 else " … ")
        return ""

    def _text(self, start: int, end: int) -> str:
        return unescape(self._data[start:end].decode("utf-8", "replace"))


def _folded(spelled: str) -> str:
    token = next(specification.tokens(spelled), None)
    return token.folded.decode() if token else spelled
