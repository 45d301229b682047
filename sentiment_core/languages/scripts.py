"""The script that a text is written in, from the bytes of its letters.

Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import BYTES, byte_mask, ones
from sentiment_core.languages.codes import SCRIPTS

NO_SCRIPT: Final = 0  # no letter of a known script
LATIN, _CYRILLIC, _ARABIC, _DEVANAGARI, _HAN, _KANA = range(1, 7)
SCRIPT_COUNT: Final = 1 + len(SCRIPTS)

_SCANNED: Final = 256  # first bytes of a text in which letters are counted
_CELL_BITS: Final = 4  # code points in one cell of the table of scripts: all scripts start at a multiple of 16
_BASIC_PLANE: Final = 0x10000
_IDEOGRAPHS: Final = 0x20000
_KANA_SHARE: Final = 10  # Japanese has a kana for far fewer than ten ideographs
_RANGES: Final = {
    "Latin": ((0xC0, 0x250), (0x1E00, 0x1F00)),
    "Greek": ((0x370, 0x400), (0x1F00, 0x2000)),
    "Cyrillic": ((0x400, 0x530),),
    "Armenian": ((0x530, 0x590),),
    "Hebrew": ((0x590, 0x600),),
    "Arabic": ((0x600, 0x700), (0x750, 0x780), (0xFB50, 0xFE00), (0xFE70, 0xFF00)),
    "Devanagari": ((0x900, 0x980),),
    "Bengali": ((0x980, 0xA00),),
    "Gurmukhi": ((0xA00, 0xA80),),
    "Gujarati": ((0xA80, 0xB00),),
    "Tamil": ((0xB80, 0xC00),),
    "Telugu": ((0xC00, 0xC80),),
    "Kannada": ((0xC80, 0xD00),),
    "Malayalam": ((0xD00, 0xD80),),
    "Sinhala": ((0xD80, 0xE00),),
    "Thai": ((0xE00, 0xE80),),
    "Lao": ((0xE80, 0xF00),),
    "Burmese": ((0x1000, 0x10A0),),
    "Georgian": ((0x10A0, 0x1100), (0x1C90, 0x1CC0)),
    "Hangul": ((0x1100, 0x1200), (0x3130, 0x3190), (0xAC00, 0xD7B0)),
    "Ethiopic": ((0x1200, 0x13A0),),
    "Khmer": ((0x1780, 0x1800),),
    "Kana": ((0x3040, 0x3100), (0x31F0, 0x3200), (0xFF60, 0xFFA0)),
    "Han": ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00)),
}


def _cells() -> NDArray[np.uint8]:
    cells = np.zeros(_BASIC_PLANE >> _CELL_BITS, np.uint8)
    for script, ranges in _RANGES.items():
        for first, stop in ranges:
            cells[first >> _CELL_BITS : stop >> _CELL_BITS] = 1 + list(SCRIPTS).index(script)
    return cells


_cells_of_plane: Final = _cells()
_ONE: Final = np.uint64(1)
_ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_letters: Final = byte_mask({*range(65, 91), *range(97, 123)})
_others: Final = byte_mask(range(0x80, 0x100))


@compiled
def _ascii_letters(data: Any, start: int, stop: int) -> tuple[int, int]:
    """Return the number of ASCII letters and the number of other bytes of non-ASCII characters."""
    letters, others, at = 0, 0, start
    while at + BYTES <= len(data) and at < stop:
        valid = _ALL if at + BYTES <= stop else (_ONE << np.uint64(stop - at)) - _ONE
        letters += ones(_letters(data, at) & valid)
        others += ones(_others(data, at) & valid)
        at += BYTES
    for index in range(at, stop):  # the last bytes of the column
        letters += 97 <= (data[index] | 32) <= 122
        others += data[index] >= 0x80
    return letters, others


@compiled
def _count_scripts(data: Any, start: int, stop: int, counts: Any) -> None:
    """Count the bytes of each script's letters that are not ASCII."""
    counts[:] = 0
    at = start
    while at < stop:
        first = np.int64(data[at])
        width = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        if width > 1 and at + width <= stop:
            code_point = first & (0x7F >> width)
            for offset in range(1, width):
                code_point = (code_point << 6) | (np.int64(data[at + offset]) & 0x3F)
            if code_point < _BASIC_PLANE:
                counts[_cells_of_plane[code_point >> _CELL_BITS]] += width
            elif _IDEOGRAPHS <= code_point < 2 * _IDEOGRAPHS:
                counts[_HAN] += width
        at += width


@compiled
def script_of(data: Any, start: int, stop: int, counts: Any) -> Any:
    """Return the number of the script of most letters of a text: 1 + its place in `codes.SCRIPTS`, or 0.

    Each letter counts by its bytes, because a syllable or an ideograph says more than a letter. `counts` is a buffer
    of `SCRIPT_COUNT` numbers.
    """
    stop = min(stop, start + _SCANNED)
    letters, others = _ascii_letters(data, start, stop)
    if others * 2 < letters:
        return LATIN
    _count_scripts(data, start, stop, counts)
    counts[LATIN] += letters
    script = NO_SCRIPT
    most: Any = 0
    for index in range(1, SCRIPT_COUNT):
        if counts[index] > most:
            script, most = index, counts[index]
    if script == _HAN and counts[_KANA] * _KANA_SHARE > counts[_HAN]:
        script = _KANA
    return script
