"""Scoring of one text in a single call of compiled code. A column's fixed cost exceeds the cost of scoring a text."""

from typing import Any

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.ngrams.lookup import Margins, write_margins
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.escapes import AMPERSAND, BACKSLASH, unescaped_text
from sentiment_core.text.negation import apply_negations, negation_tables
from sentiment_core.text.specification import RECIPE_VERSION
from sentiment_core.text.tokenizer import tokenize
from sentiment_core.text.tokenizer_scalar import VERSION, character_table


class TextMargins:
    """Computes the margins of single texts for one model without canonical tokens. Threads can share it."""

    def __init__(self, negation_reach: int, model: WeightedNgrams, version: int = RECIPE_VERSION) -> None:
        self._rows = model.rows
        self._has_escapes = version != 2
        self._model = character_table(version), negation_reach, *negation_tables(), *model.arrays

    def __call__(self, text: bytes) -> Margins:
        """Return the same as `lookup.margins` for a column of this UTF-8 text."""
        # `find` of a number is three times as fast as `in`.
        if self._has_escapes and (text.find(AMPERSAND) >= 0 or text.find(BACKSLASH) >= 0):
            text = unescaped_text(text)
        # Allocated here: an array that compiled code returns costs more.
        found = Margins.empty(1, self._rows)
        _write(np.frombuffer(text, np.uint8), *self._model, *found)
        return found


@compiled
def _write(
    data: Any,
    table: Any,
    reach: int,
    negations: Any,
    negation_shift: Any,
    ends: Any,
    end_shift: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    numbers: Any,
    clauses: Any,
    sums: Any,
    unknown: Any,
    mixed: Any,
) -> None:
    offsets, token_offsets = np.zeros(2, np.int64), np.zeros(2, np.int64)
    offsets[1] = len(data)
    hashes = np.empty(len(data), np.uint64)  # no token is shorter than a byte
    has_stems = table[VERSION] >= 4
    stems = np.empty(len(data) + 1 if has_stems else 1, np.uint64)
    tokenize(data, offsets, table, hashes, stems, np.empty((0, 2), np.int64), token_offsets)
    tokens, stems = hashes[: token_offsets[1]], stems[: token_offsets[1] if has_stems else 0]
    if reach:
        apply_negations(tokens, token_offsets, stems, reach, negations, negation_shift, ends, end_shift)
    out = sums, unknown, mixed
    write_margins(tokens, token_offsets, stems, shortest, longest, filter_, cells, numbers, clauses, *out)
