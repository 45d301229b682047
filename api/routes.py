"""Which address is answered by which handler."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from api import handlers, pages, probes, websocket

Around = Callable[[str, Handler], Handler]  # an address and its handler: what is to answer in its place

STATIC, UNMATCHED = "/static/{name}", "/{unmatched:.*}"
_WITHOUT_HEAD = ("/ws",)
_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", pages.index),
    ("POST", "/predict", handlers.predict_one),
    ("POST", "/predict/batch", handlers.predict_many),
    ("GET", "/ws", websocket.stream),
    ("GET", "/model", probes.model),
    ("GET", "/healthz", probes.healthz),
    ("GET", "/readyz", probes.readyz),
    ("GET", "/metrics", probes.metrics),
    ("GET", "/openapi.json", probes.openapi),
    ("GET", "/docs", pages.docs),
    ("GET", STATIC, pages.static),
)


def routes(around: Around = lambda _, handler: handler) -> list[web.RouteDef]:
    """Return all routes, the last of which takes what no other does."""
    found = [
        web.route(method, path, around(path, handler), **({"allow_head": False} if path in _WITHOUT_HEAD else {}))
        for method, path, handler in _TABLE
    ]
    return [*found, web.route("*", UNMATCHED, around("unmatched", pages.unmatched))]
