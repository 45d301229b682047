"""`GET /ws`: one JSON text in, one result out, in order; a bad message is answered and the stream goes on."""

import logging
import weakref

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from api.access.access_control import CALLER, GUARD
from api.contract.errors import TypeInvalid, UpgradeRequired
from api.contract.problems import problem
from api.contract.schemas import Prediction, PredictRequest, Problem, validate
from api.contract.settings import SETTINGS
from api.contract.text_limit import LIMIT
from api.endpoints.model_selection import model_for, note
from api.http.bodies import parse_json
from api.models.scoring import predict
from api.observability.metrics import METRICS
from sentiment_core.errors import SentimentError

log = logging.getLogger(__name__)

SOCKETS: web.AppKey[weakref.WeakSet[web.WebSocketResponse]] = web.AppKey("sockets", weakref.WeakSet)
_HEARTBEAT_S = 30.0


async def stream(request: web.Request) -> web.WebSocketResponse:
    """Score message after message until the client closes, or is silent for too long."""
    settings = request.app[SETTINGS]
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=settings.max_body_bytes)
    if not socket.can_prepare(request):
        raise UpgradeRequired
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    try:
        # The next message is read when the last answer is written: a client that does not read is not read either.
        while (message := await socket.receive(settings.socket_idle_s)).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            answer = await _answer(request, message.data)
            await socket.send_str(orjson.dumps(answer).decode())
    except TimeoutError:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"idle for too long")
    except ConnectionResetError:
        log.debug("the client left without a word")
    return socket


async def close_all(app: web.Application) -> None:
    """Tell every client that this process is going away."""
    sockets = app[SOCKETS]
    for socket in tuple(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the service is stopping")


async def _answer(request: web.Request, data: str | bytes) -> Prediction | Problem:
    app = request.app
    try:
        if isinstance(data, bytes):
            raise TypeInvalid(where="message", why="it must be a text message, not a binary one")
        app[GUARD].rate.take(request[CALLER])
        wanted = validate(PredictRequest, parse_json(data))
        answer = await predict(model_for(request), wanted, app[LIMIT])
    except SentimentError as error:
        app[METRICS].problems.labels(error.code).inc()
        return problem(error)
    note(app, wanted.text, answer)
    return answer
