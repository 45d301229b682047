"""A client's connection: aiohttp's protocol, and around it the deadlines that keep slow clients from holding it.

aiohttp closes a connection that is idle between requests. It has no limit for a head that does not arrive and none for
an answer that is not read; both are here. Reading a body has its own limit (`api.http.bodies`).
"""

import asyncio
import math
from typing import Protocol, cast

from aiohttp import web

from api.contract.errors import HttpMalformed, Overloaded
from api.http.request_boundaries import RequestBoundaries
from api.http.transport import ResponseTransport
from api.http.write_batch import WriteBatch
from sentiment_core.errors import SentimentError

# A connection that is refused, or closed with unread bytes, is read for so long: a reset would lose the answer.
LINGER_S = 2.0


class ConnectionOwner(Protocol):
    """What a connection needs of its server."""

    request_timeout_s: float
    max_connections: int
    connections: "set[Connection]"
    batch: WriteBatch

    def protocol(self) -> asyncio.Protocol:
        """Return aiohttp's protocol for a new connection."""

    def problem(self, error: SentimentError) -> bytes:
        """Count an error that no handler sees and return its answer."""


class Connection(asyncio.Protocol):
    """One connection, from its acceptance to its end.

    The head deadline runs from the connection's start, or from the first byte after a request, until a handler has the
    next request. It also runs when it is uncertain whether bytes of a next request have arrived. The write deadline
    runs from the end of each request, and while writing is paused; it only matters if something is still unwritten.
    """

    __slots__ = (
        *("_boundaries", "_head_due", "_idle", "_inner", "_loop", "_owner", "_timeout_s", "_timer"),
        *("_transport", "_writable", "_write_due"),
    )

    def __init__(self, owner: ConnectionOwner) -> None:
        self._owner = owner
        self._inner: asyncio.Protocol | None = None
        self._boundaries = RequestBoundaries()
        self._idle = False
        self._loop = asyncio.get_running_loop()
        self._timeout_s = owner.request_timeout_s
        self._head_due = self._write_due = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._writable: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the client, or refuse it if there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by name
        self._owner.connections.add(self)
        if len(self._owner.connections) > self._owner.max_connections:
            self._refuse()
            return
        self._head_due = self._due()
        self._inner = self._owner.protocol()
        self._inner.connection_made(ResponseTransport(self._transport, self._owner.batch, self._malformed))

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on; the first ones of a request start its deadline."""
        if self._inner is None:
            return
        if self._idle:
            self._idle = False
            self._head_due = self._due()
        self._boundaries.received(data)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that the client sends no more."""
        return None if self._inner is None else self._inner.eof_received()

    def request_started(self, request: web.BaseRequest) -> None:
        """Note that a handler has a request: from here on it has its own limits."""
        self._idle = False
        self._head_due = math.inf
        self._boundaries.started(request)

    def request_ended(self) -> None:
        """Note that a handler has returned its answer, and wait for the next request."""
        self._write_due = due = self._due()
        self._idle = self._boundaries.between_requests
        if not self._idle:
            self._head_due = due

    def write(self, data: bytes) -> None:
        """Write an answer, together with those of other connections."""
        self._owner.batch.write(self._transport, data)

    @property
    def writing_paused(self) -> bool:
        """Tell whether the client has yet to take what was written."""
        return self._writable is not None

    async def wait_writable(self) -> None:
        """Wait until the client has taken what was written, or is gone."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def pause_writing(self) -> None:
        """Start the deadline for a client that does not read."""
        self._write_due = self._due()
        self._writable = self._loop.create_future()
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Start it again for the rest: the client reads."""
        self._write_due = self._due()
        self._release_writers()
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all that waits for the client."""
        if self._timer is not None:
            self._timer.cancel()
        self._release_writers()
        self._owner.connections.discard(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def _release_writers(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _refuse(self) -> None:
        error = Overloaded(limit=self._owner.max_connections, things="open connections")
        self._transport.write(self._owner.problem(error))
        self._transport.write_eof()
        self._loop.call_later(LINGER_S, self._abort)

    def _malformed(self) -> bytes:
        return self._owner.problem(HttpMalformed())

    def _due(self) -> float:
        """Return when a deadline that starts now is due, and see that a timer checks it.

        Setting a deadline costs no timer: one fires at most once per timeout, and restarts for the time that is left.
        All deadlines have the same length, so a running timer is never later than a new deadline.
        """
        due = self._loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._check)
        return due

    def _check(self) -> None:
        self._timer = None
        now = self._loop.time()
        if now >= self._write_due and not self._transport.get_write_buffer_size():
            self._write_due = math.inf
        due = min(self._head_due, self._write_due)
        if now >= due:
            self._abort()
        elif due < math.inf:
            self._timer = self._loop.call_at(due, self._check)

    def _abort(self) -> None:
        self._transport.abort()


def connection_of(request: web.BaseRequest) -> Connection | None:
    """Return the connection that a request came over, or None if it has ended."""
    transport = request.transport
    return None if transport is None else cast("Connection", transport.get_protocol())
