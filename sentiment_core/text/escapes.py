"""Character references and escaped spaces, replaced by what they stand for: rule 1 of `text/specification.py`.

The tokenizer reads the resulting text. Most columns contain no escape and are not copied. Compiled functions
(`columnar/compiled.py`).
"""

from functools import cache
from html.entities import html5
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import BYTES, byte_mask, copy_bytes, ones, trailing_zeros
from sentiment_core.text import specification
from sentiment_core.text.hashing import SEED
from sentiment_core.text.tokenizer_scalar import absorb, finish

AMPERSAND, BACKSLASH, _NUMBER_SIGN, _SEMICOLON, _SPACE, _N, _R, _T = b"&\\#; nrt"
_ONE: Final = np.uint64(1)
_NAMES: Final = {name.removesuffix(";"): text for name, text in html5.items() if name.endswith(";")}
_LONGEST_NAME: Final = max(map(len, _NAMES))
_LONGEST_NUMBER: Final = specification.LONGEST_NUMBER
_SLOT_BITS: Final = 13
_SLOT_MASK: Final = (1 << _SLOT_BITS) - 1
_SECOND_SHIFT: Final = np.uint64(32)
_CODE_POINT: Final = np.uint64(0xFFFF_FFFF)
_first_numbers: Final = np.array([ord(specification.numbered_character(number)) for number in range(0xA0)], np.int64)

_starts: Final = byte_mask({AMPERSAND, BACKSLASH})


class Places(NamedTuple):
    """Where the bytes of a column without escapes were in its source."""

    begins: NDArray[np.int64]  # ascending: from this byte on
    shifts: NDArray[np.int64]  # this is added to a byte to get its place in the source

    def in_source(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of positions, in their shape. No position may be inside a replacement."""
        moved: NDArray[np.int64] = positions + self.shifts[np.searchsorted(self.begins, positions, "right") - 1]
        return moved


def unescaped(texts: TextColumn) -> tuple[TextColumn, Places | None]:
    """Return the texts without escapes, and the places of their bytes; None if the texts contain no escape."""
    data, offsets = texts.data.view(), texts.offsets.view()
    data.flags.writeable = offsets.flags.writeable = False  # one compiled signature for all arrays
    count = _count(data, offsets[0], offsets[-1])
    if count == 0:
        return texts, None
    found, (hashes, meanings) = np.empty(count, np.int64), _named_characters()
    count = _find(data, offsets, hashes, meanings, found)
    if count == 0:
        return texts, None
    out = np.empty(int(offsets[-1] - offsets[0]) + count, np.uint8)  # a reference grows by one byte at most
    out_offsets, places = np.empty(len(offsets), np.int64), np.empty((2, 2 * count + 1), np.int64)
    moves = _replace(data, offsets, hashes, meanings, found[:count], out, out_offsets, places)
    return TextColumn(out[: out_offsets[-1]], out_offsets), Places(*places[:, :moves])


def unescaped_text(text: bytes) -> bytes:
    """Return one UTF-8 text without escapes."""
    plain, places = unescaped(TextColumn(np.frombuffer(text, np.uint8), np.array([0, len(text)])))
    return plain.data.tobytes() if places else text


@cache
def _named_characters() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return a hash table of the names of HTML: their hashes, and one or two code points for each."""
    hashes, meanings = np.zeros(1 << _SLOT_BITS, np.uint64), np.zeros(1 << _SLOT_BITS, np.uint64)
    for name, text in _NAMES.items():
        hash_ = specification.token_hash(name.encode())
        slot = hash_ & _SLOT_MASK
        while hashes[slot]:
            slot = (slot + 1) & _SLOT_MASK
        hashes[slot], meanings[slot] = hash_, sum(ord(each) << 32 * place for place, each in enumerate(text))
    return hashes, meanings


@compiled
def _count(data: Any, start: int, stop: int) -> int:
    """Return the number of bytes that can start an escape."""
    count = 0
    at = start
    while at + BYTES <= stop:
        count += ones(_starts(data, at))
        at += BYTES
    for index in range(at, stop):
        count += data[index] in (AMPERSAND, BACKSLASH)
    return count


@compiled
def _find(data: Any, offsets: Any, hashes: Any, meanings: Any, found: Any) -> int:
    """Write the places of the escapes of all texts; return their number."""
    count, seen, text = 0, 0, 0
    at, stop = offsets[0], offsets[-1]
    while at < stop:
        if at + BYTES <= stop:
            bits = _starts(data, at)
            while bits:
                found[seen] = at + trailing_zeros(bits)
                seen += 1
                bits &= bits - _ONE
        else:
            for index in range(at, stop):
                if data[index] in (AMPERSAND, BACKSLASH):
                    found[seen] = index
                    seen += 1
        at += BYTES
    for index in range(seen):
        place = found[index]
        while offsets[text + 1] <= place:
            text += 1
        if _escape(data, place, offsets[text + 1], hashes, meanings)[0] > place:
            found[count] = place
            count += 1
    return count


@compiled
def _escape(data: Any, position: int, stop: int, hashes: Any, meanings: Any) -> tuple[int, Any, Any]:
    """Return the end of the escape at a position and the one or two code points it stands for.

    The end is the position itself if there is no escape. The second code point is 0 if there is one only.
    """
    if data[position] == BACKSLASH:
        escaped = position + 1 < stop and data[position + 1] in (_N, _R, _T)
        return (position + 2 if escaped else position), _SPACE, 0
    end, first, second = position, AMPERSAND, 0
    while first == AMPERSAND:
        start = max(end, position + 1)
        following, next_first, next_second = _reference(data, start, stop, hashes, meanings)
        if following == start:
            break
        end, first, second = following, next_first, next_second
    return end, first, second


@compiled
def _reference(data: Any, start: int, stop: int, hashes: Any, meanings: Any) -> tuple[int, Any, Any]:
    """Return the end and the code points of the character reference whose `&` is before this position.

    The end is the position itself if there is no reference.
    """
    if start < stop and data[start] == _NUMBER_SIGN:
        end, code_point = _numeric_reference(data, start, stop)
        return end, code_point, 0
    value, pending, length, end = SEED, np.uint64(0), 0, start
    while end < stop and length <= _LONGEST_NAME and data[end] != _SEMICOLON:
        value, pending, length = absorb(value, pending, length, data[end])
        end += 1
    if end >= stop or data[end] != _SEMICOLON:
        return start, 0, 0
    value = finish(value, pending, length)
    slot = np.int64(value & np.uint64(_SLOT_MASK))
    while hashes[slot] != 0:
        if hashes[slot] == value:
            return end + 1, np.int64(meanings[slot] & _CODE_POINT), np.int64(meanings[slot] >> _SECOND_SHIFT)
        slot = (slot + 1) & _SLOT_MASK
    return start, 0, 0


@compiled
def _numeric_reference(data: Any, start: int, stop: int) -> tuple[int, Any]:
    """Return the end and the code point of the numeric reference at this `#`, or the position if there is none."""
    end, base = start + 1, 10
    if end < stop and data[end] | 32 == 120:
        end, base = end + 1, 16
    first = end
    number: Any = 0
    while end < stop and end - first <= _LONGEST_NUMBER:
        byte = np.int64(data[end])
        digit = byte - 48 if byte < 58 else (byte | 32) - 87 if (byte | 32) >= 97 else -1
        if digit < 0 or digit >= base:
            break
        number = number * base + digit
        end += 1
    if not 0 < end - first <= _LONGEST_NUMBER or end >= stop or data[end] != _SEMICOLON:
        return start, 0
    if number < len(_first_numbers):
        return end + 1, _first_numbers[number]
    return end + 1, (0xFFFD if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF else number)


@compiled
def _encode(out: Any, to: int, code_point: int) -> int:
    """Write a code point in UTF-8 and return the position after it."""
    if code_point < 0x80:
        out[to] = code_point
        return to + 1
    width = 2 if code_point < 0x800 else 3 if code_point < 0x10000 else 4
    for offset in range(width - 1, 0, -1):
        out[to + offset] = 0x80 | (code_point & 0x3F)
        code_point >>= 6
    out[to] = ((0xF00 >> width) & 0xFF) | code_point
    return to + width


@compiled
def _replace(
    data: Any, offsets: Any, hashes: Any, meanings: Any, found: Any, out: Any, out_offsets: Any, places: Any
) -> int:
    """Write the texts without escapes, their offsets and the places of their bytes; return the number of places."""
    to, index, moves = 0, 0, 1
    places[0, 0], places[1, 0] = 0, offsets[0]
    for text in range(len(offsets) - 1):
        out_offsets[text] = to
        begin, at, stop = to, offsets[text], offsets[text + 1]
        while True:
            place = min(found[index], stop) if index < len(found) else stop
            # A reference can be the first or the second character of an escaped space.
            if begin < to and out[to - 1] == BACKSLASH and at < place and data[at] in (_N, _R, _T):
                out[to - 1] = _SPACE
                at += 1
                places[0, moves], places[1, moves] = to, at - to
                moves += 1
            copy_bytes(out, to, data, at, place - at)
            to += place - at
            if place == stop:
                break
            at, first, second = _escape(data, place, stop, hashes, meanings)
            if begin < to and out[to - 1] == BACKSLASH and first in (_N, _R, _T):
                out[to - 1] = _SPACE
            else:
                to = _encode(out, to, first)
                to = _encode(out, to, second) if second else to
            places[0, moves], places[1, moves] = to, at - to
            moves += 1
            index += 1
    out_offsets[len(offsets) - 1] = to
    return moves
