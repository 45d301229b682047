"""What an app carries for its handlers."""

import asyncio
import weakref

from aiohttp import web

from api.logs import AccessLog
from api.metrics import Metrics
from api.model import ModelProvider
from sentiment_core.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
ACCESS = web.AppKey("access", AccessLog)
METRICS = web.AppKey("metrics", Metrics)
MODELS = web.AppKey("models", ModelProvider)
STOPPING = web.AppKey("stopping", asyncio.Event)
SOCKETS: web.AppKey[weakref.WeakSet[web.WebSocketResponse]] = web.AppKey("sockets", weakref.WeakSet)
# The code of the problem that answers a request.
PROBLEM = web.RequestKey("problem", str)
