"""The table of known n-grams: it finds all of them and nothing else, at any load factor."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.lookup import features
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import Vocabulary, mapped, vocabulary

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


@given(st.lists(st.integers(1, 2**64 - 1), max_size=60), st.randoms())
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


def test_a_mapped_table_is_the_same_and_in_the_file(tmp_path: Path) -> None:
    table, path = numbered(np.arange(1, 2001, 2, dtype=np.uint64)), tmp_path / "table"
    for _ in range(2):  # it is written, then found
        shared = mapped(table, path)
        assert [each.tolist() for each in shared] == [each.tolist() for each in table]
        assert not any(np.shares_memory(*pair) for pair in zip(shared, table, strict=True))
        assert shared.cells.ctypes.data % 64 == 0, "a bucket is one cache line"
    assert [each.name for each in tmp_path.iterdir()] == ["table"]


def test_a_file_that_is_another_table_or_cannot_be_written_is_not_used(tmp_path: Path) -> None:
    table, path = numbered(np.arange(1, 2001, 2, dtype=np.uint64)), tmp_path / "table"
    mapped(table, path)
    content = path.read_bytes()
    for other in (content[:100] + b"\0\0\1" + content[103:], content[:-8], b""):
        path.write_bytes(other)
        assert mapped(table, path) is table
    assert mapped(table, tmp_path / "missing" / "table") is table


def test_a_bucket_is_one_cache_line() -> None:
    for count in (1, 700, 100_000):
        identities = np.linspace(1, 1 << 40, count).astype(np.uint64) << np.uint64(24 - IDENTITY_SHIFT)
        cells = numbered(identities).cells
        assert (cells.ctypes.data % 64, len(cells) % 16) == (0, 0)
