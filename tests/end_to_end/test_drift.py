"""From scored days to their drift reports, through the asset events of a running Airflow."""

from collections.abc import Iterator
from datetime import date

import pytest

from demo.airflow_client import Run
from demo.stack import Stack
from sentiment_core.database.connection import connect

# No other test scores these days.
CALM, DRIFTED = date(2026, 11, 2), date(2026, 11, 3)


@pytest.fixture(scope="module")
def measured(system: Stack) -> Iterator[dict[str, list[Run]]]:
    """The ended runs of `monitor_drift` by day, after a backfill of two days."""
    client = system.airflow.client()
    client.wait_for_dag("monitor_drift", 120)
    client.unpause("monitor_drift")
    for day, rows in ((CALM, 40), (DRIFTED, 1_200)):
        # Praise that every model scores as positive, so that it affects no gate's check of stored reviews.
        body = "review\n" + "".join(f"Wonderful and perfect: excellent no. {row} of {day}.\n" for row in range(rows))
        key = f"incoming/drift/dt={day}/a.csv"
        system.object_store.client().put_object(Bucket="reviews", Key=key, Body=body.encode())
    started = client.backfill("score_reviews", CALM, DRIFTED)
    runs: dict[str, list[Run]] = {}
    while not {str(CALM), str(DRIFTED)} <= set(runs) or not all(run.ended for each in runs.values() for run in each):
        system.pause(1)
        for run in client.runs_of(started).values():
            if run.ended:
                client.require_success("score_reviews", run)
        runs = {}
        for item in client.get("/dags/monitor_drift/dagRuns", order_by="id", limit=50)["dag_runs"]:
            runs.setdefault(item["partition_key"], []).append(client.run("monitor_drift", item["dag_run_id"]))
    yield runs
    # Airflow does not list an asset's events (HTTP 500) while a run that one of them triggered is queued.
    client.call("PATCH", "/dags/monitor_drift", {"is_paused": True}, update_mask="is_paused")
    # The run waits until `retrain` is unpaused. The next test does this and needs a separate run.
    client.call("PATCH", "/dags/retrain/dagRuns/drift__1", {"state": "failed"}, update_mask="state")


def test_each_day_that_a_run_scored_is_measured_and_stored_once(system: Stack, measured: dict[str, list[Run]]) -> None:
    for day in (CALM, DRIFTED):
        for run in measured[str(day)]:  # two, if the nightly run also included the files of these days
            system.airflow.client().require_success("monitor_drift", run)
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, state, reviews, drifted FROM sentiment.drift_history"
            " WHERE product_id IS NULL AND day = ANY (%s) ORDER BY day",
            ([CALM, DRIFTED],),
        )
        assert cursor.fetchall() == [(CALM, "too few rows", 40, False), (DRIFTED, "measured", 1_200, True)]


def test_a_drifted_day_warns_and_triggers_one_retraining(system: Stack, measured: dict[str, list[Run]]) -> None:
    client = system.airflow.client()
    triggered = []
    for day, expected in ((CALM, "skipped"), (DRIFTED, "success")):
        for run in measured[str(day)]:
            tasks = {task.task_id: task for task in client.tasks("monitor_drift", run.run_id)}
            assert (tasks["measure"].state, tasks["report"].state) == ("success", "success")
            assert (tasks["alert"].state, tasks["ask"].state) == (expected, expected)
            triggered.append(tasks["retrain"].state)
    assert sorted(triggered) == ["skipped"] * (len(triggered) - 1) + ["success"]
    assert "Drift on 2026-11-03. Drifted: " in client.log("monitor_drift", run.run_id, tasks["alert"])
    assert "Plot and page: http" in client.log("monitor_drift", run.run_id, tasks["report"])
    (asked,) = client.get("/dags/retrain/dagRuns")["dag_runs"]
    assert (asked["dag_run_id"], asked["conf"]) == ("drift__1", {"policy": "not_worse"})
