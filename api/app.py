"""The app: its parts, its life."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from api import pages, websocket
from api.keys import METRICS, MODELS, SETTINGS, SOCKETS, STOPPING
from api.metrics import Metrics
from api.middleware import observe
from api.model import ModelProvider
from api.routes import routes
from sentiment_core.settings import Settings


def create_app(settings: Settings) -> web.Application:
    """Return the app; it begins to load its model when it starts."""
    app = web.Application(middlewares=[observe], client_max_size=settings.max_body_bytes)
    app[SETTINGS] = settings
    app[METRICS] = Metrics(settings.hourly_price_usd)
    app[MODELS] = ModelProvider(settings, app[METRICS])
    app[STOPPING] = asyncio.Event()
    app[SOCKETS] = weakref.WeakSet()
    pages.set_up(app)
    app.add_routes(routes())
    app.cleanup_ctx.append(_following)
    app.on_shutdown.append(websocket.close_all)
    return app


async def _following(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[MODELS].follow())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
