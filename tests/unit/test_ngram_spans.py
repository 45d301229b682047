"""Occurrences of known n-grams in a text, and margins of a single text, compared with the definition."""

import itertools
from collections import defaultdict
from typing import Final

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.ngrams.lookup import margins
from sentiment_core.ngrams.single_text import TextMargins
from sentiment_core.ngrams.spans import occurrences, strongest
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.specification import NEGATED, combine, identity, stem_hash, token_hash
from sentiment_core.text.token_pipeline import TokenPipeline
from sentiment_core.text.tokenizer import TokenColumn

SHORTEST, LONGEST = 1, 3
# The weights are distinct powers of two: each sum of them names its n-grams, and double precision holds it exactly.
WEIGHTS: Final = {
    ("good",): 1.0,
    ("bad",): -2.0,
    ("not",): 4.0,
    ("not", "good"): -8.0,
    ("good", "good"): 16.0,
    ("bad", "film", "good"): 32.0,
    ("film", "film"): -64.0,
}
WORDS: Final = ("good", "bad", "not", "film", "other")
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=20), max_size=4)


def hash_of(ngram: tuple[str, ...]) -> int:
    first, *rest = (token_hash(word.encode()) for word in ngram)
    for token in rest:
        first = combine(first, token)
    return first


def model_of(weights: dict[tuple[str, ...], tuple[float, ...]], shortest: int, longest: int) -> WeightedNgrams:
    """Return the model of n-grams with one weight or two each."""
    by_identity = {identity(hash_of(ngram)): each for ngram, each in weights.items()}
    identities = np.array(sorted(by_identity), np.uint64)
    values = np.array([by_identity[each] for each in sorted(by_identity)]).T
    return WeightedNgrams(shortest, longest, identities, values, 0.0)


MODEL: Final = model_of({ngram: (weight,) for ngram, weight in WEIGHTS.items()}, SHORTEST, LONGEST)


def tokens_of(words: list[str]) -> TokenColumn:
    return TokenPipeline().tokens(TextColumn.from_texts([" ".join(words)]))


def defined_occurrences(words: list[str]) -> dict[tuple[str, ...], list[tuple[int, int]]]:
    """Return the first and last token of each occurrence of each known n-gram, shorter n-grams first."""
    found = defaultdict(list)
    for size in range(SHORTEST, LONGEST + 1):
        for first in range(len(words) - size + 1):
            ngram = tuple(words[first : first + size])
            if ngram in WEIGHTS:
                found[ngram].append((first, first + size - 1))
    return dict(found)


def rounded(weights: np.ndarray) -> list[float]:
    return weights[:, 0].round(6).tolist()


@given(st.lists(st.sampled_from(WORDS), max_size=40))
@example([])
@example(["good"] * 40)
@example(["bad", "film", "good", "film", "film"])
def test_every_occurrence_of_a_known_ngram_is_found_once(words: list[str]) -> None:
    found = occurrences(tokens_of(words), MODEL)
    defined = defined_occurrences(words)
    assert rounded(found.weights) == [WEIGHTS[ngram] for ngram in defined]
    assert found.distinct == len(defined)
    spans = list(zip(found.first.tolist(), found.last.tolist(), strict=True))
    begins = found.offsets.tolist()
    assert [spans[begin:end] for begin, end in itertools.pairwise(begins)] == list(defined.values())


def test_a_stem_is_merged_into_the_words_that_have_it() -> None:
    # Two weights each: the second is the first times 10.
    stem, negated = stem_hash(b"disap"), combine(NEGATED, stem_hash(b"disap"))
    words = {stem: 6.0, negated: -1.0, token_hash(b"disap"): 3.0, token_hash(b"disappointed"): 4.0}
    by_identity = {identity(each): weight for each, weight in words.items()}
    weights = np.array([by_identity[each] for each in sorted(by_identity)])
    identities = np.array(sorted(by_identity), np.uint64)
    model = WeightedNgrams(1, 3, identities, np.stack((weights, 10 * weights)), 0.0)
    text = "disappointed, disap. Disappointing; not disappointing. disappointing"
    tokens = TokenPipeline(1).tokens(TextColumn.from_texts(["", text]))
    found = occurrences(tokens._replace(offsets=tokens.offsets[1:]), model)
    # The stem is in one "disappointed", which is known, and in two "disappointing", which is not.
    expected = [4 + 2, 3, 2 * 2, -1]
    assert found.weights.round(2).tolist() == [[each, 10 * each] for each in expected]
    assert found.distinct == 4  # the stem, its negated form, and two words
    assert found.offsets.tolist() == [0, 1, 2, 4, 5]
    assert found.first.tolist() == found.last.tolist() == [0, 2, 4, 9, 7]
    best = strongest(tokens, model, 3)
    assert best.weights[1].round(2).tolist() == [[6, 60], [4, 40], [3, 30]]
    assert not best.weights[0].any()
    assert best.first[1].tolist() == best.last[1].tolist() == [0, 4, 2]
    assert (best.counts.tolist(), best.lines.tolist()) == ([0, 4], [0, 4])
    found_sums = margins(tokens, model).sums[1]
    assert found_sums == pytest.approx(found.weights.sum(axis=0) / 2)


def test_occurrences_are_limited_to_the_sizes_of_the_ngrams() -> None:
    found = occurrences(
        tokens_of(["not", "good", "good"]), model_of({each: (WEIGHTS[each],) for each in WEIGHTS}, 2, 2)
    )
    assert rounded(found.weights) == [-8.0, 16.0]


@given(TEXTS, st.integers(0, 3))
@example([["good"], [], ["not", "good", "film", "film"]], 2)
def test_the_strongest_ngrams_of_each_text_come_first_with_their_first_occurrence(
    texts: list[list[str]], top: int
) -> None:
    tokens = TokenPipeline().tokens(TextColumn.from_texts([" ".join(words) for words in texts]))
    found = strongest(tokens, MODEL, top)
    for index, words in enumerate(texts):
        defined = defined_occurrences(words)
        ranked = sorted(defined, key=lambda ngram: -abs(WEIGHTS[ngram]))[:top]
        assert rounded(found.weights[index, : len(ranked)]) == [WEIGHTS[ngram] for ngram in ranked]
        assert not found.weights[index, len(ranked) :].any()
        begin = int(tokens.offsets[index])
        for rank, ngram in enumerate(ranked):
            first, last = defined[ngram][0]
            assert (found.first[index, rank], found.last[index, rank]) == (begin + first, begin + last)
        assert found.counts[index] == found.lines[index] == len(defined)
        expected = sum(map(WEIGHTS.get, defined)) / np.sqrt(max(len(defined), 1))
        assert found.margins.sums[index, 0] == pytest.approx(expected, abs=1e-6)


def test_the_strongest_ngrams_are_those_that_move_the_log_odds_of_positive() -> None:
    model = model_of({("good",): (3.0, 30.0), ("bad",): (-5.0, 0.0), ("film",): (2.0, -20.0)}, 1, 1)
    found = strongest(TokenPipeline().tokens(TextColumn.from_texts(["film good bad"])), model, 3)
    assert found.first[0].tolist() == [2, 1, 0]
    assert found.margins.sums[0].tolist() == pytest.approx([0.0, 10 / np.sqrt(3)], abs=1e-3)


@given(TEXTS, st.integers(0, 2))
@example([["not", "good", "film", "film"], ["good"] * 20], 1)
def test_a_single_text_has_exactly_the_margins_that_it_has_in_a_column(texts: list[list[str]], reach: int) -> None:
    model = model_of({ngram: (weight, 1 / weight) for ngram, weight in WEIGHTS.items()}, SHORTEST, LONGEST)
    alone = TextMargins(reach, model)
    strings = [" ".join(words) for words in texts]
    together = margins(TokenPipeline(reach).tokens(TextColumn.from_texts(strings)), model)
    for string, row, unknown, mixed in zip(strings, *together, strict=True):
        found = alone(string.encode())
        np.testing.assert_array_equal(found.sums, [row])
        np.testing.assert_array_equal(found.unknown, [unknown])
        np.testing.assert_array_equal(found.mixed, [mixed])


def test_a_negation_changes_the_margins_of_a_single_text() -> None:
    text = b"not good"
    assert TextMargins(0, MODEL)(text).sums.tolist() == [[pytest.approx((4 + 1 - 8) / np.sqrt(3))]]
    assert TextMargins(1, MODEL)(text).sums.tolist() == [[pytest.approx(4)]]
