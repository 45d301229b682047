"""Cross-origin requests from browsers, for the origins that the settings name; without any there are none."""

from collections.abc import Collection

from aiohttp import web

from api.http.responses import ApiResponse

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key, X-Request-Id, X-Request-Key, traceparent",
    "Access-Control-Max-Age": "600",
}


async def preflight(_request: web.BaseRequest) -> ApiResponse:
    """Answer the request that a browser sends before a cross-origin request."""
    return ApiResponse(status=204, headers=_PREFLIGHT)


def cors_headers(origins: Collection[str], request: web.BaseRequest) -> dict[str, str]:
    """Return the headers that let the page that sent a request read the answer, if its origin is one of the given."""
    origin = request.headers.get("Origin")
    if origin is None or origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
    }
