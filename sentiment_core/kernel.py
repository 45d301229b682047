"""The text recipe of `text.py` on UTF-8 bytes, compiled by Numba.

Texts are read twice. First each 64 bytes are classified at once, into masks of one bit a byte. Then the bits that start
a token are walked through: a token of ASCII alone, up to sixteen bytes, is hashed from two loads without looking at its
bytes one by one. Everything else (other scripts, tags, references, URLs, long words) goes through `_careful_step`,
which follows the definition byte by byte and would do for all texts, only slower.

Every function releases the GIL, uses one thread and is compiled at its first call, never at import, so a process may
import this module and fork. Numba's cache notices a change in a function's own file only. So what calls one another
stays in one file, but for `combine` and `simd.py`, which change with the recipe's version only.
"""

from collections.abc import Callable
from functools import cache
from itertools import filterfalse
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sentiment_core import codepoints, text
from sentiment_core.columns import TextColumn
from sentiment_core.simd import BYTES, byte_mask, load_word, trailing_zeros

Hashes = NDArray[np.uint64]

_SEED: Final = np.uint64(text.SEED)
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

_ONE: Final = np.uint64(1)
_SIX: Final = np.uint64(6)
_TOP: Final = np.uint64(63)
_ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_FOLDING: Final = np.uint64(0x2020_2020_2020_2020)
_LOW: Final = np.array([(1 << 8 * min(length, 8)) - 1 for length in range(17)], np.uint64)  # bytes of a token's length
_HIGH: Final = np.array([(1 << 8 * max(length - 8, 0)) - 1 for length in range(17)], np.uint64)

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


def _ascii(*kinds: int) -> set[int]:
    """Return the ASCII characters of some classes."""
    return {byte for byte in range(0x80) if codepoints.code_points().class_of(chr(byte)) in kinds}


def _folded_by_a_bit(byte: int) -> bool:
    return codepoints.code_points().fold(chr(byte))[0] == byte | (int(_FOLDING) & 0xFF)


_NOT_ASCII: Final = set(range(0x80, 0x100))
_words: Final = byte_mask(filter(_folded_by_a_bit, _ascii(_WORD)))
_joiners: Final = byte_mask(filter(_folded_by_a_bit, _ascii(_APOSTROPHE)))
_singles: Final = byte_mask(filter(_folded_by_a_bit, _ascii(_SINGLE)))
_unlike: Final = set(filterfalse(_folded_by_a_bit, _ascii(_WORD, _SINGLE, _APOSTROPHE))) | _ascii(_MARK, _IGNORED)
_careful_starts: Final = byte_mask(_NOT_ASCII | (_unlike - _ascii(_APOSTROPHE)) | {_LESS_THAN, _AMPERSAND})
_careful_ends: Final = byte_mask(_NOT_ASCII | _unlike)


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
    value = gram * _NGRAM_STEP + token
    return value ^ (value >> _HALF)


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
    """Return a token's hash: zeros fill up the last sixteen bytes."""
    if length & 7:
        value = mix(value ^ pending)
    if 0 < length & 15 <= 8:
        value = mix(value)
    return value


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
def _hash_single(data: Any, position: int, stop: int, table: Any) -> tuple[Any, int]:
    """Return the hash of the one-character token at a position with its marks, and where it ends."""
    value, pending, length = _SEED, np.uint64(0), 0
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
def _url_end(data: Any, end: int, stop: int, value: Any) -> int:
    """Return where the URL ends whose first token has this hash and end, or the end itself when it starts none."""
    if end >= stop:
        return end
    if data[end] == _COLON:
        if end + 2 >= stop or data[end + 1] != _SLASH or data[end + 2] != _SLASH:
            return end
        if value != _finish(_SEED, _HTTP, 4) and value != _finish(_SEED, _HTTPS, 5):
            return end
    elif data[end] != _FULL_STOP or value != _finish(_SEED, _WWW, 3):
        return end
    while end < stop and _is_in_url(data[end]):
        end += 1
    return end


@compiled
def _careful_step(data: Any, position: int, stop: int, table: Any) -> tuple[Any, int, int]:
    """Read what starts at a position, of whatever kind.

    Return a hash, where the token ends, and where to go on: two different places when there is no token.
    """
    kind = _class_at(data, position, stop, table)
    if kind == _SINGLE:
        value, end = _hash_single(data, position, stop, table)
        return value, end, end
    if kind != _WORD:
        return _SEED, position, _separator_end(data, position, stop)
    value, pending, length, end = _SEED, np.uint64(0), 0, position
    # Calls cost more than the work here: Numba counts references to arrays.
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
    if end < stop and (data[end] == _COLON or data[end] == _FULL_STOP):
        return value, end, _url_end(data, end, stop, value)
    return value, end, end


@compiled
def _block_masks(data: Any, index: int) -> tuple[Any, Any, Any, Any, Any]:
    return (
        _words(data, index),
        _joiners(data, index),
        _singles(data, index),
        _careful_starts(data, index),
        _careful_ends(data, index),
    )


@compiled
def _classify(data: Any, start: int, stop: int, rest: Any, masks: Any) -> int:
    """Write the five masks of each 64 bytes of a text, and zeros after them; return the number of blocks."""
    blocks = (stop - start + BYTES - 1) // BYTES
    for block in range(blocks):
        at = start + block * BYTES
        if at + BYTES <= len(data):
            found = _block_masks(data, at)
        else:  # never read past the end of the memory
            rest[:] = 0
            for index in range(len(data) - at):
                rest[index] = data[at + index]
            found = _block_masks(rest, 0)
        valid = _ALL if at + BYTES <= stop else (_ONE << np.uint64(stop - at)) - _ONE
        for mask in range(5):
            masks[mask, block] = found[mask] & valid
    masks[:, blocks] = 0
    return blocks


@compiled
def _join(masks: Any, blocks: int) -> None:
    """Turn the masks into those that the walk needs: starts of tokens in place of joiners, and whole words.

    An apostrophe between two ASCII letters is part of the word. Before a character outside ASCII it may be.
    """
    words, joiners, singles, careful_starts, careful_ends = masks[0], masks[1], masks[2], masks[3], masks[4]
    letters_before, whole_before = np.uint64(0), np.uint64(0)
    letters = words[0]
    for block in range(blocks):
        letters_after = words[block + 1]
        joiner = joiners[block]
        after_letter = (letters << _ONE) | (letters_before >> _TOP)
        before_letter = (letters >> _ONE) | (letters_after << _TOP)
        before_careful = (careful_ends[block] >> _ONE) | (careful_ends[block + 1] << _TOP)
        whole = letters | (joiner & after_letter & before_letter)
        starts = whole & ~((whole << _ONE) | (whole_before >> _TOP))
        words[block] = whole
        joiners[block] = starts | singles[block] | careful_starts[block]
        careful_ends[block] |= joiner & before_careful
        letters_before, letters, whole_before = letters, letters_after, whole


@compiled
def _walk(data: Any, start: int, stop: int, table: Any, masks: Any, blocks: int, hashes: Any, spans: Any) -> int:
    words, starts, careful_starts, careful_ends = masks[0], masks[1], masks[3], masks[4]
    readable = len(data) - 16
    count = 0
    block: Any = 0
    bits = starts[0]
    while True:
        while bits == 0:
            block += 1
            if block >= blocks:
                return count
            bits = starts[block]
        offset = np.uint64(trailing_zeros(bits))
        bits &= bits - _ONE
        at = start + block * BYTES + np.int64(offset)
        # The bits of the word from here on; a token that is no word is one byte.
        word = (words[block] >> offset) | ((words[block + 1] << _ONE) << (_TOP - offset))
        length = max(trailing_zeros(~word), 1)
        end = at + length
        after = np.uint64(end - start)
        careful = (careful_starts[block] >> offset) | (careful_ends[after >> _SIX] >> (after & _TOP))
        if not careful & _ONE and length <= 16 and at <= readable:
            # Every plain byte of a token is folded by setting this one bit.
            low = (load_word(data, at) | _FOLDING) & _LOW[np.uint64(length)]
            high = (load_word(data, at + 8) | _FOLDING) & _HIGH[np.uint64(length)]
            if low not in (_HTTP, _HTTPS, _WWW):
                hashes[count] = mix(mix(_SEED ^ low) ^ high)
                if len(spans):
                    spans[count, 0], spans[count, 1] = at, end
                count += 1
                continue
        value, end, resume = _careful_step(data, at, stop, table)
        if resume == end:
            hashes[count] = value
            if len(spans):
                spans[count, 0], spans[count, 1] = at, end
            count += 1
        after = np.uint64(resume - start)
        block = np.int64(after >> _SIX)
        if block >= blocks:
            return count
        bits = starts[block] & (_ALL << (after & _TOP))


@compiled
def _tokenise(data: Any, offsets: Any, table: Any, hashes: Any, spans: Any, token_offsets: Any) -> None:
    """Write the token hashes of all texts, and where those of each begin.

    `spans` gets the first and the end byte of each token, unless it has no room at all.
    """
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    masks = np.empty((5, longest // BYTES + 2), np.uint64)
    rest = np.empty(BYTES, np.uint8)
    count = 0
    for index in range(len(offsets) - 1):
        token_offsets[index] = count
        start, stop = np.int64(offsets[index]), np.int64(offsets[index + 1])
        blocks = _classify(data, start, stop, rest, masks)
        _join(masks, blocks)
        count += _walk(data, start, stop, table, masks, blocks, hashes[count:], spans[count:])
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


def _tokenised(texts: TextColumn, spans: NDArray[np.int64]) -> TokenColumn:
    hashes = np.empty(int(texts.offsets[-1] - texts.offsets[0]), np.uint64)  # no token is shorter than a byte
    offsets = np.empty(len(texts.offsets), np.int64)
    data, begins = _as_compiled(texts.data), _as_compiled(texts.offsets)
    _tokenise(data, begins, character_table(), hashes, spans, offsets)
    return TokenColumn(hashes[: offsets[-1]], offsets)


def hash_tokens(texts: TextColumn) -> TokenColumn:
    """Return the hashes of the tokens of each text."""
    return _tokenised(texts, np.empty((0, 2), np.int64))


def token_spans(texts: TextColumn) -> tuple[TokenColumn, NDArray[np.int64]]:
    """Return the hashes of the tokens of each text, and the first and end byte of each token in the column's data."""
    spans = np.empty((int(texts.offsets[-1] - texts.offsets[0]), 2), np.int64)
    tokens = _tokenised(texts, spans)
    return tokens, spans[: len(tokens.hashes)]
