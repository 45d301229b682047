"""The usual `POST /predict`, a short text alone as JSON, answered and observed in one go.

It is most of what a service is asked, and half of its time would go into what other requests need: finding out what was
meant, and handing it from function to function. Whatever is not the usual goes the long way, from its beginning.
"""

import time

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from api.bodies import JSON
from api.middleware import Observer, request_id_of
from api.model import ModelProvider
from api.scoring import INLINE_CHARACTERS, plain_text, predict_plain

_LONGEST = 4 * INLINE_CHARACTERS  # bytes


def usual_first(
    endpoint: str, observer: Observer, models: ModelProvider, max_body_bytes: int, otherwise: Handler
) -> Handler:
    """Return a handler that answers the usual request, and leaves all others to an observed one."""
    longest = min(_LONGEST, max_body_bytes)

    async def predict(request: web.Request) -> web.StreamResponse:
        start = time.perf_counter()
        if not _is_usual(request, longest):
            return await otherwise(request)
        try:
            text = plain_text(orjson.loads(await request.read()))
            if text is None:
                return await otherwise(request)
            answer = predict_plain(models.current, text)
        except Exception:  # noqa: BLE001 -- it fails the long way again, where every failure gets its answer
            # A body that was read is kept: reading it again costs nothing.
            return await otherwise(request)
        request_id = request_id_of(request)
        response = web.Response(
            body=orjson.dumps(answer),
            headers={"Content-Type": JSON, "X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"},
        )
        observer.metrics.predicted(answer["label"])
        observer.answered("POST", endpoint, 200, time.perf_counter() - start, request_id)
        return response

    return predict


def _is_usual(request: web.Request, longest: int) -> bool:
    """Tell whether the headers say that a short body of plain JSON follows."""
    headers = request.headers
    length = headers.get("Content-Length")
    return (
        headers.get("Content-Type") == JSON
        and length is not None
        and int(length) < longest
        and "Content-Encoding" not in headers
    )
