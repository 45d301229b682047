"""A client's connection: usual requests are answered the moment they are read, and slow clients do not keep it.

aiohttp makes a task, a request and a response of all that arrives, which takes longer than scoring a text does. What
`AtOnce` answers needs none of them: its bytes are written where those of the request are read. Everything else,
and everything that is not alone on its connection, goes through aiohttp as always.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from typing_extensions import override

from api.contract.errors import HttpMalformed, Overloaded
from api.contract.problems import problem_bytes, problem_response
from api.contract.settings import ServiceSettings
from api.observability.metrics import Metrics
from sentiment_core.errors import SentimentError

# Takes a request, its whole body and the client's address, and returns the whole answer; or None, having done nothing.
AtOnce = Callable[[RawRequestMessage, bytes, str | None], bytes | None]
_Messages = list[tuple[RawRequestMessage, StreamReader]]

# No usual request is longer, and a body put back after a look at it must fit into its reader without a pause.
LONGEST_BODY = 100_000
_FAREWELL_S = 2.0


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = ("_at_once", "_deadline", "_metrics", "_most", "_patience_s")

    def __init__(
        self, server: web.Server, at_once: AtOnce, settings: ServiceSettings, metrics: Metrics, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self._parser = _Parser(
            self,
            self._loop,
            self._read_bufsize,
            payload_exception=web.RequestPayloadError,
            max_line_size=self.max_line_size,
            max_headers=self.max_headers,
            max_field_size=self.max_field_size,
            max_msg_queue_size=self._max_msg_queue_size,
        )
        self._at_once = at_once
        self._metrics = metrics
        self._most = settings.max_connections
        self._patience_s = settings.request_timeout_s
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve the client, if there is room for it."""
        super().connection_made(transport)
        if self._manager is not None and len(self._manager.connections) > self._most:
            self._send_away(Overloaded(limit=self._most, things="open connections"))

    def _send_away(self, error: SentimentError) -> None:
        """Say why and close, but read on for a moment: closing upon unread bytes would cut the answer."""
        self._metrics.problems.labels(error.code).inc()
        self._force_close = True
        if self.transport is not None:
            self.transport.write(problem_bytes(error))
            self.transport.write_eof()
            self._deadline = self._loop.call_later(_FAREWELL_S, self._abort)

    def answered(self, message: RawRequestMessage, body: StreamReader) -> StreamReader | None:
        """Answer a request at once and return None, or return the body for aiohttp to read."""
        if not self._idle() or self.writing_paused or self.transport is None or not body.is_eof():
            return body
        if body.total_bytes > LONGEST_BODY:
            return body
        data = body.read_nowait()
        address = self.peername
        answer = self._at_once(message, data, address[0] if isinstance(address, tuple) else None)
        if answer is None:
            return self._as_read(data)
        self.transport.write(answer)
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        return None

    def _idle(self) -> bool:
        """Tell whether aiohttp waits for the next request: nothing that came earlier is still to be answered."""
        waiter = self._waiter
        return waiter is not None and not waiter.done() and not self._messages

    def _as_read(self, data: bytes) -> StreamReader:
        body = StreamReader(self, self._read_bufsize, loop=self._loop)
        body.feed_data(data)
        body.feed_eof()
        return body

    def received(self, complete: bool) -> None:
        """Note that bytes came: the head of a request must be complete in time, however slowly its bytes drip in."""
        if complete:
            self._in_time()
        elif self._deadline is None and self._idle():
            self._deadline = self._loop.call_later(self._patience_s, self.force_close)

    def pause_writing(self) -> None:
        """Note that the client does not read its answers: it must go on in time."""
        super().pause_writing()
        self._in_time()
        self._deadline = self._loop.call_later(self._patience_s, self._abort)

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._in_time()
        super().resume_writing()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what is not HTTP: all else that fails has been answered before."""
        error = HttpMalformed()
        self._metrics.problems.labels(error.code).inc()
        response = problem_response(error)
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """End all that waits for the client."""
        self._in_time()
        super().connection_lost(exc)

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Parser(HttpRequestParser):
    """aiohttp's parser of requests, of which those leave no trace that are answered at once."""

    def __init__(self, connection: Connection, *options: Any, **more: Any) -> None:
        super().__init__(connection, *options, **more)
        self._connection = connection

    def feed_data(self, data: bytes) -> tuple[_Messages, bool, bytes]:  # type: ignore[override] # as compiled
        messages, upgraded, tail = super().feed_data(data)
        connection = self._connection
        if len(messages) == 1 and not upgraded:
            message, body = messages[0]
            left = connection.answered(message, body)
            if left is None:
                self.message_consumed()
                messages = []
            elif left is not body:
                messages = [(message, left)]
            connection.received(complete=True)
        elif data:
            connection.received(complete=bool(messages))
        return messages, upgraded, tail


class Server(web.Server):
    """Makes the connections of an app's server."""

    def __init__(self, made: web.Server, at_once: AtOnce, settings: ServiceSettings, metrics: Metrics) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs)
        self._parts = at_once, settings, metrics
        metrics.connections_open.set_function(lambda: len(self._connections))

    def __call__(self) -> Connection:
        """Return the protocol of a new connection."""
        return Connection(self, *self._parts, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an app on these connections."""

    def __init__(self, app: web.Application, at_once: AtOnce, settings: ServiceSettings, metrics: Metrics) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=settings.keepalive_s,
            shutdown_timeout=settings.request_timeout_s,
            lingering_time=_FAREWELL_S,
        )
        self._parts = at_once, settings, metrics

    async def _make_server(self) -> web.Server:
        return Server(await super()._make_server(), *self._parts)
