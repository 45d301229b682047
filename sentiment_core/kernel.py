"""The text recipe of `text.py` on UTF-8 bytes, compiled by Numba.

Every function releases the GIL, uses one thread and is compiled at its first call, never at import, so a process may
import this module and fork. Numba's cache notices a change in a function's own file only. So what calls one another
stays in one file, but for `combine`, which like the constants of `text.py` never changes within a recipe version.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sentiment_core import codepoints, text
from sentiment_core.columns import TextColumn

Hashes = NDArray[np.uint64]

_MULTIPLIER: Final = np.uint64(text.MULTIPLIER)
_NGRAM_STEP: Final = np.uint64(text.NGRAM_STEP)
_HALF: Final = np.uint64(32)
_HTTP: Final = np.uint64(int.from_bytes(b"http", "little"))
_HTTPS: Final = np.uint64(int.from_bytes(b"https", "little"))
_WWW: Final = np.uint64(int.from_bytes(b"www", "little"))

_SEPARATOR: Final = codepoints.SEPARATOR
_WORD: Final = codepoints.WORD
_SINGLE: Final = codepoints.SINGLE
_MARK: Final = codepoints.MARK
_IGNORED: Final = codepoints.IGNORED
_APOSTROPHE: Final = codepoints.APOSTROPHE
_CLASS_MASK: Final = (1 << codepoints.CLASS_BITS) - 1
_CLASS_BITS: Final = codepoints.CLASS_BITS
_LENGTH_MASK: Final = (1 << codepoints.LENGTH_BITS) - 1
_FOLDED_SHIFT: Final = codepoints.CLASS_BITS + codepoints.LENGTH_BITS
_BLOCK_BITS: Final = codepoints.BLOCK_BITS
_BLOCK_MASK: Final = (1 << codepoints.BLOCK_BITS) - 1
_EXCLAMATION_MARK, _QUOTE, _NUMBER_SIGN, _AMPERSAND, _FULL_STOP, _SLASH, _COLON, _SEMICOLON = b'!"#&./:;'
_LESS_THAN, _GREATER_THAN = b"<>"

_BLOCKS: Final = 128  # where the parts of the character table begin
_ENTRIES: Final = _BLOCKS + (0x110000 >> codepoints.BLOCK_BITS)
_LONGEST_TAG: Final = text.LONGEST_TAG
_LONGEST_REFERENCE: Final = text.LONGEST_REFERENCE


def compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first call and keep the machine code on disk, where a folder can be written."""
    try:
        return njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function)
    except RuntimeError:  # neither the package's folder nor the user's cache folder can be written
        return njit(nogil=True, boundscheck=False, error_model="numpy")(function)


@cache
def character_table() -> NDArray[np.uint32]:
    """Return the table of `codepoints.py` as one flat array, which compiled functions pass around at no cost.

    First the ASCII characters (class, and folded byte << 8), then the blocks, the entries, and the folded bytes.
    """
    table = codepoints.code_points()
    ascii_characters = [chr(code_point) for code_point in range(_BLOCKS)]
    ascii_rows = [table.class_of(each) | table.fold(each)[0] << 8 for each in ascii_characters]
    start_of_folded = _ENTRIES + len(table.entries)
    changed = table.entries & (_LENGTH_MASK << _CLASS_BITS) != 0
    entries = np.where(changed, table.entries + np.uint32(start_of_folded << _FOLDED_SHIFT), table.entries)
    return np.concatenate([np.array(ascii_rows), table.blocks, entries, table.folded]).astype(np.uint32)


@compiled
def mix(value: Any) -> Any:
    """Return `text._mix(value)`."""
    value *= _MULTIPLIER
    return value ^ (value >> _HALF)


@compiled
def combine(gram: Any, token: Any) -> Any:
    """Return `text.combine(gram, token)`."""
    return mix(mix(gram ^ _NGRAM_STEP) ^ token)


@compiled
def _decode(data: Any, position: int, stop: int) -> tuple[Any, int]:
    """Return the code point at a position and its width in bytes; a broken sequence is one byte of U+FFFD."""
    first = np.int64(data[position])
    if first < 0x80:
        return first, 1
    width = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first < 0xC2 or first > 0xF4 or position + width > stop:
        return 0xFFFD, 1
    code_point = first & (0x7F >> width)
    for offset in range(1, width):
        following = np.int64(data[position + offset])
        if following & 0xC0 != 0x80:
            return 0xFFFD, 1
        code_point = (code_point << 6) | (following & 0x3F)
    return min(code_point, 0x10FFFF), width


@compiled
def _entry(table: Any, code_point: int) -> Any:
    block = np.int64(table[_BLOCKS + (code_point >> _BLOCK_BITS)])
    return np.int64(table[_ENTRIES + ((block << _BLOCK_BITS) | (code_point & _BLOCK_MASK))])


@compiled
def _class_at(data: Any, position: int, stop: int, table: Any) -> Any:
    if position >= stop:
        return _SEPARATOR
    if data[position] < 0x80:
        return np.int64(table[data[position]]) & _CLASS_MASK
    return _entry(table, _decode(data, position, stop)[0]) & _CLASS_MASK


@compiled
def _absorb(value: Any, pending: Any, length: int, byte: Any) -> tuple[Any, Any, int]:
    """Take one more byte into a token's hash; `pending` holds the bytes of the eight that are not full yet."""
    pending |= np.uint64(byte) << np.uint64((length & 7) << 3)
    length += 1
    if length & 7 == 0:
        value = mix(value ^ pending)
        pending = np.uint64(0)
    return value, pending, length


@compiled
def _absorb_folded(
    value: Any, pending: Any, length: int, data: Any, position: int, width: int, entry: int, table: Any
) -> tuple[Any, Any, int]:
    """Take what a character outside ASCII is folded to into a token's hash."""
    size = (entry >> _CLASS_BITS) & _LENGTH_MASK
    if size == 0:
        for offset in range(width):
            value, pending, length = _absorb(value, pending, length, data[position + offset])
    else:
        start = entry >> _FOLDED_SHIFT
        for offset in range(size):
            value, pending, length = _absorb(value, pending, length, table[start + offset])
    return value, pending, length


@compiled
def _finish(value: Any, pending: Any, length: int) -> Any:
    if length & 7:
        value = mix(value ^ pending)
    return mix(value ^ np.uint64(length))


@compiled
def _finish_word(
    value: Any, pending: Any, length: int, data: Any, position: int, stop: int, table: Any
) -> tuple[Any, int]:
    """Return the hash of a word that goes on at a position, and where it ends."""
    while position < stop:
        code_point, width = _decode(data, position, stop)
        entry = _entry(table, code_point)
        kind = entry & _CLASS_MASK
        joins = kind == _APOSTROPHE and _class_at(data, position + width, stop, table) == _WORD
        if kind in (_WORD, _MARK) or joins:
            value, pending, length = _absorb_folded(value, pending, length, data, position, width, entry, table)
        elif kind != _IGNORED:
            break
        position += width
    return _finish(value, pending, length), position


@compiled
def _hash_single(data: Any, position: int, stop: int, seed: Any, table: Any) -> tuple[Any, int]:
    """Return the hash of the one-character token at a position with its marks, and where it ends."""
    value, pending, length = seed, np.uint64(0), 0
    first = True
    while position < stop:
        code_point, width = _decode(data, position, stop)
        entry = _entry(table, code_point)
        kind = entry & _CLASS_MASK
        if first or kind == _MARK:
            value, pending, length = _absorb_folded(value, pending, length, data, position, width, entry, table)
        elif kind != _IGNORED:
            break
        first = False
        position += width
    return _finish(value, pending, length), position


@compiled
def _is_letter(byte: int) -> bool:
    return 97 <= (byte | 32) <= 122


@compiled
def _is_in_url(byte: int) -> bool:
    return 0x21 <= byte <= 0x7E and byte not in (_QUOTE, _LESS_THAN, _GREATER_THAN)


@compiled
def _tag_end(data: Any, position: int, stop: int) -> int:
    """Return where the HTML tag ends that starts at this `<`, or the position itself when none does."""
    if position + 2 >= stop:
        return position
    first = data[position + 1]
    if not (_is_letter(first) or first in (_SLASH, _EXCLAMATION_MARK)):
        return position
    characters = 0
    for end in range(position + 2, stop):
        byte = data[end]
        if byte == _GREATER_THAN:
            return end + 1
        characters += byte & 0xC0 != 0x80
        if byte == _LESS_THAN or characters > _LONGEST_TAG:
            return position
    return position


@compiled
def _reference_end(data: Any, position: int, stop: int) -> int:
    """Return where the character reference ends that starts at this `&`, or the position itself when none does."""
    start = position + 1
    if start < stop and data[start] == _NUMBER_SIGN:
        start += 1
    for end in range(start, min(start + _LONGEST_REFERENCE + 1, stop)):
        byte = data[end]
        if byte == _SEMICOLON and end > start:
            return end + 1
        if not (_is_letter(byte) or 48 <= byte <= 57):
            return position
    return position


@compiled
def _separator_end(data: Any, position: int, stop: int) -> int:
    """Return where the separator at a position ends: a tag, a character reference, or one character."""
    byte = data[position]
    end = position
    if byte == _LESS_THAN:
        end = _tag_end(data, position, stop)
    elif byte == _AMPERSAND:
        end = _reference_end(data, position, stop)
    if end > position:
        return end
    return position + (1 if byte < 0x80 else _decode(data, position, stop)[1])


@compiled
def _url_end(data: Any, end: int, stop: int, value: Any, seed: Any) -> int:
    """Return where the URL ends whose first token has this hash and end, or the end itself when it starts none."""
    if end >= stop:
        return end
    if data[end] == _COLON:
        if end + 2 >= stop or data[end + 1] != _SLASH or data[end + 2] != _SLASH:
            return end
        if value != _finish(seed, _HTTP, 4) and value != _finish(seed, _HTTPS, 5):
            return end
    elif data[end] != _FULL_STOP or value != _finish(seed, _WWW, 3):
        return end
    while end < stop and _is_in_url(data[end]):
        end += 1
    return end


@compiled
def tokenise(data: Any, start: int, stop: int, seed: Any, table: Any, hashes: Any, spans: Any) -> int:  # noqa: C901 (calls are dear here)
    """Write the token hashes of the text `data[start:stop]` and return how many there are, at most stop - start.

    `spans` gets the first and the end byte of each token, unless it has no room at all.
    """
    count = 0
    position = start
    while position < stop:
        byte = data[position]
        kind = np.int64(table[byte]) & _CLASS_MASK if byte < 0x80 else _class_at(data, position, stop, table)
        if kind == _WORD:
            # Most words are ASCII to their end. Calls cost more than the work here: Numba counts references to arrays.
            value, pending, length, end = seed, np.uint64(0), 0, position
            while end < stop and data[end] < 0x80 and table[data[end]] & _CLASS_MASK == _WORD:
                pending |= np.uint64(table[data[end]] >> 8) << np.uint64((length & 7) << 3)
                length += 1
                end += 1
                if length & 7 == 0:
                    value = mix(value ^ pending)
                    pending = np.uint64(0)
            if end < stop and (data[end] >= 0x80 or table[data[end]] & _CLASS_MASK == _APOSTROPHE):
                value, end = _finish_word(value, pending, length, data, end, stop, table)
            else:
                value = _finish(value, pending, length)
            after = end
            if end < stop and (data[end] == _COLON or data[end] == _FULL_STOP):
                after = _url_end(data, end, stop, value, seed)
        elif kind == _SINGLE and byte < 0x80 and (position + 1 == stop or data[position + 1] < 0x80):
            value = _finish(seed, np.uint64(byte), 1)
            after = end = position + 1
        elif kind == _SINGLE:
            value, end = _hash_single(data, position, stop, seed, table)
            after = end
        else:
            plain = byte < 0x80 and byte not in (_LESS_THAN, _AMPERSAND)
            position = position + 1 if plain else _separator_end(data, position, stop)
            continue
        if after == end:
            hashes[count] = value
            if len(spans):
                spans[count, 0], spans[count, 1] = position, end
            count += 1
        position = after
    return count


@compiled
def _tokenise_all(data: Any, offsets: Any, seed: Any, table: Any, hashes: Any, token_offsets: Any) -> None:
    no_spans = np.empty((0, 2), np.int64)
    count = 0
    for index in range(len(offsets) - 1):
        token_offsets[index] = count
        count += tokenise(data, offsets[index], offsets[index + 1], seed, table, hashes[count:], no_spans)
    token_offsets[len(offsets) - 1] = count


class TokenColumn(NamedTuple):
    """The token hashes of n texts one after another, and where each text's begin."""

    hashes: Hashes
    offsets: NDArray[np.int64]  # n + 1


def _as_compiled(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of an array of the one type that is compiled for, whether its memory may be written or not."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def hash_tokens(texts: TextColumn, seed: int = text.SEED) -> TokenColumn:
    """Return the hashes of the tokens of each text."""
    size = int(texts.offsets[-1] - texts.offsets[0])
    hashes = np.empty(size, np.uint64)  # no token is shorter than a byte
    offsets = np.empty(len(texts.offsets), np.int64)
    _tokenise_all(
        _as_compiled(texts.data), _as_compiled(texts.offsets), np.uint64(seed), character_table(), hashes, offsets
    )
    return TokenColumn(hashes[: offsets[-1]].copy(), offsets)


def token_spans(one: TextColumn) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the token hashes of a column of one text, and the first and end byte of each."""
    size = len(one.data)
    hashes, spans = np.empty(size, np.uint64), np.empty((size, 2), np.int64)
    count = tokenise(_as_compiled(one.data), 0, size, np.uint64(text.SEED), character_table(), hashes, spans)
    return hashes[:count], spans[:count]
