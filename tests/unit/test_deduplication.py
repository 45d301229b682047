"""Deduplication within a file: the Bloom filter over review ids, and what becomes of the rows that it suspects."""

import hashlib
import io

import numpy as np
import pytest

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.drops import deduplication
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, read_records
from sentiment_core.drops.deduplication import KEY_BYTES, Deduplicator, review_key, review_keys
from sentiment_core.drops.header import Header
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import Review, ReviewBatch, Validator
from sentiment_core.settings import Settings


def batch_of(*rows: str) -> ReviewBatch:
    data = "\n".join(("review_id,review", *rows, "")).encode()
    (block,) = read_records(io.BytesIO(data), Dialect(), 1 << 20, 1 << 20, "the file")
    header = Header(block.fields(0), Rules(Settings()), "the file")
    batch, rejected = Validator(header, Rules(Settings()), block.raw(0)).validate(block.records(1))
    assert rejected == []
    return batch


def keys_of(batch: ReviewBatch) -> BytesColumn:
    return review_keys("shop", batch.review_id)


def nothing_earlier(keys: list[bytes]) -> dict[bytes, Review]:
    return {}


def key_with_words(*words: int) -> bytes:
    return np.array(words, np.uint32).tobytes()


def test_a_key_is_the_hash_of_source_and_id_and_a_row_without_an_id_has_none() -> None:
    keys = review_keys("shop", BytesColumn.of_texts(["r1", None, "é", ""]))
    assert [keys.value(row) for row in range(4)] == [
        hashlib.sha256(b"shop/r1").digest()[:16],
        None,
        hashlib.sha256("shop/é".encode()).digest()[:16],
        hashlib.sha256(b"shop/").digest()[:16],
    ]
    assert keys.value(0) == review_key("shop", "r1")
    assert review_key("shop", "r1") != review_key("sho", "p/r1")
    nulls = review_keys("shop", BytesColumn.of_texts([None, None]))
    assert nulls.null.all()
    assert nulls.size == 2


def test_the_filter_reports_every_key_that_it_has_seen() -> None:
    filter_ = Deduplicator(nothing_earlier)
    keys = review_keys("shop", BytesColumn.of_texts([str(number) for number in range(20_000)]))
    first = filter_.candidates(keys)
    # The chance of a single false positive is below one in a million.
    assert len(first) == 0
    np.testing.assert_array_equal(filter_.candidates(keys), np.arange(20_000))


def test_the_filter_reports_a_repeated_key_of_one_batch_and_no_row_without_a_key() -> None:
    keys = review_keys("shop", BytesColumn.of_texts(["a", None, "b", "a", None, "a"]))
    assert Deduplicator(nothing_earlier).candidates(keys).tolist() == [3, 5]


def test_the_false_positive_rate_matches_the_filter_size(monkeypatch: pytest.MonkeyPatch) -> None:
    filter_ = Deduplicator(nothing_earlier)
    count = 1_000_000
    words = np.random.default_rng(3).integers(0, 1 << 32, (2 * count, 4), np.uint32)
    known = BytesColumn(
        words[:count].view(np.uint8).ravel(), np.arange(count) * KEY_BYTES, np.full(count, 16, np.int32)
    )
    other = BytesColumn(
        words[count:].view(np.uint8).ravel(), np.arange(count) * KEY_BYTES, np.full(count, 16, np.int32)
    )
    filter_.candidates(known)
    bits_set = int(np.bitwise_count(filter_.bits).sum())
    expected = (1 << deduplication.BLOOM_FILTER_BITS) * -np.expm1(-4 * count / (1 << deduplication.BLOOM_FILTER_BITS))
    assert bits_set == pytest.approx(expected, rel=0.01)
    # One bit in 67 is set, so four of them are set by chance for one key in twenty million.
    assert len(filter_.candidates(other)) < 10


def test_each_of_a_keys_four_words_sets_one_bit_and_all_four_must_be_set() -> None:
    filter_ = Deduplicator(nothing_earlier)
    high = 1 << deduplication.BLOOM_FILTER_BITS  # bits above the filter's size count for nothing
    filter_.candidates(BytesColumn.of([key_with_words(0, 9, 18, 27)]))
    assert np.flatnonzero(filter_.bits).tolist() == [0, 1, 2, 3]
    assert filter_.bits[:4].tolist() == [1, 2, 4, 8]
    near = [key_with_words(*words) for words in ((1, 9, 18, 27), (0, 10, 18, 27), (0, 9, 19, 27), (0, 9, 18, 28))]
    for key in near:
        fresh = Deduplicator(nothing_earlier)
        fresh.candidates(BytesColumn.of([key_with_words(0, 9, 18, 27)]))
        assert fresh.candidates(BytesColumn.of([key])).tolist() == []
    assert filter_.candidates(BytesColumn.of([key_with_words(high, 9 + high, 18 + high, 27)])).tolist() == [0]


def test_with_all_known_every_key_is_looked_up() -> None:
    asked: list[bytes] = []

    def note(keys: list[bytes]) -> dict[bytes, Review]:
        asked.extend(keys)
        return {}

    batch = batch_of("r1,fine", ",no id", "r2,dull")
    sifted = Deduplicator(note, all_known=True).deduplicate(batch, keys_of(batch))
    assert sorted(asked) == sorted([review_key("shop", "r1"), review_key("shop", "r2")])
    assert (sifted.rows.tolist(), sifted.duplicates, sifted.rejected) == ([0, 1, 2], 0, [])


def test_rows_of_one_batch_with_one_id_are_duplicates_or_conflicts_of_the_first() -> None:
    batch = batch_of("r1,fine", "r2,dull", "r1,fine", "r1,other", "r2,dull")
    sifted = Deduplicator(nothing_earlier).deduplicate(batch, keys_of(batch))
    assert sifted.rows.tolist() == [0, 1]
    assert sifted.duplicates == 2
    (conflict,) = sifted.rejected
    assert (conflict.line, conflict.code, conflict.raw) == (5, RejectCode.CONFLICTING_REVIEW_ID, b"r1,other")
    assert "r1" in conflict.reason


def test_an_earlier_row_wins_over_the_first_of_the_batch() -> None:
    batch = batch_of("r1,fine", "r2,dull", "r1,dull")
    earlier = batch.review(0)._replace(text="dull")
    filter_ = Deduplicator(lambda _: {review_key("shop", "r1"): earlier})
    filter_.candidates(BytesColumn.of([review_key("shop", "r1")]))
    sifted = filter_.deduplicate(batch, keys_of(batch))
    assert sifted.rows.tolist() == [1]
    assert sifted.duplicates == 1
    assert [row.line for row in sifted.rejected] == [2]


def test_a_false_positive_causes_a_lookup_and_drops_no_row() -> None:
    batch = batch_of("r1,fine", "r2,dull")
    filter_ = Deduplicator(nothing_earlier)
    filter_.bits[:] = 0xFF
    sifted = filter_.deduplicate(batch, keys_of(batch))
    assert (sifted.rows.tolist(), sifted.duplicates, sifted.rejected) == ([0, 1], 0, [])


def test_without_candidates_nothing_is_looked_up() -> None:
    def refuse(keys: list[bytes]) -> dict[bytes, Review]:
        raise AssertionError(keys)

    batch = batch_of("r1,fine", ",no id", "r2,dull", ",no id")
    assert Deduplicator(refuse).deduplicate(batch, keys_of(batch)).rows.tolist() == [0, 1, 2, 3]
