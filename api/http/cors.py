"""Cross-origin requests from browsers, for the origins that the settings name; without any there are none."""

from collections.abc import Collection

from aiohttp import web

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key, X-Request-Id, X-Request-Key, traceparent",
    "Access-Control-Max-Age": "600",
}


async def preflight(_request: web.BaseRequest) -> web.Response:
    """Answer the request that a browser sends before a cross-origin request."""
    return web.Response(status=204, headers=_PREFLIGHT)


def allow_origin(origins: Collection[str], request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Let the page that sent a request read the response, if its origin is one of the given ones."""
    response.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin")
    if origin in origins:
        response.headers["Access-Control-Allow-Origin"] = str(origin)
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-Id"
