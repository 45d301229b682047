"""Answers as JSON."""

from typing import Any

import orjson
from aiohttp import hdrs, web

_HEADERS = {hdrs.CONTENT_TYPE: "application/json"}


def json_response(body: Any, status: int = 200) -> web.Response:
    """Return the value as a JSON response."""
    return web.Response(body=orjson.dumps(body), status=status, headers=_HEADERS)
