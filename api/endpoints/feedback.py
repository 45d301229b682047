"""`POST /feedback`: accepts corrections for the database. Nothing is scored again."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from api.access.authentication import Authentication
from api.contract.errors import FeedbackOff
from api.contract.schemas import IDEMPOTENCY_KEY, FeedbackAccepted, FeedbackRequest, validate
from api.contract.text_limit import TextLimit
from api.feedback.queue import FeedbackQueue
from api.http.bodies import FORM, BodyReader, content_type, parse_form, parse_json
from api.http.content_negotiation import prefers_html
from api.http.responses import JSON, ApiResponse, json_response
from api.pages.pages import Pages
from sentiment_core.errors import SentimentError
from sentiment_core.feedback.correction import Correction

_IDEMPOTENCY_NAMESPACE = uuid.UUID("6f0c6ad5-3c0b-4c93-9a5e-5b6f2c8f1b57")


class FeedbackEndpoint:
    """Accept corrections from requests; `queue` is None when the service has no database."""

    def __init__(
        self, bodies: BodyReader, callers: Authentication, queue: FeedbackQueue | None, limit: TextLimit, pages: Pages
    ) -> None:
        self._bodies = bodies
        self._callers = callers
        self._queue = queue
        self._limit = limit
        self._pages = pages

    async def correct(self, request: web.BaseRequest) -> ApiResponse:
        """Accept a correction, from JSON or from a form; the form of a browser is answered with the page."""
        if content_type(request, JSON, FORM) == JSON:
            return _answer(self._accept(request, parse_json(await self._bodies.read(request))))
        if prefers_html(request.headers.get("Accept", "")):
            return await self._page(request)
        return _answer(self._accept(request, _form(await self._bodies.read(request))))

    async def _page(self, request: web.BaseRequest) -> ApiResponse:
        try:
            accepted = self._accept(request, _form(await self._bodies.read(request)))
            return self._pages.feedback_page(accepted)
        except SentimentError as error:
            return self._pages.feedback_page(error)

    def _accept(self, request: web.BaseRequest, payload: object) -> FeedbackAccepted:
        if self._queue is None:
            raise FeedbackOff
        wanted = validate(FeedbackRequest, payload)
        self._limit.require_text(wanted.text)
        self._limit.allowed(wanted.text)  # raises for a text that /predict rejects; a truncated one is stored whole
        key = self._key(request, wanted)
        created = datetime.now(UTC)
        self._queue.put(Correction(key, wanted.text, wanted.label, wanted.score, wanted.model_digest, created))
        return {"status": "accepted", "feedback_id": str(key)}

    def _key(self, request: web.BaseRequest, wanted: FeedbackRequest) -> uuid.UUID:
        """Return the correction's key: random, or the same for one that is sent again with its `Idempotency-Key`."""
        given = request.headers.get(IDEMPOTENCY_KEY)
        if given is None:
            return uuid.uuid4()
        caller = self._callers.identify(request)
        return uuid.uuid5(_IDEMPOTENCY_NAMESPACE, "\n".join((caller, given, wanted.model_dump_json())))


def _answer(accepted: FeedbackAccepted) -> ApiResponse:
    return json_response(accepted, HTTPStatus.ACCEPTED)


def _form(body: bytes) -> dict[str, Any]:
    """Return the form's fields with the types that JSON would give them."""
    fields: dict[str, Any] = dict(parse_form(body))
    if "score" in fields:
        with suppress(ValueError):  # the validation reports it
            fields["score"] = float(fields["score"])
    return fields
