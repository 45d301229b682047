"""Folds: no group is in two of them, and names of any length take little memory."""

import tracemalloc

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.training.folds import group_folds, group_numbers, some_groups


def labelled(texts: list[str], groups: list[str]) -> LabelledReviews:
    return LabelledReviews(texts, np.where(np.arange(len(texts)) % 2, 2, 0).astype(np.int8), groups)


def test_folds_are_balanced_and_do_not_depend_on_the_order() -> None:
    groups = [f"g{int(row**0.5)}" for row in range(400)]
    texts = [f"text {row}" for row in range(400)]
    folds = list(group_folds(labelled(texts, groups), 4))
    assert sorted(row for fold in folds for row in fold.held_out.tolist()) == list(range(400))
    for learned, held_out in folds:
        assert 90 <= len(held_out) <= 110
        assert not {groups[row] for row in learned} & {groups[row] for row in held_out}
    order = np.random.default_rng(2).permutation(400)
    shuffled = labelled(texts, groups).take(order)
    held_out = {frozenset(shuffled.texts[row] for row in fold.held_out) for fold in group_folds(shuffled, 4)}
    assert held_out == {frozenset(texts[row] for row in fold.held_out) for fold in folds}


def test_the_groups_of_a_smaller_share_are_among_those_of_a_larger() -> None:
    groups = [f"g{row // 3}" for row in range(90)]
    few, more = (set(some_groups(np.arange(90), groups, share).tolist()) for share in (0.1, 0.5))
    assert few < more
    assert len(few) == 9
    assert len(more) == 45


@pytest.mark.parametrize("own_groups", [True, False])
def test_one_long_name_does_not_take_its_length_for_each_row(own_groups: bool) -> None:
    texts = [f"text {row}" for row in range(2_000)]
    texts[5] = "long " * 22_000
    long = [f"{'x' * 110_000}{number}" for number in (0, 0, 1, 1)]
    reviews = labelled(texts, texts if own_groups else long * 500)
    tracemalloc.start()
    try:
        numbers = group_numbers(reviews.groups)
        folds = list(group_folds(reviews, 2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(np.unique(numbers)) == (2_000 if own_groups else 2)
    assert len(folds) == 2
    assert peak < 5e6, "an array of fixed-width strings takes 880 MB"
