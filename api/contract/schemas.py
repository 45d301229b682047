"""The shapes of requests and responses: they validate, and the OpenAPI document is generated from them."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, NotRequired, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from api.contract.errors import (
    FieldMissing,
    FieldUnknown,
    TextEmpty,
    TextInvalid,
    TextMissing,
    TextUnstorable,
    TypeInvalid,
    ValueInvalid,
)
from sentiment_core.errors import SentimentError

# Anything but what `str.strip` strips. Rust, Python and ECMAScript, which read it here, differ in what `\S` is.
_WHITE = r"\t-\r\u001c-\u001f \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NOT_BLANK = f"[^{_WHITE}]"
_NOT_BLANK_WITHOUT_NUL = rf"^[^\u0000]*[^\u0000{_WHITE}][^\u0000]*$"
Text = Annotated[str, Field(min_length=1, pattern=_NOT_BLANK, description="The text to score; not blank.")]
Label = Literal["negative", "neutral", "positive"]
Source = Literal["registry", "cache", "bundle", "starter"]
RoleName = Literal["champion", "shadow", "canary"]
FeedbackState = Literal["starting", "ok", "unavailable", "outdated", "refused"]


class Request(BaseModel):
    """A request's body: no value is converted, and unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PredictRequest(Request):
    """One text to score."""

    text: Text
    explain: bool = Field(False, description="Whether to return the contribution of each n-gram to the score.")


class BatchRequest(Request):
    """Several texts to score; an invalid text does not affect the others."""

    texts: list[Any] = Field(description="The texts to score.", json_schema_extra={"items": {"type": "string"}})


def _storable(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("string_nul", "it holds U+0000")
    return text


MAX_NAME = 200  # characters of the name of a file or a column
REQUEST_KEY = "X-Request-Key"  # requests with the same value get the same model
IDEMPOTENCY_KEY = "Idempotency-Key"  # identifies a correction that is sent again


class FeedbackRequest(Request):
    """A correction: the correct label of a text, and the score that a model gave it."""

    text: Annotated[Text, AfterValidator(_storable)] = Field(
        description="The text as it was scored; not blank, and without the character U+0000.",
        json_schema_extra={"pattern": _NOT_BLANK_WITHOUT_NUL},
    )
    label: Label = Field(description="The correct label.")
    score: float | None = Field(None, ge=0, le=1, allow_inf_nan=False, description="The score that the model gave.")
    model_digest: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        max_length=64,  # where `$` lets a line's end follow, as in Python
        description="The digest of that model, of this service or another.",
    )


class FeedbackAccepted(TypedDict):
    """The correction is queued and will be stored under `feedback_id`."""

    status: Literal["accepted"]
    feedback_id: str


class ModelIdentity(TypedDict):
    """The model that gave an answer; `version` is null if it is not from the registry."""

    name: str
    version: int | None
    digest: str


class Contribution(TypedDict):
    """What one n-gram adds to the log-odds of positive, and its character spans in the text."""

    ngram: str
    weight: float
    spans: list[tuple[int, int]]


Ratio = Annotated[float, Field(ge=0, le=1)]


class Part(TypedDict):
    """A clause of a mixed text: its first character and its end, and its score as a separate text, neutral aside."""

    label: Literal["negative", "positive"]
    score: Ratio
    start: int
    end: int


class Explanation(TypedDict):
    """The contributions and the bias add up to the log-odds of the score.

    `parts` are the most positive and the most negative clause of a mixed text, and empty for other texts.
    """

    bias: float
    contributions: list[Contribution]
    parts: list[Part]


class Probabilities(TypedDict):
    """The calibrated probability of each of the model's labels; a model of two labels has no `neutral`."""

    negative: Ratio
    neutral: NotRequired[Ratio]
    positive: Ratio


class Language(TypedDict):
    """The language identified from a text, its estimated certainty, and the standing of the language with the model.

    All are null if the language is undetermined. In a file, `standing` is that of the row's column `language`, if it
    has a value.
    """

    detected: str | None
    certainty: Ratio | None
    standing: Literal["supported", "experimental", "unsupported"] | None


class Scored(TypedDict):
    """What a model says of one text.

    `score` says how positive the text is: P(positive) + P(neutral) / 2. `sentiment` is null for neutral. `unfamiliar`
    means that the model knows hardly any of the text's words, and `mixed` that one part of the text is clearly positive
    and another clearly negative.
    """

    label: Label
    sentiment: Literal[0, 1] | None
    score: Ratio
    probabilities: Probabilities
    unfamiliar: bool
    mixed: bool
    language: Language


class Prediction(Scored):
    """The answer for one text: what the model says of it, and which model that is."""

    model: ModelIdentity
    truncated: bool
    explanation: NotRequired[Explanation]


class BatchError(TypedDict):
    """Why the text at an index of the batch has no result."""

    index: int
    code: str
    message: str


class BatchResponse(TypedDict):
    """One entry in `results` per text, null if `errors` has its index."""

    results: list[Prediction | None]
    errors: list[BatchError]


class FileColumn(TypedDict):
    """A column of a file; `meaning` is `text`, the name of a known column of drops, or null."""

    name: str
    meaning: str | None


class FileResult(Scored):
    """A row that was scored: its physical line, its values in the order of the columns, and what the model says."""

    line: Annotated[int, Field(ge=1)]
    cells: list[str]
    text: str


class FileRejection(TypedDict):
    """A row that was not scored, with the reason code of drops, the reason and the row as it is in the file."""

    line: Annotated[int, Field(ge=1)]
    code: str
    reason: str
    row: str


class FileResponse(TypedDict):
    """How a file was read, and what became of its rows: each is in `results` or in `rejected`, in the file's order."""

    name: str
    columns: list[FileColumn]
    warnings: list[str]
    results: list[FileResult]
    rejected: list[FileRejection]
    model: ModelIdentity


class Problem(TypedDict):
    """An error as described by RFC 9457; `code` is stable and meant for programs.

    A rejected file (`file_rejected`) has a `reason`, a reason code of drops, and `columns` if none of them is the text.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    reason: NotRequired[str]
    columns: NotRequired[list[str]]


class Candidate(TypedDict):
    """A shadow or canary model: `wanted` is its version or alias; `model` is null until it is loaded.

    `detail` describes a problem, or is null.
    """

    wanted: str
    model: ModelIdentity | None
    source: Source | None
    detail: str | None


class Canary(Candidate):
    """The candidate that answers a fraction of the request keys."""

    share: Ratio


class ModelCard(TypedDict):
    """The champion and its source; `pinned` is the setting that names it, null for `champion`.

    `shadow` and `canary` are null if they are not set. `card` is the model card: intended use, quality overall and by
    slice, and limits.
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
    card: dict[str, Any]


class Health(TypedDict):
    """The process runs."""

    status: Literal["ok"]


class FeedbackStatus(TypedDict):
    """The state of the database at the last attempt to store corrections, and how many wait for the next."""

    state: FeedbackState
    waiting: int


class Readiness(TypedDict):
    """The process answers predictions; `detail` describes a problem that does not stop it, or is null.

    `feedback` is missing if the service accepts no corrections; its state does not affect predictions.
    """

    status: Literal["ready"]
    model: ModelIdentity
    source: Source
    pinned: str | None
    shadow: Candidate | None
    canary: Canary | None
    registry_reachable: bool | None
    detail: str | None
    feedback: NotRequired[FeedbackStatus]


def null_word_pattern(words: Collection[str]) -> str:
    """Return the pattern of the texts that are one of some ASCII words, in any case, with spaces around it."""
    either = "|".join("".join(_in_any_case(character) for character in word) for word in words)
    return f"^[{_WHITE}]*(?:{either})[{_WHITE}]*$"


def _in_any_case(character: str) -> str:
    if character.isalpha():
        return f"[{character.upper()}{character.lower()}]"
    return character if character.isdigit() else rf"\x{ord(character):02x}"


_TEXTS = ("text", "texts")
_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "float_type": "a number",
    "list_type": "a list",
    "model_type": "an object",
}
_VALUES = {
    "label": "negative, neutral or positive",
    "score": "a number from 0 to 1",
    "model_digest": "64 digits of 0 to 9 and a to f",
}
AnyRequest = TypeVar("AnyRequest", bound=Request)


def validate(shape: type[AnyRequest], payload: object) -> AnyRequest:
    """Return the payload as the given shape, or raise the error that describes it."""
    try:
        return cast("AnyRequest", shape.__pydantic_validator__.validate_python(payload))  # half of `model_validate`
    except ValidationError as error:
        raise _translate(shape, error) from None


def _translate(shape: type[Request], error: ValidationError) -> SentimentError:
    first = error.errors(include_url=False, include_context=False)[0]
    field = shown(first["loc"][0]) if first["loc"] else ""
    kind = first["type"]
    found: SentimentError
    match kind:
        case "missing":
            found = TextMissing(field=field) if field in _TEXTS else FieldMissing(field=field)
        case "extra_forbidden":
            found = FieldUnknown(field=field, known=", ".join(shape.model_fields))
        case "string_type" if field in _TEXTS and first["input"] is None:
            found = TextEmpty(field=field, why="it is null")
        case "string_too_short" | "string_pattern_mismatch" if field in _TEXTS:
            found = TextEmpty(field=field, why="it is blank")
        case "string_nul":
            found = TextUnstorable(field=field)
        case "string_unicode":
            found = TextInvalid(field=field or "name")
        case _ if kind in _KINDS or field not in _VALUES:
            wanted = _KINDS.get(kind, "another type")
            found = TypeInvalid(where=f"field {field}" if field else "body", why=f"it must be {wanted}")
        case _:
            found = ValueInvalid(field=field, why=f"it must be {_VALUES[field]}")
    return found


def shown(name: object) -> str:
    """Return a name that a caller sent in a form that is safe in an answer: short, and ASCII."""
    return ascii(str(name)[:40])[1:-1]
