"""The shapes of requests and responses: they validate, and the OpenAPI document is generated from them."""

from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict

from sentiment_core.errors import FieldUnknown, SentimentError, TextEmpty, TextInvalid, TextMissing, TypeInvalid

# Anything but Unicode's White_Space: of `\S`, Rust, Python and ECMAScript, which read it here, have three definitions.
_NOT_BLANK = r"[^\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
Text = Annotated[str, Field(min_length=1, pattern=_NOT_BLANK, description="The text to score; not blank.")]
Label = Literal["negative", "neutral", "positive"]
Source = Literal["registry", "cache", "bundle", "starter"]
RoleName = Literal["champion", "shadow", "canary"]


class Request(BaseModel):
    """A request's body: nothing is converted, nothing unknown is accepted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PredictRequest(Request):
    """One text to score."""

    text: Text
    explain: bool = Field(False, description="Also say what each n-gram contributes to the score.")


class BatchRequest(Request):
    """Several texts to score; each is judged on its own, so one bad text costs only itself."""

    texts: list[Any] = Field(description="The texts to score.", json_schema_extra={"items": {"type": "string"}})


class Model(TypedDict):
    """The model that gave an answer; `version` is null when it does not come from the registry."""

    name: str
    version: int | None
    digest: str


class Contribution(TypedDict):
    """What one n-gram adds to the log-odds of positive, and the character spans where it stands in the text."""

    ngram: str
    weight: float
    spans: list[tuple[int, int]]


class Explanation(TypedDict):
    """The contributions and the bias sum up to the log-odds of the score."""

    bias: float
    contributions: list[Contribution]


class Prediction(TypedDict):
    """The answer for one text; `score` is the calibrated probability of positive, `sentiment` is null for neutral."""

    label: Label
    sentiment: Literal[0, 1] | None
    score: Annotated[float, Field(ge=0, le=1)]
    model: Model
    truncated: bool
    explanation: NotRequired[Explanation]


class BatchError(TypedDict):
    """Why the text at an index of the batch has no result."""

    index: int
    code: str
    message: str


class BatchResponse(TypedDict):
    """One entry in `results` a text, null where `errors` names its index."""

    results: list[Prediction | None]
    errors: list[BatchError]


class Problem(TypedDict):
    """An error, as RFC 9457 describes it; `code` is stable and meant for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Candidate(TypedDict):
    """A model beside the champion: `wanted` is its version or alias; `model` is null until one is loaded.

    `detail` says what is not as it should be, or is null.
    """

    wanted: str
    model: Model | None
    source: Source | None
    detail: str | None


class Canary(Candidate):
    """The candidate that answers a share of the request keys."""

    share: Annotated[float, Field(ge=0, le=1)]


class ModelCard(TypedDict):
    """The model that answers now, and where it came from; `pinned` is the setting that names it, null for `champion`.

    `shadow` and `canary` are null where they are not set.
    """

    name: str
    version: int | None
    digest: str
    source: Source
    pinned: str | None
    shadow: Candidate | None
    canary: Canary | None
    manifest: dict[str, Any]
    provenance: dict[str, Any]


class Health(TypedDict):
    """The process runs."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """The process answers predictions; `detail` says what is not as it should be nevertheless, or is null."""

    status: Literal["ready"]
    model: Model
    source: Source
    pinned: str | None
    shadow: Candidate | None
    canary: Canary | None
    registry_reachable: bool | None
    detail: str | None


AnyRequest = TypeVar("AnyRequest", bound=Request)


def validate(shape: type[AnyRequest], payload: object) -> AnyRequest:
    """Return the payload as the given shape, or raise the error that names what is wrong with it."""
    try:
        return shape.model_validate(payload)
    except ValidationError as error:
        raise _translate(shape, error) from None


def _translate(shape: type[Request], error: ValidationError) -> SentimentError:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = shown(first["loc"][0]) if first["loc"] else ""
    match first["type"]:
        case "missing":
            return TextMissing(field=field)
        case "extra_forbidden":
            return FieldUnknown(field=field, known=", ".join(shape.model_fields))
        case "string_too_short" | "string_pattern_mismatch":
            return TextEmpty(field=field)
        case "string_unicode":
            return TextInvalid(field=field or "name")
        case _:
            return TypeInvalid(where=f"field {field}" if field else "body", why=_wanted(first["type"]))


def _wanted(error_type: str) -> str:
    kinds = {"string_type": "text", "bool_type": "true or false", "list_type": "a list", "model_type": "an object"}
    return f"it must be {kinds.get(error_type, 'another type')}"


def shown(name: object) -> str:
    """Return a name that a caller sent so that it can stand in an answer: short, and ASCII."""
    return ascii(str(name)[:40])[1:-1]
