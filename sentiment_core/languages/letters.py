"""Sequences of four bytes of a text's letters: evidence where the words of a text are too few or unknown.

Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, Final

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text.hashing import mix

FIRST_LETTERS: Final = 96  # bytes of a text whose sequences are looked up

_SPACE, _APOSTROPHE, _AT_SIGN = b" '@"
_SEED: Final = np.uint64(0x6C61_6E67_0000_0001)  # makes a sequence's hash differ from the hash of a word
_START: Final = np.uint32(0x2020_2020)  # a text starts after spaces
_HTTP: Final = np.uint32(int.from_bytes(b"http", "big"))
_BYTE: Final = np.uint32(8)
_LATIN_1_LETTERS: Final = np.uint32(0xC3)  # first byte of the letters from U+00C0 to U+00FF
_LOW: Final = np.uint32(0xFF)


@compiled
def _folded(byte: Any, previous: Any) -> Any:
    """Return a byte of a letter in lower case, or a space for any other ASCII character but an apostrophe."""
    if byte >= 0x80:
        return byte | 0x20 if previous == _LATIN_1_LETTERS and byte < 0x9F else byte
    lower = byte | 0x20
    if 97 <= lower <= 122:
        return lower
    return _APOSTROPHE if byte == _APOSTROPHE else _SPACE


@compiled
def letter_sequences(data: Any, start: int, stop: int, sequences: Any) -> int:
    """Write the sequences of a text's first letters; return their number, at most `len(sequences)`.

    A sequence is four bytes packed into a number. Runs of other characters count as one space. URLs and names after `@`
    are skipped.
    """
    window, count, at = _START, 0, start
    while at < stop and count < len(sequences):
        byte = np.uint32(data[at])
        at += 1
        if window == _HTTP or byte == _AT_SIGN:
            while at < stop and data[at - 1] > _SPACE:
                at += 1
            byte = np.uint32(_SPACE)
        byte = np.uint32(_folded(byte, window & _LOW))
        if byte != _SPACE or window & _LOW != _SPACE:
            window = np.uint32((window << _BYTE) | byte)
            sequences[count] = window
            count += 1
    if window & _LOW != _SPACE and at == stop and count < len(sequences):
        window = np.uint32((window << _BYTE) | np.uint32(_SPACE))
        sequences[count] = window
        count += 1
    return count


@compiled
def hash_sequences(sequences: Any, count: int) -> None:
    """Replace the first `count` sequences by their hashes. They differ from hashes of words: one table holds both."""
    for index in range(count):
        sequences[index] = mix(_SEED ^ np.uint64(sequences[index]))
