"""Which address is answered by which handler, and who may ask."""

from collections.abc import Callable, Container
from enum import Enum, auto

from aiohttp import web
from aiohttp.typedefs import Handler

from api.endpoints import feedback as corrections
from api.endpoints import predict as handlers
from api.endpoints import probes, websocket
from api.http import cors
from api.pages import pages


class Kind(Enum):
    """What stands before a handler."""

    OPEN = auto()  # nothing: whoever reaches the service may read it
    GUARDED = auto()  # keys and limits
    STREAM = auto()  # the same, without a limit of time
    PROBE = auto()  # nothing; on a port of its own if there is one


Around = Callable[[str, Kind, Handler], Handler]  # an address, its kind and its handler: what is to answer

STATIC, UNMATCHED = "/static/{version}/{name}", "/{unmatched:.*}"
_WITHOUT_HEAD = ("/ws",)
_TABLE: tuple[tuple[str, str, Kind, Handler], ...] = (
    ("GET", "/", Kind.OPEN, pages.index),
    ("POST", "/predict", Kind.GUARDED, handlers.predict_one),
    ("POST", "/predict/batch", Kind.GUARDED, handlers.predict_many),
    ("POST", "/feedback", Kind.GUARDED, corrections.correct),
    ("GET", "/ws", Kind.STREAM, websocket.stream),
    ("GET", "/model", Kind.GUARDED, probes.model),
    ("GET", "/healthz", Kind.PROBE, probes.healthz),
    ("GET", "/readyz", Kind.PROBE, probes.readyz),
    ("GET", "/metrics", Kind.PROBE, probes.metrics),
    ("GET", "/openapi.json", Kind.OPEN, probes.openapi),
    ("GET", "/docs", Kind.OPEN, pages.docs),
    ("GET", STATIC, Kind.OPEN, pages.static),
)


def routes(
    around: Around = lambda _, __, handler: handler, kinds: Container[Kind] = tuple(Kind), *, preflight: bool = False
) -> list[web.RouteDef]:
    """Return the routes of some kinds, the last of which takes what no other does."""
    found = [
        web.route(method, path, around(path, kind, handler), **({"allow_head": False} if path in _WITHOUT_HEAD else {}))
        for method, path, kind, handler in _TABLE
        if kind in kinds
    ]
    if preflight:
        found.append(web.route("OPTIONS", UNMATCHED, around("preflight", Kind.OPEN, cors.preflight)))
    return [*found, web.route("*", UNMATCHED, around("unmatched", Kind.OPEN, pages.unmatched))]
