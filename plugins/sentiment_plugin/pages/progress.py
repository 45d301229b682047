"""The progress of backfills and rescores, and how to stop one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.errors import RescoreInvalid
from sentiment_core.loading.rescoring_run import Selection, remaining_work
from sentiment_plugin import backfills, following, runs
from sentiment_plugin.airflow_api import Refused
from sentiment_plugin.data import backfill as data
from sentiment_plugin.database import reading
from sentiment_plugin.following import FollowedRun
from sentiment_plugin.page import Acting, AnyPage, Question
from sentiment_plugin.pages.backfill import FILES, RESCORE
from sentiment_plugin.problems import Problem
from sentiment_plugin.rendering import source_name

SAID = {
    "": "",
    "created": "It was started.",
    "already": "It had already been started. Nothing was started now.",
    "stopped": "It was stopped. What is stored stays stored.",
}
SHOWN = 5  # of each kind

router = APIRouter()


class Line(NamedTuple):
    """One backfill or rescore. `done` and `total` count runs for a backfill, and rows for a rescore."""

    kind: str
    link: str
    what: str
    user: str | None
    state: str
    started: datetime
    done: int
    total: int
    failed: int
    progress: data.Progress
    left_s: float | None
    stop: str | None

    @property
    def active(self) -> bool:
        """Whether it is still running or waiting."""
        return self.state in ("queued", "running")


@router.get("/backfill/progress")
def progress(page: AnyPage, said: str = "") -> HTMLResponse:
    """Show the newest backfills and rescores."""
    if said not in SAID:
        raise Problem(400, "The address of this page is incomplete. Start from one of the tabs.")
    try:
        made = [
            (backfill, backfills.runs_of(page.airflow, backfill)) for backfill in backfills.latest(page.airflow, SHOWN)
        ]
        rescores = following.latest(page.airflow, RESCORE, SHOWN)
    except Refused as refusal:
        raise Problem(refusal.status, f"Airflow does not list backfills and runs: {refusal.detail}") from refusal
    with reading(page.database_url()) as cursor:
        lines = [_backfill_line(page, cursor, backfill, found) for backfill, found in made]
        lines += [_rescore_line(page, cursor, run) for run in rescores]
    lines.sort(key=lambda line: line.started, reverse=True)
    running = any(line.active for line in lines)
    return page.render("progress.html", "Progress", lines=lines, running=running, said=SAID[said])


@router.get("/backfill/{backfill_id}/cancel")
def ask_to_cancel(page: AnyPage, backfill_id: int) -> HTMLResponse:
    """Ask whether to cancel a backfill."""
    facts = (
        "Runs that wait are marked as failed. Runs in progress continue to their end.",
        "Files that are stored stay stored. The same backfill can be started again later.",
    )
    return _ask(page, FILES, f"Cancel backfill {backfill_id}?", facts, "Cancel the backfill")


@router.post("/backfill/{backfill_id}/cancel", dependencies=[Depends(Acting(FILES))])
def cancel(page: AnyPage, backfill_id: int) -> RedirectResponse:
    """Cancel a backfill."""
    backfills.cancel(page.airflow, backfill_id)
    return RedirectResponse(page.link("backfill/progress", said="stopped"), 303)


@router.get("/backfill/rescore/stop")
def ask_to_stop(page: AnyPage, run_id: str) -> HTMLResponse:
    """Ask whether to stop a rescore."""
    facts = (
        f"The run {run_id} of the DAG rescore is marked as failed, which ends its tasks.",
        "Files that are rescored stay rescored. A new run continues with the others.",
    )
    return _ask(page, RESCORE, "Stop this rescore?", facts, "Stop the rescore", ("stopped_run", run_id))


@router.post("/backfill/rescore/stop", dependencies=[Depends(Acting(RESCORE))])
def stop(page: AnyPage, stopped_run: Annotated[str, Form()]) -> RedirectResponse:
    """Stop a rescore."""
    following.stop(page.airflow, RESCORE, stopped_run)
    return RedirectResponse(page.link("backfill/progress", said="stopped"), 303)


def _ask(page: AnyPage, dag_id: str, title: str, facts: tuple[str, ...], button: str, *fields: Any) -> HTMLResponse:
    # No run is started, so the question proposes none.
    proposal = runs.Proposal(dag_id, "", None, paused=False)
    return page.ask(Question(title, facts, button, "backfill/progress", fields), proposal)


def _backfill_line(page: AnyPage, cursor: Cursor, backfill: backfills.Backfill, found: Sequence[FollowedRun]) -> Line:
    done = sum(run.has_ended for run in found)
    committed = data.progress(cursor, [run.run_id for run in found])
    ended = backfill.completed is not None or (bool(found) and done == len(found))
    left_s = None
    if done and not ended:
        left_s = (datetime.now(UTC) - backfill.created).total_seconds() / done * (len(found) - done)
    version = backfill.conf.get("model_version") or "champion"
    again = ", everything again" if backfill.conf.get("replace") else ""
    return Line(
        "Backfill",
        page.dag_link(FILES),
        f"{backfill.since} to {backfill.until}, model {version}{again}",
        next((run.user for run in found if run.user), None),
        "ended" if ended else "running",
        backfill.created,
        done,
        len(found),
        sum(run.state == "failed" for run in found),
        committed,
        left_s,
        None if ended or not page.may_start(FILES) else page.link(f"backfill/{backfill.backfill_id}/cancel"),
    )


def _rescore_line(page: AnyPage, cursor: Cursor, run: FollowedRun) -> Line:
    committed = data.progress(cursor, [run.run_id])
    left = 0 if run.has_ended else _rows_left(cursor, run)
    rate = committed.rate
    version = run.conf.get("model_version") or "champion"
    days = f"{run.conf.get('since') or 'first day'} to {run.conf.get('until') or 'last day'}"
    sources = ", ".join(map(source_name, run.conf.get("sources") or ()))
    return Line(
        "Rescore",
        page.run_link(RESCORE, run.run_id),
        f"{days}, model {version}{f', source {sources}' if sources else ''}",
        run.user,
        run.state,
        run.made,
        committed.rows,
        committed.rows + left,
        int(run.state == "failed"),
        committed,
        left / rate if left and rate else None,
        None if run.has_ended or not page.may_start(RESCORE) else page.link("backfill/rescore/stop", run_id=run.run_id),
    )


def _rows_left(cursor: Cursor, run: FollowedRun) -> int:
    """Return the rows that a run still has to score. A run for an alias is counted when its version is known."""
    version = str(run.conf.get("model_version") or "")
    if not version.isdigit():
        return 0
    try:
        selection = Selection.of(run.conf.get("since"), run.conf.get("until"), run.conf.get("sources") or ())
    except RescoreInvalid:
        return 0
    make_current = bool(run.conf.get("make_current"))
    return remaining_work(cursor, selection, data.model_id_of(cursor, int(version)), make_current).rows
