"""Document frequencies: the n-grams of the training texts, and the number of texts that contain each.

Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.ngrams.lookup import max_tokens
from sentiment_core.text.hashing import Hashes, combine
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import TokenColumn


class Frequencies(NamedTuple):
    """n distinct n-grams of some texts."""

    ngrams: Hashes  # n identities, ascending
    texts: NDArray[np.int64]  # n: number of texts that contain each
    ambiguous: NDArray[np.bool_]  # n: whether several n-grams share the identity; a model cannot distinguish them


def document_frequencies(tokens: TokenColumn, shortest: int, longest: int) -> Frequencies:
    """Count the n-grams of `shortest` to `longest` tokens.

    Different n-grams with the same identity are detected by the hash bits that an identity omits. One in 2^17 such
    pairs goes undetected.
    """
    grams = np.empty(len(tokens.hashes) * (longest - shortest + 1), np.uint64)
    grams = grams[: _distinct(*tokens, shortest, longest, grams)]
    grams.sort()
    hashes, counts = _runs(grams)
    ngrams, spellings = _runs(hashes >> np.uint64(IDENTITY_SHIFT) | np.uint64(1))
    starts = np.concatenate(([0], np.cumsum(spellings)[:-1])).astype(np.int64)
    return Frequencies(ngrams, np.add.reduceat(counts, starts) if len(counts) else counts, spellings > 1)


def _runs(ascending: Hashes) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the distinct numbers of an ascending array, and the count of each."""
    if not len(ascending):
        return ascending, np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))
    return ascending[starts], np.diff(np.append(starts, len(ascending)))


@compiled
def _distinct(tokens: Any, offsets: Any, shortest: int, longest: int, out: Any) -> int:
    """Write the hashes of each text's distinct n-grams, one size after another; return their total number."""
    capacity = 2
    while capacity < 2 * max_tokens(offsets):
        capacity *= 2
    seen = np.zeros(capacity, np.uint64)
    seen_in = np.full(capacity, -1, np.int64)
    end = 0
    for size in range(shortest, longest + 1):
        for index in range(len(offsets) - 1):
            visit = size * len(offsets) + index
            for first in range(offsets[index], offsets[index + 1] - size + 1):
                gram = tokens[first]
                for following in range(first + 1, first + size):
                    gram = combine(gram, tokens[following])
                slot = np.int64(gram & np.uint64(capacity - 1))
                while seen_in[slot] == visit and seen[slot] != gram:
                    slot = (slot + 1) & (capacity - 1)
                if seen_in[slot] != visit:
                    seen_in[slot] = visit
                    seen[slot] = gram
                    out[end] = gram
                    end += 1
    return end
