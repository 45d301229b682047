"""The OpenAPI 3.1 document, generated from the types that validate requests and shape responses."""

from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from api.contract import schemas
from api.contract.problems import STATUS
from api.contract.settings import ServiceSettings
from sentiment_core import __version__

_REF = "#/components/schemas/{model}"
_REQUESTS = (schemas.PredictRequest, schemas.BatchRequest, schemas.FeedbackRequest)
_RESPONSES = (
    schemas.Prediction,
    schemas.BatchResponse,
    schemas.FeedbackAccepted,
    schemas.Problem,
    schemas.ModelCard,
    schemas.Health,
    schemas.Readiness,
)
_BODY = ("malformed_json", "invalid_utf8", "unreadable_body", "body_too_slow", "wrong_content_type", "too_large")
_GUARDED = ("unauthorised", "cross_site", "rate_limited", "overloaded", "answer_too_slow")
_CORRECTION = (
    *("missing_field", "invalid_value", "unstorable_text", "text_too_long"),
    *("feedback_off", "feedback_queue_full", "feedback_unavailable", "stopping"),
)
_BATCH = ("wrong_type", "missing_text", "invalid_text", "unknown_field", "batch_too_large")
_FIELDS = ("wrong_type", "missing_text", "empty_text", "invalid_text", "unknown_field")
_GUARDED_PATHS = ("/predict", "/predict/batch", "/feedback", "/model")
_PROBES = ("/healthz", "/readyz", "/metrics")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _header(name: str, description: str) -> dict[str, Any]:
    parameter = {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
    return {"parameters": [parameter | {"description": description}]}


_BY_KEY = _header(
    schemas.REQUEST_KEY,
    "While a canary is active, requests with the same key are answered by the same model.",
)
_ONCE = _header(schemas.IDEMPOTENCY_KEY, "A correction sent again with the same key is stored once.")


def document(settings: ServiceSettings) -> dict[str, Any]:
    """Return the document of a service with these settings."""
    longest = settings.max_text_characters if settings.long_texts == "reject" else None
    with_probes = settings.api_probes_port is None
    return _document(settings.max_body_bytes, settings.max_batch_texts, longest, bool(settings.api_keys), with_probes)


@cache
def _document(
    max_body_bytes: int, max_batch_texts: int, longest: int | None, with_keys: bool, with_probes: bool
) -> dict[str, Any]:
    components: dict[str, Any] = {"schemas": _schemas()}
    components["schemas"]["BatchRequest"]["properties"]["texts"]["maxItems"] = max_batch_texts
    if longest is not None:
        for name in ("PredictRequest", "FeedbackRequest", "FeedbackForm"):
            components["schemas"][name]["properties"]["text"]["maxLength"] = longest
    paths = _paths()
    for path in _PROBES if not with_probes else ():
        del paths[path]
    if with_keys:
        components["securitySchemes"] = _SCHEMES
        for path in _GUARDED_PATHS:
            for operation in paths[path].values():
                operation["security"] = [{name: []} for name in _SCHEMES]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sentiment",
            "version": __version__,
            "description": (
                "Scores reviews with the model that also scores them in bulk: the same text gets the same score. "
                f"The maximum is {max_body_bytes} bytes per request body and {max_batch_texts} texts per batch."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": components,
    }


def _schemas() -> dict[str, Any]:
    _, requests = models_json_schema([(shape, "validation") for shape in _REQUESTS], ref_template=_REF)
    _, responses = TypeAdapter.json_schemas(
        [(shape.__name__, "serialization", TypeAdapter(shape)) for shape in _RESPONSES], ref_template=_REF
    )
    return {**requests["$defs"], **responses["$defs"], "FeedbackForm": _as_form(requests["$defs"]["FeedbackRequest"])}


def _as_form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a form for that of a JSON object: a form has no null, what is unknown is left out."""
    properties = {}
    for name, property_ in schema["properties"].items():
        known = [each for each in property_.get("anyOf", ()) if each != {"type": "null"}]
        others = {key: value for key, value in property_.items() if key not in ("anyOf", "default")}
        properties[name] = others | known[0] if known else property_
    return schema | {"title": "FeedbackForm", "properties": properties}


def _paths() -> dict[str, Any]:
    return {
        "/predict": {
            "post": _operation(
                "predict",
                "Score one text",
                _json("Prediction") | _string("text/html"),
                (*_GUARDED, *_BODY, *_FIELDS, "text_too_long", "not_ready"),
                _json("PredictRequest") | _form("PredictRequest"),
            )
            | _BY_KEY
        },
        "/predict/batch": {
            "post": _operation(
                "predictBatch",
                "Score several texts",
                _json("BatchResponse"),
                (*_GUARDED, *_BODY, *_BATCH, "not_ready"),
                _json("BatchRequest"),
            )
            | _BY_KEY
        },
        "/feedback": {
            "post": _operation(
                "correct",
                "Accept a correction",
                _json("FeedbackAccepted") | _string("text/html"),
                (*_GUARDED, *_BODY, *_FIELDS, *_CORRECTION),
                _json("FeedbackRequest") | _form("FeedbackForm"),
                status=202,
            )
            | _ONCE
        },
        "/model": {"get": _operation("getModel", "The champion", _json("ModelCard"), (*_GUARDED, "not_ready"))},
        "/healthz": {"get": _operation("getHealth", "Whether the process runs", _json("Health"), ())},
        "/readyz": {
            "get": _operation(
                "getReadiness", "Whether it answers predictions", _json("Readiness"), ("not_ready", "stopping")
            )
        },
        "/metrics": {"get": _operation("getMetrics", "Metrics for Prometheus", _string("text/plain"), ())},
    }


def _operation(
    name: str,
    summary: str,
    content: dict[str, Any],
    codes: tuple[str, ...],
    body: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(int(STATUS[code]), []).append(code)
    problems = {"application/problem+json": {"schema": _ref("Problem")}}
    responses = {str(status): {"description": summary, "headers": _headers(status), "content": content}} | {
        str(failed): {"description": f"Codes: {', '.join(found)}", "headers": _headers(failed), "content": problems}
        for failed, found in sorted(by_status.items())
    }
    operation: dict[str, Any] = {"operationId": name, "summary": summary, "responses": responses}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _headers(status: int) -> dict[str, Any]:
    always = {
        "X-Request-Id": {
            "description": "The id of the request in the service's log: the id that the request named, or a new one.",
            "required": True,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        }
    }
    if status not in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return always
    seconds = {"type": "integer", "minimum": 1}
    return always | {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": seconds}}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": _ref(name)}}


def _form(name: str) -> dict[str, Any]:
    return {"application/x-www-form-urlencoded": {"schema": _ref(name)}}


def _string(media: str) -> dict[str, Any]:
    return {media: {"schema": {"type": "string"}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=name)}
