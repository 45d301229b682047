"""Which address is answered by which handler, and who may call it."""

from collections.abc import Callable, Collection, Container
from enum import Enum, auto
from typing import NamedTuple

from aiohttp import web

from api.access.access_control import AccessControl
from api.contract.errors import MethodNotAllowed, PathUnknown
from api.endpoints.feedback import FeedbackEndpoint
from api.endpoints.predict import PredictEndpoints
from api.endpoints.probes import ProbeEndpoints
from api.endpoints.websocket import WebSocketEndpoint
from api.http.cors import preflight
from api.http.server import Handler
from api.pages.pages import Pages


class Access(Enum):
    """Which checks come before a handler."""

    OPEN = auto()  # none: everybody who reaches the service may read it
    GUARDED = auto()  # API keys and limits
    STREAM = auto()  # the same, with the limit of WebSockets
    PROBE = auto()  # none; the probes' own port, if there is one


class Endpoints(NamedTuple):
    """The objects that have the handlers."""

    predict: PredictEndpoints
    feedback: FeedbackEndpoint
    websocket: WebSocketEndpoint
    probes: ProbeEndpoints
    pages: Pages


class Route(NamedTuple):
    """An address, the checks before it, and its handler."""

    method: str
    path: str
    access: Access
    handler: Callable[[Endpoints], Handler]


STATIC = "/static/{version}/{name}"
ROUTES = (
    Route("GET", "/", Access.OPEN, lambda to: to.pages.index),
    Route("POST", "/predict", Access.GUARDED, lambda to: to.predict.predict),
    Route("POST", "/predict/batch", Access.GUARDED, lambda to: to.predict.predict_batch),
    Route("POST", "/feedback", Access.GUARDED, lambda to: to.feedback.correct),
    Route("GET", "/ws", Access.STREAM, lambda to: to.websocket.stream),
    Route("GET", "/model", Access.GUARDED, lambda to: to.probes.model),
    Route("GET", "/healthz", Access.PROBE, lambda to: to.probes.healthz),
    Route("GET", "/readyz", Access.PROBE, lambda to: to.probes.readyz),
    Route("GET", "/metrics", Access.PROBE, lambda to: to.probes.metrics),
    Route("GET", "/openapi.json", Access.OPEN, lambda to: to.probes.openapi),
    Route("GET", "/docs", Access.OPEN, lambda to: to.pages.docs),
    Route("GET", STATIC, Access.OPEN, lambda to: to.pages.static),
)
_Found = tuple[str, Handler]


class Router:
    """Find the handler of a request by its method and path, in one look-up for exact paths."""

    def __init__(
        self,
        endpoints: Endpoints,
        control: AccessControl,
        access: Container[Access] = tuple(Access),
        *,
        cors: bool = False,
    ) -> None:
        self._by_path: dict[str, dict[str, _Found]] = {}
        self._preflight = cors
        for method, path, kind, handler_of in ROUTES:
            if kind not in access:
                continue
            found = (path, _checked(control, kind, handler_of(endpoints)))
            methods = self._by_path.setdefault(path, {})
            methods[method] = found
            if method == "GET" and kind is not Access.STREAM:
                methods["HEAD"] = found

    def find(self, request: web.BaseRequest) -> _Found:
        """Return the name of a request's endpoint and its handler."""
        methods = self._by_path.get(request.raw_path) or self._by_path.get(_template(request.path), {})
        found = methods.get(request.method)
        if found is not None:
            return found
        if self._preflight and request.method == "OPTIONS":
            return "preflight", preflight
        return "unmatched", _unmatched(methods)


def _template(path: str) -> str:
    parts = path.split("/")
    return STATIC if len(parts) == 4 and parts[1] == "static" and parts[2] and parts[3] else path


def _checked(control: AccessControl, access: Access, handler: Handler) -> Handler:
    match access:
        case Access.GUARDED:
            return control.guarded(handler)
        case Access.STREAM:
            return control.guarded_stream(handler)
        case _:
            return handler


def _unmatched(methods: Collection[str]) -> Handler:
    async def unmatched(request: web.BaseRequest) -> web.StreamResponse:
        if methods:
            raise MethodNotAllowed(method=ascii(request.method[:20])[1:-1], allowed=", ".join(sorted(methods)))
        raise PathUnknown

    return unmatched
