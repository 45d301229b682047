"""Errors as `application/problem+json` (RFC 9457), and the table of HTTP statuses by error code."""

import math
from http import HTTPStatus

from api.contract.errors import (
    ContentEncodingUnsupported,
    MethodNotAllowed,
    RateLimited,
    UpgradeRequired,
)
from api.contract.schemas import Problem
from sentiment_core.errors import FileRejected, SentimentError, TransientError, Unauthorised

MEDIA = "application/problem+json"
RETRY_AFTER_S = 5

STATUS: dict[str, HTTPStatus] = {
    "malformed_http": HTTPStatus.BAD_REQUEST,
    "malformed_json": HTTPStatus.BAD_REQUEST,
    "invalid_utf8": HTTPStatus.BAD_REQUEST,
    "unreadable_body": HTTPStatus.BAD_REQUEST,
    "invalid_text": HTTPStatus.BAD_REQUEST,
    "wrong_type": HTTPStatus.UNPROCESSABLE_ENTITY,
    "missing_text": HTTPStatus.UNPROCESSABLE_ENTITY,
    "empty_text": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown_field": HTTPStatus.UNPROCESSABLE_ENTITY,
    "missing_field": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_value": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unstorable_text": HTTPStatus.UNPROCESSABLE_ENTITY,
    "wrong_content_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "wrong_content_encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "expectation_failed": HTTPStatus.EXPECTATION_FAILED,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "batch_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "text_too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_rows": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_many_columns": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "library_missing": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "file_rejected": HTTPStatus.UNPROCESSABLE_ENTITY,
    "body_too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "unauthorised": HTTPStatus.UNAUTHORIZED,
    "cross_site": HTTPStatus.FORBIDDEN,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "not_found": HTTPStatus.NOT_FOUND,
    "feedback_off": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "upgrade_required": HTTPStatus.UPGRADE_REQUIRED,
    "overloaded": HTTPStatus.SERVICE_UNAVAILABLE,
    "answer_too_slow": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_ready": HTTPStatus.SERVICE_UNAVAILABLE,
    "feedback_queue_full": HTTPStatus.SERVICE_UNAVAILABLE,
    "feedback_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "stopping": HTTPStatus.SERVICE_UNAVAILABLE,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: SentimentError) -> HTTPStatus:
    """Return the HTTP status of an error; a code that is not in the table is a fault of the service."""
    transient = isinstance(error, TransientError)
    return STATUS.get(error.code, HTTPStatus.SERVICE_UNAVAILABLE if transient else HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(error: SentimentError) -> Problem:
    """Return the error's body."""
    found: Problem = {
        "type": f"/docs#{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": int(status_of(error)),
        "detail": str(error),
        "code": error.code,
    }
    if isinstance(error, FileRejected):
        found["reason"] = str(error.details["reason"])
        if "columns" in error.details:
            found["columns"] = error.details["columns"]
    return found


def headers_of(error: SentimentError) -> dict[str, str]:
    """Return the headers that tell a client what to do about the error."""
    headers: dict[str, str] = {}
    match error:
        case MethodNotAllowed():
            headers["Allow"] = str(error.details["allowed"])
        case ContentEncodingUnsupported():
            headers["Accept-Encoding"] = str(error.details["wanted"])
        case UpgradeRequired():
            headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
        case Unauthorised():
            headers["WWW-Authenticate"] = 'Bearer realm="sentiment"'
        case RateLimited():
            headers["Retry-After"] = str(math.ceil(error.details["wait"]))
        case TransientError():
            headers["Retry-After"] = str(RETRY_AFTER_S)
    return headers
