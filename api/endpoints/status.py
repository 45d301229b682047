"""Endpoints for operators and programs: health, readiness, metrics, the model, the OpenAPI document."""

import asyncio

from aiohttp import web
from aiohttp.hdrs import ACCEPT

from api.contract.errors import ServiceStopping
from api.contract.openapi import document
from api.contract.schemas import Health
from api.contract.settings import ServiceSettings
from api.feedback.queue import FeedbackQueue
from api.http.responses import ApiResponse, json_response
from api.models.provider import ModelProvider
from api.observability.metrics import ServiceMetrics


class StatusEndpoints:
    """Report on the process."""

    def __init__(
        self,
        settings: ServiceSettings,
        models: ModelProvider,
        feedback: FeedbackQueue | None,
        metrics: ServiceMetrics,
        stopping: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._models = models
        self._feedback = feedback
        self._metrics = metrics
        self._stopping = stopping

    async def healthz(self, _request: web.BaseRequest) -> ApiResponse:
        """Answer as long as the process runs."""
        alive: Health = {"status": "ok"}
        return json_response(alive)

    async def readyz(self, _request: web.BaseRequest) -> ApiResponse:
        """Answer 200 while this process should get requests."""
        if self._stopping.is_set():
            raise ServiceStopping
        ready = self._models.readiness()
        if self._feedback is not None:
            ready["feedback"] = self._feedback.status
        return json_response(ready)

    async def model(self, _request: web.BaseRequest) -> ApiResponse:
        """Describe the champion."""
        return json_response(self._models.card())

    async def metrics(self, request: web.BaseRequest) -> ApiResponse:
        """Answer with all metrics."""
        body, content_type = self._metrics.exposition(request.headers.get(ACCEPT, ""))
        return ApiResponse(body, content_type)

    async def openapi(self, _request: web.BaseRequest) -> ApiResponse:
        """Answer with the OpenAPI document."""
        return json_response(document(self._settings))
