"""Who is let in: callers with a key, within their rate, as long as there is room."""

from urllib.parse import urlsplit

from aiohttp import web

from api.access.callers import Callers
from api.access.rate_limit import RateLimit
from api.contract.errors import CrossSite, Overloaded
from api.contract.settings import ServiceSettings
from api.http.server import Handler
from api.observability.metrics import ServiceMetrics

# The name or the address of who sent a request.
CALLER = web.RequestKey("caller", str)
_OWN_SITES = ("same-origin", "none")


class AccessControl:
    """Reject requests that are not allowed, or for which there is no room. Nothing queues."""

    def __init__(self, settings: ServiceSettings, metrics: ServiceMetrics) -> None:
        self.callers = Callers(settings.api_keys, settings.forwarded_hops)
        self.rate = RateLimit(settings.rate_limit_per_s, settings.rate_limit_burst)
        self._settings = settings
        self._requests = 0
        self._sockets = 0
        metrics.requests_in_progress.set_function(lambda: self._requests)
        metrics.sockets_open.set_function(lambda: self._sockets)

    def guarded(self, handler: Handler) -> Handler:
        """Return a handler that answers only admitted requests, of which only so many are in progress."""

        async def admitted(request: web.BaseRequest) -> web.StreamResponse:
            self.admit(request)
            if self._requests >= self._settings.max_requests:
                raise Overloaded(limit=self._settings.max_requests, things="requests in progress")
            self._requests += 1
            try:
                return await handler(request)
            finally:
                self._requests -= 1

        return admitted

    def guarded_stream(self, handler: Handler) -> Handler:
        """Return a handler that streams to admitted clients, of which only so many are connected."""

        async def admitted(request: web.BaseRequest) -> web.StreamResponse:
            self.admit(request)
            if self._sockets >= self._settings.max_sockets:
                raise Overloaded(limit=self._settings.max_sockets, things="open WebSockets")
            self._sockets += 1
            try:
                return await handler(request)
            finally:
                self._sockets -= 1

        return admitted

    def admit(self, request: web.BaseRequest) -> None:
        """Let a request in, and note whose it is; raises `Unauthorised`, `CrossSite` or `RateLimited`."""
        caller = self.callers.identify(request.headers, request.remote)
        self._refuse_other_sites(request)
        self.rate.take(caller)
        request[CALLER] = caller

    def _refuse_other_sites(self, request: web.BaseRequest) -> None:
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
