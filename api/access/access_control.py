"""Admission of requests: API keys, origins, rates and concurrency limits."""

from urllib.parse import urlsplit

from aiohttp import web

from api.access.authentication import Authentication
from api.access.rate_limit import RateLimit
from api.contract.errors import CrossSite, Overloaded
from api.contract.settings import ServiceSettings
from api.observability.metrics import ServiceMetrics

_OWN_SITES = ("same-origin", "none")


class AccessControl:
    """Reject requests that are not allowed, or exceed a limit. Nothing queues."""

    def __init__(self, settings: ServiceSettings, metrics: ServiceMetrics) -> None:
        self.callers = Authentication(settings.api_keys, settings.forwarded_hops)
        self.rate = RateLimit(settings.rate_limit_per_s, settings.rate_limit_burst)
        self.requests = ConcurrencyLimit(self, settings.max_requests, "requests in progress")
        self.sockets = ConcurrencyLimit(self, settings.max_sockets, "open WebSockets")
        self._cors_origins = settings.cors_origins
        metrics.requests_in_progress.set_function(lambda: self.requests.taken)
        metrics.sockets_open.set_function(lambda: self.sockets.taken)

    def admit(self, request: web.BaseRequest) -> None:
        """Count a request of its caller. Raises `Unauthorised`, `CrossSite` and `RateLimited`."""
        caller = self.callers.identify(request)
        if "Origin" in request.headers:
            self._refuse_other_sites(request)
        self.rate.take(caller)

    def _refuse_other_sites(self, request: web.BaseRequest) -> None:
        """Reject requests that a page of another site makes a browser send with the browser's own rights.

        Browsers say where a request comes from; over plain HTTP, by its origin only.
        """
        origin = request.headers.get("Origin")
        if origin is None or origin in self._cors_origins:
            return
        site = request.headers.get("Sec-Fetch-Site")
        own = urlsplit(origin).netloc == request.host if site is None else site in _OWN_SITES
        if not own:
            raise CrossSite


class ConcurrencyLimit:
    """The number of requests, or of WebSockets, that may be in progress at the same time."""

    def __init__(self, control: AccessControl, limit: int, things: str) -> None:
        self.taken = 0
        self._control = control
        self._limit = limit
        self._things = things

    def acquire(self, request: web.BaseRequest) -> None:
        """Admit a request and count it until `release`. Raises `Overloaded`, and what `AccessControl.admit` raises."""
        self._control.admit(request)
        if self.taken >= self._limit:
            raise Overloaded(limit=self._limit, things=self._things)
        self.taken += 1

    def release(self) -> None:
        """Count an admitted request as done."""
        self.taken -= 1
