"""Airflow's public REST API, called in the API server's process as the user who opened the page.

The call passes through Airflow's own application with the user's token. Airflow checks the user's permissions and
writes each change to its audit log, as for any other client.
"""

import threading
from typing import Any
from urllib.parse import quote

import anyio
import anyio.from_thread
import httpx
from fastapi import Request
from starlette.types import ASGIApp

from sentiment_plugin.problems import Problem

# A call occupies two of the server's worker threads: that of the page and that of Airflow's route. This limit keeps
# threads free, so that the calls in progress can end.
MOST_CALLS = 8
LONGEST_CALL_S = 20.0
IDENTITY = ("authorization", "cookie")

_calls = threading.BoundedSemaphore(MOST_CALLS)


class Refused(Exception):
    """Airflow's API refused a call. `status` is the HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class AirflowApi:
    """The API for one user: the one who sent the request. Call it from route functions that are not async."""

    def __init__(self, request: Request) -> None:
        self._app: ASGIApp | None = request.scope["airflow_app"]
        self._headers = {name: request.headers[name] for name in IDENTITY if name in request.headers}

    def get(self, path: str, **query: str | int | list[str]) -> Any:
        """Return the response to `GET /api/v2{path}`. Raises `Refused`."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: object) -> Any:
        """Return the response to `POST /api/v2{path}`. Raises `Refused`."""
        return self._call("POST", path, json=body)

    def put(self, path: str, body: object = None) -> Any:
        """Return the response to `PUT /api/v2{path}`. Raises `Refused`."""
        return self._call("PUT", path, json=body)

    def patch(self, path: str, body: object) -> Any:
        """Return the response to `PATCH /api/v2{path}`. Raises `Refused`."""
        return self._call("PATCH", path, json=body)

    def _call(self, method: str, path: str, **content: Any) -> Any:
        if self._app is None:
            raise Refused(503, "The pages are served without Airflow.")
        if not _calls.acquire(blocking=False):
            raise Problem(503, "Too many requests wait for Airflow's API. Try again in a few seconds.")
        try:
            answer = anyio.from_thread.run(self._send, method, path, content)
        except TimeoutError as error:
            raise Problem(503, f"Airflow's API did not answer within {LONGEST_CALL_S:g} s. Try again.") from error
        finally:
            _calls.release()
        if answer.status_code >= 400:
            raise Refused(answer.status_code, _detail(answer))
        return answer.json() if answer.content else None

    async def _send(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        assert self._app is not None  # noqa: S101 - checked by the caller
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow.internal") as client:
            with anyio.fail_after(LONGEST_CALL_S):
                return await client.request(method, f"/api/v2{path}", headers=self._headers, **content)


def segment(text: str) -> str:
    """Return the text as one segment of a URL's path."""
    return quote(text, safe="")


def _detail(answer: httpx.Response) -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
    return detail if isinstance(detail, str) else str(detail)
