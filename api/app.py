"""The app: its parts, its life."""

import asyncio
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from api import pages, websocket
from api.keys import ACCESS, METRICS, MODELS, SETTINGS, SOCKETS, STOPPING
from api.logs import AccessLog
from api.metrics import Metrics
from api.middleware import Observer
from api.model import ModelProvider
from api.routes import Around, routes
from api.usual import usual_first
from sentiment_core.settings import Settings


def create_app(settings: Settings) -> web.Application:
    """Return the app; it begins to load its model when it starts."""
    metrics, access = Metrics(settings.hourly_price_usd), AccessLog(sys.stdout.buffer)
    app = web.Application(client_max_size=settings.max_body_bytes)
    app[SETTINGS] = settings
    app[METRICS] = metrics
    app[ACCESS] = access
    app[MODELS] = ModelProvider(settings, metrics)
    app[STOPPING] = asyncio.Event()
    app[SOCKETS] = weakref.WeakSet()
    pages.set_up(app)
    app.add_routes(routes(_observed(Observer(metrics, access), app[MODELS], settings.max_body_bytes)))
    app.cleanup_ctx.append(_following)
    app.on_shutdown.append(websocket.close_all)
    app.on_cleanup.append(_flush)
    return app


def _observed(observer: Observer, models: ModelProvider, max_body_bytes: int) -> Around:
    def around(endpoint: str, handler: Handler) -> Handler:
        observed = observer.around(endpoint, handler)
        if endpoint != "/predict":
            return observed
        return usual_first(endpoint, observer, models, max_body_bytes, observed)

    return around


async def _flush(app: web.Application) -> None:
    app[ACCESS].flush()


async def _following(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[MODELS].follow())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
