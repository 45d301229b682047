"""From scored days to their drift reports, by the events of a running Airflow."""

from collections.abc import Iterator
from datetime import date

import pytest

from demo.airflow_client import Run
from demo.stack import Stack
from sentiment_core.database import connect

# No other test scores these days.
CALM, DRIFTED = date(2026, 11, 2), date(2026, 11, 3)


@pytest.fixture(scope="module")
def measured(system: Stack) -> Iterator[dict[str, Run]]:
    """The ended runs of `monitor_drift` by day, after a backfill of two days."""
    client = system.airflow.client()
    client.wait_for_dag("monitor_drift", 120)
    client.unpause("monitor_drift")
    for day, rows in ((CALM, 40), (DRIFTED, 1_200)):
        body = "review\n" + "".join(f"Der Wasserkocher tropft Nr. {row} vom {day}\n" for row in range(rows))
        key = f"incoming/drift/dt={day}/a.csv"
        system.object_store.client().put_object(Bucket="reviews", Key=key, Body=body.encode())
    started = client.backfill("score_reviews", CALM, DRIFTED)
    runs: dict[str, Run] = {}
    while not {str(CALM), str(DRIFTED)} <= {day for day, run in runs.items() if run.ended} or not all(
        run.ended for run in runs.values()
    ):
        system.pause(1)
        for run in client.runs_of(started).values():
            if run.ended:
                client.require_success("score_reviews", run)
        found = client.get("/dags/monitor_drift/dagRuns", order_by="id", limit=50)["dag_runs"]
        runs = {item["partition_key"]: client.run("monitor_drift", item["dag_run_id"]) for item in found}
    yield runs
    # Airflow does not list an asset's events (HTTP 500) while a run that one of them made waits for its start.
    client.call("PATCH", "/dags/monitor_drift", {"is_paused": True}, update_mask="is_paused")


def test_each_day_that_a_run_scored_is_measured_once(system: Stack, measured: dict[str, Run]) -> None:
    for day in (CALM, DRIFTED):
        system.airflow.client().require_success("monitor_drift", measured[str(day)])
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, state, reviews, drifted FROM sentiment.drift_history WHERE day = ANY (%s) ORDER BY day",
            ([CALM, DRIFTED],),
        )
        assert cursor.fetchall() == [(CALM, "too few rows", 40, False), (DRIFTED, "measured", 1_200, True)]


def test_a_drifted_day_warns_and_asks_for_a_retraining_where_there_is_such_a_dag(
    system: Stack, measured: dict[str, Run]
) -> None:
    client = system.airflow.client()
    known = {dag["dag_id"] for dag in client.get("/dags", limit=100)["dags"]}
    asked = "success" if "retrain" in known else "skipped"
    for day, alert, ask in ((CALM, "skipped", "skipped"), (DRIFTED, "success", asked)):
        run = measured[str(day)]
        tasks = {task.task_id: task for task in client.tasks("monitor_drift", run.run_id)}
        assert (tasks["measure"].state, tasks["report"].state) == ("success", "success")
        assert (tasks["alert"].state, tasks["ask"].state, tasks["retrain"].state) == (alert, ask, ask)
    assert "Drift on 2026-11-03. Beyond the threshold: " in client.log("monitor_drift", run.run_id, tasks["alert"])
    assert "Plot and page: http" in client.log("monitor_drift", run.run_id, tasks["report"])
    if asked == "skipped":
        assert "There is no DAG retrain to trigger" in client.log("monitor_drift", run.run_id, tasks["ask"])
