"""The rules that say which days of a source are unusual, and the safe text of rejected rows."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sentiment_plugin.data.raw_text import shown
from sentiment_plugin.data.unusual import Counts, findings

DAY = date(2026, 11, 16)


def steady(rows: int = 100, days: int = 28, **today: int) -> dict[date, Counts]:
    """Return days that vary a little around a number of rows, and `DAY`."""
    before = {DAY - timedelta(days=number): Counts(2, rows=rows + number % 5) for number in range(1, days + 1)}
    return before | {DAY: Counts(**({"files": 2, "rows": rows} | today))}


def found(days: dict[date, Counts], *, over: bool = True) -> list[str]:
    return [finding.word for finding in findings(days, DAY, over=over)]


def test_a_usual_day_has_no_finding() -> None:
    assert found(steady()) == []


def test_a_day_without_files_is_a_gap_if_its_weekday_usually_has_some() -> None:
    days = steady(files=0, rows=0)
    assert found(days) == ["gap"]
    assert found(days, over=False) == []
    two_weeks = {day: counts for day, counts in days.items() if day >= DAY - timedelta(weeks=2)}
    assert found(two_weeks) == []
    weekdays = {day: counts for day, counts in days.items() if day.weekday() != DAY.weekday()}
    assert found(weekdays) == [], "a source without files on this weekday has no gap"


def test_many_and_few_rows_are_found_and_one_huge_past_day_changes_nothing() -> None:
    for rows, words in ((199, []), (250, ["many rows"]), (30, ["few rows"])):
        days = steady(rows=100) | {DAY: Counts(2, rows=rows)}
        assert found(days) == words
        days[DAY - timedelta(days=3)] = Counts(2, rows=10_000_000)
        assert found(days) == words
    assert found(steady() | {DAY: Counts(2, rows=30)}, over=False) == []
    assert found(steady(days=6) | {DAY: Counts(2, rows=5000)}) == [], "six days are no history"


def test_a_source_that_always_varies_is_not_reported() -> None:
    days = {DAY - timedelta(days=number): Counts(1, rows=10 ** (number % 4 + 1)) for number in range(1, 29)}
    assert found(days | {DAY: Counts(1, rows=10)}) == []


def test_rejects_late_and_rejected_files_are_found() -> None:
    assert found(steady(rejected_rows=10)) == ["rejects"]
    assert found(steady(rejected_rows=9)) == []
    assert found(steady(rows=10_000, rejected_rows=90)) == []
    usual = {day: counts._replace(rejected_rows=5) for day, counts in steady().items()}
    assert found(usual | {DAY: Counts(2, rows=100, rejected_rows=12)}) == []
    assert found(usual | {DAY: Counts(2, rows=100, rejected_rows=20)}) == ["rejects"]
    assert found(steady(late_files=1, rejected_files=1)) == ["late", "file rejected"]


def test_a_first_day_has_only_findings_that_need_no_history() -> None:
    assert found({DAY: Counts(1, rows=1_000_000)}) == []
    assert found({DAY: Counts(1, rows=100, rejected_rows=50)}) == ["rejects"]


@given(st.binary(max_size=60))
def test_any_bytes_become_visible_text(raw: bytes) -> None:
    text = shown(raw, len(raw))
    assert text.isprintable()
    assert text.encode().decode() == text, "it has no lone surrogate"


def test_hidden_characters_and_cut_rows_are_marked() -> None:
    assert shown(b"caf\xe9\x00\tx", 7) == r"caf\xe9\x00\tx"
    assert shown("a\u202eb\u200bc".encode(), 9) == r"a\u202eb\u200bc"
    assert shown(b"abc", 9000) == "abc … (9,000 bytes)"
