"""Aspects of stored reviews: what is kept and when it is replaced, the command, and its errors."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from sentiment_core.aspects.catalogue import read_aspects
from sentiment_core.aspects.kept import keep_aspects
from sentiment_core.aspects.opinions import OpinionFinder
from sentiment_core.aspects.stored import stored_aspects
from sentiment_core.cli.aspects import aspects
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.database.connection import connect
from sentiment_core.drivers.stored import Group, Periods
from sentiment_core.errors import AspectUnknown, NoSuchReviews, PeriodsReversed
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.retention import expire
from sentiment_core.settings import settings as settings_of_process

HEADER = "review_id,product_id,review\n"
GOOD, BAD = "Great price, I love it.", "The price is a scam. Terrible quality!"
FIRST, SECOND = date(2026, 11, 3), date(2026, 11, 10)
PERIODS = Periods(date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 15))
KEPT = """
    SELECT day, source, product_id, aspect, reviews, positive, negative, positive_ratio, negative_ratio
    FROM sentiment.aspect_sentiment ORDER BY day, product_id, aspect
"""


@pytest.fixture
def loaded(drops) -> None:
    """Two days with reviews of a product, and one without a product."""
    first = f'r1,kettle,"{GOOD}"\nr2,kettle,"{GOOD}"\nr3,,"{GOOD}"\nr4,kettle,A lamp\n'
    drops.drop(f"shop/dt={FIRST}/a.csv", HEADER + first)
    drops.drop(f"shop/dt={SECOND}/a.csv", HEADER + f'r5,kettle,"{BAD}"\nr6,kettle,"{GOOD}"\n')


def test_a_run_keeps_exact_totals_and_computes_only_what_has_changed(
    connection, drops, loaded, settings, query, members, other_model, tmp_path
) -> None:
    chosen = settings.model_copy(update={"erasure_key": SecretStr("a secret")})
    assert keep_aspects(connection, drops.model, chosen) == [FIRST, SECOND]
    first = [(FIRST, "shop", "kettle", "price", 2, 2, 0, 1, 0), (FIRST, "shop", None, "price", 1, 1, 0, 1, 0)]
    quality = (SECOND, "shop", "kettle", "quality", 1, 0, 1, 0, 1)
    kept = [*first, (SECOND, "shop", "kettle", "price", 2, 1, 1, 0.5, 0.5), quality]
    assert query(KEPT) == kept
    with connect(members["ann"]) as reader, reader, reader.cursor() as cursor:
        cursor.execute(KEPT)
        assert cursor.fetchall() == kept
    found = OpinionFinder(drops.model.scorer, read_aspects(None)).find(TextColumn.from_texts([BAD, GOOD]))
    of_price = found.log_odds[found.aspect == 0]
    means = "SELECT mean_log_odds, model_digest FROM sentiment.aspect_sentiment WHERE day = %s AND aspect = 'price'"
    ((mean, digest),) = query(means, SECOND)
    assert mean == pytest.approx(of_price.mean(), abs=1e-12)
    assert digest == drops.model.scorer.bundle.digest
    assert keep_aspects(connection, drops.model, chosen) == []
    # A review of a later day replaces one of the first day: both days have changed, the second has not.
    third = date(2026, 11, 11)
    drops.drop(f"shop/dt={third}/a.csv", HEADER + "r1,kettle,A lamp\n")
    assert keep_aspects(connection, drops.model, chosen) == [FIRST, third]
    assert query(KEPT)[0] == (FIRST, "shop", "kettle", "price", 1, 1, 0, 1, 0)
    assert keep_aspects(connection, other_model, chosen) == [FIRST, SECOND, third]  # a new champion
    own = tmp_path / "own.yaml"
    own.write_text("affection: [love]\n")
    assert keep_aspects(connection, other_model, chosen.model_copy(update={"aspects": own})) == [FIRST, SECOND, third]
    assert query("SELECT DISTINCT aspect FROM sentiment.aspect_sentiment") == [("affection",)]
    assert keep_aspects(connection, drops.model, chosen.model_copy(update={"aspects_days": 2})) == [SECOND, third]
    assert {row[0] for row in query(KEPT)} == {SECOND}
    keep_aspects(connection, drops.model, chosen.model_copy(update={"aspects_days": 0}))
    assert query("SELECT count(*) FROM sentiment.aspect_day") == [(0,)]


def test_erased_and_expired_reviews_are_not_kept(connection, drops, loaded, settings, query) -> None:
    chosen = settings.model_copy(update={"erasure_key": SecretStr("a secret")})
    keep_aspects(connection, drops.model, chosen)
    erase(connection, chosen, "review", "shop", "r2")
    assert [row[:5] for row in query(KEPT) if row[0] == FIRST] == [(FIRST, "shop", None, "price", 1)]
    assert keep_aspects(connection, drops.model, chosen) == [FIRST]
    assert query(KEPT)[0][:5] == (FIRST, "shop", "kettle", "price", 1)
    expire(connection, chosen, FIRST.replace(day=1))
    assert query(KEPT) == []


def test_reviews_that_change_while_a_day_is_read_are_left_to_the_next_run(
    connection, drops, loaded, settings, query, monkeypatch
) -> None:
    original = OpinionFinder.find

    def find(self: OpinionFinder, texts: TextColumn):
        monkeypatch.setattr(OpinionFinder, "find", original)
        drops.drop(f"shop/dt={FIRST}/b.csv", HEADER + f'r9,kettle,"{BAD}"\n')
        return original(self, texts)

    monkeypatch.setattr(OpinionFinder, "find", find)
    with connect(settings.require_database_url()) as other:
        assert keep_aspects(other, drops.model, settings) == [SECOND]
    assert keep_aspects(connection, drops.model, settings) == [FIRST]
    assert query(KEPT)[0][:5] == (FIRST, "shop", "kettle", "price", 3)


def test_the_command_compares_two_periods(connection, drops, loaded, settings, monkeypatch) -> None:
    monkeypatch.setenv("SENTIMENT_DATABASE_URL", settings.require_database_url())
    settings_of_process.cache_clear()
    periods = ("--since", "2026-11-09", "--until", "2026-11-15", "--against", "2026-11-02")
    try:
        shown = CliRunner().invoke(aspects, ["--product", "kettle", *periods])
        document = json.loads(CliRunner().invoke(aspects, ["--aspect", "price", *periods, "--json"]).stdout)
        nothing = CliRunner().invoke(aspects, ["--aspect", "app", *periods])
        reversed_ = CliRunner().invoke(aspects, ["--since", "2026-11-01", "--against", "2026-11-02"])
        unknown = CliRunner().invoke(aspects, ["--aspect", "prize", *periods])
    finally:
        settings_of_process.cache_clear()
    assert shown.exit_code == 0, shown.output
    assert "2026-11-02 to 2026-11-08: 3 reviews" in shown.stdout
    assert [line.split()[0] for line in shown.stdout.splitlines()[3:]] == ["price", "quality"]
    (price,) = document["aspects"]
    assert (document["reviews_then"], document["reviews_now"]) == (4, 2)
    moved = price["now"]["log_odds"] / 2 - price["then"]["log_odds"] / 4
    assert price["movement"] == pytest.approx(moved, abs=1e-12)
    assert (price["then"]["reviews"], price["now"]["negative"]) == (3, 1)
    assert nothing.stdout.endswith("No review mentions an aspect.\n")
    assert isinstance(reversed_.exception, PeriodsReversed)
    assert isinstance(unknown.exception, AspectUnknown)
    finder = OpinionFinder(drops.model.scorer, read_aspects(None))
    with pytest.raises(NoSuchReviews, match="of product 'ketle'"):
        stored_aspects(connection, finder, Group(product="ketle"), PERIODS)
