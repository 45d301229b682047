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
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.hdrs import EXPECT

from api.contract.errors import BodyUnreadable, ExpectationFailed, RequestFailed
from api.http.connection import Connection, connection_of
from api.http.content_negotiation import prefers_html
from api.http.cors import cors_headers
from api.http.responses import ApiResponse, problem_response, render
from api.http.server import CLOSE_CONNECTION, KEEP_CONNECTION
from api.observability.logs import AccessLog
from api.observability.metrics import METHODS, ServiceMetrics
from api.observability.tracing import Tracing
from api.pages.pages import Pages
from api.server.router import Router
from sentiment_core.errors import SentimentError, Unauthorised

log = logging.getLogger(__name__)

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
        """Answer a request."""
        start = time.perf_counter()
        connection = connection_of(request)
        if connection is not None:
            connection.request_started(request)
            if connection.writing_paused:  # answers of earlier requests are not read yet: they do not pile up
                await connection.wait_writable()
        headers = request.headers
        request_id = request_id_of(headers)
        endpoint, handler, limit = self._router.find(request)
        try:
            if EXPECT in headers:
                _require_known(headers[EXPECT])
            if limit is None:
                answer = await handler(request)
            else:
                limit.acquire(request)
                try:
                    answer = await handler(request)
                finally:
                    limit.release()
        except Exception as error:  # noqa: BLE001 -- every failure gets an answer in the one shape of errors
            answer = self._failed(request, error, request_id)
        seconds = time.perf_counter() - start
        method = request.method if request.method in METHODS else "other"
        status, traceparent = answer.status, headers.get("traceparent")
        if isinstance(answer, ApiResponse):
            code = answer.code
            self._metrics.requests.observe(method, endpoint, seconds)
            if code is not None:
                self._metrics.problems.labels(code).inc()
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    self._metrics.failures.labels(endpoint).inc()
            response = self._send(request, connection, answer, request_id)
        else:
            code = None
            self._metrics.requests.observe(method, endpoint, None)  # the duration of a stream says nothing about speed
            response = answer
        trace_id = self._tracing.record(method, endpoint, status, seconds, code, traceparent)
        self._access_log.write(method, endpoint, status, 1000 * seconds, request_id, code, trace_id)
        if connection is not None:
            connection.request_ended()
        return response

    def _send(
        self, request: web.BaseRequest, connection: Connection | None, answer: ApiResponse, request_id: str
    ) -> web.StreamResponse:
        if self._cors_origins:
            answer.headers = {**answer.headers, **cors_headers(self._cors_origins, request)}
        # The client must know that its connection will be closed before it sends another request: the process stops,
        # or the body was not read to its end.
        keep = request.keep_alive and not self._stopping.is_set() and request.content.is_eof()
        header = None if keep else "close"
        if keep and request.version < HttpVersion11:
            header = "keep-alive"
        if connection is not None:
            connection.write(render(answer, request_id, header, with_body=request.method != "HEAD"))
        return KEEP_CONNECTION if keep else CLOSE_CONNECTION

    def _failed(self, request: web.BaseRequest, failure: Exception, request_id: str) -> ApiResponse:
        error = _translate(failure, request_id)
        if isinstance(error, RequestFailed):
            log.error("request failed", exc_info=failure, extra={"request_id": request_id})
        if not prefers_html(request.headers.get("Accept", "")):
            return problem_response(error)
        answer = self._pages.problem_page(error)
        if isinstance(error, Unauthorised):
            # Makes a browser ask for a key.
            answer.headers = {**answer.headers, "WWW-Authenticate": 'Basic realm="sentiment"'}
        return answer


def _require_known(expectation: str) -> None:
    if expectation.lower() != "100-continue":
        raise ExpectationFailed(found=ascii(expectation[:40])[1:-1])


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
