"""The class and the folded form of every code point, frozen at Unicode 14.0.

Python's own `unicodedata` differs between releases, so the table is read from `codepoints.npz`, which is shipped.
`python -m sentiment_core.text.codepoints` regenerates that file (on Python 3.11, whose database is Unicode 14.0).
"""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

UNICODE_VERSION: Final = "14.0.0"

SEPARATOR: Final = 0  # ends a token
WORD: Final = 1  # letters and digits: a run of them is one token
SINGLE: Final = 2  # emoji, meaningful punctuation and letters of scripts written without spaces: one token each
MARK: Final = 3  # combining marks: belong to the preceding token
IGNORED: Final = 4  # invisible characters and emoji modifiers: skipped
APOSTROPHE: Final = 5  # part of a word if there is a letter on both sides

# A table entry packs three numbers: the start of the folded bytes, their count, and the class.
# A count of 0 means that the code point folds to itself.
CLASS_BITS: Final = 3
LENGTH_BITS: Final = 6
BLOCK_BITS: Final = 8

_SHIPPED = Path(__file__).with_name("codepoints.npz")
_APOSTROPHES = frozenset("'`\u00b4\u02bc\u2019\uff07")
_QUOTES = frozenset('"\u201c\u201d\u201e\u00ab\u00bb')
_PUNCTUATION = frozenset(".,!?;:()*/")
_SCRIPTS_WITHOUT_SPACES = ("CJK ", "HIRAGANA ", "KATAKANA ", "BOPOMOFO ", "THAI ", "LAO ", "KHMER ", "MYANMAR ")
_RESERVED_FOR_IDEOGRAPHS = range(0x20000, 0x3FFFE)
_RESERVED_FOR_EMOJI = range(0x1F000, 0x1FB00)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_SEPARATING_SYMBOLS = (0x200B, 0xFFFC, 0xFFFD)  # zero-width space, object and character replacements


class CodePoints(NamedTuple):
    """A two-stage table over all code points: `entries[blocks[c >> 8] << 8 | c & 255]` describes code point c."""

    blocks: NDArray[np.uint16]  # 4352
    entries: NDArray[np.uint32]  # 256 for each distinct block
    folded: NDArray[np.uint8]  # UTF-8 bytes of the folded forms that differ from their code points

    def entry(self, code_point: int) -> int:
        """Return the packed entry of a code point."""
        block = int(self.blocks[code_point >> BLOCK_BITS])
        return int(self.entries[block << BLOCK_BITS | code_point & ((1 << BLOCK_BITS) - 1)])

    def class_of(self, character: str) -> int:
        """Return the class of a character: one of this module's constants."""
        return self.entry(ord(character)) & ((1 << CLASS_BITS) - 1)

    def fold(self, character: str) -> bytes:
        """Return the UTF-8 bytes of a character's folded form."""
        entry = self.entry(ord(character))
        length = entry >> CLASS_BITS & ((1 << LENGTH_BITS) - 1)
        start = entry >> (CLASS_BITS + LENGTH_BITS)
        return self.folded[start : start + length].tobytes() if length else character.encode()

    def with_apostrophes(self, characters: str) -> "CodePoints":
        """Return a table in which these characters, each in a block unlike all others, are apostrophes too."""
        entries = self.entries.copy()
        for code_point in map(ord, characters):
            block = int(self.blocks[code_point >> BLOCK_BITS])
            entries[block << BLOCK_BITS | code_point & ((1 << BLOCK_BITS) - 1)] = self.entry(ord("\u2019"))
        return self._replace(entries=entries)


@cache
def code_points() -> CodePoints:
    """Return the shipped table. It is read once."""
    with np.load(_SHIPPED, allow_pickle=False) as arrays:
        return CodePoints(arrays["blocks"], arrays["entries"], arrays["folded"])


def derive() -> CodePoints:
    """Derive the table from this interpreter's Unicode database."""
    places: dict[bytes, int] = {}
    folded = bytearray()
    entries = np.zeros(0x110000, np.uint32)
    for code_point in range(len(entries)):
        kind = _class_of(code_point)
        entries[code_point] = kind
        if kind in (SEPARATOR, IGNORED):
            continue
        original = chr(code_point).encode()
        bytes_ = _fold(chr(code_point), kind).encode()
        if bytes_ != original:
            if bytes_ not in places:
                places[bytes_] = len(folded)
                folded += bytes_
            entries[code_point] |= places[bytes_] << (CLASS_BITS + LENGTH_BITS) | len(bytes_) << CLASS_BITS
    unique, blocks = np.unique(entries.reshape(-1, 1 << BLOCK_BITS), axis=0, return_inverse=True)
    return CodePoints(blocks.astype(np.uint16), unique.reshape(-1), np.frombuffer(bytes(folded), np.uint8))


def _class_of(code_point: int) -> int:
    character = chr(code_point)
    category = unicodedata.category(character)
    name = unicodedata.name(character, "")
    rules = (
        (APOSTROPHE, character in _APOSTROPHES),
        (SEPARATOR, code_point in _SEPARATING_SYMBOLS),
        (IGNORED, category == "Cf" or code_point in _SKIN_TONES or "VARIATION SELECTOR" in name),
        (MARK, category.startswith("M")),
        (SINGLE, character in _QUOTES or unicodedata.normalize("NFKD", character) in _PUNCTUATION),
        # Whole blocks, so that an emoji or ideograph from a later Unicode version is a token too.
        (SINGLE, category == "So" or code_point in _RESERVED_FOR_EMOJI or code_point in _RESERVED_FOR_IDEOGRAPHS),
        (SINGLE, category[0] in "LN" and name.startswith(_SCRIPTS_WITHOUT_SPACES)),
        (WORD, category[0] in "LN"),
    )
    return next((kind for kind, applies in rules if applies), SEPARATOR)


def _fold(character: str, kind: int) -> str:
    """Fold case and compatibility forms and decompose accented letters, so that equal words are equal bytes."""
    if kind == APOSTROPHE:
        return "'"
    if character in _QUOTES:
        return '"'
    canonical = unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())
    compatible = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    inside_a_token = all(_class_of(ord(each)) in (WORD, SINGLE, MARK) for each in compatible)
    return compatible if inside_a_token else "".join("'" if each in _APOSTROPHES else each for each in canonical)


def main() -> None:
    """Regenerate the shipped file."""
    if unicodedata.unidata_version != UNICODE_VERSION:
        raise SystemExit(f"This Python has Unicode {unicodedata.unidata_version}; {UNICODE_VERSION} is needed.")
    table = derive()
    np.savez_compressed(_SHIPPED, blocks=table.blocks, entries=table.entries, folded=table.folded)


if __name__ == "__main__":
    main()
