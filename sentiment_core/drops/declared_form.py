"""How a file is written, as far as it is declared. What is declared is not guessed."""

import codecs
from typing import Final, NamedTuple

# Encodings of Python that no reader of this package takes: they have states between characters, so a cut or damaged
# file would be misread in silence, they are not of text, or ASCII bytes have another meaning in them.
_STATEFUL: Final = ("utf_7", "hz", "iso2022_", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "charmap")
_UNICODE: Final = ("utf_8", "utf_16", "utf_32")
_ASCII: Final = bytes(range(0x20, 0x7F)) + b"\t\r\n"


class DeclaredForm(NamedTuple):
    """What a source's contract declares of the form of its files. None means: recognise it."""

    delimiter: str | None = None
    quoting: int | None = None  # RFC4180, BACKSLASH_ESCAPES or NO_QUOTING (`record_kernel`)
    encoding: str | None = None  # a name that `require_encoding` accepts
    header_line: int = 1  # physical line of the header; the lines before it are skipped
    names: tuple[str, ...] | None = None  # column names of a file without a header row


UNDECLARED: Final = DeclaredForm()


def require_encoding(name: str) -> str:
    """Return Python's name of an encoding that files may have. Raises `ValueError` for any other.

    Accepted are UTF-8, UTF-16, UTF-32, and code pages without states in which ASCII bytes mean ASCII, such as cp1252,
    shift_jis and gb18030.
    """
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ValueError(f"{name!r} is not a known encoding. Examples are utf-8, cp1252, shift_jis, gb18030") from None
    python_name = found.name.replace("-", "_")
    is_text = getattr(found, "_is_text_encoding", True)
    if not is_text or python_name.startswith(_STATEFUL) or found.incrementaldecoder is None:
        raise ValueError(f"{name!r} is not an encoding without states for text. Convert the files to UTF-8")
    if not python_name.startswith(_UNICODE) and not _keeps_ascii(found):
        raise ValueError(f"{name!r} does not keep ASCII. Convert the files to UTF-8")
    return found.name


def _keeps_ascii(found: codecs.CodecInfo) -> bool:
    try:
        text, _ = found.decode(_ASCII, "strict")
    except UnicodeError:
        return False
    # Shift JIS has a yen sign and an overline in place of the backslash and the tilde in some tables.
    return text.replace("\xa5", "\\").replace("\u203e", "~") == _ASCII.decode("ascii")
