"""Which model answers a request, and what is noted of its predictions."""

from aiohttp import web

from api.access.access_control import GUARD
from api.contract.schemas import Prediction
from api.contract.text_limit import LIMIT
from api.models.provider import MODELS, ServedModel
from api.observability.metrics import METRICS


def model_for(request: web.Request) -> ServedModel:
    """Return the model that answers a request, or raise `ModelNotReady`."""
    models = request.app[MODELS]
    if not models.canary_active:
        return models.current
    return models.choose(request.app[GUARD].callers.request_key(request.headers, request.remote))


def note(app: web.Application, text: str, answer: Prediction) -> None:
    """Count the prediction of a text as it was sent, and let the shadow score what of it was scored."""
    app[METRICS].predicted(answer["label"], len(text), answer["model"], truncated=answer["truncated"])
    app[MODELS].shadow(app[LIMIT].allowed(text)[0], answer["score"], answer["label"])
