"""From the README's command to the tables, row by row, with all real parts."""

import json
import urllib.request
from datetime import date

import numpy as np
import pytest

from demo.airflow_client import Run
from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.ledger import verification
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import LABELS
from sentiment_core.registry.registered_model import RegisteredModel
from tests.end_to_end.conftest import Demo
from tests.end_to_end.generated import GeneratedFile, generated_files
from tests.end_to_end.plugin_checks import check_is_in_the_navigation, check_refuses_strangers, check_shows_the_ledger
from tests.starter import starter_scorer

DAY = date(2026, 11, 14)
BUCKET = "reviews"
OTHERS = {
    "incoming/shop/dt=2026-11-14/good.csv": b"review_id,review\ng1,Simply good.\ng2,Simply bad.\n",
    "incoming/shop/dt=2026-11-14/mixed.tsv": b"review_id\tbody\nm1\tfine\nm2\t\nm3\tcaf\xe9\nm1\tfine\nm1\tother\n",
    "incoming/shop/dt=2026-11-14/orders.csv": b"id,amount\n1,2\n",
    "incoming/shop/dt=2026-11-14/cut.csv.gz": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03no gzip",
}


def query(system: Stack, statement: str, *parameters: object) -> list[tuple]:
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def backfill(system: Stack, **conf: object) -> Run:
    """Backfill the day through Airflow's REST API, and return its run when it has ended."""
    client = system.airflow.client()
    started = client.backfill("score_reviews", DAY, DAY, reprocess="completed", conf=conf)
    while True:
        run = client.runs_of(started).get(DAY.isoformat())
        if run is not None and run.ended:
            client.require_success("score_reviews", run)
            return run
        system.pause(0.5)


def put(system: Stack, key: str, data: bytes) -> None:
    system.object_store.client().put_object(Bucket=BUCKET, Key=key, Body=data)


@pytest.fixture(scope="package")
def files() -> list[GeneratedFile]:
    return generated_files(DAY.isoformat())


@pytest.fixture(scope="package")
def scored(system: Stack, files: list[GeneratedFile]) -> str:
    """The day's files, dropped and backfilled; the id of the run."""
    for file in files:
        put(system, file.key, file.data)
    for key, data in OTHERS.items():
        put(system, key, data)
    return backfill(system).run_id


def test_the_demo_runs_to_its_end_and_shows_its_results(demo: Demo) -> None:
    assert demo.exit_code == 0, demo.output
    for shown in ("sentiment.daily_sentiment", "2026-11-16", "missing_text", "no_text_column", '"label"', "psql"):
        assert shown in demo.output, demo.output


def test_the_examples_are_scored_as_their_table_says(system: Stack) -> None:
    days = dict(
        query(
            system,
            "SELECT day::text, sum(reviews)::int FROM sentiment.daily_sentiment"
            " WHERE source IN ('web-shop', 'app-store') GROUP BY day",
        )
    )
    assert days == {"2026-11-16": 64, "2026-11-17": 64, "2026-11-18": 64}


def test_an_export_of_a_product_is_read_by_the_preset_of_its_source(system: Stack) -> None:
    shown = query(
        system,
        "SELECT review_id, product_id, rating, split_part(text, E'\\n', 1) FROM sentiment.scored_reviews"
        " WHERE source = 'trustpilot' ORDER BY review_id LIMIT 2",
    )
    assert shown == [
        ("6730a1", "Example Goods", 5, "Quick and friendly"),
        ("6730a2", "Example Goods", 1, "Never again"),
    ]
    replies = query(
        system, "SELECT count(*) FROM sentiment.scored_reviews WHERE source = 'trustpilot' AND text LIKE '%%We are%%'"
    )
    assert replies == [(0,)]
    reading = (
        "SELECT reading ->> 'contract', reading ->> 'text' FROM sentiment.load_history WHERE source = 'trustpilot'"
    )
    assert query(system, reading) == [("1", "Review Title + Review Content")]


def test_every_row_is_stored_with_its_line_and_its_score(system: Stack, scored: str, files) -> None:
    stored = query(
        system,
        "SELECT key, line, review_id, text, score, label::text FROM sentiment.scored_reviews"
        " WHERE source = 'generated' ORDER BY key, line",
    )
    expected = sorted(row for file in files for row in file.rows)
    assert sum(len(file.rows) + len(file.rejected) for file in files) == 24_000
    assert [row[:4] for row in stored] == expected
    scores = starter_scorer().score_texts([row.text for row in expected])
    np.testing.assert_allclose([row[4] for row in stored], scores.score, atol=1e-6)
    assert [row[5] for row in stored] == [LABELS[label] for label in scores.label]


def test_broken_rows_and_files_are_in_quarantine_and_nothing_else(system: Stack, scored: str, files) -> None:
    found = query(system, "SELECT key, coalesce(line, 0), code FROM sentiment.quarantine WHERE day = %s", DAY)
    shop = "incoming/shop/dt=2026-11-14"
    expected = [(file.key, line, code) for file in files for line, code in file.rejected]
    expected += [
        (f"{shop}/mixed.tsv", 3, "missing_text"),
        (f"{shop}/mixed.tsv", 4, "invalid_utf8"),
        (f"{shop}/mixed.tsv", 6, "conflicting_review_id"),
        (f"{shop}/orders.csv", 0, "no_text_column"),
        (f"{shop}/cut.csv.gz", 0, "damaged_compression"),
    ]
    assert sorted(found) == sorted(expected)


def test_the_ledger_counts_each_outcome_and_names_the_run(system: Stack, scored: str) -> None:
    assert query(
        system,
        "SELECT key, rows_in, rows_scored, rows_rejected, rows_duplicate FROM sentiment.load_history"
        " WHERE run_id = %s ORDER BY key",
        scored,
    ) == [
        ("incoming/generated/dt=2026-11-14/broken.csv", 4_000, 3_996, 4, 0),
        ("incoming/generated/dt=2026-11-14/newlines.csv.gz", 10_000, 10_000, 0, 0),
        ("incoming/generated/dt=2026-11-14/plain.csv", 10_000, 10_000, 0, 0),
        ("incoming/shop/dt=2026-11-14/good.csv", 2, 2, 0, 0),
        ("incoming/shop/dt=2026-11-14/mixed.tsv", 5, 1, 3, 1),
    ]


def contents(system: Stack) -> list[tuple]:
    return query(
        system,
        "SELECT count(*), sum(hashtextextended(concat_ws('|', key, line, review_id, text, score, label), 0))"
        " FROM sentiment.scored_reviews",
    ) + query(system, "SELECT count(*), sum(octet_length(raw)) FROM sentiment.quarantine")


def test_dropping_everything_again_doubles_nothing(system: Stack, scored: str, files) -> None:
    before = contents(system)
    for file in files:
        put(system, file.key, file.data)
    plain = files[0]
    put(system, "incoming/generated/dt=2026-11-14/plain-again.csv", plain.data)
    for key, data in OTHERS.items():
        if "good" in key or "mixed" in key:
            put(system, key, data)
    backfill(system)
    states = query(
        system,
        "SELECT status, count(*) FROM sentiment.source_file WHERE day = %s AND source = 'generated' GROUP BY status"
        " ORDER BY status",
        DAY,
    )
    assert states == [("duplicate", 4), ("loaded", 3)]
    assert contents(system) == before
    with connect(system.postgres.url()) as connection:
        assert verification.verify(connection) == []


def test_replacing_leaves_the_same_rows(system: Stack, scored: str) -> None:
    before = contents(system)
    run = backfill(system, replace=True)
    kinds = query(system, "SELECT DISTINCT kind FROM sentiment.load_history WHERE run_id = %s", run.run_id)
    assert kinds == [("replace",)]
    assert contents(system) == before


def test_a_backfill_by_another_version_scores_the_stored_text_once_beside_the_champion(
    system: Stack, scored: str, shift_bundle, tmp_path
) -> None:
    starter = Bundle.load(STARTER)
    other = shift_bundle(starter, tmp_path / "other", 0.5)
    version = RegisteredModel(system.mlflow.url, cache=tmp_path / "cache").register(tmp_path / "other")
    before = contents(system)
    ((rows,),) = query(system, "SELECT count(*) FROM sentiment.review WHERE day = %s", DAY)
    first = backfill(system, model_version=str(version))
    again = backfill(system, model_version=str(version))
    kinds = "SELECT kind, sum(rows_scored) FROM sentiment.load_history WHERE run_id = %s GROUP BY kind"
    assert query(system, kinds, first.run_id) == [("rescore", rows)]
    assert query(system, kinds, again.run_id) == []
    models = query(
        system,
        "SELECT digest, count(*) FROM sentiment.score JOIN sentiment.model USING (model_id) WHERE day = %s"
        " GROUP BY digest",
        DAY,
    )
    assert dict(models) == dict.fromkeys((starter.digest, other.digest), rows)
    assert contents(system) == before


def test_the_summary_updates_the_asset(system: Stack, scored: str) -> None:
    events = system.airflow.client().get("/assets/events", limit=100)["asset_events"]
    (event,) = [event for event in events if event["source_run_id"] == scored]
    assert event["extra"]["rows_scored"] == 23_999
    assert event["partition_key"] == DAY.isoformat()


def test_the_ledger_has_a_page_in_airflow_behind_its_login(system: Stack, scored: str) -> None:
    login = (system.airflow.url, "admin", system.airflow.password)
    check_refuses_strangers(system.airflow.url)
    check_shows_the_ledger(*login, "incoming/shop/dt=2026-11-14/good.csv")
    check_is_in_the_navigation(*login)


def test_the_insights_page_shows_the_scored_day(system: Stack, scored: str) -> None:
    with urllib.request.urlopen(f"{system.insights.url}/?source=shop") as response:
        assert f'data-day="{DAY.isoformat()}"' in response.read().decode()


def test_the_service_and_the_nightly_run_give_one_text_one_score(system: Stack, scored: str) -> None:
    ((text, score, digest),) = query(
        system, "SELECT text, score, model_digest FROM sentiment.scored_reviews WHERE review_id = 'g1'"
    )
    request = urllib.request.Request(
        f"{system.api.url}/predict",
        data=json.dumps({"text": text}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    assert answer["score"] == pytest.approx(score, abs=1e-6)
    assert answer["model"]["digest"] == digest
