"""`GET /ws`: one JSON text in, one result out, in order; a bad message is answered and the stream goes on."""

from contextlib import suppress

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from api.bodies import parse_json
from api.keys import METRICS, MODELS, SETTINGS, SOCKETS
from api.problems import problem
from api.schemas import Prediction, PredictRequest, Problem, validate
from api.scoring import predict
from sentiment_core.errors import SentimentError, TypeInvalid, UpgradeRequired

_HEARTBEAT_S = 30.0


async def stream(request: web.Request) -> web.WebSocketResponse:
    """Score message after message until the client closes."""
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=request.app[SETTINGS].max_body_bytes)
    if not socket.can_prepare(request):
        raise UpgradeRequired
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    with suppress(ConnectionResetError):  # the client left without a word
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await socket.send_str(orjson.dumps(await _answer(request.app, message.data)).decode())
    return socket


async def close_all(app: web.Application) -> None:
    """Tell every client that this process is going away."""
    sockets = app[SOCKETS]
    for socket in tuple(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the service is stopping")


async def _answer(app: web.Application, data: str | bytes) -> Prediction | Problem:
    try:
        if isinstance(data, bytes):
            raise TypeInvalid(where="message", why="it must be a text message, not a binary one")
        answer = await predict(app[MODELS].current, validate(PredictRequest, parse_json(data)))
    except SentimentError as error:
        app[METRICS].problems.labels(error.code).inc()
        return problem(error)
    app[METRICS].predicted(answer["label"])
    return answer
