"""Drivers of stored reviews: which reviews count, the command, and its errors."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from sentiment_core.cli.drivers import drivers
from sentiment_core.database.connection import connect
from sentiment_core.drivers.kept import keep_drivers, periods_until
from sentiment_core.drivers.stored import Group, Periods, stored_drivers
from sentiment_core.errors import NoSuchReviews, PeriodEmpty, PeriodsReversed, SentimentError
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.retention import expire
from sentiment_core.settings import settings as settings_of_process

HEADER = "review_id,product_id,reviewed_at,review\n"
PERIODS = Periods(date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 15))


def rows(first: int, product: str, texts: list[str], written: str = "") -> str:
    return "".join(f'r{first + row},{product},{written},"{text}"\n' for row, text in enumerate(texts))


@pytest.fixture
def loaded(drops) -> None:
    """Two days with reviews of two products. A review of the second day replaces one of the first day."""
    good, bad = ["I love it, it works great."] * 3, ["A waste of money, it broke."] * 3
    first = rows(1, "kettle", [*good, "A waste of money."]) + rows(10, "lamp", good)
    drops.drop("shop/dt=2026-11-03/a.csv", HEADER + first)
    second = rows(4, "kettle", ["Fine."], "2026-11-04") + rows(20, "kettle", bad) + rows(30, "lamp", bad)
    drops.drop("shop/dt=2026-11-10/a.csv", HEADER + second)


def test_only_live_reviews_of_the_group_and_the_periods_count(connection, drops, loaded) -> None:
    scorer = drops.model.scorer
    kettle = stored_drivers(connection, scorer, Group("shop", "kettle"), PERIODS, 5)
    assert (kettle.reviews_then, kettle.reviews_now) == (3, 4)
    (waste,) = [each for each in kettle.down if "waste" in each.phrase]
    assert (waste.phrase, waste.reviews_then, waste.reviews_now) == ("waste of money", 0, 3)
    assert [each.text for each in waste.examples] == ["A waste of money, it broke."]
    written = stored_drivers(connection, scorer, Group(product="kettle"), PERIODS, 5, written=True)
    assert (written.reviews_then, written.reviews_now) == (4, 3)
    everything = stored_drivers(connection, scorer, Group(), PERIODS, 5)
    assert (everything.reviews_then, everything.reviews_now) == (6, 7)


def test_bad_periods_and_groups_are_named(connection, drops, loaded) -> None:
    scorer = drops.model.scorer
    with pytest.raises(PeriodsReversed, match="2026-11-02 must be before 2026-11-02"):
        stored_drivers(connection, scorer, Group(), PERIODS._replace(since=PERIODS.against), 5)
    with pytest.raises(PeriodsReversed):
        stored_drivers(connection, scorer, Group(), PERIODS._replace(until=date(2026, 11, 8)), 5)
    with pytest.raises(NoSuchReviews, match="of product 'ketle' of source 'shop'"):
        stored_drivers(connection, scorer, Group("shop", "ketle"), PERIODS, 5)
    empty = PERIODS._replace(since=date(2026, 11, 12))
    with pytest.raises(PeriodEmpty, match="product 'lamp' from 2026-11-12 to 2026-11-15"):
        stored_drivers(connection, scorer, Group(product="lamp"), empty, 5)


def test_the_command_shows_the_phrases(drops, loaded, settings, monkeypatch) -> None:
    monkeypatch.setenv("SENTIMENT_DATABASE_URL", settings.require_database_url())
    settings_of_process.cache_clear()
    periods = ("--since", "2026-11-09", "--until", "2026-11-15", "--against", "2026-11-02")
    try:
        shown = CliRunner().invoke(drivers, ["--product", "lamp", *periods])
        document = json.loads(CliRunner().invoke(drivers, ["--product", "lamp", *periods, "--json"]).stdout)
        refused = CliRunner().invoke(drivers, ["--since", "2026-11-01", "--against", "2026-11-02"])
    finally:
        settings_of_process.cache_clear()
    assert shown.exit_code == 0, shown.output
    assert "waste of money" in shown.stdout
    assert "of 3 reviews" in shown.stdout
    moved = sum(each["movement"] for each in (*document["up"], *document["down"]))
    assert moved + document["rest"] == pytest.approx(document["mean_now"] - document["mean_then"], abs=1e-12)
    assert document["model_digest"] == drops.model.scorer.bundle.digest
    example = document["down"][0]["examples"][0]
    assert (example["day"], example["text"]) == ("2026-11-10", "A waste of money, it broke.")
    assert isinstance(refused.exception, SentimentError)


PHRASES = """
    SELECT source, product_id, first_then, last_now, phrase, reviews_then, reviews_now, examples
    FROM sentiment.sentiment_drivers WHERE phrase = 'waste of money' ORDER BY product_id
"""
DAY = date(2026, 11, 10)


def test_a_run_keeps_the_drivers_of_large_groups_and_erasure_removes_their_examples(
    connection, drops, loaded, settings, query, members, other_model, checkout
) -> None:
    small = settings.model_copy(update={"drivers_least_reviews": 3, "erasure_key": SecretStr("a secret")})
    groups = keep_drivers(connection, drops.model, small, [DAY])
    assert groups == [Group("shop", "kettle"), Group("shop", "lamp"), Group("shop", None)]
    said = ["A waste of money, it broke."]
    counts = (date(2026, 10, 28), DAY, "waste of money", 0)
    kept = [("shop", "kettle", *counts, 3, said), ("shop", "lamp", *counts, 3, said), ("shop", None, *counts, 6, said)]
    assert query(PHRASES) == kept
    with connect(members["ann"]) as reader, reader, reader.cursor() as cursor:
        cursor.execute(PHRASES)
        assert cursor.fetchall() == kept
    mover = query((checkout / "sql/queries/drivers_of_the_biggest_mover.sql").read_text())
    # The reviews of a product are the same in each period, except one of the kettle's, so the lamp moved more.
    assert {row[:2] for row in mover} == {("shop", "lamp")}
    assert mover[0][3] in {"love", "waste of money"}
    sums = "SELECT sum(movement) + min(rest) - min(change) FROM sentiment.sentiment_drivers GROUP BY source, product_id"
    assert [each for (each,) in query(sums)] == pytest.approx([0, 0, 0], abs=1e-12)
    assert keep_drivers(connection, drops.model, small, [date(2026, 10, 1)]) == []  # a day outside both periods
    assert keep_drivers(connection, other_model, small, [date(2026, 10, 1)]) == groups  # a new champion
    assert query("SELECT DISTINCT model_id FROM sentiment.driver_comparison") == [(other_model.model_id,)]
    (example,) = query(
        "SELECT review_id FROM sentiment.driver JOIN sentiment.driver_example USING (comparison_id, rank)"
        " JOIN sentiment.driver_comparison comparison USING (comparison_id)"
        " JOIN sentiment.review USING (day, source_file_id, line)"
        " WHERE phrase = 'waste of money' AND comparison.product_id = 'lamp'"
    )
    erase(connection, small, "review", "shop", *example)
    assert [row[-1] for row in query(PHRASES)][1] is None
    assert keep_drivers(connection, drops.model, small, [DAY]) == [Group("shop", "kettle"), Group("shop", None)]
    assert [row[1] for row in query(PHRASES)] == ["kettle", None]
    expire(connection, small, date(2026, 11, 1))
    assert query("SELECT count(*) FROM sentiment.driver_example") == [(0,)]
    off = small.model_copy(update={"drivers_least_reviews": 0})
    assert keep_drivers(connection, drops.model, off, [DAY]) == []
    assert query("SELECT count(*) FROM sentiment.driver") == [(0,)]


def test_the_periods_are_two_weeks() -> None:
    periods = periods_until(date(2026, 11, 14))
    assert periods.then == (date(2026, 11, 1), date(2026, 11, 7))
    assert periods.now == (date(2026, 11, 8), date(2026, 11, 14))
