"""N-grams of hashed tokens: which of them a model knows, and what they weigh together.

Compiled like `kernel.py`; see there for the rules.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.kernel import Hashes, TokenColumn, combine, compiled

_FILTER_BITS_A_FEATURE: Final = 16
_SIX: Final = np.uint64(6)
_LOW_SIX: Final = np.uint64(63)


class Vocabulary(NamedTuple):
    """The n-gram hashes of a model, ascending, with two indexes by a hash's highest bits.

    Compiled functions take the arrays, not this class: Numba's cache would tie the machine code to its name.
    """

    bitmap: NDArray[np.uint64]  # a bit for each prefix that occurs: it turns most unknown n-grams away
    directory: NDArray[np.int32]  # where the hashes of each prefix begin, and at last where they end
    hashes: Hashes  # an n-gram's feature index is its place here


def vocabulary(hashes: Hashes) -> Vocabulary:
    """Index n-gram hashes, which must be ascending and different."""
    bitmap_bits = max((_FILTER_BITS_A_FEATURE * len(hashes)).bit_length(), 6)
    directory_bits = max(len(hashes).bit_length(), 1)
    bits = np.zeros(1 << bitmap_bits, np.bool_)
    bits[hashes >> np.uint64(64 - bitmap_bits)] = True
    prefixes = (hashes >> np.uint64(64 - directory_bits)).astype(np.int64)
    sizes = np.bincount(prefixes, minlength=1 << directory_bits)
    directory = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return Vocabulary(np.packbits(bits, bitorder="little").view("<u8"), directory, hashes)


@compiled
def _shift(size: int) -> Any:
    """Return how far to shift a hash right for an index below a power of two."""
    bits = 0
    while 1 << bits < size:
        bits += 1
    return np.uint64(64 - bits)


@compiled
def _extend(grams: Any, tokens: Any, size: int) -> int:
    """Turn the n-grams of size - 1 tokens into those of `size` tokens, in place; return how many there are."""
    count = max(len(tokens) - size + 1, 0)
    if size > 1:
        for index in range(count):
            grams[index] = combine(grams[index], tokens[index + size - 1])
    return count


@compiled
def _longest(offsets: Any) -> int:
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    return longest


@compiled
def _pass_filter(tokens: Any, shortest: int, longest: int, bitmap: Any, grams: Any, passed: Any, places: Any) -> Any:
    """Write the n-grams of a text that may be known, the shorter ones first; return how many there are.

    `places` gets size << 32 | index of the first token of each, unless it has no room at all.
    """
    shift = _shift(64 * len(bitmap))
    grams[: len(tokens)] = tokens
    count: Any = 0
    for size in range(1, longest + 1):
        found = _extend(grams, tokens, size)
        if size < shortest:
            continue
        for index in range(found):
            gram = grams[index]
            bit = gram >> shift
            # Always written, counted only if known: a branch here would be mispredicted every other time.
            passed[count] = gram
            if len(places):
                places[count] = (size << 32) | index
            count += np.int64((bitmap[bit >> _SIX] >> (bit & _LOW_SIX)) & np.uint64(1))
    return count


@compiled
def _find(passed: Any, count: int, directory: Any, hashes: Any, found: Any) -> None:
    """Write the feature index of each n-gram, or -1. No step waits for the one before: cache misses overlap."""
    shift = _shift(len(directory) - 1)
    for index in range(count):
        gram = passed[index]
        prefix = gram >> shift
        place = directory[prefix]
        end = directory[prefix + np.uint64(1)]
        while place < end and hashes[place] < gram:
            place += 1
        found[index] = place if place < end and hashes[place] == gram else -1


@compiled
def _keep_distinct(found: Any, count: int, seen: Any) -> int:
    """Move the different features to the front, in order of first occurrence; return how many there are."""
    kept = 0
    for index in range(count):
        feature = found[index]
        if feature >= 0 and not seen[feature]:
            seen[feature] = True
            found[kept] = feature
            kept += 1
    for index in range(kept):
        seen[found[index]] = False
    return kept


@compiled
def _features(
    tokens: Any, offsets: Any, shortest: int, longest: int, bitmap: Any, directory: Any, hashes: Any, indices: Any
) -> Any:
    longest_text = _longest(offsets)
    grams = np.empty(longest_text, np.uint64)
    passed = np.empty(longest_text * (longest - shortest + 1) + 1, np.uint64)
    seen = np.zeros(len(hashes), np.bool_)
    no_places = np.empty(0, np.int64)
    begins = np.zeros(len(offsets), np.int64)
    for index in range(len(offsets) - 1):
        mine = tokens[offsets[index] : offsets[index + 1]]
        found = indices[begins[index] :]
        count = _pass_filter(mine, shortest, longest, bitmap, grams, passed, no_places)
        _find(passed, count, directory, hashes, found)
        begins[index + 1] = begins[index] + _keep_distinct(found, count, seen)
    return begins


@compiled
def _margins(
    tokens: Any,
    offsets: Any,
    shortest: int,
    longest: int,
    bitmap: Any,
    directory: Any,
    hashes: Any,
    weights: Any,
    out: Any,
) -> None:
    longest_text = _longest(offsets)
    grams = np.empty(longest_text, np.uint64)
    passed = np.empty(longest_text * (longest - shortest + 1) + 1, np.uint64)
    found = np.empty(len(passed), np.int32)
    seen = np.zeros(len(hashes), np.bool_)
    no_places = np.empty(0, np.int64)
    for index in range(len(offsets) - 1):
        mine = tokens[offsets[index] : offsets[index + 1]]
        count = _pass_filter(mine, shortest, longest, bitmap, grams, passed, no_places)
        _find(passed, count, directory, hashes, found)
        count = _keep_distinct(found, count, seen)
        total = 0.0
        for position in range(count):
            total += weights[found[position]]
        out[index] = total / np.sqrt(count) if count else 0.0


class Features(NamedTuple):
    """The known n-grams of n texts, each once a text, in compressed sparse rows."""

    indices: NDArray[np.int32]
    begins: NDArray[np.int32] | NDArray[np.int64]  # n + 1; the narrow type wherever it is wide enough


def features(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> Features:
    """Find the known n-grams of each text, in order of first occurrence, the shorter ones first."""
    indices = np.empty(len(tokens.hashes) * (longest - shortest + 1), np.int32)
    begins = _features(*tokens, shortest, longest, *known, indices)
    narrow = begins[-1] <= np.iinfo(np.int32).max
    return Features(indices[: begins[-1]].copy(), begins.astype(np.int32) if narrow else begins)


def margins(
    tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the product of each text's vector with the weights: their sum, over the root of the number of n-grams."""
    out = np.empty(len(tokens.offsets) - 1)
    _margins(*tokens, shortest, longest, *known, weights, out)
    return out


class Occurrences(NamedTuple):
    """Where the known n-grams of one text occur."""

    features: NDArray[np.int32]
    first: NDArray[np.int64]  # index of the first token
    last: NDArray[np.int64]


def occurrences(tokens: Hashes, shortest: int, longest: int, known: Vocabulary) -> Occurrences:
    """Find every occurrence of a known n-gram in one text, the shorter n-grams first."""
    grams = np.empty_like(tokens)
    passed = np.empty(len(tokens) * (longest - shortest + 1) + 1, np.uint64)
    places, found = np.empty(len(passed), np.int64), np.empty(len(passed), np.int32)
    count = _pass_filter(tokens, shortest, longest, known.bitmap, grams, passed, places)
    _find(passed, count, known.directory, known.hashes, found)
    is_known = np.flatnonzero(found[:count] >= 0)
    sizes, first = places[is_known] >> 32, places[is_known] & 0xFFFFFFFF
    return Occurrences(found[is_known], first, first + sizes - 1)
