"""The service: its parts, its start and its end."""

import asyncio
import logging
from contextlib import suppress

from api.access.access_control import AccessControl
from api.contract.settings import ServiceSettings
from api.contract.text_limit import TextLimit
from api.endpoints.feedback import FeedbackEndpoint
from api.endpoints.files import FileEndpoint
from api.endpoints.model_selection import ModelSelection
from api.endpoints.predict import PredictEndpoints
from api.endpoints.status import StatusEndpoints
from api.endpoints.websocket import WebSocketEndpoint
from api.feedback.queue import open_feedback
from api.http.bodies import BodyReader
from api.http.server import HttpServer
from api.models.provider import ModelProvider
from api.models.scoring import Predictor
from api.observability.logs import AccessLog, LogOutput
from api.observability.metrics import ServiceMetrics
from api.observability.tracing import NoTracing, tracing_of
from api.pages.pages import Pages
from api.server.dispatcher import Dispatcher
from api.server.router import Access, Endpoints, Router

log = logging.getLogger("api")


class Service:
    """All parts of one process."""

    def __init__(self, settings: ServiceSettings, output: LogOutput) -> None:
        self.stopping = asyncio.Event()
        self._settings = settings
        metrics = ServiceMetrics(settings.hourly_price_usd)
        output.on_drop = lambda reason, lines: metrics.log_dropped.labels(reason).inc(lines)
        self._access_log = AccessLog(output)
        self._tracing = tracing_of(settings)
        self._models = ModelProvider(settings, metrics)
        self._feedback = open_feedback(settings, metrics)
        control, limit = AccessControl(settings, metrics), TextLimit.of(settings)
        bodies = BodyReader(settings.max_body_bytes, settings.request_timeout_s)
        pages = Pages(settings, self._models, self._feedback is not None)
        selection = ModelSelection(self._models, control.callers, limit, metrics)
        predictor = Predictor(limit, settings.request_timeout_s)
        self._websocket = WebSocketEndpoint(settings, control, selection, predictor, metrics)
        endpoints = Endpoints(
            PredictEndpoints(bodies, selection, predictor, pages, metrics, settings.max_batch_texts),
            FileEndpoint(bodies, selection, settings),
            FeedbackEndpoint(bodies, control.callers, self._feedback, limit, pages),
            self._websocket,
            StatusEndpoints(settings, self._models, self._feedback, metrics, self.stopping),
            pages,
        )
        own_port = settings.api_probes_port is not None
        access = set(Access) - {Access.PROBE} if own_port else set(Access)
        router = Router(endpoints, control, access, cors=bool(settings.cors_origins))
        self._server = HttpServer(
            Dispatcher(router, pages, metrics, self._access_log, self._tracing, self.stopping, settings.cors_origins),
            settings,
            metrics,
        )
        metrics.connections_open.set_function(lambda: len(self._server.connections))
        probes = Router(endpoints, control, {Access.PROBE})
        self._probes = HttpServer(
            Dispatcher(probes, pages, metrics, self._access_log, NoTracing(), self.stopping), settings, metrics
        )
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to load models and to store corrections, and listen. Raises `AddressTaken`."""
        settings = self._settings
        self._following = asyncio.create_task(self._models.follow())
        if self._feedback is not None:
            self._feedback.start()
        if settings.api_probes_port is not None:
            address = await self._probes.start(settings.api_host, settings.api_probes_port)
            log.info("probes listening", extra={"address": address})
        address = await self._server.start(settings.api_host, settings.api_port)
        log.info("listening", extra={"address": address})

    async def stop(self) -> None:
        """Finish the requests in progress, store what waits, and end."""
        await self._probes.stop()
        await self._server.stop(self._websocket.close_all)
        if self._feedback is not None:
            await self._feedback.close()
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        self._access_log.flush()
        await asyncio.to_thread(self._tracing.close)
