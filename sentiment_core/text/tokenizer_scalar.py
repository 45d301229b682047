"""The scalar tokenizer: reads one token at a time from UTF-8 bytes, as defined in `text/specification.py`.

The vectorized tokenizer (`tokenizer.py`) calls it for input outside the fast path: other scripts, tags, character
references, URLs and long words. It could tokenize any text alone. Compiled functions (`columnar/compiled.py`).
"""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text import codepoints, specification
from sentiment_core.text.hashing import SEED, mix, perfect_table, stem_hash

URL_STARTS: Final = (b"http", b"https", b"www")
_HTTP, _HTTPS, _WWW = (np.uint64(specification.token_hash(word)) for word in URL_STARTS)
_NO_STEM: Final = np.uint64(0)

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
_EXCLAMATION_MARK, _QUOTE, _NUMBER_SIGN, AMPERSAND, _FULL_STOP, _SLASH, _COLON, _SEMICOLON = b'!"#&./:;'
LESS_THAN, _GREATER_THAN = b"<>"

_WW: Final = np.uint64(specification.token_hash(b"ww"))
_DIGIT_0, _DIGIT_9 = (np.uint64(digit) for digit in b"09")
_LETTER_STEP: Final = np.uint64(257)  # keeps up to seven bytes apart; longer folded forms have one character each

_ASCII: Final = 128
VERSION: Final = _ASCII  # start of each part of the character table
_BLOCKS: Final = VERSION + 1
_ENTRIES: Final = _BLOCKS + (0x110000 >> codepoints.BLOCK_BITS)
_LONGEST_TAG: Final = specification.LONGEST_TAG
_LONGEST_REFERENCE: Final = specification.LONGEST_REFERENCE
_contractions, _contraction_shift = perfect_table(list(map(specification.token_hash, specification.CONTRACTIONS)))
_expanded: Final = np.zeros_like(_contractions)  # the hash of the full spelling, at the place of the contraction
_expanded_stems: Final = np.zeros_like(_contractions)  # the hash of its stem
for _short, _full in specification.CONTRACTIONS.items():
    _place = _contractions == specification.token_hash(_short)
    _expanded[_place] = specification.token_hash(_full)
    if _stem := specification.stem_of(_full):
        _expanded_stems[_place] = specification.stem_hash(_stem)


@cache
def character_table(version: int = specification.RECIPE_VERSION) -> NDArray[np.uint32]:
    """Return the characters of a version of the recipe as one array, which compiled functions pass around at no cost.

    Its parts are the ASCII characters (class, and folded byte << 8), the version, the blocks, the entries and the
    folded bytes.
    """
    table = specification.characters_of(version)
    ascii_characters = [chr(code_point) for code_point in range(_ASCII)]
    ascii_rows = [table.class_of(each) | table.fold(each)[0] << 8 for each in ascii_characters]
    start_of_folded = _ENTRIES + len(table.entries)
    changed = table.entries & (_LENGTH_MASK << _CLASS_BITS) != 0
    entries = np.where(changed, table.entries + np.uint32(start_of_folded << _FOLDED_SHIFT), table.entries)
    return np.concatenate([np.array(ascii_rows), [version], table.blocks, entries, table.folded]).astype(np.uint32)


@compiled
def _decode(data: Any, position: int, stop: int) -> tuple[Any, int]:
    """Return the code point at a position and its width in bytes. An invalid sequence is U+FFFD of one byte."""
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
def absorb(value: Any, pending: Any, length: int, byte: Any) -> tuple[Any, Any, int]:
    """Add one byte to a token's hash. `pending` holds the bytes of the incomplete eight-byte word."""
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
    """Add the folded form of a non-ASCII character to a token's hash."""
    size = (entry >> _CLASS_BITS) & _LENGTH_MASK
    if size == 0:
        for offset in range(width):
            value, pending, length = absorb(value, pending, length, data[position + offset])
    else:
        start = entry >> _FOLDED_SHIFT
        for offset in range(size):
            value, pending, length = absorb(value, pending, length, table[start + offset])
    return value, pending, length


@compiled
def finish(value: Any, pending: Any, length: int) -> Any:
    """Return the token's hash, with the last sixteen bytes padded with zeros."""
    if length & 7:
        value = mix(value ^ pending)
    if 0 < length & 15 <= 8:
        value = mix(value)
    return value


@compiled
def _finish_word(
    value: Any, pending: Any, length: int, data: Any, position: int, stop: int, table: Any
) -> tuple[Any, int]:
    """Return the hash of a word that continues at a position, and the word's end."""
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
    return finish(value, pending, length), position


@compiled
def _letter(data: Any, position: int, width: int, entry: int, table: Any) -> Any:
    """Return a number for the folded form of a character. Characters with the same folded form have the same number."""
    number = np.uint64(0)
    if data[position] < 0x80:
        return np.uint64(table[data[position]] >> 8)
    size = (entry >> _CLASS_BITS) & _LENGTH_MASK
    for offset in range(size or width):
        byte = table[(entry >> _FOLDED_SHIFT) + offset] if size else data[position + offset]
        number = number * _LETTER_STEP + np.uint64(byte)
    return number


@compiled
def _stem_in(value: Any, pending: Any, length: int, letters: int, stem: Any) -> Any:
    """Return the hash of a word's stem if the letters read so far are the stem, and another letter follows."""
    return stem_hash(finish(value, pending, length)) if letters == specification.STEM_LETTERS else stem


@compiled
def _read_word(data: Any, position: int, stop: int, table: Any) -> tuple[Any, Any, int]:
    """Return the hash of the word that starts at a position, the hash of its stem (0 without one) and its end.

    This is version 4: three or more times the same letter count as two.
    """
    value, pending, length, stem = SEED, np.uint64(0), 0, _NO_STEM
    letters, characters = 0, 0
    previous, last = np.uint64(0), np.uint64(0)
    while position < stop:
        code_point, width = _decode(data, position, stop)
        is_ascii = code_point < _ASCII
        entry = np.int64(table[code_point]) if is_ascii else _entry(table, code_point)
        kind = entry & _CLASS_MASK
        joins = kind == _APOSTROPHE and _class_at(data, position + width, stop, table) == _WORD
        if kind in (_WORD, _MARK) or joins:
            letter = _letter(data, position, width, entry, table)
            characters += 1
            is_digit = _DIGIT_0 <= letter <= _DIGIT_9
            if is_digit or not previous == last == letter:
                if is_ascii:
                    stem = _stem_in(value, pending, length, letters, stem)
                    letters += 1
                    value, pending, length = absorb(value, pending, length, letter)
                else:
                    size = (entry >> _CLASS_BITS) & _LENGTH_MASK
                    for offset in range(size or width):
                        byte = table[(entry >> _FOLDED_SHIFT) + offset] if size else data[position + offset]
                        if byte & 0xC0 != 0x80:
                            stem = _stem_in(value, pending, length, letters, stem)
                            letters += 1
                        value, pending, length = absorb(value, pending, length, byte)
            previous, last = last, letter
        elif kind != _IGNORED:
            break
        position += width
    value = finish(value, pending, length)
    return (_WWW if value == _WW and characters == len(b"www") else value), stem, position


@compiled
def _hash_single(data: Any, position: int, stop: int, table: Any) -> tuple[Any, int]:
    """Return the hash of the one-character token at a position, including its marks, and the token's end."""
    value, pending, length = SEED, np.uint64(0), 0
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
    return finish(value, pending, length), position


@compiled
def _is_letter(byte: int) -> bool:
    return 97 <= (byte | 32) <= 122


@compiled
def _is_in_url(byte: int) -> bool:
    return 0x21 <= byte <= 0x7E and byte not in (_QUOTE, LESS_THAN, _GREATER_THAN)


@compiled
def _tag_end(data: Any, position: int, stop: int) -> int:
    """Return the end of the HTML tag that starts at this `<`, or the position itself if it does not start a tag."""
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
        if byte == LESS_THAN or characters > _LONGEST_TAG:
            return position
    return position


@compiled
def _reference_end(data: Any, position: int, stop: int) -> int:
    """Return the end of the reference that starts at this `&` in version 2, or the position itself if there is none."""
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
def _separator_end(data: Any, position: int, stop: int, table: Any) -> int:
    """Return the end of the separator at a position: a tag, a reference of version 2 or one character."""
    byte = data[position]
    end = position
    if byte == LESS_THAN:
        end = _tag_end(data, position, stop)
    elif byte == AMPERSAND and table[VERSION] == 2:
        end = _reference_end(data, position, stop)
    if end > position:
        return end
    return position + (1 if byte < 0x80 else _decode(data, position, stop)[1])


@compiled
def _url_end(data: Any, end: int, stop: int, value: Any) -> int:
    """Return the end of the URL that starts with the token of this hash and end, or `end` itself if it is no URL."""
    if end >= stop:
        return end
    if data[end] == _COLON:
        if end + 2 >= stop or data[end + 1] != _SLASH or data[end + 2] != _SLASH:
            return end
        if value not in (_HTTP, _HTTPS):
            return end
    elif data[end] != _FULL_STOP or value != _WWW:
        return end
    while end < stop and _is_in_url(data[end]):
        end += 1
    return end


@compiled
def _read_word_of_version_3(data: Any, position: int, stop: int, table: Any) -> tuple[Any, int]:
    """Return the hash of the word that starts at a position, and its end, in versions without stems."""
    value, pending, length, end = SEED, np.uint64(0), 0, position
    # Inlined: a call would cost more than the work, because Numba counts references to arrays.
    while end < stop and data[end] < 0x80 and table[data[end]] & _CLASS_MASK == _WORD:
        pending |= np.uint64(table[data[end]] >> 8) << np.uint64((length & 7) << 3)
        length += 1
        end += 1
        if length & 7 == 0:
            value = mix(value ^ pending)
            pending = np.uint64(0)
    if end < stop and (data[end] >= 0x80 or table[data[end]] & _CLASS_MASK == _APOSTROPHE):
        value, end = _finish_word(value, pending, length, data, end, stop, table)
        return value, end
    return finish(value, pending, length), end


@compiled
def scalar_step(data: Any, position: int, stop: int, table: Any) -> tuple[Any, Any, int, int]:
    """Read one token or separator at a position.

    Return a hash, the hash of the stem (0 without one), the token's end, and the position to resume at. The end and the
    resume position differ if there is no token.
    """
    kind = _class_at(data, position, stop, table)
    if kind == _SINGLE:
        value, end = _hash_single(data, position, stop, table)
        return value, _NO_STEM, end, end
    if kind != _WORD:
        return SEED, _NO_STEM, position, _separator_end(data, position, stop, table)
    if table[VERSION] >= 4:
        value, stem, end = _read_word(data, position, stop, table)
    else:
        value, end = _read_word_of_version_3(data, position, stop, table)
        stem = _NO_STEM
    place = (value >> _contraction_shift) & np.uint64(len(_contractions) - 1)
    if _contractions[place] == value and table[VERSION] != 2:
        return _expanded[place], _expanded_stems[place], end, end
    if end < stop and (data[end] == _COLON or data[end] == _FULL_STOP):
        return value, stem, end, _url_end(data, end, stop, value)
    return value, stem, end, end
