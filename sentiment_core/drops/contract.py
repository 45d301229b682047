"""The drop contract: the meaning of a file's columns, and the reason codes of rejected rows and files."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from sentiment_core.drops.column_names import KNOWN_NAMES, SIMILAR_NAMES, distinct, fold, position, shown
from sentiment_core.drops.likely_encoding import likely_encoding, shown_encoding
from sentiment_core.errors import FileRejected

KNOWN_COLUMNS = tuple(KNOWN_NAMES)


class RejectCode(StrEnum):
    """Reason why a row or a whole file is rejected. The ledger and the quarantine store the value."""

    # row codes
    COLUMN_COUNT = "column_count"
    INVALID_UTF8 = "invalid_utf8"
    NUL_BYTE = "nul_byte"
    MISSING_TEXT = "missing_text"
    TEXT_TOO_LONG = "text_too_long"
    INVALID_RATING = "invalid_rating"
    INVALID_REVIEWED_AT = "invalid_reviewed_at"
    CONFLICTING_REVIEW_ID = "conflicting_review_id"
    REPEATED_HEADER = "repeated_header"
    UNCLOSED_QUOTE = "unclosed_quote"
    ESCAPED_QUOTE = "escaped_quote"
    SWALLOWED_RECORDS = "swallowed_records"
    INVALID_JSON = "invalid_json"  # also of a file that is one array
    ERASED = "erased"
    # file codes
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    DAMAGED_COMPRESSION = "damaged_compression"
    EXPANDS_TOO_FAR = "expands_too_far"
    INVALID_DAY = "invalid_day"
    EMPTY_FILE = "empty_file"
    NO_ROWS = "no_rows"
    NO_TEXT_COLUMN = "no_text_column"
    REPEATED_COLUMN = "repeated_column"
    RECORD_TOO_LARGE = "record_too_large"
    DIRECTORY_MARKER = "directory_marker"
    LEFT_BY_A_TOOL = "left_by_a_tool"
    TOO_MANY_REJECTED = "too_many_rejected"
    MONTH_EXPIRED = "month_expired"
    OBJECT_GONE = "object_gone"


# Objects that are no drops. They never fail a run and are not counted as rejected files.
NO_DROPS = (RejectCode.DIRECTORY_MARKER, RejectCode.LEFT_BY_A_TOOL)


class Header:
    """The meaning of a file's columns, derived from the names in its first record.

    `text` and the values of `known` and `extra` are field numbers. `guessed` has the known columns that have another
    name than the documented one: their values decide (`demote`). `unnamed` has the fields without a name.
    Raises `FileRejected` when the text column is missing, when its name or that of a known column occurs twice, and
    when the names are not UTF-8 or contain NUL bytes.
    """

    def __init__(self, names: Sequence[bytes], text_columns: Sequence[str], source: str) -> None:
        decoded = [shown(_decoded(name, source)) for name in names]
        folded = [fold(name) for name in decoded]
        self.names = distinct([name or f"column_{number}" for number, name in enumerate(decoded, 1)])
        self.text = self._text_field(folded, text_columns, source)
        found = {name: position(folded, synonyms) for name, synonyms in KNOWN_NAMES.items()}
        self.known = {name: field for name, field in found.items() if field is not None and field != self.text}
        self.guessed = {name for name, field in self.known.items() if folded[field] != fold(name)}
        needed = [folded[field] for field in (self.text, *self.known.values())]
        if repeated := sorted({name for name in needed if folded.count(name) > 1}):
            shown_names = [self.names[folded.index(name)] for name in repeated]
            raise FileRejected(
                reason=RejectCode.REPEATED_COLUMN,
                why=f"{source} has more than one column named {', '.join(shown_names)}",
            )
        self.demoted: dict[str, str] = {}  # guessed column -> the value that cannot be read
        self.unnamed = [field for field, name in enumerate(folded) if not name]
        self.extra: dict[str, int] = {}
        self._keep_others()
        self.warnings = [*self._other_texts(folded, text_columns), *self._similar(folded)]

    @classmethod
    def of_text(cls, names: Sequence[bytes], text_columns: Sequence[str], source: str) -> Self:
        """Return a header that maps only the text column. The values of the other columns are never parsed."""
        header = cls(names, text_columns, source)
        header.known, header.extra, header.guessed = {}, {}, set()
        return header

    def demote(self, name: str, value: str) -> None:
        """Keep a guessed known column as an extra column, because of a value that cannot be read."""
        column = self.names[self.known.pop(name)]
        self.demoted[name] = value
        self.guessed.discard(name)
        self._keep_others()
        self.warnings.append(f"column {column} looks like {name} but is kept as it is, because of the value {value!r}")

    def demote_as(self, earlier: "Header") -> None:
        """Demote the guessed columns that an earlier header of the same file demoted."""
        for name, value in earlier.demoted.items():
            if name in self.guessed:
                self.demote(name, value)

    def field(self, name: str) -> int | None:
        """Return the number of the field with this name, or None if absent. `column_names.fold` compares names."""
        return position([fold(known) for known in self.names], [name])

    def _keep_others(self) -> None:
        mapped = {self.text, *self.known.values(), *self.unnamed}
        self.extra = {name: field for field, name in enumerate(self.names) if field not in mapped}

    def _text_field(self, folded: Sequence[str], text_columns: Sequence[str], source: str) -> int:
        field = position(folded, text_columns)
        if field is not None:
            return field
        raise FileRejected(
            reason=RejectCode.NO_TEXT_COLUMN,
            why=f"{source} has no text column. Its columns are {', '.join(self.names)}. Rename one of them to "
            f"{text_columns[0]}, or add its name to SENTIMENT_TEXT_COLUMNS",
        )

    def _other_texts(self, folded: Sequence[str], text_columns: Sequence[str]) -> list[str]:
        others = [folded.index(fold(name)) for name in text_columns if fold(name) in folded]
        text = self.names[self.text]
        return [
            f"column {self.names[field]} looks like a text too; column {text} is scored"
            for field in dict.fromkeys(others)
            if field != self.text
        ]

    def _similar(self, folded: Sequence[str]) -> list[str]:
        found = []
        for name, similar in SIMILAR_NAMES.items():
            field = position(folded, similar)
            if field is not None and name not in self.known and self.names[field] in self.extra:
                found.append(f"column {self.names[field]} looks like {name} and is not used as such")
        return found


def _decoded(name: bytes, source: str) -> str:
    if b"\0" in name:
        why = f"the header of {source} contains NUL bytes"
    else:
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError as error:
            why = f"the header of {source} {not_utf8(name, error)}"
    raise FileRejected(reason=RejectCode.UNSUPPORTED_ENCODING, why=f"{why}. Save the file as UTF-8")


def not_utf8(data: bytes, error: UnicodeDecodeError) -> str:
    """Say which byte is not UTF-8, and which encoding the bytes look like."""
    found = f"has the byte 0x{data[error.start]:02x}, which is not UTF-8"
    name = likely_encoding(data)
    return f"{found}; the bytes look like {shown_encoding(name)}" if name else found


def primary_language(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag such as `en-GB`. The spelling `en_GB` is accepted too."""
    return language.replace("_", "-").partition("-")[0].casefold()
