"""The contract of a source: how the files of one source are read, as declared by the team that owns them.

A contract is written as YAML (docs/sources.md). Each part that it declares is no longer recognised or guessed. An empty
contract declares nothing. A preset is the contract of a well-known export, which a contract may extend.
"""

import codecs
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from sentiment_core.drops.column_names import KNOWN_NAMES, TITLES
from sentiment_core.drops.declared_form import DeclaredForm, require_encoding
from sentiment_core.drops.drop import DayTemplate
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, NO_QUOTING, RFC4180
from sentiment_core.errors import ContractInvalid
from sentiment_core.settings import NullWord, Settings

PRESETS: Final = Path(__file__).with_name("presets")
_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}
_QUOTING: Final = {"rfc4180": RFC4180, "backslash": BACKSLASH_ESCAPES, "none": NO_QUOTING}
STARS: Final = (1.0, 5.0)  # the scale of stored ratings
_NOTHING: Final = (None, "", "null", "~")
_EPOCHS: Final = ("iso", "epoch_s", "epoch_ms")

KnownColumn = Literal["review_id", "product_id", "author_id", "rating", "reviewed_at", "language"]
ColumnName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _as_tuple(value: object) -> object:
    """Accept one name in place of a list of names."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[ColumnName, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone of the IANA database, such as Europe/Berlin") from error
    return name


def _time_format(text: str) -> str:
    if text in _EPOCHS:
        return text
    if "%" not in text or not re.search(r"%[dejDxcsG]", text):
        known = ", ".join(_EPOCHS)
        raise ValueError(f"{text!r} names no day. Write it as for strptime, such as %d.%m.%Y, or use {known}")
    return text


def _encoding(name: str) -> str:
    require_encoding(name)
    return codecs.lookup(name).name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RatingScale(_Part):
    """The scale of a source's ratings. Stored ratings are stars, from 1 to 5."""

    scale: tuple[float, float] = STARS
    decimal: Literal[".", ","] = "."

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        """Accept `0-10` and `percent` in place of a list of two numbers."""
        if not isinstance(value, dict) or not isinstance(value.get("scale"), str):
            return value
        text = value["scale"].strip()
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:-|\.\.|to) ?(\d+(?:\.\d+)?)", text)
        if text == "percent":
            return value | {"scale": (0, 100)}
        if found is None:
            raise ValueError(f"{text!r} is not a scale. Write it as 1-5, 0-10 or percent")
        return value | {"scale": (found[1], found[2])}

    @model_validator(mode="after")
    def _ordered(self) -> "RatingScale":
        if not self.scale[0] < self.scale[1]:
            raise ValueError("the first number of a scale must be below the second")
        return self


class Times(_Part):
    """The formats of a source's times, tried in order, and the zone of times without one."""

    formats: Annotated[tuple[Annotated[str, AfterValidator(_time_format)], ...], BeforeValidator(_as_tuple)] = ("iso",)
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"


class SourceContract(_Part):
    """How the files of a source are read. What is None is recognised, or is the setting's value."""

    preset: str | None = Field(None, description="The preset that this contract extends.")
    delimiter: Annotated[str, StringConstraints(pattern=r"^[!-~\t]$"), Field(description="Field delimiter.")] | None = (
        None
    )
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    quoting: Literal["rfc4180", "backslash", "none"] | None = None
    header_line: int = Field(1, ge=1, le=1000)
    names: Names | None = None
    title: Names | None = None
    text: tuple[Names, ...] | None = Field(None, min_length=1)
    columns: Mapping[KnownColumn, Names | None] = {}
    rating: RatingScale | None = None
    reviewed_at: Times | None = None
    null_words: tuple[NullWord, ...] | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    product_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    day: str | None = None
    bad_values: Literal["reject", "null"] | None = None
    questions: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        """Accept a delimiter by its name, one text column in place of a list, and `null` for a column."""
        if not isinstance(value, dict):
            return value
        delimiter, text = value.get("delimiter"), value.get("text")
        spelled = dict(value)
        if isinstance(delimiter, str):
            spelled["delimiter"] = _DELIMITERS.get(delimiter, delimiter)
        if isinstance(text, str):
            spelled["text"] = (text,)
        if isinstance(columns := value.get("columns"), dict):
            spelled["columns"] = {known: None if name in _NOTHING else name for known, name in columns.items()}
        return spelled

    @model_validator(mode="after")
    def _consistent(self) -> "SourceContract":
        if self.questions:
            asked = "; ".join(self.questions)
            raise ValueError(f"the contract has open questions: {asked}. Decide them, and delete the list `questions`")
        if self.day not in (None, "upload"):
            DayTemplate.parse(self.day or "")
        return self

    @cached_property
    def form(self) -> DeclaredForm:
        """Return how the bytes become records."""
        quoting = None if self.quoting is None else _QUOTING[self.quoting]
        return DeclaredForm(self.delimiter, quoting, self.encoding, self.header_line, self.names)

    @cached_property
    def day_template(self) -> DayTemplate | None:
        """Return how the key names the day. None: by the usual folders."""
        return None if self.day is None else DayTemplate.parse(self.day)

    def accepted_names(self, column: str) -> tuple[str, ...]:
        """Return the names by which a known column is found, the preferred one first."""
        declared = {str(known): names for known, names in self.columns.items()}
        return (declared[column] or ()) if column in declared else KNOWN_NAMES[column]

    def document(self) -> dict[str, Any]:
        """Return what the contract declares, as JSON."""
        return self.model_dump(mode="json", exclude_defaults=True)


NO_CONTRACT: Final = SourceContract()


class Rules(NamedTuple):
    """What decides how a drop is read: the settings, and the contract of its source with its version."""

    settings: Settings
    contract: SourceContract = NO_CONTRACT
    version: int = 0  # 0: the contract is not from the database

    @property
    def text_names(self) -> tuple[str, ...]:
        """Return the names by which a header is known as one: those of the text columns."""
        declared = self.contract.text
        return self.settings.text_columns if declared is None else tuple(name for names in declared for name in names)

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Return all names of columns that have a meaning: the texts, the titles and the known columns."""
        known = (name for column in KNOWN_NAMES for name in self.contract.accepted_names(column))
        return (*self.text_names, *(self.contract.title or TITLES), *known)

    @property
    def null_words(self) -> tuple[str, ...]:
        """Return the words that mean a missing value."""
        words = self.contract.null_words
        return self.settings.null_words if words is None else words

    @property
    def bad_values(self) -> Literal["reject", "null"]:
        """Return how a row is treated whose rating or time cannot be read."""
        return self.contract.bad_values or self.settings.bad_values


def presets() -> list[str]:
    """Return the names of the presets."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def read_contract(text: str, source: str) -> SourceContract:
    """Return the contract that a YAML document declares. `source` names it in errors. Raises `ContractInvalid`."""
    return contract_of(read_document(text, source), source)


def read_document(text: str, source: str) -> dict[str, Any]:
    """Return the document in a YAML text. Raises `ContractInvalid` when it is not a mapping.

    Every scalar is text, so that a column can be called `No` or `1`.
    """
    import yaml  # noqa: PLC0415 - the service reads files but no contracts, and its image has no YAML

    try:
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes only text, lists and mappings
    except yaml.YAMLError as error:
        raise ContractInvalid(source=source, why=f"it is not YAML ({' '.join(str(error).split())})") from error
    if document in (None, ""):
        return {}
    if not isinstance(document, dict):
        raise ContractInvalid(source=source, why="it must be a mapping of names to values, such as `delimiter: ;`")
    return document


def contract_of(document: Mapping[str, Any], source: str, *, resolved: bool = False) -> SourceContract:
    """Return the contract of a document. Raises `ContractInvalid`.

    A preset that it names is read first, unless the document is `resolved`: then it has the preset's parts already.
    """
    name = document.get("preset")
    given = dict(document)
    if name is not None and not resolved:
        base = preset_document(str(name), source)
        given = base | given | {"columns": base.get("columns", {}) | (given.get("columns") or {})}
    try:
        return SourceContract.model_validate(given)
    except ValidationError as error:
        raise ContractInvalid(source=source, why=_first_fault(error)) from error


def preset_document(name: str, source: str) -> dict[str, Any]:
    """Return the document of a preset. Raises `ContractInvalid` when there is no such preset."""
    if name not in presets():
        raise ContractInvalid(source=source, why=f"there is no preset {name!r}. The presets are {', '.join(presets())}")
    return read_document((PRESETS / f"{name}.yaml").read_text("utf-8"), f"preset {name!r}")


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(SourceContract.model_fields)
        return f"{place} is no part of a contract. The parts are {known}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
