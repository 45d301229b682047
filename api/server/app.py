"""The app: its parts, its life."""

import asyncio
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from api.access.access_control import GUARD, Guard
from api.contract.settings import SETTINGS, ServiceSettings
from api.contract.text_limit import LIMIT, TextLimit
from api.endpoints import websocket
from api.endpoints.probes import STOPPING
from api.endpoints.websocket import SOCKETS
from api.feedback.queue import FEEDBACK, open_feedback
from api.models.provider import MODELS, ModelProvider
from api.observability.logs import ACCESS, AccessLog
from api.observability.metrics import METRICS, Metrics
from api.observability.tracing import TRACING, NoTracing, tracing_of
from api.pages import pages
from api.server.fast_path import USUAL, Usual
from api.server.observer import Observer
from api.server.routes import Around, Kind, routes


def create_app(settings: ServiceSettings) -> web.Application:
    """Return the app; it begins to load its model when it starts."""
    metrics, access, stopping = Metrics(settings.hourly_price_usd), AccessLog(sys.stdout.buffer), asyncio.Event()
    tracing = tracing_of(settings)
    guard, observer = Guard(settings, metrics), Observer(metrics, access, tracing, stopping)
    app = web.Application(client_max_size=settings.max_body_bytes)
    app[SETTINGS] = settings
    app[METRICS] = metrics
    app[ACCESS] = access
    app[GUARD] = guard
    app[LIMIT] = TextLimit.of(settings)
    app[MODELS] = ModelProvider(settings, metrics)
    app[FEEDBACK] = open_feedback(settings, metrics)
    app[TRACING] = tracing
    app[STOPPING] = stopping
    app[SOCKETS] = weakref.WeakSet()
    app[USUAL] = Usual(settings, app[MODELS], guard, observer, stopping)
    pages.set_up(app)
    kinds = set(Kind) if settings.api_probes_port is None else set(Kind) - {Kind.PROBE}
    app.add_routes(routes(_around(observer, guard), kinds, preflight=bool(settings.cors_origins)))
    app.cleanup_ctx.append(_following)
    app.cleanup_ctx.append(_storing)
    app.on_shutdown.append(websocket.close_all)
    app.on_cleanup.append(_flush)
    return app


def create_probes(app: web.Application) -> web.Application:
    """Return an app for a port of its own that answers what operators and machines ask about another app."""
    probes = web.Application()
    probes[SETTINGS], probes[METRICS] = app[SETTINGS], app[METRICS]
    probes[MODELS], probes[FEEDBACK], probes[STOPPING] = app[MODELS], app[FEEDBACK], app[STOPPING]
    observer = Observer(app[METRICS], app[ACCESS], NoTracing(), app[STOPPING])
    probes.add_routes(routes(_around(observer, app[GUARD]), {Kind.PROBE}))
    return probes


def _around(observer: Observer, guard: Guard) -> Around:
    def around(endpoint: str, kind: Kind, handler: Handler) -> Handler:
        match kind:
            case Kind.GUARDED:
                handler = guard.around(handler)
            case Kind.STREAM:
                handler = guard.around_stream(handler)
        return observer.around(endpoint, handler)

    return around


async def _flush(app: web.Application) -> None:
    app[ACCESS].flush()
    await asyncio.to_thread(app[TRACING].close)


async def _following(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[MODELS].follow())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _storing(app: web.Application) -> AsyncIterator[None]:
    feedback = app[FEEDBACK]
    if feedback is not None:
        feedback.start()
    yield
    if feedback is not None:
        await feedback.close()
