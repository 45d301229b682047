"""Start DAG runs so that pressing a button twice starts one run.

The id of a run is its subject and a number, such as `replay-file-12-run3`. The number is chosen when the question is
shown. Airflow refuses a second run with the same id, so of two users who answer the same question one starts the run.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, NoReturn

from sentiment_plugin.airflow_api import AirflowApi, Refused, segment
from sentiment_plugin.problems import Problem

Query = Mapping[str, str | int | list[str]]

log = logging.getLogger(__name__)

MOST_RUNS = 50
ENDED = frozenset({"success", "failed"})
SUBJECT = re.compile(r"[a-z0-9][a-z0-9.-]{0,150}")


class Run(NamedTuple):
    """A run of a DAG. `user` is None if no user started it; `day` is its partition key."""

    dag_id: str
    run_id: str
    state: str
    user: str | None
    at: datetime
    day: str | None

    @property
    def ended(self) -> bool:
        """Whether the run has reached a final state."""
        return self.state in ENDED


class Proposal(NamedTuple):
    """The run that an answer to a question would start.

    `under_way` is an earlier run for the same subject that has not ended. `paused` says that Airflow would not start
    the run before somebody unpauses the DAG.
    """

    dag_id: str
    run_id: str
    under_way: Run | None
    paused: bool


class Started(NamedTuple):
    """The run with the requested id. `by_this_answer` is false if an earlier answer started it."""

    run: Run
    by_this_answer: bool


def propose(api: AirflowApi, dag_id: str, subject: str) -> Proposal:
    """Propose the next run of a DAG for a subject: lower-case letters, digits, dots and hyphens.

    Raises `Problem` when Airflow does not know the DAG.
    """
    assert SUBJECT.fullmatch(subject), subject  # noqa: S101 - an error of the program
    dag = _call_dag(api, dag_id)
    found = api.get(f"/dags/{segment(dag_id)}/dagRuns", run_id_prefix_pattern=f"{subject}-run", order_by="-id", limit=1)
    last = _run(found["dag_runs"][0]) if found["dag_runs"] else None
    number = _number(last.run_id, subject) + 1 if last else 1
    under_way = last if last and not last.ended else None
    return Proposal(dag_id, f"{subject}-run{number}", under_way, bool(dag["is_paused"]))


def start(api: AirflowApi, dag_id: str, subject: str, run_id: str, conf: Mapping[str, Any], note: str = "") -> Started:
    """Start the proposed run, once. Raises `Problem` with a sentence when Airflow refuses."""
    if not _number(run_id, subject):
        raise Problem(400, "This form does not belong to this page. Open the page again.")
    if earlier := _find(api, dag_id, run_id):
        return Started(earlier, by_this_answer=False)
    body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf), "note": note or None}
    try:
        return Started(_run(api.post(f"/dags/{segment(dag_id)}/dagRuns", body)), by_this_answer=True)
    except Refused as refusal:
        if refusal.status != 409:
            raise Problem(refusal.status, f"Airflow did not start the run: {refusal.detail}") from refusal
    # Another user answered in the meantime.
    return Started(_find(api, dag_id, run_id) or _gone(run_id), by_this_answer=False)


def of_day(api: AirflowApi, day: date) -> list[Run]:
    """Return the latest runs of the day's partition. Without Airflow's answer there are none."""
    query: dict[str, str | int] = {
        "partition_key_prefix_pattern": day.isoformat(),
        "order_by": "-id",
        "limit": MOST_RUNS,
    }
    return [run for run in _list(api, query) if run.day == day.isoformat()]


def named(api: AirflowApi, run_ids: Iterable[str]) -> dict[str, Run]:
    """Return the runs with these ids, by id. Ids that Airflow does not know, and `|`, are left out."""
    wanted = {run_id for run_id in run_ids if "|" not in run_id}
    if not wanted:
        return {}
    query: Query = {"run_id_pattern": "|".join(sorted(wanted)), "order_by": "-id", "limit": MOST_RUNS}
    return {run.run_id: run for run in _list(api, query) if run.run_id in wanted}


def under_way(api: AirflowApi) -> list[Run]:
    """Return the runs that are queued or running and that the user may see, oldest first."""
    return _list(api, {"state": ["running", "queued"], "order_by": "id", "limit": MOST_RUNS})


def _list(api: AirflowApi, query: Query) -> list[Run]:
    try:
        return [_run(item) for item in api.get("/dags/~/dagRuns", **query)["dag_runs"]]
    except Refused as refusal:
        log.warning("Airflow does not list runs: %s", refusal.detail)
        return []


def _find(api: AirflowApi, dag_id: str, run_id: str) -> Run | None:
    try:
        return _run(api.get(f"/dags/{segment(dag_id)}/dagRuns/{segment(run_id)}"))
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise Problem(refusal.status, f"Airflow does not show the run {run_id}: {refusal.detail}") from refusal


def _gone(run_id: str) -> NoReturn:
    raise Problem(409, f"The run {run_id} was started and deleted by somebody else. Open the page again.")


def _call_dag(api: AirflowApi, dag_id: str) -> Any:
    try:
        return api.get(f"/dags/{segment(dag_id)}")
    except Refused as refusal:
        why = f"Airflow does not know the DAG {dag_id}. Check its import errors."
        raise Problem(503, why if refusal.status == 404 else refusal.detail) from refusal


def _number(run_id: str, subject: str) -> int:
    """Return the number in a run's id: 0 if it is not one of this subject."""
    found = re.fullmatch(re.escape(subject) + r"-run([0-9]{1,9})", run_id)
    return int(found[1]) if found else 0


def _run(item: Any) -> Run:
    at = datetime.fromisoformat(item["start_date"] or item["queued_at"] or item["run_after"])
    user = item["triggering_user_name"]
    return Run(item["dag_id"], item["dag_run_id"], item["state"], user, at, item["partition_key"])
