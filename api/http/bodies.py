"""Strict parsing of request bodies: valid UTF-8, valid JSON, and accepted content types only."""

import asyncio
import json
from urllib.parse import parse_qsl

import orjson
from aiohttp import hdrs, web

from api.contract.content_codings import decoded, require_coding
from api.contract.errors import (
    BodyTooLarge,
    BodyTooSlow,
    ContentTypeUnsupported,
    EncodingInvalid,
    RequestMalformed,
    TypeInvalid,
)

FORM = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"
# Content types of tables, each with the name of a file that its caller does not name.
TABLES = {"text/csv": "file.csv", "text/tab-separated-values": "file.tsv", "application/jsonl": "file.jsonl"}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_MAX_FIELDS = 16
_INLINE_BYTES = 16_384  # a longer body is decoded in a thread
_UTF8 = ("utf-8", "utf8", "us-ascii")


def content_type(request: web.BaseRequest, *accepted: str) -> str:
    """Return the request's content type, or raise `ContentTypeUnsupported`."""
    given = request.headers.get("Content-Type")
    if given in accepted:  # the usual spelling
        return given
    found = request.content_type
    charset = request.charset
    if found not in accepted or (charset is not None and charset.lower() not in _UTF8):
        header = request.headers.get("Content-Type", "(none)")
        raise ContentTypeUnsupported(found=ascii(header[:80])[1:-1], wanted=" or ".join(accepted) + " in UTF-8")
    return found


class BodyReader:
    """Read request bodies up to a size and within a time."""

    def __init__(self, max_bytes: int, timeout_s: float) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def read(self, request: web.BaseRequest, max_bytes: int | None = None) -> bytes:
        """Return the body, decoded. `max_bytes` replaces the general limit, which also holds for the decoded body.

        Raises `BodyTooLarge`, `BodyTooSlow`, `BodyUnreadable` and `ContentEncodingUnsupported`.
        """
        most = self._max_bytes if max_bytes is None else max_bytes
        coding = request.headers.get(hdrs.CONTENT_ENCODING)
        if coding is None:
            return await self._received(request, most)
        require_coding(coding)
        body = await self._received(request, most)
        if len(body) <= _INLINE_BYTES:
            return decoded(body, coding, most)
        return await asyncio.to_thread(decoded, body, coding, most)

    async def _received(self, request: web.BaseRequest, max_bytes: int) -> bytes:
        if request.content.is_eof():  # it came with the head, as short bodies do
            body = request.content.read_nowait()
            _require_size(len(body), max_bytes)
            return body
        _require_size(request.content_length or 0, max_bytes)
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(_CONTINUE)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._timeout_s):
                while part := await request.content.readany():
                    parts.append(part)
                    size += len(part)
                    _require_size(size, max_bytes)
        except TimeoutError:
            raise BodyTooSlow(seconds=self._timeout_s) from None
        return b"".join(parts)


def _require_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise BodyTooLarge(limit=max_bytes)


def parse_json(body: bytes | str) -> object:
    """Return the value of a JSON document. Raises `EncodingInvalid` and `RequestMalformed`.

    Escaped lone surrogates stay in the strings; the validation rejects their field.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _parse_with_surrogates(body, error)


def _parse_with_surrogates(body: bytes | str, error: orjson.JSONDecodeError) -> object:
    # With NaN refused, lone surrogates are the only input that the standard library accepts and orjson does not.
    try:
        text = body.decode() if isinstance(body, bytes) else body
        return json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise EncodingInvalid from None
    except (ValueError, RecursionError):
        raise RequestMalformed(why=str(error)) from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def parse_form(body: bytes) -> dict[str, str]:
    """Return the form's fields, or raise `EncodingInvalid`, or `TypeInvalid` for a repeated field."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except UnicodeDecodeError:
        raise EncodingInvalid from None
    except ValueError:
        raise TypeInvalid(where="form", why=f"it must have at most {_MAX_FIELDS} fields") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise TypeInvalid(where="form", why="it must not have a field twice")
    return fields
