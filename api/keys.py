"""What an app carries for its handlers."""

import asyncio
import weakref
from typing import TYPE_CHECKING

from aiohttp import web

from api.feedback import FeedbackQueue
from api.logs import AccessLog
from api.metrics import Metrics
from api.model import ModelProvider
from api.texts import TextLimit
from sentiment_core.settings import Settings

if TYPE_CHECKING:  # some of them use keys themselves
    from api.guard import Guard
    from api.tracing import Tracing
    from api.usual import Usual

SETTINGS = web.AppKey("settings", Settings)
ACCESS = web.AppKey("access", AccessLog)
METRICS = web.AppKey("metrics", Metrics)
LIMIT = web.AppKey("limit", TextLimit)
GUARD: web.AppKey["Guard"] = web.AppKey("guard")
USUAL: web.AppKey["Usual"] = web.AppKey("usual")
MODELS = web.AppKey("models", ModelProvider)
TRACING: web.AppKey["Tracing"] = web.AppKey("tracing")
# None where no corrections are taken.
FEEDBACK: web.AppKey[FeedbackQueue | None] = web.AppKey("feedback")
STOPPING = web.AppKey("stopping", asyncio.Event)
SOCKETS: web.AppKey[weakref.WeakSet[web.WebSocketResponse]] = web.AppKey("sockets", weakref.WeakSet)
# The name or the address of who sent a request.
CALLER = web.RequestKey("caller", str)
# The code of the problem that answers a request.
PROBLEM = web.RequestKey("problem", str)
