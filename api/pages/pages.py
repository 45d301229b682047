"""The web pages: the form with its result, and the documentation of the API. They load nothing from other hosts."""

import hashlib
import mimetypes
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from aiohttp import web
from markupsafe import Markup, escape

from api.contract.errors import ModelNotReady, PathUnknown
from api.contract.openapi import document
from api.contract.problems import STATUS, headers_of, problem, status_of
from api.contract.schemas import MAX_NAME, FeedbackAccepted, ModelIdentity, Prediction
from api.contract.settings import ServiceSettings
from api.http.responses import ApiResponse
from api.models.provider import ModelProvider
from api.pages import languages
from api.pages.highlight import Piece, pieces
from sentiment_core.errors import SentimentError


class StaticFile(NamedTuple):
    """A file that the pages load."""

    content: bytes
    content_type: str
    etag: str


def _static_file(path: Path) -> StaticFile:
    content = path.read_bytes()
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(content, media, f'"{hashlib.sha256(content).hexdigest()[:16]}"')


_STATIC = {path.name: _static_file(path) for path in sorted(Path(__file__).with_name("static").iterdir())}
# The address of the files changes with any of them: browsers may keep them, and modules always fit each other.
_VERSION = hashlib.sha256(b"".join(name.encode() + file.content for name, file in _STATIC.items())).hexdigest()[:16]
_FOR_EVER = "public, max-age=31536000, immutable"
_TEMPLATES = Path(__file__).with_name("templates")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        # No script can turn text into markup.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
# Words of longer texts are not marked, because the page would be slow.
LONGEST_EXPLAINED = 20_000
_SHOWN_NGRAMS = 6
_BACKTICKS = re.compile(r"`([^`]+)`")
# N-grams are listed if their weight is more than this fraction of the strongest weight.
_TELLING = 0.03
_NO_BAND = (0.5, 0.5)

EXAMPLES = (
    "The kettle boils in two minutes, looks lovely on the counter and has worked every day since March.",
    "It arrived scratched, the lid does not close, and support never answered. A waste of money.",
    "The sound is rich and the battery lasts, but the app is clumsy and it keeps losing the connection.",
    "Not bad at all for the price, although I would not buy it twice.",
)


class Pages:
    """Render the pages of a service."""

    def __init__(self, settings: ServiceSettings, models: ModelProvider, feedback_on: bool) -> None:
        self._settings = settings
        self._models = models
        self._feedback_on = feedback_on
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
        )
        self._templates.filters["code"] = _code
        self._templates.filters["meaning"] = _meaning
        self._templates.filters["language"] = languages.sentence

    async def index(self, _request: web.BaseRequest) -> ApiResponse:
        """Show the form."""
        return self._render("page.html", self._page(""))

    async def static(self, request: web.BaseRequest) -> ApiResponse:
        """Answer with a file of the pages; a page of another release gets the file of this release."""
        version, name = request.path.split("/")[2:4]
        file = _STATIC.get(name)
        if file is None:
            raise PathUnknown
        headers = {"Cache-Control": _FOR_EVER if version == _VERSION else "no-cache", "ETag": file.etag}
        if file.etag in request.headers.get("If-None-Match", ""):
            return ApiResponse(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return ApiResponse(file.content, file.content_type, headers=headers)

    async def docs(self, _request: web.BaseRequest) -> ApiResponse:
        """Show the OpenAPI document as a page."""
        return self._render("docs.html", {"api": document(self._settings), "statuses": STATUS})

    def result_page(self, text: str, outcome: Prediction | SentimentError) -> ApiResponse:
        """Show the form with the text and its prediction, or its error."""
        context = self._page(text)
        if isinstance(outcome, SentimentError):
            return self._error("page.html", context, outcome)
        # A canary may have answered, which has another band.
        band = context["band"] if outcome["model"] == context["model"] else _NO_BAND
        return self._render("page.html", context | {"model": outcome["model"], "result": _result(text, outcome, band)})

    def feedback_page(self, outcome: FeedbackAccepted | SentimentError) -> ApiResponse:
        """Confirm a correction, or show why it was not accepted."""
        if isinstance(outcome, SentimentError):
            return self._error("feedback.html", {}, outcome)
        return self._render("feedback.html", {"error": None}, HTTPStatus.ACCEPTED)

    def problem_page(self, error: SentimentError) -> ApiResponse:
        """Show an error."""
        return self._error("problem.html", {"title": problem(error)["title"]}, error)

    def _page(self, text: str) -> dict[str, Any]:
        try:
            model = self._models.current.identity
            band = self._neutral_band()
        except ModelNotReady:
            model, band = None, _NO_BAND
        return {
            "text": text,
            "examples": EXAMPLES,
            "model": model,
            "result": None,
            "band": band,
            "blank": _blank(band),
            "error": None,
            "feedback_on": self._feedback_on,
            "known": self._known(model),
        }

    def _known(self, model: ModelIdentity | None) -> dict[str, Any]:
        """Return what scripts must know: limits, names, and the model of the neutral band on the page."""
        settings = self._settings
        return {
            "bandOf": model and model["digest"],
            "explained": LONGEST_EXPLAINED,
            "fileBytes": settings.max_file_bytes,
            "rows": settings.max_file_rows,
            "nameCharacters": MAX_NAME,
            "bodyBytes": settings.max_body_bytes,
            "batchTexts": settings.max_batch_texts,
            "languages": languages.NAMES,
            "standings": languages.STANDINGS,
        }

    def _neutral_band(self) -> tuple[float, float]:
        thresholds = self._models.current.scorer.bundle.manifest.thresholds
        return (thresholds.neutral_low, thresholds.neutral_high) if thresholds else _NO_BAND

    def _error(self, template: str, context: dict[str, Any], error: SentimentError) -> ApiResponse:
        answer = self._render(template, context | {"error": str(error)}, status_of(error))
        answer.headers = {**answer.headers, **headers_of(error)}
        answer.code = error.code
        return answer

    def _render(self, template: str, context: dict[str, Any], status: int = 200) -> ApiResponse:
        around = {"static": f"/static/{_VERSION}", "modules": [name for name in _STATIC if name.endswith(".js")]}
        text = self._templates.get_template(template).render(context | around)
        return ApiResponse(text.encode(), "text/html; charset=utf-8", status, _HEADERS)


def _meaning(prediction: Prediction) -> str:
    """Return what the score of a prediction means: with three labels it is not a probability."""
    if "neutral" in prediction["probabilities"]:
        return "of the way from negative to positive"
    return "probability of positive"


def _code(text: str) -> Markup:
    """Show text between backticks as code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped before


def _blank(band: tuple[float, float]) -> dict[str, Any]:
    """Return a result with one of each part, which scripts copy and fill."""
    part = {"ngram": "", "weight": 0.0}
    return {
        "prediction": {
            "label": "neutral",
            "score": 0.5,
            "probabilities": {"negative": 0.0, "neutral": 0.0, "positive": 0.0},
            "unfamiliar": False,
            "mixed": False,
            "language": {"detected": None, "certainty": None, "standing": None},
            "model": {"digest": ""},
            "truncated": False,
            "explanation": None,
        },
        "band": band,
        "parts": {},
        "pieces": [Piece("", 1, 0.0)],
        "sides": (("positive", [part]), ("negative", [part])),
        "strongest": 1.0,
    }


def _result(text: str, prediction: Prediction, band: tuple[float, float]) -> dict[str, Any]:
    explanation = prediction.get("explanation")
    contributions = explanation["contributions"] if explanation else []
    parts = explanation["parts"] if explanation else []
    strongest = max((abs(part["weight"]) for part in contributions), default=0.0)
    telling = [part for part in contributions if abs(part["weight"]) > _TELLING * strongest]
    return {
        "prediction": prediction,
        "band": band,
        "parts": {part["label"]: text[part["start"] : part["end"]] for part in parts},
        "pieces": pieces(text, contributions),
        "sides": (
            ("positive", [part for part in telling if part["weight"] > 0][:_SHOWN_NGRAMS]),
            ("negative", [part for part in telling if part["weight"] < 0][:_SHOWN_NGRAMS]),
        ),
        "strongest": strongest,
    }
