"""How a file was read, as a document for the ledger, the pages and `sentiment validate`.

The keys: `form`, which is `delimited`, `json`, `parquet` or `workbook`; for text `encoding`; for delimited text also
`delimiter`, `quoting` and `line_ends`; `text`, the columns that are scored; `columns`, the known columns with their
names in the file; and `contract`, the version of the source's contract, 0 if none was in force. Later releases may add
keys.
"""

from typing import Final

from sentiment_core.drops.csv_records import Dialect
from sentiment_core.drops.header import Header
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, NO_QUOTING, RFC4180

Reading = dict[str, object]

_QUOTING: Final = {RFC4180: "rfc4180", BACKSLASH_ESCAPES: "backslash", NO_QUOTING: "none"}
_DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|", " ": "space"}
_TEXTS: Final = ("delimited", "json")


def reading_of(header: Header, dialect: Dialect) -> Reading:
    """Return how a file with this header was read."""
    reading: Reading = {"form": dialect.form}
    if dialect.form in _TEXTS:
        reading["encoding"] = dialect.encoding
    if dialect.quoting in _QUOTING:
        reading["delimiter"] = dialect.delimiter
        reading["quoting"] = _QUOTING[dialect.quoting]
        reading["line_ends"] = "cr" if dialect.cr_ends_lines else "lf"
    return reading | {
        "text": header.text_names,
        "columns": {name: header.names[field] for name, field in header.known.items()},
        "contract": header.contract_version,
    }


def summary(reading: Reading) -> str:
    """Return the form of a file in words, such as `delimited by semicolon, utf-8, quoting rfc4180`.

    A key that the reading does not have is left out, so that readings of other releases can be shown.
    """
    words = [str(reading.get("form", "unknown form"))]
    if "delimiter" in reading:
        delimiter = str(reading["delimiter"])
        words[0] += f" by {_DELIMITERS.get(delimiter, delimiter)}"
    if "encoding" in reading:
        words.append(str(reading["encoding"]))
    if "quoting" in reading:
        words.append(f"quoting {reading['quoting']}")
    if reading.get("contract"):
        words.append(f"contract version {reading['contract']}")
    return ", ".join(words)


def column_names(reading: Reading) -> str:
    """Return the columns in words: `text: Review Text, review_id: reviewId`."""
    columns = reading.get("columns")
    named = {"text": reading.get("text")} | (columns if isinstance(columns, dict) else {})
    return ", ".join(f"{name}: {column}" for name, column in named.items() if column is not None)
