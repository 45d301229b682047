"""The usual `POST /predict`, a short text alone as JSON, answered and observed in one go.

from aiohttp import web
It is most of what a service is asked, and most of its time would go into what other requests need: tasks, requests and
responses as objects, finding out what was meant. Whatever is not usual goes through aiohttp.
"""

import asyncio
import time

import orjson
from aiohttp import HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http_parser import RawRequestMessage

from api.access.access_control import Guard
from api.contract.settings import ServiceSettings
from api.http.bodies import JSON
from api.models.provider import ModelProvider
from api.models.scoring import INLINE_CHARACTERS, plain_text, predict_plain
from api.server.observer import SERVER, Observer, request_id_of

ENDPOINT = "/predict"


class Usual:
    """Answers usual requests from their bytes alone."""

    def __init__(
        self,
        settings: ServiceSettings,
        models: ModelProvider,
        guard: Guard,
        observer: Observer,
        stopping: asyncio.Event,
    ) -> None:
        self._longest_body = settings.max_body_bytes
        self._longest_text = min(INLINE_CHARACTERS, settings.max_text_characters)
        self._models = models
        self._guard = guard
        self._observer = observer
        self._stopping = stopping

    def __call__(self, message: RawRequestMessage, body: bytes, address: str | None) -> bytes | None:
        """Return the whole answer to a request, or None for one that is not usual, or will not be answered well."""
        start = time.perf_counter()
        headers = message.headers
        if (
            message.path != ENDPOINT
            or message.method != "POST"
            or message.should_close
            or message.chunked
            or message.version != HttpVersion11
            or len(body) > self._longest_body
            or headers.get("Content-Type") != JSON
            or "Content-Encoding" in headers
            or "Origin" in headers
            or self._stopping.is_set()
        ):
            return None
        try:
            caller = self._guard.callers.identify(headers, address)
            text = plain_text(orjson.loads(body), self._longest_text)
            if text is None:
                return None
            key = self._guard.callers.request_key(headers, address) if self._models.canary_active else None
            model = self._models.choose(key)
            self._guard.rate.take(caller)  # last of all: who is sent the long way is counted there
            answer = predict_plain(model, text)
        except Exception:  # noqa: BLE001 -- it fails the long way again, where every failure gets its answer
            return None
        payload = orjson.dumps(answer)
        request_id = request_id_of(headers)
        self._observer.metrics.predicted(answer["label"], len(text), answer["model"])
        self._models.shadow(text, answer["score"], answer["label"])
        seconds = time.perf_counter() - start
        self._observer.answered("POST", ENDPOINT, 200, seconds, request_id, headers.get("traceparent"))
        return (
            f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {len(payload)}\r\n"
            f"Date: {rfc822_formatted_time()}\r\nServer: {SERVER}\r\n"
            f"X-Content-Type-Options: nosniff\r\nX-Request-Id: {request_id}\r\n\r\n"
        ).encode() + payload


USUAL = web.AppKey("usual", Usual)
