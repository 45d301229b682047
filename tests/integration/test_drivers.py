"""Drivers of stored reviews: which reviews count, the command, and its errors."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

from sentiment_core.cli.drivers import drivers
from sentiment_core.drivers.stored import Group, Periods, stored_drivers
from sentiment_core.errors import NoSuchReviews, PeriodEmpty, PeriodsReversed, SentimentError
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
