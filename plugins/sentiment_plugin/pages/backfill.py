"""The page of backfills and rescores: a form, a preview that asks, the progress of what runs, and how to stop it."""

import hashlib
import time
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, NamedTuple

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sentiment_core.errors import RescoreInvalid
from sentiment_core.loading.rescoring_run import Selection, remaining_work, require_files
from sentiment_core.settings import settings
from sentiment_plugin import backfills, rendering, runs
from sentiment_plugin.data import backfill as data
from sentiment_plugin.data.versions import Version, Versions, versions
from sentiment_plugin.database import reading
from sentiment_plugin.inputs import chosen_day, chosen_source
from sentiment_plugin.page import Acting, AnyPage, Question
from sentiment_plugin.problems import Problem

FILES, RESCORE = "score_reviews", "rescore"
MOST_PARALLEL: Final = 16
MOST_DAYS: Final = 400  # a day of a backfill is a run, which Airflow creates while the form waits
WORK = {
    "missing": "Only what is missing: new files, and reviews that the model has not scored",
    "again": "Everything again: read and score all files of these days",
    "stored": "Stored reviews only (rescore): read no file",
}

router = APIRouter()


class Wanted(NamedTuple):
    """A valid choice of the form. `version` is None if the registry cannot list any, which means the champion."""

    since: date
    until: date
    version: Version | None
    work: str
    parallel: int
    make_current: bool
    source: str | None = None  # of a rescore; None: all

    @property
    def days(self) -> int:
        """The number of days, both ends included."""
        return (self.until - self.since).days + 1

    @property
    def champion(self) -> bool:
        """Whether the version is the champion."""
        return self.version is None or self.version.is_champion

    @property
    def shown(self) -> bool:
        """Whether the views will show the version's scores."""
        return self.champion or (self.work == "stored" and self.make_current)


@router.get("/backfill")
def form(page: AnyPage) -> HTMLResponse:
    """Show the form."""
    with reading(page.database_url()) as cursor:
        found = versions(cursor)
        first, last = data.loaded_days(cursor)
    return page.render(
        "backfill.html",
        "Backfill and rescore",
        versions=found,
        first=first,
        last=last,
        work=WORK,
        most_parallel=MOST_PARALLEL,
        may_act=page.may_start(FILES) or page.may_start(RESCORE),
    )


@router.get("/backfill/preview")
def preview(page: AnyPage, work: str = "") -> RedirectResponse:
    """Go to the question for the kind of work that was chosen."""
    kind = "stored" if work == "stored" else "files"
    return RedirectResponse(page.link(f"backfill/{kind}") + f"?{page.request.url.query}", 303)


def wanted(
    page: AnyPage,
    since: str = "",
    until: str = "",
    version: str = "",
    work: str = "missing",
    parallel: str = "4",
    make_current: Literal["", "yes"] = "",
    source: str = "",
) -> tuple[Wanted, Versions]:
    """Return the choice of the form and all versions. Raises `Problem` with a sentence for each invalid value."""
    first, last = _day(since, "first"), _day(until, "last")
    if first > last:
        raise Problem(400, f"The first day, {first}, is after the last day, {last}. Exchange them.")
    if work not in WORK:
        raise Problem(400, f"“{work}” is not a kind of work. Choose one of {', '.join(WORK)}.")
    if not (parallel.isascii() and parallel.isdigit() and 1 <= int(parallel) <= MOST_PARALLEL):
        raise Problem(400, f"“{parallel}” cannot run at the same time. Choose a number from 1 to {MOST_PARALLEL}.")
    chosen = chosen_source(source)
    if chosen is not None and work != "stored":
        raise Problem(400, "A backfill loads the files of all sources. Choose a rescore, or leave the source empty.")
    with reading(page.database_url()) as cursor:
        found = versions(cursor)
    return Wanted(first, last, _version(version, found), work, int(parallel), make_current == "yes", chosen), found


Choice = Annotated[tuple[Wanted, Versions], Depends(wanted)]


@router.get("/backfill/files")
def ask_files(page: AnyPage, choice: Choice) -> HTMLResponse:
    """Show what a backfill would do, and ask."""
    chosen, _ = choice
    _require_ended_days(chosen)
    with reading(page.database_url()) as cursor:
        measured = data.rates(cursor)
        model_id = data.model_id_of(cursor, chosen.version.number) if chosen.version else None
        again = chosen.work == "again"
        found = data.preview(
            cursor, settings().bucket, chosen.since, chosen.until, model_id, chosen.champion, again, measured
        )
    needed_s = data.seconds_needed(found, measured, chosen.days, chosen.parallel)
    facts = (
        f"{_days(chosen)}. Each day is a run; {chosen.parallel} run at the same time, the newest days first.",
        WORK[chosen.work] + ".",
        _model(chosen),
        _files_found(found),
        "The runs also list the bucket, and load files of these days that the ledger does not know yet.",
        _estimate(needed_s, measured.load, "loading"),
    )
    question = Question("Start this backfill?", facts, "Start the backfill", "backfill")
    # The time of the question takes the place of a run's id: an answer creates one backfill.
    proposal = runs.propose(page.airflow, FILES, "backfill")._replace(run_id=str(int(time.time())))
    return page.ask(question, proposal)


@router.post("/backfill/files", dependencies=[Depends(Acting(FILES))])
def start_files(page: AnyPage, choice: Choice, run_id: Annotated[str, Form()]) -> Response:
    """Create the backfill."""
    chosen, _ = choice
    _require_ended_days(chosen)
    if not (run_id.isascii() and run_id.isdigit() and len(run_id) < 12):
        raise Problem(400, "This form does not belong to this page. Open the page again.")
    conf: dict[str, object] = {"replace": chosen.work == "again"}
    if chosen.version:
        conf["model_version"] = str(chosen.version.number)
    asked = datetime.fromtimestamp(int(run_id), UTC)
    made = backfills.create(page.airflow, chosen.since, chosen.until, conf, chosen.parallel, asked)
    return _to_progress(page, "created" if made.by_this_answer else "already")


@router.get("/backfill/stored")
def ask_stored(page: AnyPage, choice: Choice) -> HTMLResponse:
    """Show what a rescore would do, and ask."""
    chosen, _ = choice
    selection = Selection(chosen.since, chosen.until, _sources(chosen))
    with reading(page.database_url()) as cursor:
        try:
            require_files(cursor, selection)
        except RescoreInvalid as error:
            raise Problem(404, str(error)) from error
        model_id = data.model_id_of(cursor, chosen.version.number) if chosen.version else None
        left = remaining_work(cursor, selection, model_id, chosen.shown)
        measured = data.rates(cursor)
    as_preview = data.Preview(left.days, 0, 0, left.files, left.rows)
    facts = (
        f"{_days(chosen)}. {_source_words(chosen)} Files are shared by {chosen.parallel} tasks, the newest day first.",
        WORK["stored"] + ".",
        _model(chosen),
        f"Files to score from their stored text: {left.files:,}, up to {left.rows:,} rows, of {left.days:,} days.",
        _estimate(
            data.seconds_needed(as_preview, measured, 1, chosen.parallel),
            measured.rescore or measured.load,
            "rescoring",
        ),
    )
    question = Question("Start this rescore?", facts, "Start the rescore", "backfill")
    return page.ask(question, runs.propose(page.airflow, RESCORE, _subject(chosen)))


@router.post("/backfill/stored", dependencies=[Depends(Acting(RESCORE))])
def start_stored(page: AnyPage, choice: Choice, run_id: Annotated[str, Form()]) -> Response:
    """Start a run of the DAG `rescore`."""
    chosen, _ = choice
    conf = {
        "since": chosen.since.isoformat(),
        "until": chosen.until.isoformat(),
        "sources": list(_sources(chosen)),
        "make_current": chosen.make_current,
        "parallel": chosen.parallel,
    }
    if chosen.version:
        conf["model_version"] = str(chosen.version.number)
    started = runs.start(page.airflow, RESCORE, _subject(chosen), run_id, conf, f"Started by {page.user} on the page")
    return _to_progress(page, "created" if started.by_this_answer else "already")


def _to_progress(page: AnyPage, said: str) -> RedirectResponse:
    return RedirectResponse(page.link("backfill/progress", said=said), 303)


def _subject(chosen: Wanted) -> str:
    version = chosen.version.number if chosen.version else "champion"
    subject = f"rescore-v{version}-{chosen.since}-{chosen.until}" + ("-current" if chosen.make_current else "")
    # A source can have any characters, so it is hashed.
    return subject if chosen.source is None else f"{subject}-{hashlib.sha256(chosen.source.encode()).hexdigest()[:12]}"


def _sources(chosen: Wanted) -> tuple[str, ...]:
    return () if chosen.source is None else (chosen.source,)


def _source_words(chosen: Wanted) -> str:
    return "All sources." if chosen.source is None else f"Source: {rendering.source_name(chosen.source)}."


def _day(text: str, which: str) -> date:
    day = chosen_day(text)
    if day is None:
        raise Problem(400, f"Choose the {which} day.")
    return day


def _version(text: str, found: Versions) -> Version | None:
    if not text:
        return found.champion
    version = found.find(int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if version is None:
        known = ", ".join(str(each.number) for each in found.all[:20]) or "none"
        raise Problem(404, f"There is no version “{text}” of the model. The versions are: {known}.")
    return version


def _require_ended_days(chosen: Wanted) -> None:
    today = datetime.now(UTC).date()
    if chosen.until >= today:
        raise Problem(400, f"The day {chosen.until} has not ended yet (days are UTC). Choose an earlier last day.")
    if chosen.days > MOST_DAYS:
        why = "Each day is a run of Airflow. Choose fewer days, or rescore stored reviews, which has no such limit."
        raise Problem(400, f"{chosen.days:,} days are too many for a backfill; {MOST_DAYS} are possible. {why}")


def _days(chosen: Wanted) -> str:
    if chosen.days == 1:
        return f"1 day: {chosen.since}"
    return f"{chosen.days:,} days: {chosen.since} to {chosen.until}"


def _files_found(found: data.Preview) -> str:
    if not found.days:
        return "The ledger has no file of these days for this work: either none was dropped, or all are done."
    return (
        f"Files to read: {found.read_files:,} with about {found.read_rows:,} rows. Files to score from their stored "
        f"text: {found.rescored_files:,} with {found.rescored_rows:,} rows. Days with such files: {found.days:,}."
    )


def _model(chosen: Wanted) -> str:
    name = f"Model version {chosen.version.number}" if chosen.version else "The champion of the time when it runs"
    if chosen.champion:
        return f"{name}{', the champion' if chosen.version else ''}. The views show its scores."
    return f"{name}. " + ("The views will show its scores." if chosen.shown else "The views keep the current scores.")


def _estimate(seconds: float | None, rate: float | None, doing: str) -> str:
    if seconds is None:
        return "Estimated time: unknown, because the ledger has no batch from which a rate could be measured."
    measured = f", at the measured {rate:,.0f} rows/s of one worker when {doing}" if rate else ""
    return f"Estimated time: {rendering.seconds(seconds) if seconds >= 60 else 'less than a minute'}{measured}."
