"""Cross-origin requests from browsers, for the origins that the settings name; without any there are none."""

from aiohttp import web

from api.contract.settings import SETTINGS

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key, X-Request-Id, X-Request-Key, traceparent",
    "Access-Control-Max-Age": "600",
}


async def preflight(_request: web.Request) -> web.Response:
    """Answer what a browser asks before it sends a cross-origin request."""
    return web.Response(status=204, headers=_PREFLIGHT)


def allow(request: web.Request, response: web.StreamResponse) -> None:
    """Let the page that a request comes from read the response, if its origin is one of those that may."""
    origins = request.app[SETTINGS].cors_origins
    if not origins:
        return
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin")
    if origin in origins:
        response.headers["Access-Control-Allow-Origin"] = str(origin)
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
