"""Drops as shops and tools really make them: which rows the views show, and of which day and source."""

from datetime import date

import pytest

from sentiment_core.drops.contract import NO_DROPS
from sentiment_core.loading.loader import LoadStatus


def test_null_words_as_ids_make_no_two_reviews_one(drops, query) -> None:
    drops.drop("shop/dt=2026-11-01/a.csv", "review_id,review\nNULL,I like the lamp\nnan,I hate the rug\n")
    drops.drop("shop/dt=2026-11-02/b.csv", "review_id,review\nNULL,I hate the kettle\nnan,I like the pan\n")
    assert query("SELECT count(*), count(review_id) FROM sentiment.scored_reviews") == [(4, 0)]


@pytest.mark.parametrize("name", ["reviewId", "Review ID", "review-id", "ReviewID"])
def test_a_daily_full_export_shows_each_review_once(drops, query, name: str) -> None:
    drops.drop("shop/dt=2026-11-01/all.csv", f"{name},score,content\nr1,5,Works well\nr2,1,Crashes on start\n")
    drops.drop("shop/dt=2026-11-02/all.csv", f"{name},score,content\nr1,5,Works well\nr2,2,Crashes less\nr3,4,Nice\n")
    shown = query("SELECT review_id, text FROM sentiment.scored_reviews ORDER BY review_id")
    assert shown == [("r1", "Works well"), ("r2", "Crashes less"), ("r3", "Nice")]


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("shop/date=2026-11-09", "shop"),
        ("date=2026-11-09", ""),
        ("shop/year=2026/month=11/day=09", "shop"),
        ("shop/2026/11/09", "shop"),
        ("2026-11-09", ""),
        ("shop/DT=2026-11-09", "shop"),
    ],
)
def test_a_folder_in_another_spelling_names_day_and_source(drops, query, folder: str, source: str) -> None:
    assert drops.drop(f"{folder}/a.csv", "review_id,review\nr1,fine\n").status is LoadStatus.LOADED
    assert query("SELECT source, day FROM sentiment.source_file") == [(source, date(2026, 11, 9))]


def test_a_day_before_1970_leaves_no_partition(drops, query) -> None:
    outcome = drops.drop("shop/dt=0001-01-01/a.csv", "review\nfine\n")
    assert outcome.status is LoadStatus.REJECTED
    assert outcome.reason.startswith("invalid_day")
    assert query("SELECT relname FROM pg_class WHERE relname LIKE 'review%%000101'") == []


def test_what_a_tool_left_behind_is_recorded_as_no_drop(drops, query) -> None:
    drops.drop("shop/dt=2026-11-20/_SUCCESS", b"")
    drops.drop("shop/dt=2026-11-20/.part-00000.csv.crc", b"crc")
    codes = {code for (code,) in query("SELECT reject_code FROM sentiment.source_file")}
    assert codes <= {str(code) for code in NO_DROPS}


def test_rows_that_a_quote_swallowed_are_kept_and_found_in_the_quarantine(drops, query) -> None:
    rows = 'review_id,rating,review\nr1,5,"fine\nr2,4,good\nr3,1,not 27"\nr4,2,dull\n'
    drops.drop("shop/dt=2026-11-16/a.csv", rows)
    assert query("SELECT review_id FROM sentiment.scored_reviews") == [("r4",)]
    assert query("SELECT line, code FROM sentiment.quarantine") == [(2, "swallowed_records")]
