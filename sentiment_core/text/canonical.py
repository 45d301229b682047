"""Canonical tokens: the form that stop words and lemmas take in a trained model.

A table maps each token to the token that replaces it. Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW, Vocabulary, shift_for, slot_of, vocabulary


@compiled
def _canonicalise(tokens: Any, offsets: Any, cells: Any, targets: Any, out: Any, kept: Any, out_offsets: Any) -> Any:
    """Write the canonical token of each token and the index of its source. Drop tokens without a canonical token."""
    shift = shift_for(len(cells) // ROW)
    count: Any = 0
    for text in range(len(offsets) - 1):
        out_offsets[text] = count
        for index in range(offsets[text], offsets[text + 1]):
            slot = slot_of(cells, shift, tokens[index])
            out[count] = tokens[index] if slot < 0 else targets[cells[slot + KEYS]]
            kept[count] = index
            count += np.int64(out[count] != 0)
    out_offsets[len(offsets) - 1] = count
    return count


class CanonicalTokens(NamedTuple):
    """A table from tokens to canonical tokens. A token that is not in the table is its own canonical token."""

    known: Vocabulary
    targets: Hashes  # the hash of each canonical token, 0 if the token is dropped


def canonical_tokens(identities: Hashes, targets: Hashes) -> CanonicalTokens:
    """Build the table from token identities, ascending and distinct, and the hash of the canonical token of each."""
    return CanonicalTokens(vocabulary(identities, np.arange(len(identities), dtype=np.uint32)), targets)


def canonicalised(tokens: TokenColumn, table: CanonicalTokens) -> tuple[TokenColumn, NDArray[np.int64]]:
    """Return the canonical tokens of each text, and the index of the token that each one replaces."""
    hashes, kept = np.empty(len(tokens.hashes) + 1, np.uint64), np.empty(len(tokens.hashes) + 1, np.int64)
    out_offsets = np.empty_like(tokens.offsets)
    count = _canonicalise(*tokens, table.known.cells, table.targets, hashes, kept, out_offsets)
    return TokenColumn(hashes[:count], out_offsets), kept[:count]
