"""The FastAPI application of the pages. Airflow mounts it without authentication, so every route checks the user."""

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from sentiment_core.errors import SentimentError
from sentiment_plugin import rendering
from sentiment_plugin.host import Host
from sentiment_plugin.pages import TABS
from sentiment_plugin.problems import Problem

REFUSALS = {
    401: "You are not logged in to Airflow. Log in, then open this page again.",
    403: "You do not have access to this page. Log in as a user with read access to the DAG score_reviews.",
    404: "This page does not exist.",
    405: "This page cannot be used in this way.",
}


class PagesApp(FastAPI):
    """Keeps Airflow's application, which mounts this one, in the scope of each request: the pages call its API."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        scope["airflow_app"] = scope.get("app")
        await super().__call__(scope, receive, send)


def create_app(host: Host) -> FastAPI:
    """Return the application for a host."""

    def remember(request: Request, user: str = Depends(host.identify)) -> None:
        request.state.sentiment_user = user

    app = PagesApp(openapi_url=None, dependencies=[Depends(host.may_read), Depends(remember)])
    app.state.host = host
    app.state.tabs = TABS
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(SentimentError, _failed)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_api_route("/", _first_page)
    for tab in TABS:
        for router in tab.routers:
            app.include_router(router)
    return app


def _first_page() -> RedirectResponse:
    return RedirectResponse(TABS[0].path)


def _refused(request: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this exception only
    sentence = error.detail if isinstance(error, Problem) else REFUSALS.get(error.status_code, error.detail)
    return _problem(request, sentence, error.status_code)


def _failed(request: Request, error: Exception) -> HTMLResponse:
    return _problem(request, str(error), 503)


def _malformed(request: Request, _error: Exception) -> HTMLResponse:
    return _problem(request, "The address of this page is incomplete. Start from one of the tabs.", 400)


def _problem(request: Request, sentence: str, status: int) -> HTMLResponse:
    # Nothing here may depend on the user or the database.
    base = request.scope.get("root_path", "").rstrip("/")
    values = {"title": "Not available", "tabs": TABS, "here": "", "base": base, "sentence": sentence}
    return rendering.render("problem.html", status, **values)
