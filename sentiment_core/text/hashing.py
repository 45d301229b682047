"""Token and n-gram hashes, as defined in `specification.py`, for compiled functions (`columnar/compiled.py`)."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text import specification

Hashes = NDArray[np.uint64]

SEED: Final = np.uint64(specification.SEED)
_MULTIPLIER: Final = np.uint64(specification.MULTIPLIER)
_NGRAM_STEP: Final = np.uint64(specification.NGRAM_STEP)
_HALF: Final = np.uint64(32)
_IDENTITY_SHIFT: Final = np.uint64(specification.IDENTITY_SHIFT)
_STEM: Final = np.uint64(specification.STEM)
_ONE: Final = np.uint64(1)
_LAST_SHIFT: Final = 48


def perfect_table(hashes: Sequence[int]) -> tuple[Hashes, np.uint64]:
    """Return the smallest collision-free hash table of the hashes, and the shift of the hash bits that index it.

    The length of the table is a power of two. An empty place holds 0.
    """
    stored = np.array(hashes, np.uint64)
    size, shift = 1, 0
    while len(np.unique(places := stored >> np.uint64(shift) & np.uint64(size - 1))) < len(stored):
        shift += 1
        if shift > _LAST_SHIFT:
            size, shift = 2 * size, 0
    table = np.zeros(size, np.uint64)
    table[places] = stored
    return table, np.uint64(shift)


@compiled
def holds(table: Any, shift: Any, token: Any) -> Any:
    """Return whether a table of `perfect_table`, with its shift, has a token's hash."""
    return table[(token >> shift) & np.uint64(len(table) - 1)] == token


@compiled
def mix(value: Any) -> Any:
    """Return `specification._mix(value)`."""
    value *= _MULTIPLIER
    return value ^ (value >> _HALF)


@compiled
def combine(gram: Any, token: Any) -> Any:
    """Return `specification.combine(gram, token)`."""
    value = gram * _NGRAM_STEP + token
    return value ^ (value >> _HALF)


@compiled
def stem_hash(stem: Any) -> Any:
    """Return `specification.stem_hash` of a stem, given the token hash of its letters."""
    return combine(_STEM, stem)


@compiled
def identity(gram: Any) -> Any:
    """Return `specification.identity(gram)`."""
    return (gram >> _IDENTITY_SHIFT) | _ONE
