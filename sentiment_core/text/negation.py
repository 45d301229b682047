"""Negation of tokens, as defined in `text/specification.py`, applied to token hashes.

Compiled functions (`columnar/compiled.py`).
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text import specification
from sentiment_core.text.hashing import Hashes, combine
from sentiment_core.text.tokenizer import TokenColumn

_NEGATED: Final = np.uint64(specification.NEGATED)
_LAST_SHIFT: Final = 48


def negate(tokens: TokenColumn, reach: int) -> None:
    """Change in place the hashes of up to `reach` tokens after each negation in each text."""
    if reach:
        apply_negations(*tokens, reach, *negation_tables())


@cache
def negation_tables() -> tuple[Hashes, np.uint64, Hashes, np.uint64]:
    """Return the tables of negations and of the tokens that end a negation, each with its shift.

    They are arguments of `apply_negations`.
    """
    return *_table(specification.NEGATIONS), *_table(specification.NEGATION_ENDS)


def _table(words: Iterable[str]) -> tuple[Hashes, np.uint64]:
    """Return the smallest collision-free hash table of the words, and the shift of the hash bits that index it."""
    hashes = np.array([specification.token_hash(word.encode()) for word in words], np.uint64)
    size, shift = 1, 0
    while len(np.unique(places := hashes >> np.uint64(shift) & np.uint64(size - 1))) < len(hashes):
        shift += 1
        if shift > _LAST_SHIFT:
            size, shift = 2 * size, 0
    table = np.zeros(size, np.uint64)
    table[places] = hashes
    return table, np.uint64(shift)


@compiled
def _holds(table: Any, shift: Any, token: Any) -> Any:
    return table[(token >> shift) & np.uint64(len(table) - 1)] == token


@compiled
def apply_negations(
    hashes: Any,
    offsets: Any,
    reach: int,
    negations: Any,
    negation_shift: Any,
    ends: Any,
    end_shift: Any,
) -> None:
    """Change in place the hashes of up to `reach` tokens after each negation in each text."""
    for index in range(len(offsets) - 1):
        place, end = offsets[index], offsets[index + 1]
        while place < end:
            left = reach if _holds(negations, negation_shift, hashes[place]) else 0
            place += 1
            while left and place < end and not _holds(ends, end_shift, hashes[place]):
                token = hashes[place]
                hashes[place] = combine(_NEGATED, token)
                left = reach if _holds(negations, negation_shift, token) else left - 1
                place += 1
