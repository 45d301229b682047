"""The page of the quarantine: what was rejected, by source, code and day; choose and replay."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from sentiment_core.drops.contract import RejectCode
from sentiment_plugin import runs
from sentiment_plugin.data import quarantine as data
from sentiment_plugin.inputs import chosen_day, chosen_source, chosen_text
from sentiment_plugin.page import Acting, AnyPage, Question
from sentiment_plugin.problems import Problem
from sentiment_plugin.rendering import source_name

DAG = "replay"
USUAL_D = 30  # days that are shown unless others are chosen

router = APIRouter()


@router.get("/quarantine")
def quarantine(
    page: AnyPage, since: str | None = None, until: str = "", source: str = "", code: str = ""
) -> HTMLResponse:
    """Show the quarantine by source, code and day, and its first entries."""
    if since is None:
        since = (datetime.now(UTC).date() - timedelta(days=USUAL_D)).isoformat()
    choice = _choice(since, until, source, code)
    found = data.read(page.database_url(), choice)
    return page.render(
        "quarantine.html",
        "Quarantine",
        choice=choice,
        chosen_source=source,
        found=found,
        codes=sorted({*found.codes, *map(str, RejectCode)}),
        may_act=page.may_start(DAG),
        usual_days=USUAL_D,
    )


@router.get("/quarantine/replay")
def ask_replay(page: AnyPage, since: str = "", until: str = "", source: str = "", code: str = "") -> HTMLResponse:
    """Ask whether to replay the chosen part of the quarantine."""
    choice = _choice(since, until, source, code)
    found = data.read(page.database_url(), choice)
    if not found.rows - found.erased + found.whole:
        raise Problem(409, "The quarantine has nothing of this choice that a replay could load.")
    facts = (
        f"The run replays {_words(choice)}.",
        f"Rejected rows: {found.rows - found.erased:,}. Files rejected as a whole: {found.whole:,}. Files in all:"
        f" {found.files:,}. All rejected rows of these files are tried, also those with other codes.",
        "The contract of each source applies as it is now. Rows that satisfy it are scored by the champion. The others"
        " stay in the quarantine.",
    )
    fields = (("since", since), ("until", until), ("source", source), ("code", code))
    return page.ask(
        Question("Replay from the quarantine", facts, "Replay", "quarantine", fields),
        runs.propose(page.airflow, DAG, _subject(choice)),
    )


@router.post("/quarantine/replay", dependencies=[Depends(Acting(DAG))])
def replay(
    page: AnyPage,
    run_id: Annotated[str, Form()],
    since: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
    source: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Start the replay of the chosen part of the quarantine."""
    choice = _choice(since, until, source, code)
    note = f"Replay of {_words(choice)}, started on the page Quarantine."
    started = runs.start(page.airflow, DAG, _subject(choice), run_id, _conf(choice), note)
    return page.started("Replay from the quarantine", started, "quarantine")


def _choice(since: str, until: str, source: str, code: str) -> data.Choice:
    first, last = chosen_day(since), chosen_day(until)
    if first and last and first > last:
        raise Problem(400, f"The first day, {first}, is after the last day, {last}. Swap them.")
    return data.Choice(first, last, chosen_source(source), chosen_text(code, 100))


def _conf(choice: data.Choice) -> dict[str, Any]:
    """Return the params of the DAG for a choice."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in choice._asdict().items()}


def _subject(choice: data.Choice) -> str:
    """Return the subject of the runs for a choice. A source can have any characters, so it is hashed."""
    digest = hashlib.sha256(repr(_conf(choice)).encode()).hexdigest()[:12]
    return f"replay-quarantine-{digest}"


def _words(choice: data.Choice) -> str:
    words = [f"rejected rows with the code {choice.code}" if choice.code else "all rejected rows"]
    if choice.source is not None:
        words.append(f"of the source {source_name(choice.source)}")
    if choice.since and choice.since == choice.until:
        words.append(f"of {choice.since}")
    elif choice.since or choice.until:
        words.append(f"of the days from {choice.since or 'the first'} to {choice.until or 'the last'}")
    return " ".join(words)
