"""The endpoints that score: `POST /predict` and `POST /predict/batch`."""

from aiohttp import web

from api.contract.errors import BatchTooLarge, TypeInvalid
from api.contract.schemas import BatchRequest, Prediction, PredictRequest, validate
from api.endpoints.model_selection import ModelSelection
from api.http.bodies import FORM, BodyReader, content_type, parse_form, parse_json
from api.http.content_negotiation import prefers_html
from api.http.responses import JSON, ApiResponse, json_response
from api.models.scoring import Predictor
from api.observability.metrics import ServiceMetrics
from api.pages.pages import LONGEST_EXPLAINED, Pages
from sentiment_core.errors import SentimentError

_FLAGS = {"true": True, "on": True, "false": False}


class PredictEndpoints:
    """Score texts from requests."""

    def __init__(
        self,
        bodies: BodyReader,
        selection: ModelSelection,
        predictor: Predictor,
        pages: Pages,
        metrics: ServiceMetrics,
        max_batch_texts: int,
    ) -> None:
        self._bodies = bodies
        self._selection = selection
        self._predictor = predictor
        self._pages = pages
        self._metrics = metrics
        self._max_batch_texts = max_batch_texts

    async def predict(self, request: web.BaseRequest) -> ApiResponse:
        """Score one text, from JSON or from a form; the form of a browser is answered with the page."""
        if content_type(request, JSON, FORM) == JSON:
            wanted = validate(PredictRequest, parse_json(await self._bodies.read(request)))
            return json_response(await self._predict(request, wanted))
        if prefers_html(request.headers.get("Accept", "")):
            return await self._page(request)
        return json_response(await self._predict(request, _form(await self._bodies.read(request))))

    async def predict_batch(self, request: web.BaseRequest) -> ApiResponse:
        """Score several texts; each fails or succeeds alone."""
        content_type(request, JSON)
        texts = validate(BatchRequest, parse_json(await self._bodies.read(request))).texts
        if len(texts) > self._max_batch_texts:
            raise BatchTooLarge(found=len(texts), limit=self._max_batch_texts)
        self._metrics.batch_texts.observe(len(texts))
        answer = await self._predictor.predict_batch(self._selection.model_for(request), texts)
        for text, result in zip(texts, answer["results"], strict=True):
            if result is not None:
                self._selection.record(text, result)
        return json_response(answer)

    async def _predict(self, request: web.BaseRequest, wanted: PredictRequest) -> Prediction:
        model = self._selection.model_for(request)
        prediction = await self._predictor.predict(model, wanted.text, wanted.explain)
        self._selection.record(wanted.text, prediction)
        return prediction

    async def _page(self, request: web.BaseRequest) -> ApiResponse:
        text = ""
        try:
            fields = parse_form(await self._bodies.read(request))
            # A browser writes CRLF in a form whatever was typed.
            text = fields.get("text", "").replace("\r\n", "\n")
            wanted = validate(PredictRequest, {"text": text, "explain": len(text) <= LONGEST_EXPLAINED})
            return self._pages.result_page(text, await self._predict(request, wanted))
        except SentimentError as error:
            return self._pages.result_page(text, error)


def _form(body: bytes) -> PredictRequest:
    fields: dict[str, str | bool] = dict(parse_form(body))
    explain = fields.get("explain")
    if explain is not None:
        if explain not in _FLAGS:
            raise TypeInvalid(where="field explain", why="it must be true or false")
        fields["explain"] = _FLAGS[str(explain)]
    return validate(PredictRequest, fields)
