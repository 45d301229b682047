"""What happens around every handler: errors become problems, and each request is measured and logged once.

The log names routes, never raw paths or bodies: no text of a user gets into it.
"""

import itertools
import logging
import re
import time
import uuid

from aiohttp import web
from aiohttp.typedefs import Handler

from api.keys import PROBLEM
from api.logs import AccessLog
from api.metrics import METHODS, Metrics
from api.problems import problem_response
from api.routes import Around
from sentiment_core.errors import (
    BodyUnreadable,
    PathUnknown,
    RequestFailed,
    SentimentError,
)

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIRST_ERROR = 400
# A request's id is the process's, which is random, and a number.
_PROCESS = uuid.uuid4().hex[:22]
_numbers = itertools.count()


def observer(metrics: Metrics, access: AccessLog) -> Around:
    """Return what wraps each handler so that it is counted, timed and logged into these.

    Handlers are wrapped one by one: what aiohttp does around a middleware costs as much as all of this.
    """

    def around(endpoint: str, handler: Handler) -> Handler:
        async def observed(request: web.Request) -> web.StreamResponse:
            start = time.perf_counter()
            request_id = _request_id(request)
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 -- every failure gets an answer in the one shape of errors
                response = _failed(request, error, request_id)
            seconds = time.perf_counter() - start
            if not response.prepared:
                headers = response.headers
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
            method, status = request.method, response.status
            metrics.observe(method, endpoint, None if response.prepared else seconds)
            code = None
            if status >= _FIRST_ERROR:
                code = request.get(PROBLEM)
                if code is not None:
                    metrics.problems.labels(code).inc()
            shown = method if method in METHODS else ascii(method)[1:-1]
            access.write(shown, endpoint, status, seconds * 1000, request_id, code)
            return response

        return observed

    return around


def _failed(request: web.Request, failure: Exception, request_id: str) -> web.Response:
    error = _translate(failure, request_id)
    request[PROBLEM] = error.code
    if isinstance(error, RequestFailed):
        log.error("request failed", exc_info=failure, extra={"request_id": request_id})
    return problem_response(error)


def _translate(failure: Exception, request_id: str) -> SentimentError:
    match failure:
        case SentimentError():
            return failure
        case web.HTTPClientError():
            return PathUnknown()
        case web.RequestPayloadError():
            return BodyUnreadable(why="it ends early or does not have the encoding that its headers name")
        case _:
            return RequestFailed(request_id=request_id)


def _request_id(request: web.Request) -> str:
    given = request.headers.get("X-Request-Id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"{_PROCESS}{next(_numbers):010x}"
