"""The table of known n-grams: it finds all of them and nothing else, at any load factor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.lookup import features
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import Vocabulary, vocabulary

LOST = np.uint64(IDENTITY_SHIFT)


def numbered(identities: np.ndarray) -> Vocabulary:
    return vocabulary(identities, np.arange(len(identities), dtype=np.uint32))


def found(hashes: np.ndarray, identities: np.ndarray) -> list[int]:
    """Return the features of one text with these tokens."""
    tokens = TokenColumn(hashes, np.array([0, len(hashes)]))
    return sorted(features(tokens, 1, 1, numbered(identities)).indices.tolist())


def expected(hashes: np.ndarray, identities: np.ndarray) -> list[int]:
    known = {identity: feature for feature, identity in enumerate(identities.tolist())}
    return sorted({known[each] for each in (hashes >> LOST | np.uint64(1)).tolist() if each in known})


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.randoms())
def test_exactly_the_known_ngrams_are_found(numbers: list[int], dice) -> None:
    hashes = np.array(numbers, np.uint64)
    identities = np.unique(hashes[[dice.random() < 0.5 for _ in numbers]] >> LOST | np.uint64(1))
    assert found(hashes, identities) == expected(hashes, identities)


@pytest.mark.parametrize("count", [1, 8, 9, 100])
def test_ngrams_of_a_full_bucket_overflow_to_the_next_buckets(count: int) -> None:
    # Hashes that agree in their highest bits all map to the same bucket of eight.
    hashes = np.uint64(0xFFFF_FF00_0000_0000) + (np.arange(2 * count, dtype=np.uint64) << np.uint64(18))
    identities = np.unique(hashes[::2] >> LOST | np.uint64(1))
    assert found(hashes, identities) == expected(hashes, identities) == list(range(count))


def test_an_overflowed_ngram_is_not_confused_with_another() -> None:
    # Nine n-grams of one bucket. The last has the same key as an unknown n-gram of the bucket into which it overflows.
    first = np.uint64(0x1234_0000_0000_0000)
    full = first + (np.arange(1, 10, dtype=np.uint64) << np.uint64(18))
    unknown = full + np.uint64(1 << 48)
    assert found(unknown, np.sort(full >> LOST | np.uint64(1))) == []


def test_values_follow_their_keys() -> None:
    identities = np.unique(np.random.default_rng(4).integers(0, 2**46, 20_000, np.uint64) * np.uint64(2) | np.uint64(1))
    keys, values = numbered(identities).cells.reshape(-1, 2, KEYS).swapaxes(0, 1)
    used = keys != 0
    assert used.sum() == len(identities)
    assert sorted(values[used].tolist()) == list(range(len(identities)))
    np.testing.assert_array_equal(keys[used], identities.astype(np.uint32)[values[used]])
    assert not values[~used].any()
