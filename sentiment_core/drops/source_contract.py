"""The contract of a source: how the files of one source are read, as declared by the team that owns them.

A contract is written as YAML (docs/sources.md). Each part that it declares is no longer recognised or guessed. An empty
contract declares nothing. A preset is the contract of a well-known export, which a contract may extend.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args
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

from sentiment_core.drops.column_names import KNOWN_NAMES, TITLES, fold, position
from sentiment_core.drops.declared_form import DeclaredForm, require_encoding
from sentiment_core.drops.drop import DayTemplate
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, NO_QUOTING, RFC4180
from sentiment_core.errors import ContractInvalid
from sentiment_core.settings import NullWord, Settings

PRESETS: Final = Path(__file__).with_name("presets")
_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "\\x01": "\x01"}
_UNUSABLE: Final = frozenset("\"'\\")  # with letters and digits: values contain them
_QUOTING: Final = {"rfc4180": RFC4180, "backslash": BACKSLASH_ESCAPES, "none": NO_QUOTING}
STARS: Final = (1.0, 5.0)  # the scale of stored ratings
_NOTHING: Final = (None, "", "null", "~")
_NO_VALUE: Final = (None, "null", "~")
_JANUARY: Final = datetime(2024, 1, 31, 13, 14, 15, tzinfo=UTC)  # month, day and hour cannot be confused
_EPOCHS: Final = ("iso", "epoch_s", "epoch_ms")
_FORMAT_HELP: Final = f"Write it with the codes of strptime, such as %d.%m.%Y, or use {', '.join(_EPOCHS)}"

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
    try:
        # The zone is that of the contract, or of the value.
        complete = datetime.strptime(_JANUARY.strftime(text), text).date() == _JANUARY.date()  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f"{text!r} is not a format of times: {error}. {_FORMAT_HELP}") from error
    if not complete:
        raise ValueError(f"{text!r} does not have a year, a month and a day. {_FORMAT_HELP}")
    return text


def _delimiter(text: str) -> str:
    found = _DELIMITERS.get(text.casefold(), text)
    if len(found) != 1 or not found.isascii() or found in _UNUSABLE or found.isalnum() or found in "\r\n ":
        raise ValueError(
            f"{text!r} is not a delimiter. Write comma, semicolon, tab, pipe or another punctuation character"
        )
    return found


def _day(text: str) -> str:
    DayTemplate.parse(text)
    return text


def _language(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", text):
        raise ValueError(f"{text!r} is not the code of a language, such as de or en-GB")
    return text


def _encoding(name: str) -> str:
    require_encoding(name)
    return codecs.lookup(name).name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _short(value: Any) -> Any:
    """Return a list of one value as the value, also in a mapping."""
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return value[0] if isinstance(value, list) and len(value) == 1 else value


class RatingScale(_Part):
    """The scale of a source's ratings. Stored ratings are stars, from 1 to 5."""

    scale: tuple[float, float] = STARS
    decimal: Literal[".", ","] = "."

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        """Accept a scale alone, and `0-10` and `percent` in place of a list of two numbers."""
        if isinstance(value, str):
            value = {"scale": value}
        if not isinstance(value, dict) or not isinstance(value.get("scale"), str):
            return value
        text = value["scale"].strip()
        found = re.fullmatch(r"(-?\d+(?:\.\d+)?) ?(?:-|\.\.|to) ?(\d+(?:\.\d+)?)", text)
        if text == "percent":
            return value | {"scale": (0, 100)}
        if found is None:
            raise ValueError(f"{text!r} is not a scale. Write it as 1-5, 0-10 or percent")
        return value | {"scale": (found[1], found[2])}

    @property
    def shown_scale(self) -> str:
        """Return the scale as a contract spells it."""
        least, most = self.scale
        return f"{least:g}-{most:g}" if least >= 0 else f"{least:g} to {most:g}"

    @model_validator(mode="after")
    def _ordered(self) -> "RatingScale":
        if not self.scale[0] < self.scale[1]:
            raise ValueError("the first number of a scale must be below the second")
        return self


class Times(_Part):
    """The formats of a source's times, tried in order, and the zone of times without one."""

    formats: Annotated[
        tuple[Annotated[str, AfterValidator(_time_format)], ...], BeforeValidator(_as_tuple), Field(min_length=1)
    ] = ("iso",)
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        """Accept formats alone."""
        return {"formats": value} if isinstance(value, str | list) else value


class SourceContract(_Part):
    """How the files of a source are read. What is None is recognised, or is the setting's value."""

    preset: str | None = Field(None, description="The preset that this contract extends.")
    delimiter: Annotated[str, AfterValidator(_delimiter), Field(description="Field delimiter.")] | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    quoting: Literal["rfc4180", "backslash", "none"] | None = None
    header_line: int = Field(1, ge=1, le=1000)
    names: Names | None = None
    title: Names | None = None
    text: tuple[Names, ...] | None = Field(None, min_length=1)
    columns: Mapping[KnownColumn, Names | None] = {}
    rating: RatingScale | None = None
    reviewed_at: Times | None = None
    null_words: Annotated[tuple[NullWord, ...], BeforeValidator(_as_tuple)] | None = None
    language: Annotated[str, AfterValidator(_language)] | None = None
    product_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    day: Annotated[str, AfterValidator(_day)] | None = None
    bad_values: Literal["reject", "null"] | None = None
    questions: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        """Accept one text column in place of a list, and `null` for a part or a column that is not declared."""
        if not isinstance(value, dict):
            return value
        # `null` is a value of `bad_values`
        spelled = {part: each for part, each in value.items() if part == "bad_values" or each not in _NO_VALUE}
        if empty := [part for part, each in spelled.items() if each == "" and part != "questions"]:
            raise ValueError(f"{empty[0]} has no value. Write one, or delete the part")
        if isinstance(text := spelled.get("text"), str):
            spelled["text"] = (text,)
        if spelled.get("questions") == "":
            del spelled["questions"]
        if isinstance(columns := spelled.get("columns"), dict):
            spelled["columns"] = {known: None if name in _NOTHING else name for known, name in columns.items()}
        return spelled

    @model_validator(mode="after")
    def _consistent(self) -> "SourceContract":
        if self.questions:
            asked = "; ".join(self.questions)
            raise ValueError(f"the contract has open questions: {asked}. Decide them, and delete the list `questions`")
        if self.preset is None:  # the alternatives of a preset may be names of the same column
            self._require_one_meaning()
        if self.names is not None:
            self._require_named(self.names)
        return self

    def _require_one_meaning(self) -> None:
        """Raise `ValueError` when the preferred name of two parts is the same."""
        parts = [("text", names) for names in self.text or ()] + ([("title", self.title)] if self.title else [])
        parts += [(f"columns.{known}", names) for known, names in self.columns.items() if names]
        found: dict[str, str] = {}
        for part, (name, *_) in parts:
            if fold(name) in found:
                raise ValueError(f"column {name} is {found[fold(name)]} and {part}. A column has one meaning")
            found[fold(name)] = part

    def _require_named(self, names: Sequence[str]) -> None:
        """Raise `ValueError` when two columns have one name, or a text or id column is not among the names."""
        folded = [fold(name) for name in names]
        if repeated := [name for name in names if folded.count(fold(name)) > 1]:
            raise ValueError(f"names: {repeated[0]} occurs twice. Names are compared without case and spaces")
        needed = [("text", accepted) for accepted in self.text or ()]
        needed += [(f"columns.{known}", accepted) for known, accepted in self.columns.items() if accepted]
        for part, accepted in needed if self.preset is None else needed[: len(self.text or ())]:
            if position(folded, accepted) is None:
                raise ValueError(f"{part}: {' or '.join(accepted)} is not one of the names {', '.join(names)}")

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
        """Return what the contract declares, as JSON. `contract_of` reads it as this contract."""
        document = self.model_dump(mode="json", exclude_defaults=True)
        document |= {part: _short(document[part]) for part in ("title", "columns") if part in document}
        if self.text is not None:
            texts = [_short(list(names)) for names in self.text]
            # One text with several names stays a list in a list: a list of names means texts that are joined.
            document["text"] = texts[0] if len(texts) == 1 and isinstance(texts[0], str) else texts
        if self.rating is not None:
            document["rating"] = self.rating.model_dump(mode="json") | {"scale": self.rating.shown_scale}
        if self.reviewed_at is not None:
            document["reviewed_at"] = self.reviewed_at.model_dump(mode="json")
        return document


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


def read_contract_file(path: Path) -> SourceContract:
    """Return the contract in a YAML file. Raises `ContractInvalid`."""
    return contract_of(read_document_file(path), str(path))


def read_document_file(path: Path) -> dict[str, Any]:
    """Return the document in a YAML file. Raises `ContractInvalid` when it is not UTF-8 or not a mapping."""
    try:
        return read_document(path.read_text("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise ContractInvalid(source=path, why="it is not UTF-8. Save the file with this encoding") from error


def read_contract(text: str, source: str) -> SourceContract:
    """Return the contract that a YAML document declares. `source` names it in errors. Raises `ContractInvalid`."""
    return contract_of(read_document(text, source), source)


def read_document(text: str, source: str) -> dict[str, Any]:
    """Return the document in a YAML text. Raises `ContractInvalid` when it is not a mapping."""
    # Imported here because the service reads files but no contracts, and its image has no YAML.
    from sentiment_core.drops.contract_yaml import parsed_document  # noqa: PLC0415

    return parsed_document(text, source)


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


@cache
def read_preset(name: str) -> SourceContract:
    """Return the contract of a preset. Raises `ContractInvalid` when there is no such preset."""
    return contract_of({"preset": name}, f"preset {name!r}")


def preset_document(name: str, source: str) -> dict[str, Any]:
    """Return the document of a preset. Raises `ContractInvalid` when there is no such preset."""
    if name not in presets():
        raise ContractInvalid(source=source, why=f"there is no preset {name!r}. The presets are {', '.join(presets())}")
    return read_document((PRESETS / f"{name}.yaml").read_text("utf-8"), f"preset {name!r}")


_NUMBERED: Final = re.compile(r"\.\d+|\.\[key\]")
_SHAPES: Final = {
    "rating": "write `scale` and `decimal` below it, such as rating: {scale: 0-10}",
    "reviewed_at": 'write `formats` and `zone` below it, such as reviewed_at: {formats: ["%d.%m.%Y"]}',
    "columns": "write a mapping, such as columns: {review_id: Nr}",
    "text": "write a name or a list of names",
    "names": "write a list of names",
    "null_words": "write a list of words of at most 8 ASCII characters without spaces, such as N/A",
    "header_line": "write the number of a line from 1 to 1000",
}


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = _NUMBERED.sub("", ".".join(str(part) for part in first["loc"]))
    outer, _, inner = place.rpartition(".")
    if first["type"] == "extra_forbidden":
        return f"{place} is no part of {_of(outer)}. {_known_parts(outer, inner)}"
    if outer == "columns" and first["type"] == "literal_error":
        return f"{place} is no known column. The known columns are {', '.join(get_args(KnownColumn))}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] != "value_error" and place in _SHAPES:
        message = _SHAPES[place]
    if message.startswith(("column ", "text: ", "names: ", "columns.", "the contract ")) or not place:
        return message
    return f"{place}: {message}"


def _of(outer: str) -> str:
    return f"`{outer}`" if outer else "a contract"


def _known_parts(outer: str, inner: str) -> str:
    if not outer and inner in get_args(KnownColumn):
        return f"Write it below `columns`: columns: {{{inner}: NAME}}"
    parts: dict[str, type[BaseModel]] = {"rating": RatingScale, "reviewed_at": Times}
    if not outer and (within := [name for name, each in parts.items() if inner in each.model_fields]):
        return f"Write it below `{within[0]}`"
    known = list(parts.get(outer, SourceContract).model_fields)
    close = get_close_matches(inner, known, 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    return f"{meant}The parts are {', '.join(name for name in known if name != 'questions')}"
