"""What operators and machines ask: health, readiness, metrics, the model, the OpenAPI document."""

import asyncio

from aiohttp import web
from aiohttp.hdrs import ACCEPT, CONTENT_TYPE

from api.contract.errors import ServiceStopping
from api.contract.openapi import document
from api.contract.schemas import Health
from api.contract.settings import SETTINGS
from api.feedback.queue import FEEDBACK
from api.http.responses import json_response
from api.models.provider import MODELS
from api.observability.metrics import METRICS

STOPPING = web.AppKey("stopping", asyncio.Event)


async def healthz(_request: web.Request) -> web.Response:
    """Answer as long as the process runs."""
    alive: Health = {"status": "ok"}
    return json_response(alive)


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 while this process should get requests."""
    if request.app[STOPPING].is_set():
        raise ServiceStopping
    ready = request.app[MODELS].readiness()
    feedback = request.app[FEEDBACK]
    if feedback is not None:
        ready["feedback"] = feedback.status
    return json_response(ready)


async def model(request: web.Request) -> web.Response:
    """Describe the model that answers now."""
    return json_response(request.app[MODELS].card())


async def metrics(request: web.Request) -> web.Response:
    """Answer with all metrics."""
    body, content_type = request.app[METRICS].exposition(request.headers.get(ACCEPT, ""))
    return web.Response(body=body, headers={CONTENT_TYPE: content_type})


async def openapi(request: web.Request) -> web.Response:
    """Answer with the OpenAPI document."""
    return json_response(document(request.app[SETTINGS]))
