"""The drop contract: the meaning of a file's columns, and the reason codes of rejected rows and files."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from sentiment_core.errors import FileRejected

KNOWN_COLUMNS = ("review_id", "product_id", "author_id", "rating", "reviewed_at", "language")


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
    UNCLOSED_QUOTE = "unclosed_quote"
    RECORD_TOO_LARGE = "record_too_large"
    DIRECTORY_MARKER = "directory_marker"
    TOO_MANY_REJECTED = "too_many_rejected"
    MONTH_EXPIRED = "month_expired"
    OBJECT_GONE = "object_gone"


class Header:
    """The meaning of a file's columns, derived from the names in its first record.

    `text` and the values of `known` and `extra` are field numbers. Raises `FileRejected` when the text column is
    missing, when a name occurs twice, and when the names are not UTF-8 or contain NUL bytes.
    """

    def __init__(self, names: Sequence[bytes], text_columns: Sequence[str], source: str) -> None:
        try:
            self.names = [name.decode("utf-8") for name in names]
        except UnicodeDecodeError as error:
            raise FileRejected(
                reason=RejectCode.UNSUPPORTED_ENCODING,
                why=f"the header of {source} is not UTF-8. Save the file as UTF-8",
            ) from error
        if any("\0" in name for name in self.names):
            raise FileRejected(
                reason=RejectCode.UNSUPPORTED_ENCODING,
                why=f"the header of {source} contains NUL bytes. Save the file as UTF-8",
            )
        folded = [name.strip().casefold() for name in self.names]
        repeated = sorted({name for name in folded if folded.count(name) > 1})
        if repeated:
            raise FileRejected(
                reason=RejectCode.REPEATED_COLUMN, why=f"{source} has more than one column named {', '.join(repeated)}"
            )
        self.text = self._text_field(folded, text_columns, source)
        self.known = {name: folded.index(name) for name in KNOWN_COLUMNS if name in folded}
        mapped = {self.text, *self.known.values()}
        self.extra = {name: field for field, name in enumerate(self.names) if field not in mapped}

    @classmethod
    def of_text(cls, names: Sequence[bytes], text_columns: Sequence[str], source: str) -> Self:
        """Return a header that maps only the text column. The values of the other columns are never parsed."""
        header = cls(names, text_columns, source)
        header.known, header.extra = {}, {}
        return header

    def field(self, name: str) -> int | None:
        """Return the number of the field with this name, or None if absent. The comparison ignores case."""
        folded = [known.strip().casefold() for known in self.names]
        wanted = name.strip().casefold()
        return folded.index(wanted) if wanted in folded else None

    def _text_field(self, folded: Sequence[str], text_columns: Sequence[str], source: str) -> int:
        for name in text_columns:
            if name.casefold() in folded:
                return folded.index(name.casefold())
        raise FileRejected(
            reason=RejectCode.NO_TEXT_COLUMN,
            why=f"{source} has no text column. Its columns are {', '.join(self.names)}. "
            f"Rename one of them to {' or '.join(text_columns)}",
        )


def primary_language(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag such as `en-GB`. The spelling `en_GB` is accepted too."""
    return language.replace("_", "-").partition("-")[0].casefold()
