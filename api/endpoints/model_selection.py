"""Which model answers a request, and what is recorded of its predictions."""

from aiohttp import web

from api.access.authentication import Authentication
from api.contract.schemas import Prediction
from api.contract.text_limit import TextLimit
from api.models.provider import ModelProvider
from api.models.served_model import ServedModel
from api.observability.metrics import ServiceMetrics


class ModelSelection:
    """Choose the model of each request, and record each prediction."""

    def __init__(
        self, models: ModelProvider, callers: Authentication, limit: TextLimit, metrics: ServiceMetrics
    ) -> None:
        self._models = models
        self._callers = callers
        self._limit = limit
        self._metrics = metrics

    def model_for(self, request: web.BaseRequest) -> ServedModel:
        """Return the model that answers a request. Raises `ModelNotReady`."""
        if not self._models.canary_active:
            return self._models.current
        return self._models.choose(self._callers.request_key(request.headers, request.remote))

    def record(self, text: str, prediction: Prediction) -> None:
        """Count the prediction of a text as it was sent, and hand the scored part to the shadow model."""
        label = prediction["label"]
        self._metrics.requests.predicted(label, len(text), prediction["model"])
        if prediction["truncated"]:
            self._metrics.truncated.inc()
        if prediction["unfamiliar"]:
            self._metrics.unfamiliar.inc()
        language = prediction["language"]
        if language["standing"] == "unsupported":
            self._metrics.unsupported_languages.labels(language["detected"]).inc()
        if self._models.has_shadow:
            self._models.shadow(self._limit.allowed(text)[0], prediction["score"], label)
