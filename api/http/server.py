"""An HTTP server on aiohttp's low-level interface: one handler for all requests, no application and no router."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from typing_extensions import override

from api.contract.settings import ServiceSettings
from api.http.connection import LINGER_S, Connection
from api.http.responses import problem_response, render
from api.http.write_batch import WriteBatch
from api.observability.metrics import ServiceMetrics
from sentiment_core.errors import AddressTaken, SentimentError

# Connections that the kernel holds until they are accepted, at most net.core.somaxconn. With asyncio's 100, a burst of
# 300 lost some: the kernel answers a full queue with SYN cookies, and forgets a client that sends nothing.
BACKLOG: Final = 1024
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)


def _is_not_about_the_client(record: logging.LogRecord) -> bool:
    """Return whether a record is no malformed request, which aiohttp logs with a traceback and the metric counts."""
    error = record.exc_info[0] if record.exc_info else None
    return error is None or not error.__module__.startswith("aiohttp.")


_log.addFilter(_is_not_about_the_client)


class _Written(web.StreamResponse):
    """What aiohttp gets for an answer that is written already: there is nothing left to prepare or to send."""

    def __init__(self, *, keeps_connection: bool) -> None:
        super().__init__()
        self.keeps_connection = keeps_connection

    @property
    @override
    def keep_alive(self) -> bool:
        return self.keeps_connection

    @override
    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    @override
    async def write_eof(self, data: bytes = b"") -> None:
        return None


# One of each serves all requests: they hold nothing of a request.
KEEP_CONNECTION = _Written(keeps_connection=True)
CLOSE_CONNECTION = _Written(keeps_connection=False)


class HttpServer:
    """Listen, and have one handler answer every request."""

    def __init__(
        self, handler: Handler, settings: ServiceSettings, metrics: ServiceMetrics, max_connections: int | None = None
    ) -> None:
        self.request_timeout_s = settings.request_timeout_s
        self.max_connections = settings.max_connections if max_connections is None else max_connections
        self.connections: set[Connection] = set()
        self._handler = handler
        self._keepalive_s = settings.keepalive_s
        self._metrics = metrics
        self._runner: web.ServerRunner | None = None
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> list[str]:
        """Listen on an address and return the addresses that are bound; raises `AddressTaken`."""
        self.batch = WriteBatch(self.connections, self._metrics.write_batches)
        self._server = web.Server(
            self._handler,
            keepalive_timeout=self._keepalive_s,
            lingering_time=LINGER_S,
            auto_decompress=False,  # aiohttp takes a coding that it does not know for malformed HTTP
            access_log=None,
            logger=_log,
        )
        self._runner = web.ServerRunner(self._server, shutdown_timeout=self.request_timeout_s)
        await self._runner.setup()
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: Connection(self), host, port, backlog=BACKLOG
            )
        except OSError as error:
            raise AddressTaken(address=f"{host}:{port}", why=error.strerror or str(error)) from error
        return [f"{host}:{port}" for host, port, *_ in (each.getsockname() for each in self._listener.sockets)]

    async def stop(self, close_streams: Callable[[], Awaitable[None]] | None = None) -> None:
        """Accept no more, finish the requests in progress and close all connections."""
        if self._listener is not None:
            self._listener.close()
        if close_streams is not None:
            await close_streams()
        if self._runner is not None:
            await self._runner.cleanup()

    def protocol(self) -> asyncio.Protocol:
        """Return aiohttp's protocol for a new connection."""
        return self._server()

    def problem(self, error: SentimentError) -> bytes:
        """Count an error that no handler sees and return its answer."""
        self._metrics.problems.labels(error.code).inc()
        return render(problem_response(error))
