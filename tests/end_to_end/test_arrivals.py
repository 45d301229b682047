"""From a message of a queue to visible rows: a real scheduler and triggerer, and an SQS server (moto)."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from demo.airflow_client import AirflowClient
from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.ledger import verification

DAG = "score_arrivals"
VISIBLE_WITHIN_S = 180


def query(system: Stack, statement: str, *parameters: object) -> list[tuple]:
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def message(key: str) -> str:
    """Return the message that S3 sends for a new object."""
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "reviews"}, "object": {"key": key}}}
    return json.dumps({"Records": [record]})


@pytest.fixture
def client(system: Stack) -> Iterator[AirflowClient]:
    """A client of Airflow in which the DAG is on. It is off again after the test."""
    client = system.airflow.client()
    client.wait_for_dag(DAG, 120)
    while client.get(f"/dags/{DAG}/details")["asset_expression"] is None:
        system.pause(0.3)  # Airflow still has the demo's schedule, a poll, which would start a run
    client.unpause(DAG)
    # Airflow watches the queue from the next time that it reads the file of a DAG that is not paused.
    client.call("PUT", f"/parseDagFile/{client.get(f'/dags/{DAG}')['file_token']}")
    yield client
    client.call("PATCH", f"/dags/{DAG}", {"is_paused": True}, update_mask="is_paused")


def test_a_dropped_file_is_visible_soon_and_repeated_and_forged_messages_change_nothing(
    system: Stack, client: AirflowClient, queue
) -> None:
    day = datetime.now(UTC).date()
    key = f"incoming/arrivals/dt={day}/a.csv"
    system.object_store.client().put_object(Bucket="reviews", Key=key, Body=b"review\nSimply good.\n")
    for named in (key, "incoming/arrivals/no-such-file.csv", key):
        queue.send_message(MessageBody=message(named))
    rows = "SELECT text, label FROM sentiment.scored_reviews WHERE source = 'arrivals'"
    deadline = time.monotonic() + VISIBLE_WITHIN_S
    while not query(system, rows):
        assert time.monotonic() < deadline, "the row is not visible"
        system.pause(0.3)

    queue.send_message(MessageBody=message(key))  # as late as S3 may send it
    seen = 0
    runs: list[dict] = []
    while seen < 2 or not all(run["state"] in ("success", "failed") for run in runs):
        assert time.monotonic() < deadline, f"the late message has not made a run: {runs}"
        system.pause(0.5)
        runs = client.get(f"/dags/{DAG}/dagRuns", order_by="id")["dag_runs"]
        seen = len(runs)
    assert {(run["run_type"], run["state"]) for run in runs} == {("asset_triggered", "success")}
    assert query(system, rows) == [("Simply good.", "positive")]
    assert query(
        system,
        "SELECT kind, run_id FROM sentiment.scoring_batch JOIN sentiment.source_file"
        " USING (source_file_id) WHERE key = %s",
        key,
    ) == [("load", runs[0]["dag_run_id"])]
    assert query(system, "SELECT complete FROM sentiment.scored_days WHERE day = %s", day) == [(False,)]
    with connect(system.postgres.url()) as connection:
        assert verification.verify(connection) == []
