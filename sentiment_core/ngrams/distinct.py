"""The distinct n-grams of each text. Compiled functions (`columnar/compiled.py`)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.ngrams.lookup import max_tokens
from sentiment_core.text.hashing import Hashes, combine
from sentiment_core.text.tokenizer import TokenColumn


class DistinctNgrams(NamedTuple):
    """The hashes of the distinct n-grams of n texts. Each occurs once per text."""

    hashes: Hashes
    offsets: NDArray[np.int64]  # n + 1


def distinct_ngrams(tokens: TokenColumn, shortest: int, longest: int) -> DistinctNgrams:
    """Return the distinct n-grams of `shortest` to `longest` tokens of each text."""
    hashes = np.empty(len(tokens.hashes) * (longest - shortest + 1), np.uint64)
    offsets = np.empty(len(tokens.offsets), np.int64)
    _distinct(*tokens, shortest, longest, hashes, offsets)
    return DistinctNgrams(hashes[: offsets[-1]], offsets)


@compiled
def _distinct(tokens: Any, offsets: Any, shortest: int, longest: int, out: Any, out_offsets: Any) -> None:
    """Write the hashes of each text's distinct n-grams, and the offset of each text's first one."""
    capacity = 2
    while capacity < 2 * max_tokens(offsets) * (longest - shortest + 1):
        capacity *= 2
    seen = np.zeros(capacity, np.uint64)
    seen_in = np.full(capacity, -1, np.int64)
    mask = np.uint64(capacity - 1)
    end = 0
    for text in range(len(offsets) - 1):
        out_offsets[text] = end
        for first in range(offsets[text], offsets[text + 1]):
            gram = np.uint64(0)
            for size in range(1, min(longest, offsets[text + 1] - first) + 1):
                gram = combine(gram, tokens[first + size - 1]) if size > 1 else tokens[first]
                if size < shortest:
                    continue
                slot = np.int64(gram & mask)
                while seen_in[slot] == text and seen[slot] != gram:
                    slot = (slot + 1) & (capacity - 1)
                if seen_in[slot] != text:
                    seen_in[slot] = text
                    seen[slot] = gram
                    out[end] = gram
                    end += 1
    out_offsets[len(offsets) - 1] = end
