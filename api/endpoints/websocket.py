"""`GET /ws`: one JSON text in, one result out, in order; a bad message is answered and the stream continues."""

import logging
import weakref

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from api.access.access_control import AccessControl
from api.contract.errors import TypeInvalid, UpgradeRequired
from api.contract.problems import problem
from api.contract.schemas import Prediction, PredictRequest, Problem, validate
from api.contract.settings import ServiceSettings
from api.endpoints.model_selection import ModelSelection
from api.http.bodies import parse_json
from api.models.scoring import Predictor
from api.observability.metrics import ServiceMetrics
from sentiment_core.errors import SentimentError

log = logging.getLogger(__name__)

_HEARTBEAT_S = 30.0


class WebSocketEndpoint:
    """Score the messages of WebSockets."""

    def __init__(
        self,
        settings: ServiceSettings,
        control: AccessControl,
        selection: ModelSelection,
        predictor: Predictor,
        metrics: ServiceMetrics,
    ) -> None:
        self._settings = settings
        self._control = control
        self._selection = selection
        self._predictor = predictor
        self._metrics = metrics
        self._open: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()

    async def stream(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Score message after message until the client closes, or is silent for too long."""
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=self._settings.max_body_bytes)
        if not socket.can_prepare(request):
            raise UpgradeRequired
        await socket.prepare(request)
        self._open.add(socket)
        caller = self._control.callers.identify(request)
        idle_s = self._settings.socket_idle_s
        try:
            # A message is read after the previous answer is written: a client that does not read is not read either.
            while (message := await socket.receive(idle_s)).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                answer = await self._answer(request, caller, message.data)
                await socket.send_str(orjson.dumps(answer).decode())
        except TimeoutError:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"idle for too long")
        except ConnectionResetError:
            log.debug("the client left without closing the WebSocket")
        return socket

    async def close_all(self) -> None:
        """Tell every client that this process is stopping."""
        for socket in tuple(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the service is stopping")

    async def _answer(self, request: web.BaseRequest, caller: str, data: str | bytes) -> Prediction | Problem:
        try:
            if isinstance(data, bytes):
                raise TypeInvalid(where="message", why="it must be a text message, not a binary one")
            self._control.rate.take(caller)
            wanted = validate(PredictRequest, parse_json(data))
            prediction = await self._predictor.predict(self._selection.model_for(request), wanted.text, wanted.explain)
        except SentimentError as error:
            self._metrics.problems.labels(error.code).inc()
            return problem(error)
        self._selection.record(wanted.text, prediction)
        return prediction
