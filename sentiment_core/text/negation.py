"""Negation of tokens, as defined in `text/specification.py`, applied to token hashes.

Compiled functions (`columnar/compiled.py`).
"""

from functools import cache
from typing import Any, Final

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text import specification
from sentiment_core.text.hashing import Hashes, combine, holds, perfect_table
from sentiment_core.text.tokenizer import TokenColumn

_NEGATED: Final = np.uint64(specification.NEGATED)
_NO_STEM: Final = np.uint64(0)


def negate(tokens: TokenColumn, reach: int) -> None:
    """Change in place the hashes and stems of up to `reach` tokens after each negation in each text."""
    if reach:
        apply_negations(*tokens, reach, *negation_tables())


@cache
def negation_tables() -> tuple[Hashes, np.uint64, Hashes, np.uint64]:
    """Return the tables of negations and of the tokens that end a negation, each with its shift.

    They are arguments of `apply_negations`.
    """
    negations, ends = (
        perfect_table([specification.token_hash(word.encode()) for word in words])
        for words in (specification.NEGATIONS, specification.NEGATION_ENDS)
    )
    return *negations, *ends


@compiled
def apply_negations(
    hashes: Any,
    offsets: Any,
    stems: Any,
    reach: int,
    negations: Any,
    negation_shift: Any,
    ends: Any,
    end_shift: Any,
) -> None:
    """Change in place the hashes and, if there are any, the stems of up to `reach` tokens after each negation."""
    for index in range(len(offsets) - 1):
        place, end = offsets[index], offsets[index + 1]
        while place < end:
            left = reach if holds(negations, negation_shift, hashes[place]) else 0
            place += 1
            while left and place < end and not holds(ends, end_shift, hashes[place]):
                token = hashes[place]
                hashes[place] = combine(_NEGATED, token)
                if len(stems) and stems[place] != _NO_STEM:
                    stems[place] = combine(_NEGATED, stems[place])
                left = reach if holds(negations, negation_shift, token) else left - 1
                place += 1
