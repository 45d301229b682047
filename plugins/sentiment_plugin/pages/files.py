"""The page of files: the whole ledger, newest files first."""

import re

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from sentiment_plugin.data import files as data
from sentiment_plugin.inputs import chosen_day
from sentiment_plugin.page import AnyPage
from sentiment_plugin.problems import Problem

LONGEST_SEARCH = 1024  # the maximum length of an S3 key in bytes
POSITION = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")

router = APIRouter()


# Not async: the handler blocks on the database, so FastAPI runs it in a separate thread.
@router.get("/files")
def files(
    page: AnyPage, day: str = "", state: str = "", key: str = "", older_than: str = "", newer_than: str = ""
) -> HTMLResponse:
    """Show a page of the ledger."""
    chosen = _filter(day, state, key)
    found = data.read(page.database_url(), chosen, older_than=_position(older_than), newer_than=_position(newer_than))
    return page.render(
        "files.html",
        "Files",
        chosen=chosen,
        states=data.STATES,
        entries=found.entries,
        newer=found.newer_than and _link(page, chosen, "newer_than", found.newer_than),
        older=found.older_than and _link(page, chosen, "older_than", found.older_than),
    )


def _filter(day: str, state: str, key: str) -> data.Filter:
    if state not in data.STATES:
        known = ", ".join(filter(None, data.STATES))
        raise Problem(400, f"“{state}” is not a state. Choose one of {known}.")
    if len(key) > LONGEST_SEARCH or "\0" in key:
        raise Problem(400, f"No key can contain this text. Search for at most {LONGEST_SEARCH} characters.")
    return data.Filter(chosen_day(day), state, key.strip())


def _position(text: str) -> data.Position | None:
    if not text:
        return None
    found = POSITION.fullmatch(text)
    if not found:
        raise Problem(400, f"“{text}” is not a valid position in the ledger. Start from the newest files.")
    return data.Position(int(found[1]), int(found[2]))


def _link(page: AnyPage, chosen: data.Filter, direction: str, position: data.Position) -> str:
    place = {direction: f"{position.source_file_id}.{position.batch_id}"}
    return page.link("files", day=chosen.day, state=chosen.state, key=chosen.key, **place)
