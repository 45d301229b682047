"""Which address is answered by which handler."""

from aiohttp import web

from api import handlers, pages, probes, websocket


def routes() -> list[web.AbstractRouteDef]:
    """Return all routes."""
    return [
        web.get("/", pages.index),
        web.post("/predict", handlers.predict_one),
        web.post("/predict/batch", handlers.predict_many),
        web.get("/ws", websocket.stream, allow_head=False),
        web.get("/model", probes.model),
        web.get("/healthz", probes.healthz),
        web.get("/readyz", probes.readyz),
        web.get("/metrics", probes.metrics),
        web.get("/openapi.json", probes.openapi),
        web.get("/docs", pages.docs),
        web.static("/static", pages.STATIC),
    ]
