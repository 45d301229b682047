"""What the pages need from the program that serves them. `access.py` provides it in Airflow's API server."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import Request

# The DAG whose readers may read the pages.
READ_DAG = "score_reviews"


class Host(NamedTuple):
    """The host of the pages.

    `may_read` is a FastAPI dependency that raises 401 or 403 when the request must not read the pages. `identify` is a
    FastAPI dependency that returns the user's name. `may_start` returns whether a request may start runs of a DAG; it
    raises 401 if nobody is logged in. `database_url` returns the database's URI. `secret` returns the key with which
    forms are signed; all servers that serve the pages must have the same.
    """

    may_read: Callable[..., Any]
    identify: Callable[..., str]
    may_start: Callable[[Request, str], bool]
    database_url: Callable[[], str]
    secret: Callable[[], str]
