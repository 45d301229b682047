"""Who is let in: callers with a key, within their rate, as long as there is room."""

import asyncio
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from api.access.callers import Callers
from api.access.rate_limit import RateLimit
from api.contract.errors import AnswerTooSlow, CrossSite, Overloaded
from api.contract.settings import ServiceSettings
from api.observability.metrics import Metrics

# The name or the address of who sent a request.
CALLER = web.RequestKey("caller", str)
_OWN_SITES = ("same-origin", "none")


class Guard:
    """Turns requests away that must not be, or cannot be, worked on: no queue of them ever grows."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self.callers = Callers(settings.api_keys, settings.forwarded_hops)
        self.rate = RateLimit(settings.rate_limit_per_s, settings.rate_limit_burst)
        self._settings = settings
        self._requests = 0
        self._sockets = 0
        metrics.requests_in_progress.set_function(lambda: self._requests)
        metrics.sockets_open.set_function(lambda: self._sockets)

    def around(self, handler: Handler) -> Handler:
        """Return a handler that answers only callers that are let in, and within the time for a request."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self.admit(request)
            if self._requests >= self._settings.max_requests:
                raise Overloaded(limit=self._settings.max_requests, things="requests in progress")
            self._requests += 1
            try:
                # Twice: reading the body has its own limit, within this one.
                async with asyncio.timeout(2 * self._settings.request_timeout_s):
                    return await handler(request)
            except TimeoutError:
                raise AnswerTooSlow(seconds=self._settings.request_timeout_s) from None
            finally:
                self._requests -= 1

        return guarded

    def around_stream(self, handler: Handler) -> Handler:
        """Return a handler that streams to callers that are let in, for as long as they like."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self.admit(request)
            if self._sockets >= self._settings.max_sockets:
                raise Overloaded(limit=self._settings.max_sockets, things="open WebSockets")
            self._sockets += 1
            try:
                return await handler(request)
            finally:
                self._sockets -= 1

        return guarded

    def admit(self, request: web.Request) -> None:
        """Let a request in, and note whose it is; raises `Unauthorised`, `CrossSite` or `RateLimited`."""
        caller = self.callers.identify(request.headers, request.remote)
        self._refuse_other_sites(request)
        self.rate.take(caller)
        request[CALLER] = caller

    def _refuse_other_sites(self, request: web.Request) -> None:
        """Turn away what a page of another site makes a browser send, with the rights that the browser has here.

        Browsers say where a request comes from; over plain HTTP, by its origin only.
        """
        origin = request.headers.get("Origin")
        if origin is None or origin in self._settings.cors_origins:
            return
        site = request.headers.get("Sec-Fetch-Site")
        own = urlsplit(origin).netloc == request.host if site is None else site in _OWN_SITES
        if not own:
            raise CrossSite


GUARD = web.AppKey("guard", Guard)
