"""The OpenAPI 3.1 document, generated from the types that validate requests and shape responses."""

from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from api.contract import schemas
from api.contract.content_codings import CODINGS
from api.contract.problems import STATUS
from api.contract.settings import ServiceSettings
from sentiment_core import __version__

_REF = "#/components/schemas/{model}"
_REQUESTS = (schemas.PredictRequest, schemas.BatchRequest, schemas.FeedbackRequest)
_RESPONSES = (
    schemas.Prediction,
    schemas.BatchResponse,
    schemas.FileResponse,
    schemas.FeedbackAccepted,
    schemas.Problem,
    schemas.ModelCard,
    schemas.Health,
    schemas.Readiness,
)
_SENT = ("unreadable_body", "body_too_slow", "wrong_content_type", "wrong_content_encoding", "too_large")
_BODY = ("malformed_json", "invalid_utf8", *_SENT)
_GUARDED = ("unauthorised", "cross_site", "rate_limited", "overloaded", "answer_too_slow")
_CORRECTION = (
    *("missing_field", "invalid_value", "unstorable_text", "text_too_long"),
    *("feedback_off", "feedback_queue_full", "feedback_unavailable", "stopping"),
)
_BATCH = ("wrong_type", "missing_text", "invalid_text", "unknown_field", "batch_too_large")
_FIELDS = ("wrong_type", "missing_text", "empty_text", "invalid_text", "unknown_field")
_WITH_TEXT = ("PredictRequest", "FeedbackRequest", "FeedbackForm")
_FILE = ("invalid_value", "unknown_field", "file_rejected", "too_many_rows", "too_many_columns", "library_missing")
_GUARDED_PATHS = ("/predict", "/predict/batch", "/predict/file", "/feedback", "/model")
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


def _query(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": schemas.MAX_NAME, "pattern": "^[!-~]*$"}
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


_TABLES = ("text/csv", "text/tab-separated-values", "application/jsonl")
_OCTETS = "application/octet-stream"
_FILE_PARAMETERS = (
    _query("name", "The name of the file. Its ending decides only what the content does not say.")
    | {"example": "reviews.csv"},
    _query("text_column", "The name of the column with the text, if it is none of SENTIMENT_TEXT_COLUMNS."),
)


def document(settings: ServiceSettings) -> dict[str, Any]:
    """Return the document of a service with these settings."""
    longest = settings.max_text_characters if settings.long_texts == "reject" else None
    with_probes = settings.api_probes_port is None
    return _document(
        settings.max_body_bytes,
        settings.max_batch_texts,
        settings.max_file_bytes,
        settings.max_file_rows,
        longest,
        bool(settings.api_keys),
        with_probes,
        settings.null_words,
    )


@cache
def _document(
    max_body_bytes: int,
    max_batch_texts: int,
    max_file_bytes: int,
    max_file_rows: int,
    longest: int | None,
    with_keys: bool,
    with_probes: bool,
    null_words: tuple[str, ...],
) -> dict[str, Any]:
    components: dict[str, Any] = {"schemas": _schemas()}
    components["schemas"]["BatchRequest"]["properties"]["texts"]["maxItems"] = max_batch_texts
    for name in _WITH_TEXT:
        text = components["schemas"][name]["properties"]["text"]
        if longest is not None:
            text["maxLength"] = longest
        if null_words:
            text["not"] = {"pattern": schemas.null_word_pattern(null_words)}
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
                f"The maximum is {max_body_bytes} bytes per request body and {max_batch_texts} texts per batch, "
                f"{max_file_bytes} bytes and {max_file_rows} rows per file. "
                "A slash at the end of a path makes no difference. Bodies may have the content encoding "
                f"{CODINGS}. Any request may also get 400 `malformed_http`, 404 `not_found`, 405 `method_not_allowed` "
                "or 417 `expectation_failed`."
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
        "/predict/file": {
            "post": _operation(
                "predictFile",
                "Score the rows of a file",
                _json("FileResponse"),
                (*_GUARDED, *_SENT, *_FILE, "not_ready"),
                {media: {"schema": {"type": "string", "format": "binary"}} for media in (*_TABLES, _OCTETS)},
            )
            | {"parameters": [*_BY_KEY["parameters"], *_FILE_PARAMETERS]}
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
