"""The handler of all requests: errors become problems, and each request is counted, timed and logged once.

The log names routes, never raw paths or bodies: no text of a user gets into it.
"""

import asyncio
import itertools
import logging
import re
import time
import uuid
from collections.abc import Collection, Mapping

from aiohttp import web

from api.contract.errors import BodyUnreadable, RequestFailed, Unauthorised
from api.contract.problems import PROBLEM, problem_response
from api.http.content_negotiation import prefers_html
from api.http.cors import allow_origin
from api.observability.logs import AccessLog
from api.observability.metrics import METHODS, ServiceMetrics
from api.observability.tracing import Tracing
from api.pages.pages import Pages
from api.server.router import Router
from sentiment_core.errors import SentimentError

log = logging.getLogger(__name__)

_SERVER = "sentiment"  # without versions, which would help to find known vulnerabilities
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A request's id is the id of the process, which is random, and a number.
_PROCESS = uuid.uuid4().hex[:22]
_numbers = itertools.count()


class Dispatcher:
    """Answer every request, whatever becomes of the handler of its route."""

    def __init__(
        self,
        router: Router,
        pages: Pages,
        metrics: ServiceMetrics,
        access_log: AccessLog,
        tracing: Tracing,
        stopping: asyncio.Event,
        cors_origins: Collection[str] = (),
    ) -> None:
        self._router = router
        self._pages = pages
        self._metrics = metrics
        self._access_log = access_log
        self._tracing = tracing
        self._stopping = stopping
        self._cors_origins = cors_origins

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer to a request."""
        start = time.perf_counter()
        headers = request.headers
        request_id = request_id_of(headers)
        endpoint, handler = self._router.find(request)
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 -- every failure gets an answer in the one shape of errors
            response = self._failed(request, error, request_id)
        seconds = time.perf_counter() - start
        streamed = response.prepared
        if not streamed:
            response.headers["X-Request-Id"] = request_id
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Server"] = _SERVER
            if self._cors_origins:
                allow_origin(self._cors_origins, request, response)
            # The client must know that its connection will be closed before it sends another request: the process
            # stops, or the body was not read to its end.
            if self._stopping.is_set() or not request.content.is_eof():
                response.force_close()
        method = request.method if request.method in METHODS else "other"
        code = request.get(PROBLEM)
        # The duration of a stream says nothing about speed.
        self._metrics.observe(method, endpoint, None if streamed else seconds)
        if code is not None:
            self._metrics.problems.labels(code).inc()
        trace_id = self._tracing.record(method, endpoint, response.status, seconds, code, headers.get("traceparent"))
        self._access_log.write(method, endpoint, response.status, 1000 * seconds, request_id, code, trace_id)
        return response

    def _failed(self, request: web.BaseRequest, failure: Exception, request_id: str) -> web.Response:
        error = _translate(failure, request_id)
        request[PROBLEM] = error.code
        if isinstance(error, RequestFailed):
            log.error("request failed", exc_info=failure, extra={"request_id": request_id})
        if not prefers_html(request.headers.get("Accept", "")):
            return problem_response(error)
        response = self._pages.problem_page(request, error)
        if isinstance(error, Unauthorised):
            response.headers["WWW-Authenticate"] = 'Basic realm="sentiment"'  # makes a browser ask for a key
        return response


def _translate(failure: Exception, request_id: str) -> SentimentError:
    match failure:
        case SentimentError():
            return failure
        case ConnectionResetError():
            return BodyUnreadable(why="the client left before its end")
        case web.RequestPayloadError():
            return BodyUnreadable(why="it ends early or does not have the encoding that its headers name")
        case _:
            return RequestFailed(request_id=request_id)


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the id that a request names, or a new one."""
    given = headers.get("X-Request-Id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"{_PROCESS}{next(_numbers):010x}"
