"""The split into training and test data: by hash, by group, and permanent."""

from hashlib import sha256

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews, split
from sentiment_core.datasets.split import in_test
from sentiment_core.errors import TrainingDataInvalid

KEYS = [f"product {number}" for number in range(2_000)]


def test_the_split_is_the_hash_of_the_key_modulo_a_hundred() -> None:
    expected = [int.from_bytes(sha256(key.encode()).digest()[:8], "big") % 100 < 20 for key in KEYS]
    assert in_test(KEYS, 20).tolist() == expected
    assert in_test(KEYS, 20).mean() == pytest.approx(0.2, abs=0.03)


def test_no_row_changes_sides_when_data_is_added() -> None:
    np.testing.assert_array_equal(in_test(KEYS[:100], 20), in_test(KEYS, 20)[:100])


def test_a_larger_share_keeps_what_the_smaller_one_has() -> None:
    assert not (in_test(KEYS, 10) & ~in_test(KEYS, 20)).any()
    assert not in_test(KEYS, 0).any()


def test_a_key_with_half_a_surrogate_pair_has_a_side() -> None:
    assert in_test(["\ud800"], 99).shape == (1,)


def reviews_of(groups: list[str]) -> LabelledReviews:
    labels = np.tile(np.array([0, 2], np.int8), len(groups) // 2)
    return LabelledReviews([f"text {number}" for number in range(len(groups))], labels, groups)


def test_no_group_is_on_both_sides() -> None:
    parts = split(reviews_of([key for key in KEYS[:200] for _ in range(4)]), 20)
    assert set(parts.training.groups).isdisjoint(parts.test.groups)
    assert len(parts.training.texts) + len(parts.test.texts) == 800
    assert parts.test.rows["negative"] == parts.test.rows["positive"] > 0


def test_a_side_without_a_label_is_refused_with_the_counts() -> None:
    with pytest.raises(
        TrainingDataInvalid, match="with test_size 20 the test part of 10 rows has no rows, and it needs negative and"
    ):
        split(reviews_of([next(key for key in KEYS if not in_test([key], 20)[0])] * 10), 20)
