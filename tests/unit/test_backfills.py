"""Backfills that Airflow closes at the wrong moment, which a running Airflow does only by chance."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sentiment_plugin import backfills
from sentiment_plugin.airflow_api import AirflowApi, Refused
from sentiment_plugin.problems import Problem

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = date(2026, 11, 12)


def backfill(number: int, day: date, completed: datetime | None) -> dict[str, Any]:
    """One as Airflow's API shows it."""
    return {
        "id": number,
        "from_date": f"{day}T00:00:00Z",
        "to_date": f"{day}T00:00:00Z",
        "dag_run_conf": {},
        "max_active_runs": 4,
        "created_at": (NOW - timedelta(minutes=5)).isoformat(),
        "completed_at": completed and completed.isoformat(),
    }


RUN = {
    "dag_run_id": "backfill__1",
    "state": "success",
    "triggering_user_name": None,
    "partition_key": "2026-10-01",
    "conf": None,
    "queued_at": (NOW - timedelta(minutes=4)).isoformat(),
    "run_after": NOW.isoformat(),
    "start_date": None,
    "end_date": None,
}


class ClosingAirflow(AirflowApi):
    """Lists a backfill as active whose run has ended, and closes it before it can be cancelled."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def _call(self, method: str, path: str, **_content: Any) -> Any:
        self.calls.append((method, path))
        if method == "PUT":
            raise Refused(409, "The backfill is already completed.")
        if method == "POST":
            return backfill(2, DAY, None)
        return (
            {"dag_runs": [RUN]} if path.startswith("/dags/") else {"backfills": [backfill(1, date(2026, 10, 1), None)]}
        )


def test_a_backfill_that_ends_while_it_is_closed_does_not_stop_the_next_one() -> None:
    api = ClosingAirflow()
    created = backfills.create(api, DAY, DAY, {}, 4, NOW)
    assert (created.by_this_answer, created.backfill.backfill_id) == (True, 2)
    assert api.calls[-2:] == [("PUT", "/backfills/1/cancel"), ("POST", "/backfills")]


def test_a_backfill_that_has_ended_cannot_be_cancelled() -> None:
    with pytest.raises(Problem, match="has already ended. Nothing was cancelled"):
        backfills.cancel(ClosingAirflow(), 1)
