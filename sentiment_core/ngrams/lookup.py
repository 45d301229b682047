"""N-grams of hashed tokens: which of them a model knows, and what they weigh together.

Compiled functions (`columnar/compiled.py`). A text is worked on in passes over small arrays, none of which waits
for the one before: the processor looks up many n-grams at once, although most lie outside its fastest caches.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.text import specification
from sentiment_core.text.hashing import combine
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import Vocabulary, may_hold, shift_for, slot_of

_ROOM: Final = 4  # places for each different slot of a text
_LEAST_BITS: Final = 6
_MULTIPLIER: Final = np.uint64(specification.MULTIPLIER)


@compiled
def _extend(grams: Any, tokens: Any, size: int) -> int:
    """Turn the n-grams of size - 1 tokens into those of `size` tokens, in place; return how many there are."""
    count = max(len(tokens) - size + 1, 0)
    if size > 1:
        for index in range(count):
            grams[index] = combine(grams[index], tokens[index + size - 1])
    return count


@compiled
def _filter(grams: Any, count: int, filter_: Any, passed: Any, places: Any) -> Any:
    """Write the n-grams that may be known, and unless `places` has no room at all, where each begins."""
    shift = shift_for(64 * len(filter_))
    kept = 0
    for index in range(count):
        # Always written, counted only if known: a branch here would be mispredicted every other time.
        passed[kept] = grams[index]
        if len(places):
            places[kept] = index
        kept += may_hold(filter_, shift, grams[index])
    return kept


@compiled
def _find(passed: Any, count: int, cells: Any, width: int, found: Any, places: Any) -> Any:
    """Write the slots of the n-grams that are known, and move their places to the front."""
    shift = shift_for(len(cells) // width)
    known: Any = 0
    for index in range(count):
        slot = slot_of(cells, width, shift, passed[index])
        found[known] = slot
        if len(places):
            places[known] = places[index]
        known += np.int64(slot >= 0)
    return known


@compiled
def distinct_slots(found: Any, count: int, seen: Any, waiting: Any, distinct: Any) -> Any:
    """Write the different ones of some slots; return how many there are.

    A slot has one place in `seen`. Where another one was first, it waits for the next round, in which its place is
    another. So no round needs a branch that the processor cannot foresee.
    """
    bits = _LEAST_BITS
    while (1 << bits) < _ROOM * count and (2 << bits) <= len(seen):
        bits += 1
    shift = np.uint64(64 - bits)
    kept: Any = 0
    source, multiplier = found, _MULTIPLIER
    while count:
        seen[: 1 << bits] = -1
        left: Any = 0
        for index in range(count):
            slot = source[index]
            place = (np.uint64(slot) * multiplier) >> shift
            holder = seen[place]
            seen[place] = slot if holder < 0 else holder
            distinct[kept] = slot
            kept += np.int64(holder < 0)
            waiting[left] = slot
            left += np.int64((holder >= 0) & (holder != slot))
        source, count, multiplier = waiting, left, multiplier * _MULTIPLIER
    return kept


@compiled
def look_up(
    tokens: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    width: int,
    space: tuple[Any, Any, Any],
    places: Any,
) -> int:
    """Write the slots of all known n-grams of a text to `space[2]`, the shorter ones first; return how many there are.

    Unless `places` has no room at all, it gets the first and the last token of each.
    """
    grams, passed, found = space
    first = places[0]
    grams[: len(tokens)] = tokens
    known = 0
    for size in range(1, longest + 1):
        count = _extend(grams, tokens, size)
        if size < shortest:
            continue
        here = first[known:]
        more = _find(passed, _filter(grams, count, filter_, passed, here), cells, width, found[known:], here)
        if len(first):
            places[1, known : known + more] = first[known : known + more] + (size - 1)
        known += more
    return known


@compiled
def most_tokens(offsets: Any) -> int:
    """Return the number of tokens of the longest text."""
    most = 0
    for index in range(len(offsets) - 1):
        most = max(most, offsets[index + 1] - offsets[index])
    return most


@compiled
def working_space(most: int, shortest: int, longest: int) -> tuple[Any, Any, Any]:
    """Return what `look_up` works on: room for the n-grams of one size, those that may be known, and all slots."""
    grams = most * (longest - shortest + 1) + 1
    return np.empty(most, np.uint64), np.empty(most + 1, np.uint64), np.empty(grams, np.int32)


@compiled
def distinct_space(most: int, slots: int) -> tuple[Any, Any]:
    """Return what `distinct_slots` works on, `seen` and `waiting`, for at most so many of so many slots."""
    return np.empty(2 * _ROOM * min(most, slots) + (1 << _LEAST_BITS), np.int32), np.empty(most, np.int32)


@compiled
def _features(
    tokens: Any, offsets: Any, shortest: int, longest: int, filter_: Any, cells: Any, width: int, indices: Any
) -> Any:
    space = working_space(most_tokens(offsets), shortest, longest)
    seen, waiting = distinct_space(len(space[2]), len(cells) // width * KEYS)
    places = np.empty((2, 0), np.int64)
    begins = np.zeros(len(offsets), np.int64)
    for index in range(len(offsets) - 1):
        mine = tokens[offsets[index] : offsets[index + 1]]
        count = look_up(mine, shortest, longest, filter_, cells, width, space, places)
        begin = begins[index]
        end = begin + distinct_slots(space[2], count, seen, waiting, indices[begin:])
        for place in range(begin, end):
            indices[place] = cells[indices[place] + KEYS]
        begins[index + 1] = end
    return begins


@compiled
def _known_occurrences(
    tokens: Any, offsets: Any, shortest: int, longest: int, filter_: Any, cells: Any, width: int, out: Any
) -> None:
    space = working_space(most_tokens(offsets), shortest, longest)
    places = np.empty((2, 0), np.int64)
    for index in range(len(offsets) - 1):
        mine = tokens[offsets[index] : offsets[index + 1]]
        out[index] = look_up(mine, shortest, longest, filter_, cells, width, space, places)


@compiled
def sum_of(weights: Any, slots: Any, count: int) -> float:
    """Add up weights in double precision. Four sums at once: each addition waits for the one before."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = count - count % 4
    for index in range(0, whole, 4):
        first += weights[slots[index]]
        second += weights[slots[index + 1]]
        third += weights[slots[index + 2]]
        fourth += weights[slots[index + 3]]
    for index in range(whole, count):
        first += weights[slots[index]]
    return (first + second) + (third + fourth)


@compiled
def write_margins(
    tokens: Any,
    offsets: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    width: int,
    weights: Any,
    out: Any,
) -> None:
    """Write the margins of each text, of shape (texts, rows of weights)."""
    space = working_space(most_tokens(offsets), shortest, longest)
    seen, waiting = distinct_space(len(space[2]), len(cells) // width * KEYS)
    distinct = np.empty(len(space[2]), np.int32)
    places = np.empty((2, 0), np.int64)
    for index in range(len(offsets) - 1):
        mine = tokens[offsets[index] : offsets[index + 1]]
        count = look_up(mine, shortest, longest, filter_, cells, width, space, places)
        count = distinct_slots(space[2], count, seen, waiting, distinct)
        for row in range(out.shape[1]):
            out[index, row] = sum_of(weights[KEYS * (1 + row) :], distinct, count) / np.sqrt(max(count, 1))


class Features(NamedTuple):
    """The known n-grams of n texts, each once a text and in no certain order, in compressed sparse rows."""

    indices: NDArray[np.int32]
    begins: NDArray[np.int32] | NDArray[np.int64]  # n + 1; the narrow type wherever it is wide enough


def features(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> Features:
    """Find the known n-grams of each text; the vocabulary's values are their features."""
    indices = np.empty(len(tokens.hashes) * (longest - shortest + 1) + 1, np.int32)
    begins = _features(*tokens, shortest, longest, *known, indices)
    narrow = begins[-1] <= np.iinfo(np.int32).max
    return Features(indices[: begins[-1]].copy(), begins.astype(np.int32) if narrow else begins)


def unknown_shares(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> NDArray[np.float64]:
    """Return for each of n texts the share of its n-grams, each as often as it occurs, that are not known.

    Of a text without any n-gram nothing is known: its share is 1.
    """
    found = np.empty(len(tokens.offsets) - 1, np.int64)
    _known_occurrences(*tokens, shortest, longest, *known, found)
    counts = np.diff(tokens.offsets)
    total = sum(np.maximum(counts - size + 1, 0) for size in range(shortest, longest + 1))
    shares: NDArray[np.float64] = 1 - found / np.maximum(total, 1)
    return shares


def margins(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> NDArray[np.float64]:
    """Return the product of each text's vector with each row of weights, which are the vocabulary's values.

    It is the weights' sum over a text's different n-grams, over the root of their number; of shape (texts, rows).
    """
    out = np.empty((len(tokens.offsets) - 1, known.width // KEYS - 1))
    write_margins(*tokens, shortest, longest, *known, known.values(np.float32), out)
    return out
