"""The reason codes of rejected rows and files."""

from enum import StrEnum

from sentiment_core.drops.column_names import KNOWN_NAMES
from sentiment_core.drops.likely_encoding import likely_encoding, shown_encoding

KNOWN_COLUMNS = tuple(KNOWN_NAMES)
ID_COLUMNS = ("review_id", "product_id", "author_id")
INDEXED_IDS = ("product_id", "author_id")
MAX_ID_BYTES = 1000  # PostgreSQL cannot index a value of more than 2,704 bytes


class RejectCode(StrEnum):
    """Reason why a row or a whole file is rejected. The ledger and the quarantine store the value."""

    # row codes
    COLUMN_COUNT = "column_count"
    INVALID_UTF8 = "invalid_utf8"
    NUL_BYTE = "nul_byte"
    MISSING_TEXT = "missing_text"
    TEXT_TOO_LONG = "text_too_long"
    ID_TOO_LONG = "id_too_long"
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
    MISSING_COLUMN = "missing_column"
    REPEATED_COLUMN = "repeated_column"
    RECORD_TOO_LARGE = "record_too_large"
    DIRECTORY_MARKER = "directory_marker"
    LEFT_BY_A_TOOL = "left_by_a_tool"
    TOO_MANY_REJECTED = "too_many_rejected"
    MONTH_EXPIRED = "month_expired"
    OBJECT_GONE = "object_gone"


# Objects that are no drops. They never fail a run and are not counted as rejected files.
NO_DROPS = (RejectCode.DIRECTORY_MARKER, RejectCode.LEFT_BY_A_TOOL)


def not_utf8(data: bytes, error: UnicodeDecodeError) -> str:
    """Say which byte is not UTF-8, and which encoding the bytes look like."""
    found = f"has the byte 0x{data[error.start]:02x}, which is not UTF-8"
    name = likely_encoding(data)
    return f"{found}; the bytes look like {shown_encoding(name)}" if name else found


def primary_language(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag such as `en-GB`. The spelling `en_GB` is accepted too."""
    return language.replace("_", "-").partition("-")[0].casefold()
