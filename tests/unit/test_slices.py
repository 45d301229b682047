"""Slices by length, rating and group. Small slices are omitted."""

import numpy as np

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.evaluation.slices import MAX_GROUPS, slices_of


def test_a_slice_holds_its_rows_and_a_small_one_is_none() -> None:
    texts = ["a" * length for length in (10, 499, 500, 999, 1_000, 2_499, 2_500, 9_000)]
    ratings = np.array([1, 1, 1, 5, 5, np.nan, np.nan, 4])
    reviews = LabelledReviews(texts, np.zeros(8, np.int8), ["x"] * 3 + ["y"] * 4 + ["z"], ratings)
    assert {name: rows.tolist() for name, rows in slices_of(reviews, 2).items()} == {
        "length below 500": [0, 1],
        "length 500 to 1,000": [2, 3],
        "length 1,000 to 2,500": [4, 5],
        "length from 2,500": [6, 7],
        "rating 1": [0, 1, 2],
        "rating 5": [3, 4],
        "group x": [0, 1, 2],
        "group y": [3, 4, 5, 6],
    }
    assert set(slices_of(reviews, 4)) == {"group y"}


def test_texts_that_are_their_own_groups_are_no_slices() -> None:
    texts = ["a"] * 9
    assert set(slices_of(LabelledReviews(texts, np.zeros(9, np.int8), texts), 2)) == {"length below 500"}


def test_the_largest_groups_are_slices() -> None:
    groups = [f"g{number:03}" for number in range(MAX_GROUPS + 5) for _ in range(3 if number < 3 else 2)]
    reviews = LabelledReviews(["a"] * len(groups), np.zeros(len(groups), np.int8), groups)
    names = [name for name in slices_of(reviews, 2) if name.startswith("group")]
    assert len(names) == MAX_GROUPS
    assert names[:4] == ["group g000", "group g001", "group g002", "group g003"]
    assert "group g104" not in names
