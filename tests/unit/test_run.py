from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_core.errors import DayInvalid
from sentiment_core.loading.scoring_run import balanced, finished_day, yesterday


@given(st.lists(st.integers(0, 1000)), st.integers(1, 5000), st.integers(1, 20))
@example([0, 0, 3], 1, 3)
def test_groups_contain_every_file_once_and_are_balanced(sizes: list[int], group_bytes: int, max_groups: int) -> None:
    files = list(enumerate(sizes))
    groups = balanced(files, group_bytes, max_groups)
    assert sorted(file for group in groups for file in group) == list(range(len(sizes)))
    assert len(groups) <= max_groups
    assert all(group == sorted(group) and group for group in groups)
    weights = [sum(sizes[file] for file in group) for group in groups]
    if groups:
        # Graham's bound for the largest-first rule: the heaviest group is at most the mean plus the size of the largest
        # file.
        assert max(weights) <= sum(sizes) / len(groups) + max(sizes)


def test_a_small_day_is_one_group() -> None:
    assert balanced([(1, 10), (2, 0)], 256_000_000, 200) == [[1, 2]]


def test_no_files_are_no_groups() -> None:
    assert balanced([], 100, 10) == []


@pytest.mark.parametrize("text", ["2026-11-31", "16.11.2026", "20261116", ""])
def test_a_day_must_be_written_as_iso(text: str) -> None:
    with pytest.raises(DayInvalid, match="YYYY-MM-DD"):
        finished_day(text)


def test_a_day_must_have_ended() -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(DayInvalid, match="not ended yet"):
        finished_day(today.isoformat())
    assert finished_day((today - timedelta(days=1)).isoformat()) == yesterday()
