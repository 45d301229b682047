"""Airflow's backfills of the DAG `score_reviews`: create one, once, follow its runs, and cancel it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sentiment_plugin.airflow_api import AirflowApi, Refused
from sentiment_plugin.following import FollowedRun, made_since
from sentiment_plugin.problems import Problem

DAG = "score_reviews"


class Backfill(NamedTuple):
    """A backfill. `completed` is None while it is active; Airflow notices the end of its last run within a minute."""

    backfill_id: int
    since: date
    until: date
    conf: Mapping[str, Any]
    parallel: int
    created: datetime
    completed: datetime | None

    @property
    def days(self) -> int:
        """The number of its days, each of which has a run."""
        return (self.until - self.since).days + 1


class Created(NamedTuple):
    """A backfill as it was asked for. `by_this_answer` is false if an earlier answer created it."""

    backfill: Backfill
    by_this_answer: bool


def latest(api: AirflowApi, limit: int = 5) -> list[Backfill]:
    """Return the newest backfills, newest first."""
    found = api.get("/backfills", dag_id=DAG, order_by="-id", limit=limit)["backfills"]
    return [_backfill(item) for item in found]


def runs_of(api: AirflowApi, backfill: Backfill) -> list[FollowedRun]:
    """Return the runs that Airflow made for the backfill: none for a day that had a run in progress."""
    newest: dict[str, FollowedRun] = {}
    for run in made_since(api, DAG, "backfill", backfill.created):
        if run.day is not None and backfill.since.isoformat() <= run.day <= backfill.until.isoformat():
            newest.setdefault(run.day, run)
    return list(newest.values())


def create(
    api: AirflowApi, since: date, until: date, conf: Mapping[str, Any], parallel: int, asked: datetime
) -> Created:
    """Create a backfill. An equal one that was created after the question was `asked` is the same one.

    The runs get the conf, and days that have run are run again: Airflow's own form needs two settings for that. Raises
    `Problem` with a sentence when Airflow refuses, or when another backfill is active.
    """
    body = {
        "dag_id": DAG,
        "from_date": since.isoformat(),
        "to_date": until.isoformat(),
        "reprocess_behavior": "completed",
        "max_active_runs": parallel,
        "run_backwards": True,  # the newest days matter most
        "dag_run_conf": dict(conf),
    }
    for backfill in latest(api):
        if (backfill.since, backfill.until, backfill.conf) == (since, until, conf) and backfill.created >= asked:
            return Created(backfill, by_this_answer=False)
        if backfill.completed is None:
            _close(api, backfill)
    try:
        return Created(_backfill(api.post("/backfills", body)), by_this_answer=True)
    except Refused as refusal:
        raise Problem(refusal.status, f"Airflow did not create the backfill: {refusal.detail}") from refusal


def cancel(api: AirflowApi, backfill_id: int) -> None:
    """Cancel a backfill: Airflow marks its queued runs as failed. Raises `Problem` when it has ended."""
    if not _cancelled(api, backfill_id):
        raise Problem(409, "This backfill has already ended. Nothing was cancelled.")


def _cancelled(api: AirflowApi, backfill_id: int) -> bool:
    """Cancel a backfill, and return whether it had not ended before."""
    try:
        api.put(f"/backfills/{backfill_id}/cancel")
    except Refused as refusal:
        if refusal.status == 409:
            return False
        raise Problem(refusal.status, f"Airflow did not cancel the backfill: {refusal.detail}") from refusal
    return True


def _close(api: AirflowApi, backfill: Backfill) -> None:
    """Close an active backfill whose runs have all ended, which Airflow itself does up to a minute later."""
    runs = runs_of(api, backfill)
    if not runs or not all(run.has_ended for run in runs):
        days = f"{backfill.since} to {backfill.until}"
        why = f"The backfill of {days} is still running, and Airflow allows one at a time. Wait for it, or cancel it."
        raise Problem(409, why)
    _cancelled(api, backfill.backfill_id)  # unless Airflow has just closed it


def _backfill(item: Any) -> Backfill:
    completed = item["completed_at"]
    return Backfill(
        item["id"],
        _day(item["from_date"]),
        _day(item["to_date"]),
        item["dag_run_conf"] or {},
        item["max_active_runs"],
        datetime.fromisoformat(item["created_at"]),
        datetime.fromisoformat(completed) if completed else None,
    )


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(UTC).date()
