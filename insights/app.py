"""The application: addresses, API keys, and every error as a sentence."""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from insights.csv_files import aspects_csv, days_csv, drivers_csv
from insights.database import Database
from insights.errors import MethodNotAllowed, PageUnknown, RequestFailed
from insights.figures import search_products
from insights.pages import POLICY, STATIC, VERSION, Pages, file_name
from insights.report import SUGGESTIONS, Failure, Report, read_report
from insights.selection import Wanted
from insights.settings import InsightsSettings
from sentiment_core.api_keys import ApiKeys
from sentiment_core.errors import SentimentError, TransientError, Unauthorised

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("insights")

_OPEN: Final = frozenset({"/healthz", "/static/{version}/{name}"})
_STATUS: Final = {
    "invalid_day": HTTPStatus.BAD_REQUEST,
    "reversed_period": HTTPStatus.BAD_REQUEST,
    "period_too_long": HTTPStatus.BAD_REQUEST,
    "invalid_value": HTTPStatus.BAD_REQUEST,
    "unknown_source": HTTPStatus.NOT_FOUND,
    "unknown_product": HTTPStatus.NOT_FOUND,
    "unauthorised": HTTPStatus.UNAUTHORIZED,
    "not_found": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
}
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Server": "sentiment",
}
_RETRY_AFTER_S: Final = 5


class Insights:
    """The handlers of one process."""

    def __init__(self, settings: InsightsSettings) -> None:
        self._keys = ApiKeys(settings.api_keys)
        self._database = Database(
            settings.require_insights_database_url(),
            settings.insights_statement_timeout_s,
            settings.insights_connections,
        )
        self._pages = Pages()

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(middlewares=[self._answer, self._admit])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/days.csv", self._days),
                web.get("/drivers.csv", self._drivers),
                web.get("/aspects.csv", self._aspects),
                web.get("/products", self._products),
                web.get("/healthz", self._healthz),
                web.get("/static/{version}/{name}", self._static),
            ]
        )
        return app

    def close(self) -> None:
        """End the connections to the database."""
        self._database.close()

    async def _page(self, request: web.Request) -> web.Response:
        wanted = Wanted.parse(request.query)
        found = await self._read(wanted)
        if isinstance(found, Failure):
            return _html(self._pages.failure(wanted, found), _status(found.error))
        return _html(self._pages.report(found))

    async def _days(self, request: web.Request) -> web.Response:
        report = await self._report(request)
        return _csv(days_csv(report.days), file_name("sentiment", *report.period))

    async def _drivers(self, request: web.Request) -> web.Response:
        report = await self._report(request)
        return _csv(drivers_csv(report.drivers), file_name("drivers", *report.period))

    async def _aspects(self, request: web.Request) -> web.Response:
        report = await self._report(request)
        return _csv(aspects_csv(report.aspects), file_name("aspects", *report.period))

    async def _products(self, request: web.Request) -> web.Response:
        """Answer with products whose id holds a text, as a JSON list."""
        wanted = Wanted.parse(request.query)
        period = wanted.period(datetime.now(UTC).date())
        search = partial(search_products, part=wanted.product or "", wanted=wanted, period=period, limit=SUGGESTIONS)
        return web.json_response(await self._database.read(search))

    async def _healthz(self, _request: web.Request) -> web.Response:
        """Answer as long as the process runs; without a database the page says so."""
        return web.json_response({"status": "ok"})

    async def _static(self, request: web.Request) -> web.Response:
        file = STATIC.get(request.match_info["name"])
        if file is None:
            raise PageUnknown
        keep = "public, max-age=31536000, immutable" if request.match_info["version"] == VERSION else "no-cache"
        return web.Response(body=file.content, content_type=file.content_type, headers={"Cache-Control": keep})

    async def _report(self, request: web.Request) -> Report:
        found = await self._read(Wanted.parse(request.query))
        if isinstance(found, Failure):
            raise found.error
        return found

    async def _read(self, wanted: Wanted) -> Report | Failure:
        today = datetime.now(UTC).date()
        return await self._database.read(partial(read_report, wanted=wanted, today=today))

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._keys and _route(request) not in _OPEN:
            self._keys.name(request.headers)
        return await handler(request)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer each request, and log its route, never its path or query."""
        start = time.perf_counter()
        code = None
        try:
            response = await handler(request)
        except Exception as failure:  # noqa: BLE001 -- every failure gets a page
            error = _translate(failure)
            code = error.code
            response = self._problem(request, error)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        fields = {"method": request.method, "route": _route(request), "status": response.status}
        log.info("request", extra=fields | {"ms": round(1000 * (time.perf_counter() - start), 3), "code": code})
        return response

    def _problem(self, request: web.Request, error: SentimentError) -> web.Response:
        if _route(request) == "/products":
            response = web.json_response({"code": error.code, "detail": str(error)}, status=_status(error))
        else:
            response = _html(self._pages.problem(error, request.query), _status(error))
        match error:
            case Unauthorised():
                # Makes a browser ask for the key, as the password of any user.
                response.headers["WWW-Authenticate"] = 'Basic realm="sentiment"'
            case MethodNotAllowed():
                response.headers["Allow"] = "GET, HEAD"
            case TransientError():
                response.headers["Retry-After"] = str(_RETRY_AFTER_S)
        return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"


def _translate(failure: Exception) -> SentimentError:
    match failure:
        case SentimentError():
            return failure
        case web.HTTPNotFound():
            return PageUnknown()
        case web.HTTPMethodNotAllowed():
            return MethodNotAllowed()
    log.error("request failed", exc_info=failure)
    return RequestFailed()


def _status(error: SentimentError) -> HTTPStatus:
    failed = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, TransientError) else HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUS.get(error.code, failed)


def _html(body: bytes, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=body, content_type="text/html", charset="utf-8", status=status)


def _csv(body: bytes, name: str) -> web.Response:
    return web.Response(
        body=body,
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
