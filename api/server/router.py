"""Which address is answered by which handler, and who may call it."""

from collections.abc import Awaitable, Callable, Collection, Container
from enum import Enum, auto
from typing import NamedTuple

from aiohttp import web

from api.access.access_control import AccessControl, ConcurrencyLimit
from api.contract.errors import MethodNotAllowed, PathUnknown
from api.endpoints.feedback import FeedbackEndpoint
from api.endpoints.files import FileEndpoint
from api.endpoints.predict import PredictEndpoints
from api.endpoints.status import StatusEndpoints
from api.endpoints.websocket import WebSocketEndpoint
from api.http.cors import preflight
from api.http.responses import ApiResponse
from api.pages.pages import Pages

Handler = Callable[[web.BaseRequest], Awaitable[ApiResponse | web.WebSocketResponse]]


class Access(Enum):
    """Which checks come before a handler."""

    OPEN = auto()  # none: everybody who reaches the service may read it
    GUARDED = auto()  # API keys and limits
    STREAM = auto()  # the same, with the limit of WebSockets
    PROBE = auto()  # none; the probes' own port, if there is one


class Endpoints(NamedTuple):
    """The objects that have the handlers."""

    predict: PredictEndpoints
    files: FileEndpoint
    feedback: FeedbackEndpoint
    websocket: WebSocketEndpoint
    probes: StatusEndpoints
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
    Route("POST", "/predict/file", Access.GUARDED, lambda to: to.files.predict_file),
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


class Target(NamedTuple):
    """What a request is routed to: the name of its endpoint, its handler, and its limit of concurrency, if any."""

    endpoint: str
    handler: Handler
    limit: ConcurrencyLimit | None


class Router:
    """Find the target of a request by its path and method, in one look-up for exact paths."""

    def __init__(
        self,
        endpoints: Endpoints,
        control: AccessControl,
        access: Container[Access] = tuple(Access),
        *,
        cors: bool = False,
    ) -> None:
        self._by_path: dict[str, dict[str, Target]] = {}
        self._preflight = cors
        limits = {Access.GUARDED: control.requests, Access.STREAM: control.sockets}
        for method, path, kind, handler_of in ROUTES:
            if kind not in access:
                continue
            target = Target(path, handler_of(endpoints), limits.get(kind))
            methods = self._by_path.setdefault(path, {})
            methods[method] = target
            if method == "GET" and kind is not Access.STREAM:
                methods["HEAD"] = target

    def find(self, request: web.BaseRequest) -> Target:
        """Return the target of a request; every request has one."""
        methods = self._by_path.get(request.raw_path) or self._by_path.get(_template(request.path), {})
        target = methods.get(request.method)
        if target is not None:
            return target
        if self._preflight and request.method == "OPTIONS":
            return _PREFLIGHT
        return Target("unmatched", _unmatched(methods), None)


_PREFLIGHT = Target("preflight", preflight, None)


def _template(path: str) -> str:
    """Return the path of the route that a path means. A slash at its end makes no difference."""
    if len(path) > 1:
        path = path.removesuffix("/")
    parts = path.split("/")
    return STATIC if len(parts) == 4 and parts[1] == "static" and parts[2] and parts[3] else path


def _unmatched(methods: Collection[str]) -> Handler:
    async def unmatched(request: web.BaseRequest) -> ApiResponse:
        if methods:
            raise MethodNotAllowed(method=ascii(request.method[:20])[1:-1], allowed=", ".join(sorted(methods)))
        raise PathUnknown

    return unmatched
