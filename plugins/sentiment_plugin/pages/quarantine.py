"""The page of the quarantine: what was rejected, by source, code and day; choose and replay."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse

from sentiment_core.drops.contract import RejectCode
from sentiment_core.ledger.quarantine import QuarantineGroup
from sentiment_plugin import runs
from sentiment_plugin.data import quarantine as data
from sentiment_plugin.inputs import chosen_day, chosen_source, chosen_text
from sentiment_plugin.page import Acting, AnyPage, Question
from sentiment_plugin.problems import Problem
from sentiment_plugin.rendering import source_name

DAG = "replay"
USUAL_D = 30  # days that are shown unless others are chosen
MOST_NAMED = 10  # chosen groups that the question names
NO_GROUPS: Final[list[str]] = []

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
    _require_replayable(found)
    facts = (f"The run replays {_words(choice)}.", *_facts(found))
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


@router.get("/quarantine/groups")
def ask_replay_of_groups(page: AnyPage, group: Annotated[list[str], Query()] = NO_GROUPS) -> HTMLResponse:
    """Ask whether to replay the chosen groups."""
    choice = _chosen_groups(group)
    found = data.read(page.database_url(), choice)
    _require_replayable(found)
    shown = [_group_words(each) for each in choice.groups[:MOST_NAMED]]
    more = len(choice.groups) - len(shown)
    facts = (
        f"The run replays {_group_count(choice)}: {'; '.join(shown)}{f'; and {more} more' if more else ''}.",
        *_facts(found),
    )
    fields = tuple(("group", each) for each in group)
    return page.ask(
        Question("Replay the chosen groups", facts, "Replay", "quarantine", fields),
        runs.propose(page.airflow, DAG, _subject(choice)),
    )


@router.post("/quarantine/groups", dependencies=[Depends(Acting(DAG))])
def replay_groups(
    page: AnyPage, run_id: Annotated[str, Form()], group: Annotated[list[str], Form()] = NO_GROUPS
) -> HTMLResponse:
    """Start one run that replays the chosen groups."""
    choice = _chosen_groups(group)
    note = f"Replay of {_group_count(choice)}, started on the page Quarantine."
    started = runs.start(page.airflow, DAG, _subject(choice), run_id, _conf(choice), note)
    return page.started("Replay of the chosen groups", started, "quarantine")


def _chosen_groups(texts: list[str]) -> data.Choice:
    """Return the choice of some groups, in order. Raises `Problem` when none is chosen, or one is malformed."""
    groups = sorted({_group(text) for text in texts})
    if not groups:
        raise Problem(400, "No group is chosen. Go back, and tick the boxes of the groups to replay.")
    if len(groups) > data.MOST_GROUPS:
        raise Problem(400, f"{len(groups):,} groups are chosen. Choose at most {data.MOST_GROUPS}, or fewer days.")
    return data.Choice(None, None, None, None, tuple(groups))


def _group(text: str) -> QuarantineGroup:
    """Parse the value of a box: day, code and source, separated by spaces. Only the source can contain spaces."""
    day, _, rest = text.partition(" ")
    code, _, source = rest.partition(" ")
    found, name = chosen_day(day), chosen_text(code, 100)
    if found is None or name is None:
        raise Problem(400, "This address names no group of the quarantine. Start from the page Quarantine.")
    return QuarantineGroup(found, chosen_text(source, 1024) or "", name)


def _group_count(choice: data.Choice) -> str:
    return "1 group" if len(choice.groups) == 1 else f"{len(choice.groups)} groups"


def _group_words(group: QuarantineGroup) -> str:
    return f"{group.day} {source_name(group.source)} {group.code}"


def _require_replayable(found: data.Content) -> None:
    if not found.rows - found.erased + found.whole:
        raise Problem(409, "The quarantine has nothing of this choice that a replay could load.")


def _facts(found: data.Content) -> tuple[str, str]:
    return (
        f"Rejected rows: {found.rows - found.erased:,}. Files rejected as a whole: {found.whole:,}. Files in all:"
        f" {found.files:,}. All rejected rows of these files are tried, also those with other codes.",
        "The contract of each source applies as it is now. Rows that satisfy it are scored by the champion. The others"
        " stay in the quarantine.",
    )


def _choice(since: str, until: str, source: str, code: str) -> data.Choice:
    first, last = chosen_day(since), chosen_day(until)
    if first and last and first > last:
        raise Problem(400, f"The first day, {first}, is after the last day, {last}. Swap them.")
    return data.Choice(first, last, chosen_source(source), chosen_text(code, 100))


def _conf(choice: data.Choice) -> dict[str, Any]:
    """Return the params of the DAG for a choice."""
    if choice.groups:
        return {"groups": [each._asdict() | {"day": each.day.isoformat()} for each in choice.groups]}
    conf = choice._asdict()
    del conf["groups"]
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in conf.items()}


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
