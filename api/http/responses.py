"""Answers, and the bytes that they are sent as."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from api.contract.problems import MEDIA, headers_of, problem, status_of
from sentiment_core.errors import SentimentError

JSON = "application/json"
_SERVER = "sentiment"  # without versions, which would help to find known vulnerabilities
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_NO_HEADERS: Mapping[str, str] = {}


class ApiResponse:
    """A whole answer; `code` is the code of the problem that it reports, if any."""

    __slots__ = ("body", "code", "content_type", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        content_type: str = JSON,
        status: int = 200,
        headers: Mapping[str, str] = _NO_HEADERS,
        code: str | None = None,
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.status = status
        self.headers = headers
        self.code = code


def json_response(value: Any, status: int = 200) -> ApiResponse:
    """Return a value as JSON."""
    return ApiResponse(orjson.dumps(value), status=status)


def problem_response(error: SentimentError) -> ApiResponse:
    """Return an error as `application/problem+json`."""
    return ApiResponse(orjson.dumps(problem(error)), MEDIA, status_of(error), headers_of(error), error.code)


def render(
    answer: ApiResponse, request_id: str | None = None, connection: str | None = "close", *, with_body: bool = True
) -> bytes:
    """Return an answer as HTTP/1.1; `connection` is the value of that header, if it is needed."""
    lines = ""
    for name, value in answer.headers.items():
        lines += f"{name}: {_checked(value)}\r\n"
    if request_id is not None:
        lines += f"X-Request-Id: {request_id}\r\n"
    if connection is not None:
        lines += f"Connection: {connection}\r\n"
    if answer.status not in _WITHOUT_BODY:
        lines += f"Content-Type: {answer.content_type}\r\nContent-Length: {len(answer.body)}\r\n"
    head = (
        f"{_STATUS_LINES[answer.status]}{lines}Date: {_clock.now()}\r\nServer: {_SERVER}\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n"
    ).encode()
    return head + answer.body if with_body else head


def _checked(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header's value must be one line")
    return value


class _Clock:
    """The time as HTTP writes it, formatted once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second = second
            moment = time.gmtime(second)
            day, month = _DAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
            self._text = time.strftime(f"{day}, %d {month} %Y %H:%M:%S GMT", moment)
        return self._text


# `strftime` would use the names of the process's locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_clock = _Clock()
