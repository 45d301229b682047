"""The vectorized tokenizer: the text recipe of `text/specification.py` on UTF-8 bytes.

It makes two passes over each text. The first pass classifies 64 bytes at a time into masks of one bit per byte. The
second pass visits the bits that start a token. An ASCII-only token of up to sixteen bytes is hashed from two loads,
without a loop over its bytes. The idea comes from simdjson (G. Langdale and D. Lemire, VLDB Journal 28, 2019). The
scalar tokenizer (`text/tokenizer_scalar.py`) handles everything else. Compiled functions (`columnar/compiled.py`).
"""

from itertools import filterfalse
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import BYTES, byte_mask, load_word, repeated_letters, trailing_zeros
from sentiment_core.text import codepoints, specification
from sentiment_core.text.escapes import Places, unescaped
from sentiment_core.text.hashing import SEED, Hashes, mix, perfect_table, stem_hash
from sentiment_core.text.tokenizer_scalar import AMPERSAND, LESS_THAN, URL_STARTS, VERSION, character_table, scalar_step

_ONE: Final = np.uint64(1)
_SIX: Final = np.uint64(6)
_TOP: Final = np.uint64(63)
_ALL: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_FOLDING: Final = np.uint64(0x2020_2020_2020_2020)
_LOW: Final = np.array([(1 << 8 * min(length, 8)) - 1 for length in range(17)], np.uint64)  # masks by token length
_HIGH: Final = np.array([(1 << 8 * max(length - 8, 0)) - 1 for length in range(17)], np.uint64)
# Half of the hash of each word of at most eight bytes that the scalar tokenizer must read.
_special, _special_shift = perfect_table(
    [specification.half_hash(word) for word in (*URL_STARTS, *specification.CONTRACTIONS)]
)


_STEM_BYTES: Final = np.uint64((1 << 8 * specification.STEM_LETTERS) - 1)
_NO_STEM: Final = np.uint64(0)
NO_STEMS: Final = np.empty(0, np.uint64)
# Masks by token length of the letters that two more follow; longer tokens need the scalar tokenizer anyway.
_BEFORE_END: Final = np.array([(1 << max(length - 2, 0)) - 1 for length in range(18)], np.uint64)


def _ascii(*kinds: int) -> set[int]:
    """Return the ASCII characters of the given classes."""
    return {byte for byte in range(0x80) if codepoints.code_points().class_of(chr(byte)) in kinds}


def _folds_by_bit(byte: int) -> bool:
    """Return whether setting one bit folds an ASCII character, as for all letters. The fast path only sets it."""
    return codepoints.code_points().fold(chr(byte))[0] == byte | (int(_FOLDING) & 0xFF)


_NOT_ASCII: Final = set(range(0x80, 0x100))
_APOSTROPHES: Final = _ascii(codepoints.APOSTROPHE)
_TOKENS: Final = _ascii(codepoints.WORD, codepoints.SINGLE) | _APOSTROPHES
_UNLIKE: Final = set(filterfalse(_folds_by_bit, _TOKENS)) | _ascii(codepoints.MARK, codepoints.IGNORED)

_words: Final = byte_mask(_ascii(codepoints.WORD) - _UNLIKE)
_singles: Final = byte_mask(_ascii(codepoints.SINGLE) - _UNLIKE)
_joiners: Final = byte_mask(_APOSTROPHES - _UNLIKE)
_scalar_starts: Final = byte_mask(_NOT_ASCII | (_UNLIKE - _APOSTROPHES) | {LESS_THAN, AMPERSAND})
_scalar_ends: Final = byte_mask(_NOT_ASCII | _UNLIKE)


@compiled
def _block_masks(data: Any, index: int) -> tuple[Any, Any, Any, Any, Any, Any]:
    return (
        _words(data, index),
        _joiners(data, index),
        _singles(data, index),
        _scalar_starts(data, index),
        _scalar_ends(data, index),
        repeated_letters(data, index),
    )


@compiled
def _classify(data: Any, start: int, stop: int, rest: Any, masks: Any) -> int:
    """Write the six masks of each 64-byte block of a text, then zeros; return the number of blocks."""
    blocks = (stop - start + BYTES - 1) // BYTES
    for block in range(blocks):
        at = start + block * BYTES
        if at + len(rest) <= len(data):
            found = _block_masks(data, at)
        else:  # do not read past the end of the buffer
            rest[:] = 0
            for index in range(len(data) - at):
                rest[index] = data[at + index]
            found = _block_masks(rest, 0)
        valid = _ALL if at + BYTES <= stop else (_ONE << np.uint64(stop - at)) - _ONE
        for mask in range(6):
            masks[mask, block] = found[mask] & valid
    masks[:, blocks] = 0
    return blocks


@compiled
def _join(masks: Any, blocks: int) -> None:
    """Turn the masks into the masks for the walk: token starts replace joiners, and words include their apostrophes.

    An apostrophe between two ASCII letters is part of the word. An apostrophe before a non-ASCII character may be, so
    the scalar tokenizer decides.
    """
    words, joiners, singles, scalar_starts, scalar_ends = masks[0], masks[1], masks[2], masks[3], masks[4]
    letters_before, whole_before = np.uint64(0), np.uint64(0)
    letters = words[0]
    for block in range(blocks):
        letters_after = words[block + 1]
        joiner = joiners[block]
        after_letter = (letters << _ONE) | (letters_before >> _TOP)
        before_letter = (letters >> _ONE) | (letters_after << _TOP)
        before_scalar = (scalar_ends[block] >> _ONE) | (scalar_ends[block + 1] << _TOP)
        whole = letters | (joiner & after_letter & before_letter)
        starts = whole & ~((whole << _ONE) | (whole_before >> _TOP))
        words[block] = whole
        joiners[block] = starts | singles[block] | scalar_starts[block]
        scalar_ends[block] |= joiner & before_scalar
        letters_before, letters, whole_before = letters, letters_after, whole


@compiled
def _walk(
    data: Any, start: int, stop: int, table: Any, masks: Any, blocks: int, hashes: Any, stems: Any, spans: Any
) -> int:
    words, starts, scalar_starts, scalar_ends, runs = masks[0], masks[1], masks[3], masks[4], masks[5]
    has_stems = np.int64(table[VERSION] >= 4)
    runs_matter = _ALL * np.uint64(has_stems)
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
        # The remaining bits of the word; a token that is not a word is one byte.
        word = (words[block] >> offset) | ((words[block + 1] << _ONE) << (_TOP - offset))
        length = max(trailing_zeros(~word), 1)
        end = at + length
        after = np.uint64(end - start)
        needs_scalar = (scalar_starts[block] >> offset) | (scalar_ends[after >> _SIX] >> (after & _TOP))
        run = (runs[block] >> offset) | ((runs[block + 1] << _ONE) << (_TOP - offset))
        needs_scalar |= np.uint64(run & _BEFORE_END[np.uint64(min(length, 17))] & runs_matter != _NO_STEM)
        if not needs_scalar & _ONE and length <= 16 and at <= readable:
            # On the fast path, setting this one bit folds every byte of a token.
            low = (load_word(data, at) | _FOLDING) & _LOW[np.uint64(length)]
            high = (load_word(data, at + 8) | _FOLDING) & _HIGH[np.uint64(length)]
            half = mix(SEED ^ low)
            if _special[(half >> _special_shift) & np.uint64(len(_special) - 1)] != half:
                hashes[count] = mix(half ^ high)
                # No branch, which would often be mispredicted.
                has_stem = np.uint64(length > specification.STEM_LETTERS)
                stems[count * has_stems] = stem_hash(mix(mix(SEED ^ (low & _STEM_BYTES)))) * has_stem
                if len(spans):
                    spans[count, 0], spans[count, 1] = at, end
                count += 1
                continue
        value, stem, end, resume = scalar_step(data, at, stop, table)
        if resume == end:
            hashes[count] = value
            stems[count * has_stems] = stem
            if len(spans):
                spans[count, 0], spans[count, 1] = at, end
            count += 1
        after = np.uint64(resume - start)
        block = np.int64(after >> _SIX)
        if block >= blocks:
            return count
        bits = starts[block] & (_ALL << (after & _TOP))


@compiled
def tokenize(data: Any, offsets: Any, table: Any, hashes: Any, stems: Any, spans: Any, token_offsets: Any) -> None:
    """Write the token hashes of all texts, and the offset of each text's first token.

    In a version with stems, `stems` gets the hash of each token's stem, or 0. In others it needs one place only. If
    `spans` is not empty, write the first byte and the end byte of each token to it.
    """
    has_stems = np.int64(table[VERSION] >= 4)
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    masks = np.empty((6, longest // BYTES + 2), np.uint64)
    rest = np.empty(BYTES + 2, np.uint8)  # a repeated letter is followed by two bytes
    count = 0
    for index in range(len(offsets) - 1):
        token_offsets[index] = count
        start, stop = np.int64(offsets[index]), np.int64(offsets[index + 1])
        blocks = _classify(data, start, stop, rest, masks)
        _join(masks, blocks)
        count += _walk(
            data, start, stop, table, masks, blocks, hashes[count:], stems[count * has_stems :], spans[count:]
        )
    token_offsets[len(offsets) - 1] = count


class TokenColumn(NamedTuple):
    """The concatenated token hashes of n texts, the offset of each text's first token, and the tokens' stems.

    There are stems only for n-grams of a text recipe with stems (version 4). They have one place per token, which is 0
    for a token without a stem.
    """

    hashes: Hashes
    offsets: NDArray[np.int64]  # n + 1
    stems: Hashes = NO_STEMS


def _as_compiled(array: NDArray[Any]) -> NDArray[Any]:
    """Return a contiguous read-only view, so that one compiled signature serves writable and read-only arrays."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _tokenized(texts: TextColumn, spans: NDArray[np.int64], version: int, *, stems: bool) -> TokenColumn:
    most = int(texts.offsets[-1] - texts.offsets[0])  # no token is shorter than a byte
    hashes, of_stems = np.empty(most, np.uint64), np.empty(most + 1 if version >= 4 else 1, np.uint64)
    offsets = np.empty(len(texts.offsets), np.int64)
    data, text_offsets = _as_compiled(texts.data), _as_compiled(texts.offsets)
    tokenize(data, text_offsets, character_table(version), hashes, of_stems, spans, offsets)
    return TokenColumn(hashes[: offsets[-1]], offsets, of_stems[: offsets[-1]] if stems else NO_STEMS)


def _plain(texts: TextColumn, version: int) -> tuple[TextColumn, Places | None]:
    return (texts, None) if version == 2 else unescaped(texts)


def hash_tokens(texts: TextColumn, version: int = specification.RECIPE_VERSION, *, stems: bool = False) -> TokenColumn:
    """Return the token hashes of each text, and the stems if they are wanted."""
    plain, _ = _plain(texts, version)
    return _tokenized(plain, np.empty((0, 2), np.int64), version, stems=stems)


def token_spans(
    texts: TextColumn, version: int = specification.RECIPE_VERSION, *, stems: bool = False
) -> tuple[TokenColumn, NDArray[np.int64]]:
    """Return the same as `hash_tokens`, and the first and end byte of each token in the column's data."""
    plain, places = _plain(texts, version)
    spans = np.empty((int(plain.offsets[-1] - plain.offsets[0]), 2), np.int64)
    tokens = _tokenized(plain, spans, version, stems=stems)
    spans = spans[: len(tokens.hashes)]
    return tokens, places.in_source(spans) if places else spans
