"""`POST /feedback`: takes corrections for the database. Nothing is scored again."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from api.access.access_control import CALLER
from api.contract.errors import FeedbackOff
from api.contract.schemas import IDEMPOTENCY_KEY, FeedbackAccepted, FeedbackRequest, validate
from api.contract.text_limit import LIMIT
from api.feedback.queue import FEEDBACK
from api.http.bodies import FORM, JSON, content_type, parse_form, parse_json, read
from api.http.content_negotiation import prefers_html
from api.http.responses import json_response
from api.pages.pages import feedback_page
from sentiment_core.correction import Correction
from sentiment_core.errors import SentimentError

_SENT_AGAIN = uuid.UUID("6f0c6ad5-3c0b-4c93-9a5e-5b6f2c8f1b57")


async def correct(request: web.Request) -> web.Response:
    """Take a correction, from JSON or from a form; a browser's form is answered by the page."""
    if content_type(request, JSON, FORM) == JSON:
        return _answer(_take(request, parse_json(await read(request))))
    if prefers_html(request.headers.get("Accept", "")):
        return await _page(request)
    return _answer(_take(request, _form(await read(request))))


async def _page(request: web.Request) -> web.Response:
    try:
        return feedback_page(request, _take(request, _form(await read(request))))
    except SentimentError as error:
        return feedback_page(request, error)


def _answer(accepted: FeedbackAccepted) -> web.Response:
    return json_response(accepted, HTTPStatus.ACCEPTED)


def _take(request: web.Request, payload: object) -> FeedbackAccepted:
    feedback = request.app[FEEDBACK]
    if feedback is None:
        raise FeedbackOff
    wanted = validate(FeedbackRequest, payload)
    request.app[LIMIT].allowed(wanted.text)  # what is too long to be scored is refused; what was scored in part is not
    key = _key(request, wanted)
    feedback.put(Correction(key, wanted.text, wanted.label, wanted.score, wanted.model_digest, datetime.now(UTC)))
    return {"status": "accepted", "feedback_id": str(key)}


def _key(request: web.Request, wanted: FeedbackRequest) -> uuid.UUID:
    """Return what tells this correction from others: the same for one that is sent again with its `Idempotency-Key`."""
    given = request.headers.get(IDEMPOTENCY_KEY)
    if given is None:
        return uuid.uuid4()
    return uuid.uuid5(_SENT_AGAIN, "\n".join((request[CALLER], given, wanted.model_dump_json())))


def _form(body: bytes) -> dict[str, Any]:
    """Return the form's fields as JSON would have them: a number is one."""
    fields: dict[str, Any] = dict(parse_form(body))
    if "score" in fields:
        with suppress(ValueError):  # the validation says what it must be
            fields["score"] = float(fields["score"])
    return fields
