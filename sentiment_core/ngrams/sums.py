"""Sums over many texts of what each known n-gram contributes, and the number of texts that have it.

A known n-gram adds its weight, divided by the square root of the number of the text's distinct known n-grams, to the
text's margin. Its weight is the same in all texts, so the sum over texts needs only the sum of the divisors' inverses.
Compiled functions (`columnar/compiled.py`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.fixed_point import first_number
from sentiment_core.ngrams.lookup import (
    distinct_slots,
    distinct_space,
    look_up,
    max_tokens,
    stems_of,
    working_space,
)
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW


class ContributionSums:
    """Sums over all texts added so far. An entry is a place of the model's vocabulary; empty places stay 0."""

    def __init__(self, model: WeightedNgrams) -> None:
        self._model = model
        self._sums = np.zeros((len(model.known.cells) // ROW * KEYS, 2))

    def add(self, tokens: TokenColumn) -> NDArray[np.float64]:
        """Add n texts, and return what each text's n-grams add to its log-odds of positive, of shape (n,)."""
        log_odds = np.empty(len(tokens.offsets) - 1)
        _add_up(*tokens, *self._model.arrays[:-1], self._sums, log_odds)
        return log_odds

    @property
    def contributions(self) -> NDArray[np.float64]:
        """Return the sum of each n-gram's contributions to the log-odds of positive, of shape (entries,)."""
        weights = self._model.weights_of(slots_of(np.arange(len(self._sums))))[:, 0]
        contributed: NDArray[np.float64] = self._sums[:, 0] * weights
        return contributed

    @property
    def texts(self) -> NDArray[np.int64]:
        """Return the number of texts that have each n-gram, of shape (entries,)."""
        return self._sums[:, 1].astype(np.int64)


def slots_of(entries: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the slots in the vocabulary of some entries."""
    return (entries // KEYS * ROW + entries % KEYS).astype(np.int32)


@compiled
def entry_of(slot: Any) -> Any:
    """Return the entry of a slot."""
    return slot // ROW * KEYS + slot % ROW


@compiled
def _add_up(
    tokens: Any,
    offsets: Any,
    stems: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    numbers: Any,
    sums: Any,
    log_odds: Any,
) -> None:
    """Add each text to the pairs of an inverse divisor and a number of texts in `sums`."""
    shift, units = numbers
    space = working_space(max_tokens(offsets), shortest, longest)
    found = space[2]
    seen, waiting = distinct_space(len(found), len(cells) // ROW * KEYS)
    distinct = np.empty(len(found), np.int32)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        mine = stems_of(stems, offsets, index)
        known, _ = look_up(text_tokens, mine, shortest, longest, filter_, cells, space)
        count = distinct_slots(found, known, seen, waiting, distinct)
        inverse = 1 / np.sqrt(max(count, 1))
        total: Any = 0
        for place in range(count):
            slot = distinct[place]
            total += first_number(cells[slot + KEYS], shift)
            entry = entry_of(slot)
            sums[entry, 0] += inverse
            sums[entry, 1] += 1
        log_odds[index] = total * units[0] * inverse
