"""Which n-grams training texts hold, in how many texts each, and which of them cannot be told apart.

Compiled like `kernel.py`; see there for the rules.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_core.kernel import Hashes, TokenColumn, combine, compiled
from sentiment_core.ngrams import look_up, most_tokens, working_space
from sentiment_core.simd import KEYS
from sentiment_core.vocabulary import identity, vocabulary


def document_frequencies(tokens: TokenColumn, size: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the identities of the different n-grams of `size` tokens, ascending, and in how many texts each occurs."""
    grams = np.empty(len(tokens.hashes), np.uint64)
    grams = grams[: _distinct(*tokens, size, grams)]
    grams.sort()
    first = np.flatnonzero(np.concatenate(([True], grams[1:] != grams[:-1]))) if len(grams) else np.empty(0, np.int64)
    return grams[first], np.diff(np.append(first, len(grams)))


@compiled
def _distinct(tokens: Any, offsets: Any, size: int, out: Any) -> int:
    """Write each text's distinct n-grams of one size; return how many there are in all."""
    capacity = 2
    while capacity < 2 * most_tokens(offsets):
        capacity *= 2
    seen = np.zeros(capacity, np.uint64)
    seen_in = np.full(capacity, -1, np.int64)
    end = 0
    for index in range(len(offsets) - 1):
        for first in range(offsets[index], offsets[index + 1] - size + 1):
            gram = tokens[first]
            for following in range(first + 1, first + size):
                gram = combine(gram, tokens[following])
            gram = identity(gram)
            slot = np.int64((gram >> np.uint64(1)) & np.uint64(capacity - 1))
            while seen_in[slot] == index and seen[slot] != gram:
                slot = (slot + 1) & (capacity - 1)
            if seen_in[slot] != index:
                seen_in[slot] = index
                seen[slot] = gram
                out[end] = gram
                end += 1
    return end


def ambiguous(tokens: TokenColumn, checks: Hashes, shortest: int, longest: int, ngrams: Hashes) -> NDArray[np.int64]:
    """Return which of some n-grams, given by ascending identities, are several ones of the texts, ascending.

    `checks` are the same tokens hashed with another seed: equal n-grams have equal second hashes, and different ones
    that share both are not to be expected.
    """
    doubtful = np.zeros(len(ngrams), np.bool_)
    known = vocabulary(ngrams, np.arange(len(ngrams), dtype=np.uint32))
    _compare(*tokens, checks, shortest, longest, *known, doubtful)
    return np.flatnonzero(doubtful)


@compiled
def _compare(
    tokens: Any,
    offsets: Any,
    checks: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    width: int,
    doubtful: Any,
) -> None:
    space = working_space(most_tokens(offsets), shortest, longest)
    found = space[2]
    places = np.empty((2, len(found)), np.int64)
    first_check = np.zeros(len(doubtful), np.uint64)
    for index in range(len(offsets) - 1):
        begin, end = offsets[index], offsets[index + 1]
        count = look_up(tokens[begin:end], shortest, longest, filter_, cells, width, space, places)
        for occurrence in range(count):
            check = checks[begin + places[0, occurrence]]
            for following in range(places[0, occurrence] + 1, places[1, occurrence] + 1):
                check = combine(check, checks[begin + following])
            feature = cells[found[occurrence] + KEYS]
            doubtful[feature] |= first_check[feature] != 0 and first_check[feature] != check
            first_check[feature] = check
