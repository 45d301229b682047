"""The page of one file, and the actions on it: replay its rejected rows, or read it again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from sentiment_plugin import runs
from sentiment_plugin.data import file as data
from sentiment_plugin.page import Acting, AnyPage, Page, Question
from sentiment_plugin.problems import Problem

DAG = "replay"
LARGEST_ID = 2**63 - 1

router = APIRouter()

acts = [Depends(Acting(DAG))]
RunId = Annotated[str, Form()]


@router.get("/files/{number}")
def file(page: AnyPage, number: int) -> HTMLResponse:
    """Show a file: versions, batches, contract, and the first rejected rows."""
    found = _read(page, number)
    known = runs.named(page.airflow, {batch.run_id for batch in found.batches})
    return page.render("file.html", _name(found), found=found, runs=known, may_act=page.may_start(DAG))


@router.get("/files/{number}/replay")
def ask_replay(page: AnyPage, number: int) -> HTMLResponse:
    """Ask whether to replay the rejected rows of a file."""
    found = _read(page, number)
    if not found.replayable:
        raise Problem(409, "The quarantine has no row of this file that a replay could load.")
    facts = (
        f"The run replays the rejected rows of {found.file.key}.",
        _rejected(found),
        _contract(found),
        "Rows that now satisfy the contract are scored by the champion. The others stay in the quarantine.",
        *_under_way(found),
    )
    return page.ask(
        Question("Replay what was rejected", facts, "Replay", f"files/{number}"),
        runs.propose(page.airflow, DAG, f"replay-file-{number}"),
    )


@router.post("/files/{number}/replay", dependencies=acts)
def replay(page: AnyPage, number: int, run_id: RunId) -> HTMLResponse:
    """Start the replay of a file."""
    found = _read(page, number)
    note = f"Replay of {found.file.key}, started on its page."
    started = runs.start(page.airflow, DAG, f"replay-file-{number}", run_id, {"files": [number]}, note)
    return page.started("Replay what was rejected", started, f"files/{number}")


@router.get("/files/{number}/replace")
def ask_replace(page: AnyPage, number: int) -> HTMLResponse:
    """Ask whether to read a file again."""
    found = _read(page, number)
    if not found.readable:
        raise Problem(409, f"This file is {found.file.status}. Only a loaded or a rejected file can be read again.")
    facts = (
        f"The run reads {found.file.key} again from the bucket and replaces all rows of the file.",
        "Until it has succeeded, the present rows stay as they are.",
        _contract(found),
        *_under_way(found),
    )
    return page.ask(
        Question("Read again", facts, "Read again and replace", f"files/{number}"),
        runs.propose(page.airflow, DAG, f"replace-file-{number}"),
    )


@router.post("/files/{number}/replace", dependencies=acts)
def replace(page: AnyPage, number: int, run_id: RunId) -> HTMLResponse:
    """Start reading a file again."""
    found = _read(page, number)
    conf = {"files": [number], "replace": True}
    note = f"Reads {found.file.key} again, started on its page."
    started = runs.start(page.airflow, DAG, f"replace-file-{number}", run_id, conf, note)
    return page.started("Read again", started, f"files/{number}")


def _read(page: Page, number: int) -> data.FullFile:
    found = data.read(page.database_url(), number) if 0 < number <= LARGEST_ID else None
    if found is None:
        raise Problem(404, f"The ledger has no file {number}.")
    return found


def _name(found: data.FullFile) -> str:
    return f"File {found.file.source_file_id}"


def _rejected(found: data.FullFile) -> str:
    if found.file.status == "rejected":
        return f"The whole file was rejected ({found.file.reject_code}), so it is read again from the bucket."
    counts = ", ".join(f"{reason.waiting:,} {reason.code}" for reason in found.reasons if reason.waiting)
    return f"Rejected rows: {counts}."


def _contract(found: data.FullFile) -> str:
    current = found.current_contract
    used = next((batch.contract for batch in found.batches if batch.contract is not None), None)
    now = f"version {current} of the source's contract" if current else "the default contract"
    if used is None or used == current:
        return f"It applies {now}."
    return f"It applies {now}. The file was last read under {f'version {used}' if used else 'the default contract'}."


def _under_way(found: data.FullFile) -> tuple[str, ...]:
    file = found.file
    if file.loaded_by is None:
        return ()
    read = "" if file.percent is None else f" and has read {file.percent} % of it"
    return (f"The run {file.loaded_by} is loading this file{read}. This run waits until that load has ended.",)
