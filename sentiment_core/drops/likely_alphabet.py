"""Distinguish code pages of Latin letters: each language has few letters beyond ASCII, and few pages have them all."""

# ruff: noqa: RUF001 -- letters of many languages

import re
from itertools import pairwise
from typing import Final

_ALPHABETS: Final = (
    "àâæçéèêëîïôœùûüÿ",  # French
    "áéíñóúü¡¿",  # Spanish
    "äöüßé",  # German
    "àèéìîòóùú",  # Italian
    "ãáâàçéêíóôõúü",  # Portuguese
    "àçèéíïòóúü",  # Catalan
    "áéëèêïíóöüĳ",  # Dutch
    "åäöé",  # Swedish, Finnish
    "æøåéòô",  # Danish, Norwegian
    "áéíóúýðþæö",  # Icelandic
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíľĺňóôŕšťúýž",  # Slovak
    "ąćęłńóśźż",  # Polish
    "áéíóöőúüű",  # Hungarian
    "čćđšž",  # Croatian, Slovene
    "ăâîșşțţ",  # Romanian
    "çğıöşüâîûi",  # Turkish
    "āčēģīķļņšūž",  # Latvian
    "ąčęėįšųūž",  # Lithuanian
    "äöõüšž",  # Estonian
)
_NEUTRAL: Final = frozenset("\u00a0\ufeff“”„’‘‚–—…€°´`·•£§©®™«»½×²³")
_HIGH: Final = re.compile(r"[^\x00-\x7f]")
# A quotation mark or sign between two letters is a letter of another page, except the apostrophe.
_INSIDE: Final = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘´–—…·](?=[^\W\d_])")
PAGES: Final = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "mac_roman", "cp850", "cp852")


def latin_readings(data: bytes) -> dict[str, float]:
    """Return the code pages with, for each, the ratio of characters beyond ASCII that one language has."""
    return {page: _fit(data.decode(page, "replace")) for page in PAGES}


def _fit(text: str) -> float:
    high = [character.lower()[0] for character in _HIGH.findall(text)]
    wrong = len(_INSIDE.findall(text)) + sum(
        after.isupper() and not after.isascii() and before.islower() for before, after in pairwise(text)
    )
    fits = max(sum(each in _NEUTRAL or each in letters for each in high) for letters in _ALPHABETS)
    return max(0, fits - wrong) / max(1, len(high))
