"""The rollups equal the sums of the rows after every kind of commit, also under races and after a previous release."""

import threading
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from pydantic import SecretStr

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage, s3_client
from sentiment_core.errors import ClaimHeld
from sentiment_core.ledger import file_heads, file_sums, rollups, source_files, verification
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.models import open_model
from sentiment_core.ledger.retention import expire, parse_month
from sentiment_core.ledger.rollup_rebuild import rebuild_stale_rollups
from sentiment_core.loading import batch_sums, new_heads
from sentiment_core.loading.loader import Loader, load_drop
from sentiment_core.loading.replay import Replayer
from sentiment_core.loading.rescoring import Rescorer
from tests.integration.test_claims import load_at_once
from tests.starter import starter_scorer

HEADER = "review_id,product_id,author_id,rating,reviewed_at,language,review\n"
MONDAY = HEADER + (
    "r1,kettle,ann,5,2026-11-15T10:00:00Z,en-GB,Great kettle\n"
    "r2,kettle,bob,1,2026-11-16T10:00:00Z,en,It broke after a day\n"
    "r3,lamp,ann,,,de,Sehr gute Lampe\n"
    ",lamp,cat,4,,,Nice light\n"
)
TUESDAY = HEADER + "r2,kettle,bob,2,2026-11-17T10:00:00Z,en,It broke and was repaired\nr4,,dan,3,,,Fine\n"

LANGUAGE = "coalesce(lower(split_part(replace(language, '_', '-'), '-', 1)), language_detected)"
KEYS = {
    "daily_sentiment": "day, source",
    "daily_sentiment_by_written_day": "written_day, source",
    "daily_sentiment_by_language": f"day, source, {LANGUAGE}, language_standing",
    "daily_sentiment_by_language_by_written_day": f"written_day, source, {LANGUAGE}, language_standing",
    "product_sentiment": "product_id, day",
    "product_sentiment_by_written_day": "product_id, written_day",
}
AGGREGATES = """count(*), count(*) FILTER (WHERE label = 'positive'), count(*) FILTER (WHERE label = 'neutral'),
    count(*) FILTER (WHERE label = 'negative'), round(avg(score)::numeric, 4), round(avg(rating)::numeric, 2),
    round(count(*) FILTER (WHERE label = 'neutral')::numeric / count(*), 4), count(*) FILTER (WHERE unfamiliar),
    count(*) FILTER (WHERE mixed)"""


@pytest.fixture
def check(query, connection) -> Callable[[int], None]:
    """Check that the views show this number of reviews, with and without the rollups, and that the rollups are exact.

    The aggregates of `scored_reviews` are the definition of each view.
    """

    def check(reviews: int) -> None:
        assert query("SELECT stale_since FROM sentiment.rollup_state") == [(None,)]
        assert verification.verify(connection) == []
        for view, keys in KEYS.items():
            of_products = "WHERE product_id IS NOT NULL" if view.startswith("product") else ""
            expected = query(f"SELECT {keys}, {AGGREGATES} FROM sentiment.scored_reviews {of_products} GROUP BY {keys}")
            found = query(f"SELECT * FROM sentiment.{view}")
            assert sorted(map(str, found)) == sorted(map(str, expected)), view
            with connection.cursor() as cursor:
                cursor.execute("UPDATE sentiment.rollup_state SET stale_since = now()")
                cursor.execute(f"SELECT * FROM sentiment.{view}")
                assert sorted(map(str, cursor.fetchall())) == sorted(map(str, expected)), f"stale {view}"
            connection.rollback()
        assert query("SELECT coalesce(sum(reviews), 0) FROM sentiment.daily_sentiment") == [(reviews,)]

    return check


def test_every_kind_of_commit_keeps_the_rollups_exact(drops, check, query, other_model) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)
    check(4)
    drops.drop("shop/dt=2026-11-17/b.csv", TUESDAY)  # supersedes r2
    check(5)
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY.replace("Great", "Quite a"))  # a new version of the first file
    check(5)
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)  # a duplicate of the first version, which is live again
    check(5)
    drops.drop("shop/dt=2026-11-18/c.csv", HEADER + "r1,kettle,ann,5,,en,Still great\nr5,lamp,eve,many,,en,Dim\n")
    check(5)
    drops.load("shop/dt=2026-11-18/c.csv", replace=True, bad_values="null")  # accepts r5 with a rating of null
    check(6)
    (file, *_) = query("SELECT source_file_id FROM sentiment.live_file ORDER BY 1")
    rescorer = Rescorer(drops.connection, other_model, drops.settings, "another model")
    rescorer.rescore(file[0], make_current=False)
    check(6)
    rescorer.rescore(file[0], make_current=True)
    check(6)
    drops.load("shop/dt=2026-11-17/b.csv", replace=True)
    check(6)


def test_a_replay_keeps_the_rollups_exact(drops, check) -> None:
    loaded = drops.drop("shop/dt=2026-11-16/a.csv", MONDAY + "r6,lamp,eve,many,,en,Dim\n,lamp,eve,some,,en,Bright\n")
    drops.drop("shop/dt=2026-11-17/b.csv", HEADER + "r6,lamp,eve,1,,en,Very dim\n")
    check(5)
    settings = drops.settings.model_copy(update={"bad_values": "null"})
    Replayer(drops.connection, drops.model, settings, "replay").replay(loaded.source_file_id)
    check(6)


def test_a_replay_by_another_model_keeps_the_rollups_exact(drops, check, other_model) -> None:
    loaded = drops.drop("shop/dt=2026-11-16/a.csv", MONDAY + ",lamp,eve,some,,en,Bright\n")
    settings = drops.settings.model_copy(update={"bad_values": "null"})
    Replayer(drops.connection, other_model, settings, "replay").replay(loaded.source_file_id)
    check(5)


def test_an_erasure_and_an_expiry_keep_the_rollups_exact(drops, check) -> None:
    drops.drop("shop/dt=2026-10-31/a.csv", MONDAY)
    drops.drop("shop/dt=2026-11-17/b.csv", TUESDAY)
    settings = drops.settings.model_copy(update={"erasure_key": SecretStr("a secret")})
    erase(drops.connection, settings, "review", "shop", "r2")
    check(4)
    erase(drops.connection, settings, "author", "shop", "ann")
    check(2)
    drops.drop("shop/dt=2026-10-30/c.csv", HEADER + "r4,lamp,dan,1,,,Older\n", erasure_key=settings.erasure_key)
    check(2)
    expire(drops.connection, settings, parse_month("2026-10"))
    check(1)


def test_when_the_newest_file_expires_the_older_rows_count_again(drops, check) -> None:
    drops.drop("shop/dt=2026-11-17/b.csv", TUESDAY)
    drops.drop("shop/dt=2026-10-31/a.csv", TUESDAY.replace("repaired", "mended"))  # dropped later, for an earlier day
    check(2)
    expire(drops.connection, drops.settings, parse_month("2026-10"))
    check(2)


def test_racing_loads_that_supersede_each_other_leave_the_sums_of_one_after_the_other(drops, check, settings) -> None:
    rows = [
        HEADER + "".join(f"r{row},p{row % 7},,{row % 5},,en,{name} {row}\n" for row in range(200)) for name in "abcd"
    ]
    for number, data in enumerate(rows):
        drops.put(f"shop/dt=2026-11-16/{number}.csv", data)
    uris = [f"s3://{settings.bucket}/incoming/shop/dt=2026-11-16/{number}.csv" for number in range(4)]
    assert load_at_once(settings, uris, "race") == ["loaded"] * 4
    check(200)


def test_loads_of_the_same_product_and_day_overlap(drops, check, settings, monkeypatch) -> None:
    """While one load has written all its rows but not committed, another of the same product and day commits."""
    for name in "ab":
        drops.put(f"shop/dt=2026-11-16/{name}.csv", MONDAY.replace("\nr", f"\n{name}r"))
    lock_heads = source_files.lock_heads
    others: list[str] = []

    def load_another_first(cursor: object) -> None:
        if threading.current_thread() is threading.main_thread() and not others:
            others.append("started")
            with connect(settings.require_database_url()) as connection:
                storage = Storage(s3_client(settings.s3_endpoint_url))
                model = open_model(connection, starter_scorer())
                drop = storage.find(f"s3://{settings.bucket}/incoming/shop/dt=2026-11-16/b.csv")
                others.append(load_drop(Loader(connection, storage, model, settings, "b"), drop, replace=False).status)
        lock_heads(cursor)  # type: ignore[arg-type]

    monkeypatch.setattr(source_files, "lock_heads", load_another_first)
    assert drops.load("shop/dt=2026-11-16/a.csv").status == "loaded"
    assert others == ["started", "loaded"]
    check(8)


def test_a_file_with_too_many_sums_and_heads_is_read_back(drops, check, query, monkeypatch) -> None:
    monkeypatch.setattr(batch_sums, "MAX_SUMS", 2)
    monkeypatch.setattr(new_heads, "MAX_HEADS", 2)
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)
    check(4)
    assert query("SELECT count(*) FROM sentiment.review_head") == [(3,)]


def test_sums_and_heads_in_several_blocks_and_statements_are_exact(drops, check, query, monkeypatch) -> None:
    for module, name in ((file_sums, "MAX_UPSERTS"), (file_heads, "MAX_KEYS"), (new_heads, "COPY_ROWS")):
        monkeypatch.setattr(module, name, 2)
    rows = "".join(f"r{row},p{row % 7},,{row % 5},2026-11-1{row % 3}T00:00:00Z,,text {row}\n" for row in range(200))
    drops.put("shop/dt=2026-11-16/a.csv", HEADER + rows)
    drops.load("shop/dt=2026-11-16/a.csv", block_bytes=1_000)
    check(200)
    assert query("SELECT count(*) FROM sentiment.review_head") == [(200,)]
    drops.drop("shop/dt=2026-11-17/b.csv", HEADER + "r199,p1,,1,,,Another\nr200,p1,,1,,,New\n")
    check(201)


def test_any_rating_and_product_has_exact_sums(drops, check) -> None:
    products = ("a'b", 'say ""x""', "back\\slash", "{brace}", "é", "NULL?")
    ratings = (-2.5, 0.1, 0.2, 1e6, 3, 4)
    rows = "".join(
        f',"{product}",,{rating},2026-11-1{row}T00:00:00Z,xx_YY,text {row}\n'
        for row, (product, rating) in enumerate(zip(products, ratings, strict=True))
    )
    drops.drop("shop/dt=2026-11-16/a.csv", HEADER + rows)
    check(6)


@pytest.mark.parametrize("killed", [False, True])
def test_a_load_that_supersedes_rows_of_a_running_replacement_waits_for_it(
    drops, check, settings, monkeypatch, killed
) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)
    drops.put("shop/dt=2026-11-17/b.csv", TUESDAY)
    lock_heads = source_files.lock_heads
    hurried = settings.model_copy(update={"lock_timeout_s": 0.3})
    waited: list[bool] = []

    def load_another_first(cursor: object) -> None:
        if not waited:
            waited.append(True)
            uri = f"s3://{settings.bucket}/incoming/shop/dt=2026-11-17/b.csv"
            with pytest.raises(ClaimHeld, match="whose rows this one supersedes"):
                load_at_once(hurried, [uri], "another")
            if killed:
                raise KeyboardInterrupt
        lock_heads(cursor)  # type: ignore[arg-type]

    monkeypatch.setattr(source_files, "lock_heads", load_another_first)
    with pytest.raises(KeyboardInterrupt) if killed else nullcontext():
        drops.load("shop/dt=2026-11-16/a.csv", replace=True)
    assert waited
    check(4)
    drops.load("shop/dt=2026-11-17/b.csv")
    check(5)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE sentiment.daily_rollup SET positive = positive + 1", "the sums of days equal those of the rows"),
        ("DELETE FROM sentiment.language_rollup WHERE by_written", "the sums of languages equal those of the rows"),
        ("DELETE FROM sentiment.product_rollup", "the sums of products equal those of the rows"),
        ("UPDATE sentiment.live_file SET model_id = 2", "live files have their current model"),
        ("UPDATE sentiment.score SET superseded = NOT superseded", "superseded rows are the rows of live files"),
    ],
)
def test_verify_finds_wrong_sums(drops, query, connection, change, broken) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)
    drops.drop("shop/dt=2026-11-17/b.csv", TUESDAY)
    query(change)
    assert any(finding.check.startswith(broken) for finding in verification.verify(connection))


def test_a_change_by_another_release_makes_the_rollups_stale_until_the_rebuild(drops, check, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)
    query("UPDATE sentiment.source_file SET rows_removed = rows_removed")  # as a transaction of the previous release
    with drops.connection, drops.connection.cursor() as cursor:
        assert rollups.are_stale(cursor)
    query("DELETE FROM sentiment.daily_rollup")
    assert query("SELECT sum(reviews) FROM sentiment.daily_sentiment") == [(4,)]
    assert rebuild_stale_rollups(drops.connection, drops.settings)
    check(4)


def test_a_rebuild_gives_up_while_a_load_is_running(drops, query, settings) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", MONDAY)
    query("UPDATE sentiment.rollup_state SET stale_since = now()")
    hurried = settings.model_copy(update={"lock_timeout_s": 0.1})
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        source_files.claim(cursor, 1, 1)
        assert not rebuild_stale_rollups(drops.connection, hurried)
    assert rebuild_stale_rollups(drops.connection, hurried)
