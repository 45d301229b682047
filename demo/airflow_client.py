"""A client of Airflow's REST API, limited to the calls that the tour and the tests need."""

import math
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import urllib3

from demo.errors import AirflowRefused, AirflowUnavailable, RunFailed

ENDED = frozenset({"success", "failed"})
PAGE = 100
TAIL_LINES = 15


class Run(NamedTuple):
    """A DAG run; `day` is its partition key."""

    run_id: str
    day: str | None
    state: str

    @property
    def ended(self) -> bool:
        """Whether the run has reached a final state."""
        return self.state in ENDED


class TaskTry(NamedTuple):
    """A task instance of a run, represented by its latest try."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int


class Backfill(NamedTuple):
    """A backfill of a DAG; `days` are formatted as partition keys."""

    backfill_id: int
    dag_id: str
    days: frozenset[str]


class AirflowClient:
    """Make calls as one user.

    Raises `AirflowUnavailable` when a retry may succeed, and `AirflowRefused` otherwise.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._login = {"username": user, "password": password}
        self._token = ""
        # urllib3's plain pool ignores the proxy settings of the environment.
        self._pool = urllib3.PoolManager(timeout=60, retries=False)

    def wait_for_dag(self, dag_id: str, seconds: float) -> None:
        """Wait until Airflow has parsed the DAG. Raises `AirflowRefused` with the import error when it cannot."""
        deadline = time.monotonic() + seconds
        while not self._knows(dag_id):
            errors = self.get("/importErrors", order_by="-timestamp")["import_errors"]
            if errors:
                raise AirflowRefused(why=f"{errors[0]['filename']} cannot be imported: {errors[0]['stack_trace']}")
            if time.monotonic() > deadline:
                raise AirflowUnavailable(why=f"it has not read the DAG {dag_id} after {seconds:g} s")
            time.sleep(0.25)

    def unpause(self, dag_id: str) -> None:
        """Unpause the DAG so that its runs can start."""
        self.call("PATCH", f"/dags/{dag_id}", {"is_paused": False}, update_mask="is_paused")

    def trigger(self, dag_id: str, day: str | None = None, conf: Mapping[str, Any] | None = None) -> Run:
        """Trigger a run, for a day's partition if one is given."""
        body = {"logical_date": None, "partition_key": day, "conf": dict(conf or {})}
        return _run(self.call("POST", f"/dags/{dag_id}/dagRuns", body))

    def run(self, dag_id: str, run_id: str) -> Run:
        """Return the current state of a run."""
        return _run(self.get(f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"))

    def ended(self, dag_id: str, run: Run, seconds: float = math.inf) -> Run:
        """Wait for the run to end, up to the given number of seconds, and return its final state."""
        deadline = time.monotonic() + seconds
        while not run.ended and time.monotonic() < deadline:
            time.sleep(0.5)
            run = self.run(dag_id, run.run_id)
        return run

    def backfill(
        self,
        dag_id: str,
        first: date,
        last: date,
        *,
        reprocess: str = "completed",
        conf: Mapping[str, Any] | None = None,
        max_active_runs: int = 3,
        wait_s: float = 120,
    ) -> Backfill:
        """Start a backfill of these days, including the last.

        Airflow allows one active backfill at a time. This method closes a backfill that has ended, because Airflow
        itself notices the end only half a minute later. It waits for a backfill that is still running.
        """
        body = {
            "dag_id": dag_id,
            "from_date": first.isoformat(),
            "to_date": last.isoformat(),
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
            "run_backwards": False,
            "dag_run_conf": dict(conf or {}),
        }
        deadline = time.monotonic() + wait_s
        while True:
            try:
                made = self.call("POST", "/backfills", body)
            except AirflowRefused as refusal:
                if refusal.details.get("status") != 409 or time.monotonic() > deadline:
                    raise
                if not self._close_ended(dag_id):
                    time.sleep(1)
            else:
                return Backfill(made["id"], dag_id, _days(first, last))

    def runs_of(self, backfill: Backfill) -> dict[str, Run]:
        """Return the newest run for each day of the backfill.

        It is the backfill's run or one that was already running.
        """
        newest: dict[str, Run] = {}
        seen = 0
        while len(newest) < len(backfill.days):
            path = f"/dags/{backfill.dag_id}/dagRuns"
            page = self.get(path, order_by="-id", limit=PAGE, offset=seen)["dag_runs"]
            seen += len(page)
            for run in map(_run, page):
                if run.day in backfill.days:
                    newest.setdefault(run.day, run)
            if len(page) < PAGE:
                break
        return dict(sorted(newest.items()))

    def tasks(self, dag_id: str, run_id: str) -> list[TaskTry]:
        """Return the task instances of a run, with mapped instances ordered by index."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        found: list[TaskTry] = []
        while True:
            page = self.get(path, limit=PAGE, offset=len(found))
            found += [
                TaskTry(item["task_id"], item["map_index"], item["state"], item["try_number"])
                for item in page["task_instances"]
            ]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def log(self, dag_id: str, run_id: str, task: TaskTry) -> str:
        """Return the log of a task's latest try, one line for each event."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task.task_id}/logs/{task.try_number}"
        content = self.get(path, map_index=task.map_index, full_content=True)["content"]
        return "\n".join(_line(entry) for entry in content)

    def require_success(self, dag_id: str, run: Run) -> None:
        """Raise `RunFailed` if the run did not succeed.

        The last log lines of its failed tasks are attached as notes.
        """
        if run.state == "success":
            return
        error = RunFailed(dag=dag_id, day=run.day, state=run.state)
        for task in self.tasks(dag_id, run.run_id):
            if task.state == "failed":
                lines = self.log(dag_id, run.run_id, task).splitlines()[-TAIL_LINES:]
                index = f"[{task.map_index}]" if task.map_index >= 0 else ""
                error.add_note("\n".join([f"The log of its task {task.task_id}{index} ends with:", *lines]))
        raise error

    def get(self, path: str, **query: Any) -> Any:
        """Return the response to `GET /api/v2{path}`."""
        return self.call("GET", path, **query)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Call the API and return its response."""
        address = f"/api/v2{path}?{urlencode(query)}" if query else f"/api/v2{path}"
        if not self._token:
            self._log_in()
        answer = self._request(method, address, body)
        if answer.status == 401:
            self._log_in()
            answer = self._request(method, address, body)
        return _checked(answer)

    def _close_ended(self, dag_id: str) -> bool:
        """Close all backfills whose runs have ended. Return whether any was closed."""
        closed = False
        for item in self.get("/backfills", dag_id=dag_id, order_by="-id", limit=PAGE)["backfills"]:
            first, last = (datetime.fromisoformat(item[end]).date() for end in ("from_date", "to_date"))
            runs = self.runs_of(Backfill(item["id"], dag_id, _days(first, last)))
            if item["completed_at"] is None and all(run.ended for run in runs.values()):
                self.call("PUT", f"/backfills/{item['id']}/cancel")
                closed = True
        return closed

    def _knows(self, dag_id: str) -> bool:
        try:
            self.get(f"/dags/{dag_id}")
        except AirflowRefused as refusal:
            if refusal.details.get("status") != 404:
                raise
            return False
        return True

    def _log_in(self) -> None:
        self._token = ""
        self._token = _checked(self._request("POST", "/auth/token", self._login))["access_token"]

    def _request(self, method: str, address: str, body: Mapping[str, Any] | None) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            return self._pool.request(method, self._url + address, json=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise AirflowUnavailable(why=str(error)) from error


def _days(first: date, last: date) -> frozenset[str]:
    return frozenset((first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1))


def _checked(answer: urllib3.BaseHTTPResponse) -> Any:
    if answer.status >= 500:
        raise AirflowUnavailable(why=f"HTTP {answer.status}, {answer.data.decode(errors='replace')[:500]}")
    if answer.status >= 400:
        why = f"HTTP {answer.status}, {answer.data.decode(errors='replace')[:500]}"
        raise AirflowRefused(why=why, status=answer.status)
    return answer.json() if answer.data else None


def _run(item: Mapping[str, Any]) -> Run:
    return Run(item["dag_run_id"], item["partition_key"], item["state"])


def _line(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    details = "".join(f"\n{item['exc_type']}: {item['exc_value']}" for item in entry.get("error_detail") or [])
    return f"{entry.get('timestamp') or ''} {entry.get('level') or ''} {entry.get('event') or ''}{details}".strip()
