"""Bytes of customers' rows as text that is safe to show.

The bytes can be anything. Characters that a page would not show, or that would change how the rest of it is shown
(control characters, marks of text direction), are shown as escapes. The templates escape markup.
"""


def shown(raw: bytes, length: int) -> str:
    """Return the first bytes of a row of `length` bytes as text. Bytes that are not UTF-8 are shown in hexadecimal."""
    text = raw.decode("utf-8", "backslashreplace")
    safe = "".join(_escaped(character) for character in text)
    return safe if len(raw) == length else f"{safe} … ({length:,} bytes)"


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
