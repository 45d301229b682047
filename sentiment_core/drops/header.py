"""The meaning of a file's columns, from the names in its header and the contract of its source."""

from collections.abc import Sequence
from typing import Final, Self

from sentiment_core.drops.column_names import (
    KNOWN_NAMES,
    SIMILAR_NAMES,
    SIMILAR_TEXTS,
    TITLES,
    distinct,
    fold,
    position,
    shown,
)
from sentiment_core.drops.contract import RejectCode, not_utf8
from sentiment_core.drops.source_contract import STARS, Rules
from sentiment_core.errors import FileRejected

# A contract that declares one of these columns promises it: without it, reviews would be doubled.
_PROMISED: Final = ("review_id",)


class Header:
    """The meaning of a file's columns.

    `parts` has the field numbers of the columns that make the text, in the order in which they are joined, and `text`
    is the first of them that is no title. The values of `known` and `extra` are field numbers. `guessed` has the known
    columns that have another name than the documented one and are not declared by the contract: their values decide
    (`demote`). `unnamed` has the fields without a name.

    Raises `FileRejected` when the text column or a promised column is missing, when its name or that of a known column
    occurs twice, and when the names are not UTF-8 or contain NUL bytes.
    """

    def __init__(self, names: Sequence[bytes], rules: Rules, source: str) -> None:
        self._rules = rules
        self._source = source
        self.contract_version = rules.version
        self._folded = [fold(shown(_decoded(name, source))) for name in names]
        self.names = shown_names(names, source)
        self.warnings: list[str] = []
        texts = self._text_fields()
        self.text = texts[0]
        self.parts = (*self._title_fields(texts), *texts)
        self.known, self.guessed = self._known_fields()
        self._require_distinct()
        self.demoted: dict[str, str] = {}  # guessed column -> the value that cannot be read
        self.unnamed = [field for field, name in enumerate(self._folded) if not name]
        self.extra: dict[str, int] = {}
        self._keep_others()
        self.warnings += [*self._other_texts(), *self._similar()]

    @classmethod
    def of_text(cls, names: Sequence[bytes], rules: Rules, source: str) -> Self:
        """Return a header that maps only the text columns and the language, whose values never reject a row."""
        header = cls(names, rules, source)
        header.known = {name: field for name, field in header.known.items() if name == "language"}
        header.extra, header.guessed = {}, set()
        return header

    def demote(self, name: str, value: str) -> None:
        """Keep a guessed known column as an extra column, because of a value that cannot be read."""
        column = self.names[self.known.pop(name)]
        self.demoted[name] = value
        self.guessed.discard(name)
        self._keep_others()
        self.warnings.append(f"column {column} looks like {name} but is kept as it is, because of the value {value!r}")

    def warn_of_rounded_ids(self, name: str, value: str) -> None:
        """Warn that a column of ids has values that a spreadsheet has rounded, such as this one."""
        what = f"column {self.names[self.known[name]]} has ids that a spreadsheet has rounded, such as"
        if not any(warning.startswith(what) for warning in self.warnings):
            self.warnings.append(
                f"{what} {value}. They are treated as missing. Export the column as text to keep its values"
            )

    def demote_as(self, earlier: "Header") -> None:
        """Demote the guessed columns that an earlier header of the same file demoted."""
        for name, value in earlier.demoted.items():
            if name in self.guessed:
                self.demote(name, value)

    def field(self, name: str) -> int | None:
        """Return the number of the field with this name, or None if absent. `column_names.fold` compares names."""
        return position([fold(known) for known in self.names], [name])

    @property
    def folded_names(self) -> list[str]:
        """Return the names of all columns as `column_names.fold` makes them. A column without a name has ""."""
        return self._folded

    @property
    def text_names(self) -> str:
        """Return the names of the columns that make the text."""
        return " + ".join(self.names[field] for field in self.parts)

    def _text_fields(self) -> tuple[int, ...]:
        declared = self._rules.contract.text
        if declared is not None:
            return tuple(self._declared("text", names) for names in declared)
        accepted = self._rules.settings.text_columns
        field = position(self._folded, accepted)
        if field is None:
            raise FileRejected(
                reason=RejectCode.NO_TEXT_COLUMN,
                why=f"{self._source} has no text column. Its columns are {', '.join(self.names)}. Rename one of them "
                f"to {accepted[0]}, or add its name to SENTIMENT_TEXT_COLUMNS",
            )
        return (field,)

    def _title_fields(self, texts: Sequence[int]) -> tuple[int, ...]:
        contract = self._rules.contract
        if contract.title is None and contract.text is not None:
            return ()
        field = position(self._folded, contract.title or TITLES)
        if field is None and contract.title is not None and contract.preset is None:
            self.warnings.append(f"the contract's title column {' or '.join(contract.title)} is not in the file")
        return () if field is None or field in texts else (field,)

    def _known_fields(self) -> tuple[dict[str, int], set[str]]:
        contract = self._rules.contract
        known: dict[str, int] = {}
        guessed = set()
        for name in KNOWN_NAMES:
            names, declared = contract.accepted_names(name), name in contract.columns
            field = position(self._folded, names)
            if field is None:
                if names and declared:
                    self._missing(name, names)
            elif field not in self.parts:
                guess = not declared and self._folded[field] != fold(name)
                if guess and self._folded.count(self._folded[field]) > 1:
                    self.warnings.append(f"column {self.names[field]} looks like {name} and is there more than once")
                    continue
                known[name] = field
                if guess:
                    guessed.add(name)
        return known, guessed

    def _missing(self, name: str, names: Sequence[str]) -> None:
        if name in _PROMISED:
            self._declared(name, names)
        if self._rules.contract.preset is None:  # a preset lists the columns of several versions of an export
            self.warnings.append(f"the contract's {name} column {' or '.join(names)} is not in the file")

    def _declared(self, what: str, names: Sequence[str]) -> int:
        field = position(self._folded, names)
        if field is None:
            raise FileRejected(
                reason=RejectCode.MISSING_COLUMN,
                why=f"{self._source} has no column {' or '.join(names)}, which the contract of its source declares as "
                f"{what}. Its columns are {', '.join(self.names)}. Correct the export, or the contract with "
                "`sentiment source set`",
            )
        return field

    def _require_distinct(self) -> None:
        needed = [self._folded[field] for field in (*self.parts, *self.known.values())]
        if repeated := sorted({name for name in needed if self._folded.count(name) > 1}):
            shown_names = [self.names[self._folded.index(name)] for name in repeated]
            raise FileRejected(
                reason=RejectCode.REPEATED_COLUMN,
                why=f"{self._source} has more than one column named {', '.join(shown_names)}",
            )

    def _keep_others(self) -> None:
        """Keep the other columns; also a title, whose text is joined, and a rating that is stored on another scale."""
        mapped = {self.text, *self.known.values(), *self.unnamed}
        scale = self._rules.contract.rating
        if scale is not None and scale.scale != STARS:
            mapped.discard(self.known.get("rating", -1))
        self.extra = {name: field for field, name in enumerate(self.names) if field not in mapped}

    def _other_texts(self) -> list[str]:
        accepted = (*self._rules.settings.text_columns, *SIMILAR_TEXTS)
        others = [self._folded.index(fold(name)) for name in accepted if fold(name) in self._folded]
        return [
            f"column {self.names[field]} looks like a text too; column {self.text_names} is scored"
            for field in dict.fromkeys(others)
            if field not in self.parts and self._rules.contract.text is None
        ]

    def _similar(self) -> list[str]:
        found = []
        for name, similar in SIMILAR_NAMES.items():
            field = position(self._folded, similar)
            decided = name in self.known or name in self._rules.contract.columns
            if field is not None and not decided and self.names[field] in self.extra:
                found.append(f"column {self.names[field]} looks like {name} and is not used as such")
        return found


def shown_names(names: Sequence[bytes], source: str) -> list[str]:
    """Return the names of a header, distinct; a column without one gets its number. Raises `FileRejected`."""
    decoded = [shown(_decoded(name, source)) for name in names]
    return distinct([name or f"column_{number}" for number, name in enumerate(decoded, 1)])


def _decoded(name: bytes, source: str) -> str:
    if b"\0" in name:
        why = f"the header of {source} contains NUL bytes"
    else:
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError as error:
            why = f"the header of {source} {not_utf8(name, error)}"
    raise FileRejected(reason=RejectCode.UNSUPPORTED_ENCODING, why=f"{why}. Save the file as UTF-8")
