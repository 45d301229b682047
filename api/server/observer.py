"""What happens around every handler: errors become problems, and each request is measured and logged once.

The log names routes, never raw paths or bodies: no text of a user gets into it.
"""

import asyncio
import itertools
import logging
import re
import time
import uuid
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from api.contract.errors import BodyUnreadable, RequestFailed, Unauthorised
from api.contract.problems import PROBLEM, problem_response
from api.http import cors
from api.http.content_negotiation import prefers_html
from api.observability.logs import AccessLog
from api.observability.metrics import METHODS, Metrics
from api.observability.tracing import Tracing
from api.pages.pages import problem_page
from sentiment_core.errors import SentimentError

log = logging.getLogger(__name__)

SERVER = "sentiment"  # and no versions, which help those who look for known holes
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A request's id is the process's, which is random, and a number.
_PROCESS = uuid.uuid4().hex[:22]
_numbers = itertools.count()


class Observer:
    """Wraps each handler so that its requests are counted, timed and logged.

    Handlers are wrapped one by one: what aiohttp does around a middleware costs as much as all of this.
    """

    def __init__(self, metrics: Metrics, access: AccessLog, tracing: Tracing, stopping: asyncio.Event) -> None:
        self.metrics = metrics
        self._access = access
        self._tracing = tracing
        self._stopping = stopping

    def around(self, endpoint: str, handler: Handler) -> Handler:
        """Return a handler that answers every request, whatever becomes of the one that it wraps."""

        async def observed(request: web.Request) -> web.StreamResponse:
            start = time.perf_counter()
            request_id = request_id_of(request.headers)
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 -- every failure gets an answer in the one shape of errors
                response = _failed(request, error, request_id)
            seconds = time.perf_counter() - start
            if not response.prepared:
                response.headers["X-Request-Id"] = request_id
                response.headers["X-Content-Type-Options"] = "nosniff"
                response.headers["Server"] = SERVER
                cors.allow(request, response)
                # A client must know that its connection will be closed, or its next request is under way by then:
                # when the process stops, and when a body was not read to its end.
                if self._stopping.is_set() or not request.content.is_eof():
                    response.force_close()
            method = request.method if request.method in METHODS else "other"
            self.answered(
                method,
                endpoint,
                response.status,
                seconds,
                request_id,
                request.headers.get("traceparent"),
                request.get(PROBLEM),
                streamed=response.prepared,
            )
            return response

        return observed

    def answered(
        self,
        method: str,
        endpoint: str,
        status: int,
        seconds: float,
        request_id: str,
        traceparent: str | None,
        code: str | None = None,
        *,
        streamed: bool = False,
    ) -> None:
        """Note one answered request; the duration of a stream says nothing of speed."""
        self.metrics.observe(method, endpoint, None if streamed else seconds)
        if code is not None:
            self.metrics.problems.labels(code).inc()
        trace_id = self._tracing.record(method, endpoint, status, seconds, code, traceparent)
        self._access.write(method, endpoint, status, 1000 * seconds, request_id, code, trace_id)


def _failed(request: web.Request, failure: Exception, request_id: str) -> web.Response:
    error = _translate(failure, request_id)
    request[PROBLEM] = error.code
    if isinstance(error, RequestFailed):
        log.error("request failed", exc_info=failure, extra={"request_id": request_id})
    if not prefers_html(request.headers.get("Accept", "")):
        return problem_response(error)
    response = problem_page(request, error)
    if isinstance(error, Unauthorised):
        response.headers["WWW-Authenticate"] = 'Basic realm="sentiment"'  # the one way in which browsers ask for a key
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
