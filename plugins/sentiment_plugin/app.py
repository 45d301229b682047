"""The FastAPI application of the pages. Airflow mounts it without authentication, so every route checks the user."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from sentiment_core.errors import SentimentError
from sentiment_plugin import ledger, pages

LONGEST_SEARCH = 1024  # the maximum length of an S3 key in bytes
POSITION = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
REFUSALS = {
    401: "You are not logged in to Airflow. Log in, then open this page again.",
    403: "You do not have access to this page. Log in as a user with read access to the DAG score_reviews.",
}


def create_app(may_read: Callable[..., Any], database_url: Callable[[], str]) -> FastAPI:
    """Return the application.

    `may_read` is a FastAPI dependency that raises when a request is not allowed to read the ledger. `database_url`
    returns the database's URI; it is called once per request.
    """
    app = FastAPI(openapi_url=None, dependencies=[Depends(may_read)])
    app.add_exception_handler(AnyHTTPException, _refused)
    app.add_exception_handler(SentimentError, _failed)
    app.add_exception_handler(RequestValidationError, _malformed)

    # Not async: the handler blocks on the database, so FastAPI runs it in a separate thread.
    @app.get("/files")
    def files(
        day: str = "", state: str = "", key: str = "", older_than: str = "", newer_than: str = ""
    ) -> HTMLResponse:
        chosen = _filter(day, state, key)
        page = ledger.read(database_url(), chosen, older_than=_position(older_than), newer_than=_position(newer_than))
        return pages.files(chosen, page)

    return app


def _filter(day: str, state: str, key: str) -> ledger.Filter:
    try:
        chosen_day = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise HTTPException(400, f"“{day}” is not a day. Use the format 2026-11-15.") from error
    if state not in ledger.STATES:
        known = ", ".join(filter(None, ledger.STATES))
        raise HTTPException(400, f"“{state}” is not a state. Choose one of {known}.")
    if len(key) > LONGEST_SEARCH or "\0" in key:
        raise HTTPException(400, f"No key can contain this text. Search for at most {LONGEST_SEARCH} characters.")
    return ledger.Filter(chosen_day, state, key.strip())


def _position(text: str) -> ledger.Position | None:
    if not text:
        return None
    found = POSITION.fullmatch(text)
    if not found:
        raise HTTPException(400, f"“{text}” is not a valid position in the ledger. Start from the newest files.")
    return ledger.Position(int(found[1]), int(found[2]))


def _refused(_request: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, AnyHTTPException)  # noqa: S101 - registered for this exception only
    return pages.problem(REFUSALS.get(error.status_code, error.detail), error.status_code)


def _failed(_request: Request, error: Exception) -> HTMLResponse:
    return pages.problem(str(error), 503)


def _malformed(_request: Request, _error: Exception) -> HTMLResponse:
    return pages.problem("The address of this page is incomplete. Start from the newest files.", 400)
