"""Runs of a DAG with their params and times, as pages that follow them need them, and how to stop one."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sentiment_plugin.airflow_api import AirflowApi, Refused, segment
from sentiment_plugin.problems import Problem
from sentiment_plugin.runs import ENDED

_PAGE: Final = 100  # the most that Airflow returns


class FollowedRun(NamedTuple):
    """A run. `day` is its partition key, `user` the one who started it, if any, and `ended` None before its end."""

    run_id: str
    state: str
    user: str | None
    day: str | None
    conf: Mapping[str, Any]
    made: datetime
    started: datetime | None
    ended: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether the run has reached a final state."""
        return self.state in ENDED


def latest(api: AirflowApi, dag_id: str, limit: int = 5) -> list[FollowedRun]:
    """Return the newest runs of a DAG, newest first."""
    return [_run(item) for item in _list(api, dag_id, limit=limit)]


def made_since(api: AirflowApi, dag_id: str, run_type: str, since: datetime) -> Iterator[FollowedRun]:
    """Yield the runs of a type that were made since a time, newest first."""
    seen = 0
    while True:
        page = _list(api, dag_id, run_type=run_type, limit=_PAGE, offset=seen)
        for run in map(_run, page):
            if run.made < since:
                return
            yield run
        if len(page) < _PAGE:
            return
        seen += len(page)


def stop(api: AirflowApi, dag_id: str, run_id: str) -> None:
    """Mark a run as failed, which ends its tasks. Raises `Problem` when it has ended, or Airflow refuses."""
    path = f"/dags/{segment(dag_id)}/dagRuns/{segment(run_id)}"
    try:
        if _run(api.get(path)).has_ended:
            raise Problem(409, "This run has already ended. Nothing was stopped.")
        api.patch(path, {"state": "failed"})
    except Refused as refusal:
        raise Problem(refusal.status, f"Airflow did not stop the run: {refusal.detail}") from refusal


def _list(api: AirflowApi, dag_id: str, **query: Any) -> list[Any]:
    found: list[Any] = api.get(f"/dags/{segment(dag_id)}/dagRuns", order_by="-id", **query)["dag_runs"]
    return found


def _run(item: Any) -> FollowedRun:
    return FollowedRun(
        item["dag_run_id"],
        item["state"],
        item["triggering_user_name"],
        item["partition_key"],
        item["conf"] or {},
        _moment(item["queued_at"]) or datetime.fromisoformat(item["run_after"]),
        _moment(item["start_date"]),
        _moment(item["end_date"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
