"""Erased and expired data is gone and does not come back. Everything else remains."""

import json
from datetime import date

import pytest
from pydantic import SecretStr

from sentiment_core.database.connection import connect
from sentiment_core.drops.contract import RejectCode
from sentiment_core.errors import ErasureKeyWrong, LoadsUnderWay, MaintenanceRuns, MonthInvalid, SettingMissing
from sentiment_core.ledger import verification
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.retention import expire, months_before, parse_month
from sentiment_core.ledger.rollup_rebuild import rebuild_stale_rollups
from sentiment_core.ledger.source_files import block_loads, claim, register
from sentiment_core.loading.loader import LoadStatus
from sentiment_core.loading.replay import Replayer

SHOWN = "SELECT review_id, text FROM sentiment.scored_reviews ORDER BY review_id, text"
ERASED = [("erased", None, "the review, or its author, was erased on request")]


@pytest.fixture
def secret(drops):
    """Settings with a secret for erasures, used by all loads of the test."""
    drops.settings = drops.settings.model_copy(update={"erasure_key": SecretStr("a secret")})
    return drops.settings


def quarantined(query):
    return query("SELECT code, raw, reason FROM sentiment.rejected_row ORDER BY source_file_id, line")


def test_all_versions_of_an_erased_review_are_deleted(drops, query, secret) -> None:
    drops.drop("shop/dt=2026-11-15/a.csv", "review_id,review\nr1,first words\nr2,kept\n")
    drops.drop("shop/dt=2026-11-16/b.csv", "review_id,review\nr1,other words\n")
    drops.drop("app/dt=2026-11-16/c.csv", "review_id,review\nr1,of another source\n")
    query("INSERT INTO sentiment.feedback (text, label) VALUES ('first words', 'positive'), ('kept', 'positive')")
    done = erase(drops.connection, secret, "review", "shop", "r1")
    assert done == (2, 0, 1, ["app"], 0)
    assert query(SHOWN) == [("r1", "of another source"), ("r2", "kept")]
    assert query("SELECT count(*) FROM sentiment.score") == [(2,)]
    assert query("SELECT text FROM sentiment.feedback") == [("kept",)]
    assert verification.verify(drops.connection) == []
    assert erase(drops.connection, secret, "review", "shop", "r1").reviews == 0


def test_reviews_of_an_erased_author_are_not_loaded_again(drops, query, secret) -> None:
    data = "author_id,review,rating\nu1,fine,5\nu2,dull,2\n u1 ,so so,x\nu1,too,many,columns\n"
    drops.drop("shop/dt=2026-11-16/a.csv", data)
    assert erase(drops.connection, secret, "author", "shop", "u1")[:2] == (1, 2)
    assert verification.verify(drops.connection) == []
    assert query("SELECT text FROM sentiment.scored_reviews") == [("dull",)]
    assert quarantined(query) == ERASED * 2

    replayer = Replayer(drops.connection, drops.model, secret.model_copy(update={"bad_values": "null"}), "replay")
    assert replayer.replay(1).status is LoadStatus.SKIPPED
    assert drops.load("shop/dt=2026-11-16/a.csv", replace=True).rows_scored == 1
    assert quarantined(query) == ERASED * 3
    again = drops.drop("shop/dt=2026-11-18/again.csv", data + "u3,new,1\nu1,,5\n")
    assert (again.rows_scored, again.rows_rejected) == (2, 4)
    assert query("SELECT DISTINCT author_id FROM sentiment.review ORDER BY 1") == [("u2",), ("u3",)]
    assert quarantined(query) == ERASED * 7


def test_an_erased_author_stays_erased_when_a_duplicate_of_another_source_is_replaced(drops, query, secret) -> None:
    data = "author_id,review\nu1,fine\nu2,dull\n"
    drops.drop("shop-a/dt=2026-11-16/a.csv", data)
    drops.put("shop-b/dt=2026-11-16/b.csv", data)
    with drops.connection, drops.connection.cursor() as cursor:
        register(cursor, drops.storage.list(secret.bucket, "incoming/"), "incoming/")
    # As release 0.2.0 and earlier did.
    query(
        "UPDATE sentiment.source_file SET status = 'duplicate', duplicate_of = 1, finished_at = now(), sha256 ="
        " (SELECT sha256 FROM sentiment.source_file WHERE source_file_id = 1) WHERE source_file_id = 2"
    )
    # The rows are those of shop-a, which the erasure reports.
    assert erase(drops.connection, secret, "author", "shop-b", "u1") == (0, 0, 0, ["shop-a"], 0)
    assert drops.load("shop-b/dt=2026-11-16/b.csv", replace=True).rows_scored == 1
    assert query("SELECT source, text FROM sentiment.scored_reviews ORDER BY source, text") == [
        ("shop-a", "dull"),
        ("shop-a", "fine"),
        ("shop-b", "dull"),
    ]


def test_an_erased_id_that_now_means_no_id_is_not_loaded_again(drops, query, secret) -> None:
    """Earlier releases stored ids that a spreadsheet has rounded, and words that mean a missing value."""
    erase(drops.connection, secret, "author", "shop", "1.23457E+17")
    erase(drops.connection, secret, "review", "shop", "NULL")
    drops.drop(
        "shop/dt=2026-11-16/a.csv", "author_id,review_id,review\n 1.23457E+17,r1,fine\nu2,NULL,dull\nu3,,so so\n"
    )
    assert query("SELECT text FROM sentiment.scored_reviews") == [("so so",)]
    assert quarantined(query) == ERASED * 2


def test_an_erased_id_is_recognized_in_every_spelling_of_a_file(drops, query, secret) -> None:
    data = 'author_id,review,rating\n"u ""1""",fine,x\n\u00a0u2\u3000,fine,x\n'
    drops.drop("shop/dt=2026-11-16/a.csv", data)
    assert erase(drops.connection, secret, "author", "shop", 'u "1"').rejected_rows == 1
    assert erase(drops.connection, secret, "author", "shop", "u2").rejected_rows == 1
    assert drops.drop("shop/dt=2026-11-17/b.csv", data + "u3,new,1\n").rows_rejected == 2
    assert quarantined(query) == ERASED * 4


def test_a_row_that_only_resembles_an_erased_one_keeps_its_bytes(drops, query, secret) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "author_id,review,rating\nu11,,1\nu2,,5\n")
    assert erase(drops.connection, secret, "author", "shop", "1").rejected_rows == 0
    assert erase(drops.connection, secret, "author", "shop", "5").rejected_rows == 0
    drops.drop("shop/dt=2026-11-16/b.csv", "author_id,review,rating\nu3,,5\n")
    assert [raw for _, raw, _ in quarantined(query)] == [b"u11,,1", b"u2,,5", b"u3,,5"]


def test_without_the_right_erasure_key_nothing_is_loaded(drops, query, secret) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "author_id,review\nu1,fine\n")
    erase(drops.connection, secret, "author", "shop", "u1")
    drops.put("shop/dt=2026-11-16/b.csv", "author_id,review\nu1,fine too\n")
    with pytest.raises(ErasureKeyWrong):
        drops.load("shop/dt=2026-11-16/b.csv", erasure_key=SecretStr("another"))
    with pytest.raises(SettingMissing, match="SENTIMENT_ERASURE_KEY"):
        drops.load("shop/dt=2026-11-16/b.csv", erasure_key=None)
    with pytest.raises(ErasureKeyWrong):
        erase(drops.connection, secret.model_copy(update={"erasure_key": SecretStr("b")}), "author", "shop", "u2")
    assert query("SELECT count(*) FROM sentiment.review") == [(0,)]


def test_the_erasure_table_contains_no_id(drops, query, secret) -> None:
    erase(drops.connection, secret, "author", "shop", "someone@example.org")
    ((row,),) = query("SELECT erasure::text FROM sentiment.erasure")
    assert "someone" not in row


def test_an_expired_month_is_dropped_and_its_files_are_not_loaded_again(drops, query) -> None:
    old, new = "review_id,review\nr1,old\nr2,old too\n,\n", "review_id,review\nr1,new\n"
    drops.drop("shop/dt=2026-08-31/a.csv", old)
    drops.drop("shop/dt=2026-09-01/b.csv", new)
    assert months_before(drops.connection, date(2026, 9, 1)) == [date(2026, 8, 1)]
    assert expire(drops.connection, drops.settings, date(2026, 8, 1)) == (date(2026, 8, 1), 1, 2)
    assert verification.verify(drops.connection) == []
    assert query(SHOWN) == [("r1", "new")]
    assert query("SELECT relname::text FROM pg_class WHERE relname IN ('review_202608', 'score_202608')") == []
    assert query("SELECT count(*) FROM sentiment.rejected_row") == [(0,)]
    assert query("SELECT key, status, why FROM sentiment.load_history WHERE status = 'expired'") == [
        ("incoming/shop/dt=2026-08-31/a.csv", "expired", "its month was dropped for its age")
    ]
    assert drops.load("shop/dt=2026-08-31/a.csv", replace=True).status is LoadStatus.SKIPPED
    assert drops.drop("shop/dt=2026-09-02/same.csv", old).status is LoadStatus.DUPLICATE
    late = drops.drop("shop/dt=2026-07-15/late.csv", "review\nlate\n")
    assert (late.status, late.reason.split(":")[0]) == (LoadStatus.REJECTED, RejectCode.MONTH_EXPIRED)
    assert query(SHOWN) == [("r1", "new")]


def test_a_review_with_an_expired_newest_row_shows_the_previous_one(drops, query) -> None:
    drops.drop("shop/dt=2026-09-01/a.csv", "review_id,review\nr1,first\n")
    drops.drop("shop/dt=2026-08-31/b.csv", "review_id,review\nr1,second\n")
    expire(drops.connection, drops.settings, date(2026, 8, 1))
    assert verification.verify(drops.connection) == []
    assert query(SHOWN) == [("r1", "first")]


def test_an_expired_version_of_a_key_still_hides_the_previous_one(drops, query) -> None:
    drops.drop("shop/a.csv", "review_id,review\nr1,first\n")
    drops.drop("shop/a.csv", "review_id,review\nr1,second\n")
    query("UPDATE sentiment.source_file SET day = day - 40 WHERE source_file_id = 2")
    query("SELECT sentiment.ensure_month((SELECT day FROM sentiment.source_file WHERE source_file_id = 2))")
    query("UPDATE sentiment.review SET day = day - 40 WHERE source_file_id = 2")
    query("UPDATE sentiment.score SET day = day - 40 WHERE source_file_id = 2")
    query("UPDATE sentiment.review_head SET day = day - 40")
    query("UPDATE sentiment.rollup_state SET stale_since = now()")
    assert rebuild_stale_rollups(drops.connection, drops.settings)
    ((month,),) = query("SELECT date_trunc('month', day)::date FROM sentiment.source_file WHERE source_file_id = 2")
    expire(drops.connection, drops.settings, month)
    assert verification.verify(drops.connection) == []
    assert query(SHOWN) == []


def test_loads_and_maintenance_wait_for_each_other(drops, settings, query, secret) -> None:
    drops.drop("shop/dt=2026-08-31/a.csv", "review\nfine\n")
    hasty = secret.model_copy(update={"lock_timeout_s": 0.2})
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        claim(cursor, 1, 1)
        with pytest.raises(LoadsUnderWay):
            expire(drops.connection, hasty, date(2026, 8, 1))
        with pytest.raises(LoadsUnderWay):
            erase(drops.connection, hasty, "review", "shop", "r1")
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        block_loads(cursor, 1)
        with pytest.raises(MaintenanceRuns):
            drops.drop("shop/dt=2026-08-31/b.csv", "review\nfine too\n", lock_timeout_s=0.2)
    assert drops.load("shop/dt=2026-08-31/b.csv").status is LoadStatus.LOADED


@pytest.mark.parametrize(("text", "why"), [("2026-13", "YYYY-MM"), ("2026-8", "YYYY-MM"), ("2999-01", "future")])
def test_an_invalid_month_is_rejected(text, why) -> None:
    with pytest.raises(MonthInvalid, match=why):
        parse_month(text)


def test_the_commands_erase_and_expire(drops, sentiment, query) -> None:
    drops.drop("shop/dt=2026-08-31/a.csv", "review_id,author_id,review\nr1,u1,fine\nr2,u2,dull\nr3,u3,so so\n")
    refused = sentiment("erase", "review", "r1", "--source", "shop")
    assert (refused.returncode, "SENTIMENT_ERASURE_KEY" in refused.stderr) == (1, True)
    secret = {"SENTIMENT_ERASURE_KEY": "a secret"}
    erased = sentiment("erase", "review", "r1", "--source", "shop", **secret)
    assert erased.stdout.startswith("Erased: 1 stored reviews"), erased.stderr
    author = json.loads(sentiment("erase", "author", "u2", "--source", "shop", "--json", **secret).stdout)
    assert author["reviews"] == 1
    assert query(SHOWN) == [("r3", "so so")]
    assert "2026-08 would be dropped" in sentiment("expire", "--before", "2026-09", "--dry-run").stdout
    assert query(SHOWN) == [("r3", "so so")]
    assert "2026-08 dropped: 1 reviews of 1 files" in sentiment("expire", "--before", "2026-09").stdout
    assert query(SHOWN) == []
    assert sentiment("db", "verify").returncode == 0
