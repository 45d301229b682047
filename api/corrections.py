"""`POST /feedback`: takes corrections for the database. Nothing is scored again."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from api.accept import prefers_html
from api.bodies import FORM, JSON, content_type, parse_form, parse_json, read
from api.keys import FEEDBACK, LIMIT
from api.pages import feedback_page
from api.responses import json_response
from api.schemas import FeedbackAccepted, FeedbackRequest, validate
from sentiment_core.correction import Correction
from sentiment_core.errors import FeedbackOff, SentimentError


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
    key = uuid.uuid4()
    feedback.put(Correction(key, wanted.text, wanted.label, wanted.score, wanted.model_digest, datetime.now(UTC)))
    return {"status": "accepted", "feedback_id": str(key)}


def _form(body: bytes) -> dict[str, Any]:
    """Return the form's fields as JSON would have them: a number is one."""
    fields: dict[str, Any] = dict(parse_form(body))
    if "score" in fields:
        with suppress(ValueError):  # the validation says what it must be
            fields["score"] = float(fields["score"])
    return fields
