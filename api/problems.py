"""Errors as `application/problem+json` (RFC 9457), and the one table from an error's code to its HTTP status."""

from http import HTTPStatus

import orjson
from aiohttp import web

from api.schemas import Problem
from sentiment_core.errors import MethodNotAllowed, SentimentError, TransientError, UpgradeRequired

RETRY_AFTER_S = 5

STATUS: dict[str, HTTPStatus] = {
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "invalid_utf8": HTTPStatus.BAD_REQUEST,
    "unreadable_body": HTTPStatus.BAD_REQUEST,
    "invalid_text": HTTPStatus.BAD_REQUEST,
    "wrong_type": HTTPStatus.UNPROCESSABLE_ENTITY,
    "missing_text": HTTPStatus.UNPROCESSABLE_ENTITY,
    "empty_text": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown_field": HTTPStatus.UNPROCESSABLE_ENTITY,
    "wrong_content_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "batch_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "not_found": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "upgrade_required": HTTPStatus.UPGRADE_REQUIRED,
    "not_ready": HTTPStatus.SERVICE_UNAVAILABLE,
    "stopping": HTTPStatus.SERVICE_UNAVAILABLE,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: SentimentError) -> HTTPStatus:
    """Return the HTTP status of an error; one without a place in the table is our fault, not the caller's."""
    transient = isinstance(error, TransientError)
    return STATUS.get(error.code, HTTPStatus.SERVICE_UNAVAILABLE if transient else HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(error: SentimentError) -> Problem:
    """Return the error's body."""
    return {
        "type": f"/docs#{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": int(status_of(error)),
        "detail": str(error),
        "code": error.code,
    }


def problem_response(error: SentimentError) -> web.Response:
    """Return the error as a response."""
    body = problem(error)
    return web.Response(
        status=body["status"], body=orjson.dumps(body), content_type="application/problem+json", headers=_headers(error)
    )


def _headers(error: SentimentError) -> dict[str, str]:
    if isinstance(error, MethodNotAllowed):
        return {"Allow": str(error.details["allowed"])}
    if isinstance(error, UpgradeRequired):
        return {"Connection": "Upgrade", "Upgrade": "websocket"}
    if status_of(error) == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {}
