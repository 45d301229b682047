"""The endpoints that score: `POST /predict`, `POST /predict/batch`."""

from aiohttp import web

from api.contract.errors import BatchTooLarge, TypeInvalid
from api.contract.schemas import BatchRequest, Prediction, PredictRequest, validate
from api.contract.settings import SETTINGS
from api.contract.text_limit import LIMIT
from api.endpoints.model_selection import model_for, note
from api.http.bodies import FORM, JSON, content_type, parse_form, parse_json, read
from api.http.content_negotiation import prefers_html
from api.http.responses import json_response
from api.models.scoring import predict, predict_batch
from api.observability.metrics import METRICS
from api.pages.pages import LONGEST_EXPLAINED, result_page
from sentiment_core.errors import SentimentError

_FLAGS = {"true": True, "on": True, "false": False}


async def predict_one(request: web.Request) -> web.Response:
    """Score one text, from JSON or from a form; a browser's form is answered by the page."""
    if content_type(request, JSON, FORM) == JSON:
        wanted = validate(PredictRequest, parse_json(await read(request)))
        return json_response(await _answer(request, wanted))
    if prefers_html(request.headers.get("Accept", "")):
        return await _page(request)
    return json_response(await _answer(request, _form(await read(request))))


async def predict_many(request: web.Request) -> web.Response:
    """Score several texts; each fails or succeeds alone."""
    content_type(request, JSON)
    texts = validate(BatchRequest, parse_json(await read(request))).texts
    limit = request.app[SETTINGS].max_batch_texts
    if len(texts) > limit:
        raise BatchTooLarge(found=len(texts), limit=limit)
    request.app[METRICS].batch_texts.observe(len(texts))
    answer = await predict_batch(model_for(request), texts, request.app[LIMIT])
    for text, result in zip(texts, answer["results"], strict=True):
        if result is not None:
            note(request.app, text, result)
    return json_response(answer)


async def _answer(request: web.Request, wanted: PredictRequest) -> Prediction:
    answer = await predict(model_for(request), wanted, request.app[LIMIT])
    note(request.app, wanted.text, answer)
    return answer


async def _page(request: web.Request) -> web.Response:
    text = ""
    try:
        fields = parse_form(await read(request))
        # A browser writes CRLF in a form whatever was typed.
        text = fields.get("text", "").replace("\r\n", "\n")
        wanted = validate(PredictRequest, {"text": text, "explain": len(text) <= LONGEST_EXPLAINED})
        return result_page(request, text, await _answer(request, wanted))
    except SentimentError as error:
        return result_page(request, text, error)


def _form(body: bytes) -> PredictRequest:
    fields: dict[str, str | bool] = dict(parse_form(body))
    explain = fields.get("explain")
    if explain is not None:
        if explain not in _FLAGS:
            raise TypeInvalid(where="field explain", why="it must be true or false")
        fields["explain"] = _FLAGS[str(explain)]
    return validate(PredictRequest, fields)
