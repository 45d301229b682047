"""The web pages: the form with its result, and the documentation of the API. They load nothing from other hosts."""

import hashlib
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from markupsafe import Markup, escape

from api.contract.errors import MethodNotAllowed, ModelNotReady, PathUnknown
from api.contract.openapi import document
from api.contract.problems import PROBLEM, STATUS, headers_of, problem, status_of
from api.contract.schemas import FeedbackAccepted, Model, Prediction
from api.contract.settings import SETTINGS
from api.feedback.queue import FEEDBACK
from api.models.provider import MODELS
from api.pages.highlight import Piece, pieces
from sentiment_core.errors import SentimentError

_STATIC = {path.name: path for path in sorted(Path(__file__).with_name("static").iterdir())}
# The files' address changes with any of them, so that browsers may keep them and modules always fit each other.
_VERSION = hashlib.sha256(b"".join(name.encode() + path.read_bytes() for name, path in _STATIC.items())).hexdigest()[
    :16
]
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
        # No script can turn text into markup, whatever it tries.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
# Words of a longer text are not marked: the page would be slow, and nobody would read it.
LONGEST_EXPLAINED = 20_000
# What the browser takes of a file, or of pasted lines: it keeps all of it, and shows all of it.
LARGEST_FILE = 5_000_000
MOST_ROWS = 5_000
_SHOWN_NGRAMS = 6
_BACKTICKS = re.compile(r"`([^`]+)`")
# N-grams are listed down to this share of the strongest one.
_TELLING = 0.03
_NO_BAND = (0.5, 0.5)

EXAMPLES = (
    "The kettle boils in two minutes, looks lovely on the counter and has worked every day since March.",
    "It arrived scratched, the lid does not close, and support never answered. A waste of money.",
    "The sound is rich and the battery lasts, but the app is clumsy and it keeps losing the connection.",
    "Not bad at all for the price, although I would not buy it twice.",
)


def set_up(app: web.Application) -> None:
    """Let the app render templates."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        filters={"code": _code},
    )


async def index(request: web.Request) -> web.Response:
    """Show the form."""
    return _render(request, "page.html", _page(request, ""))


async def static(request: web.Request) -> web.StreamResponse:
    """Answer with a file of the pages; a page of another release gets the file as it is here."""
    path = _STATIC.get(request.match_info["name"])
    if path is None:
        raise PathUnknown
    is_this = request.match_info["version"] == _VERSION
    return web.FileResponse(path, headers={"Cache-Control": _FOR_EVER if is_this else "no-cache"})


async def unmatched(request: web.Request) -> web.Response:
    """Say that there is nothing at this address, or what it takes instead."""
    *resources, _this = request.app.router.resources()
    allowed = {method for resource in resources for method in (await resource.resolve(request))[1]}
    if allowed:
        raise MethodNotAllowed(method=ascii(request.method[:20])[1:-1], allowed=", ".join(sorted(allowed)))
    raise PathUnknown


async def docs(request: web.Request) -> web.Response:
    """Show the OpenAPI document as a page."""
    described = document(request.app[SETTINGS])
    return _render(request, "docs.html", {"api": described, "statuses": STATUS})


def result_page(request: web.Request, text: str, outcome: Prediction | SentimentError) -> web.Response:
    """Show the form with the text and what came of it."""
    context = _page(request, text)
    if isinstance(outcome, SentimentError):
        return _failed(request, "page.html", context, outcome)
    # A canary may have answered, whose band is another.
    band = context["band"] if outcome["model"] == context["model"] else _NO_BAND
    return _render(request, "page.html", context | {"model": outcome["model"], "result": _result(text, outcome, band)})


def feedback_page(request: web.Request, outcome: FeedbackAccepted | SentimentError) -> web.Response:
    """Say thanks for a correction, or why it was not taken."""
    if isinstance(outcome, SentimentError):
        return _failed(request, "feedback.html", {}, outcome)
    return _render(request, "feedback.html", {"error": None}, HTTPStatus.ACCEPTED)


def problem_page(request: web.Request, error: SentimentError) -> web.Response:
    """Show to a person why there is no answer."""
    return _failed(request, "problem.html", {"title": problem(error)["title"]}, error)


def _code(text: str) -> Markup:
    """Show what stands between backticks as code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped before


def _page(request: web.Request, text: str) -> dict[str, Any]:
    try:
        model = request.app[MODELS].current.identity
        band = _neutral_band(request)
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
        "feedback_on": request.app[FEEDBACK] is not None,
        "known": _known(request, model),
    }


def _known(request: web.Request, model: Model | None) -> dict[str, Any]:
    """Return what scripts must know: limits, names, and whose neutral band the page shows."""
    settings = request.app[SETTINGS]
    return {
        "bandOf": model and model["digest"],
        "explained": LONGEST_EXPLAINED,
        "fileBytes": LARGEST_FILE,
        "rows": MOST_ROWS,
        "bodyBytes": settings.max_body_bytes,
        "batchTexts": settings.max_batch_texts,
        "textColumns": settings.text_columns,
    }


def _neutral_band(request: web.Request) -> tuple[float, float]:
    thresholds = request.app[MODELS].current.scorer.bundle.manifest.thresholds
    return (thresholds.neutral_low, thresholds.neutral_high) if thresholds else _NO_BAND


def _blank(band: tuple[float, float]) -> dict[str, Any]:
    """Return a result with one of each part, which scripts copy and fill."""
    part = {"ngram": "", "weight": 0.0}
    return {
        "prediction": {
            "label": "neutral",
            "score": 0.5,
            "model": {"digest": ""},
            "truncated": False,
            "explanation": None,
        },
        "band": band,
        "pieces": [Piece("", 1, 0.0)],
        "sides": (("positive", [part]), ("negative", [part])),
        "strongest": 1.0,
    }


def _result(text: str, prediction: Prediction, band: tuple[float, float]) -> dict[str, Any]:
    contributions = prediction["explanation"]["contributions"] if "explanation" in prediction else []
    strongest = max((abs(part["weight"]) for part in contributions), default=0.0)
    telling = [part for part in contributions if abs(part["weight"]) > _TELLING * strongest]
    return {
        "prediction": prediction,
        "band": band,
        "pieces": pieces(text, contributions),
        "sides": (
            ("positive", [part for part in telling if part["weight"] > 0][:_SHOWN_NGRAMS]),
            ("negative", [part for part in telling if part["weight"] < 0][:_SHOWN_NGRAMS]),
        ),
        "strongest": strongest,
    }


def _failed(request: web.Request, template: str, context: dict[str, Any], error: SentimentError) -> web.Response:
    request[PROBLEM] = error.code
    response = _render(request, template, context | {"error": str(error)}, status_of(error))
    response.headers.update(headers_of(error))
    return response


def _render(request: web.Request, template: str, context: dict[str, Any], status: int = 200) -> web.Response:
    around = {"static": f"/static/{_VERSION}", "modules": [name for name in _STATIC if name.endswith(".js")]}
    response: web.Response = aiohttp_jinja2.render_template(template, request, context | around, status=status)
    response.headers.update(_HEADERS)
    return response
