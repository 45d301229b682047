"""Which n-grams training texts hold, in how many texts each, and whether two of them share a hash.

Compiled like `kernel.py`; see there for the rules.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_core.kernel import Hashes, TokenColumn, combine, compiled
from sentiment_core.ngrams import Vocabulary, occurrences


def document_frequencies(tokens: TokenColumn, size: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the different n-grams of `size` tokens, ascending, and in how many texts each occurs."""
    grams = np.empty(len(tokens.hashes), np.uint64)
    grams = grams[: _distinct(*tokens, size, grams)]
    grams.sort()
    first = np.flatnonzero(np.concatenate(([True], grams[1:] != grams[:-1]))) if len(grams) else np.empty(0, np.int64)
    return grams[first], np.diff(np.append(first, len(grams)))


@compiled
def _distinct(tokens: Any, offsets: Any, size: int, out: Any) -> int:
    """Write each text's distinct n-grams of one size; return how many there are in all."""
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    capacity = 2
    while capacity < 2 * longest:
        capacity *= 2
    seen = np.zeros(capacity, np.uint64)
    seen_in = np.full(capacity, -1, np.int64)
    end = 0
    for index in range(len(offsets) - 1):
        for first in range(offsets[index], offsets[index + 1] - size + 1):
            gram = tokens[first]
            for following in range(first + 1, first + size):
                gram = combine(gram, tokens[following])
            slot = np.int64(gram & np.uint64(capacity - 1))
            while seen_in[slot] == index and seen[slot] != gram:
                slot = (slot + 1) & (capacity - 1)
            if seen_in[slot] != index:
                seen_in[slot] = index
                seen[slot] = gram
                out[end] = gram
                end += 1
    return end


def has_collision(tokens: TokenColumn, checks: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> bool:
    """Tell whether two different n-grams of the texts share the hash of a known one.

    `checks` are the same tokens hashed with another seed: equal n-grams have equal second hashes, and different ones
    that share both hashes are not to be expected.
    """
    first_check = np.zeros(len(known.hashes), np.uint64)
    for begin, end in zip(tokens.offsets[:-1].tolist(), tokens.offsets[1:].tolist(), strict=True):
        found = occurrences(tokens.hashes[begin:end], shortest, longest, known)
        if _disagrees(checks.hashes[begin:end], found.features, found.first, found.last, first_check):
            return True
    return False


@compiled
def _disagrees(checks: Any, features: Any, first: Any, last: Any, first_check: Any) -> bool:
    for index, feature in enumerate(features):
        check = checks[first[index]]
        for following in range(first[index] + 1, last[index] + 1):
            check = combine(check, checks[following])
        if first_check[feature] == 0:
            first_check[feature] = check
        elif first_check[feature] != check:
            return True
    return False
