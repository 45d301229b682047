"""Lookup of n-grams of hashed tokens: the n-grams that a model knows, and the sum of their weights.

Compiled functions (`columnar/compiled.py`). Each text is processed in passes over small arrays. The iterations of a
pass do not depend on each other, so the processor looks up many n-grams in parallel, although most lie outside its
fastest caches.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.clauses import clause_model, clause_space, cut_clauses, strongest_clauses
from sentiment_core.text import specification
from sentiment_core.text.hashing import combine
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import Vocabulary, may_hold, shift_for, slot_of

_ROOM: Final = 4  # places for each distinct slot of a text
_MIN_BITS: Final = 6
_MULTIPLIER: Final = np.uint64(specification.MULTIPLIER)


@compiled
def _extend(grams: Any, tokens: Any, size: int) -> int:
    """Extend the n-grams of `size - 1` tokens to `size` tokens, in place; return their number."""
    count = max(len(tokens) - size + 1, 0)
    if size > 1:
        for index in range(count):
            grams[index] = combine(grams[index], tokens[index + size - 1])
    return count


@compiled
def _filter(grams: Any, count: int, filter_: Any, passed: Any, places: Any) -> Any:
    """Write the n-grams that may be known and, if `places` is not empty, the index of each one's first token."""
    shift = shift_for(64 * len(filter_))
    kept = 0
    for index in range(count):
        # Always written, counted only if it passes: a branch here would be mispredicted every other time.
        passed[kept] = grams[index]
        if len(places):
            places[kept] = index
        kept += may_hold(filter_, shift, grams[index])
    return kept


@compiled
def _find(passed: Any, count: int, cells: Any, width: int, found: Any, places: Any) -> Any:
    """Write the slots of the known n-grams, and move their places to the front."""
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
    """Write the distinct slots of `found`; return their number.

    In each round a slot has one place in `seen`. If a different slot already holds that place, the slot waits for the
    next round, in which it has a different place. No round therefore needs an unpredictable branch.
    """
    bits = _MIN_BITS
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
    """Write the slots of all known n-grams of a text to `space[2]`, shorter ones first; return their number.

    If `places` is not empty, write the first and the last token of each n-gram to it.
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
def max_tokens(offsets: Any) -> int:
    """Return the number of tokens of the longest text."""
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    return longest


@compiled
def working_space(tokens: int, shortest: int, longest: int) -> tuple[Any, Any, Any]:
    """Return the buffers of `look_up`: for the n-grams of one size, those that may be known, and all slots."""
    grams = tokens * (longest - shortest + 1) + 1
    return np.empty(tokens, np.uint64), np.empty(tokens + 1, np.uint64), np.empty(grams, np.int32)


@compiled
def distinct_space(occurrences: int, slots: int) -> tuple[Any, Any]:
    """Return the buffers of `distinct_slots`, `seen` and `waiting`, for that many n-grams and slots."""
    return np.empty(2 * _ROOM * min(occurrences, slots) + (1 << _MIN_BITS), np.int32), np.empty(occurrences, np.int32)


@compiled
def _features(
    tokens: Any, offsets: Any, shortest: int, longest: int, filter_: Any, cells: Any, width: int, indices: Any
) -> Any:
    space = working_space(max_tokens(offsets), shortest, longest)
    seen, waiting = distinct_space(len(space[2]), len(cells) // width * KEYS)
    places = np.empty((2, 0), np.int64)
    feature_offsets = np.zeros(len(offsets), np.int64)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        count = look_up(text_tokens, shortest, longest, filter_, cells, width, space, places)
        start = feature_offsets[index]
        end = start + distinct_slots(space[2], count, seen, waiting, indices[start:])
        for place in range(start, end):
            indices[place] = cells[indices[place] + KEYS]
        feature_offsets[index + 1] = end
    return feature_offsets


@compiled
def unknown_share(tokens: int, known: int, shortest: int, longest: int) -> float:
    """Return the fraction of unknown n-grams of a text, given its tokens and the occurrences of known n-grams.

    The fraction of a text without n-grams is 1.
    """
    occurrences = 0
    for size in range(shortest, longest + 1):
        occurrences += max(tokens - size + 1, 0)
    return 1 - known / max(occurrences, 1)


@compiled
def _write_unknown_shares(
    tokens: Any, offsets: Any, shortest: int, longest: int, filter_: Any, cells: Any, width: int, out: Any
) -> None:
    space = working_space(max_tokens(offsets), shortest, longest)
    places = np.empty((2, 0), np.int64)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        known = look_up(text_tokens, shortest, longest, filter_, cells, width, space, places)
        out[index] = unknown_share(len(text_tokens), known, shortest, longest)


@compiled
def sum_of(weights: Any, slots: Any, count: int) -> float:
    """Return the sum of weights in double precision, from four partial sums: an addition waits for the previous one."""
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
    clauses: Any,
    sums: Any,
    unknown: Any,
    mixed: Any,
) -> None:
    """Write the margins of each text to `sums`, of shape (texts, rows of weights), and its unknown share.

    If `mixed` is not empty, write whether each text is mixed. `clauses` is the `ClauseModel` as a tuple.
    """
    space = working_space(max_tokens(offsets), shortest, longest)
    seen, waiting = distinct_space(len(space[2]), len(cells) // width * KEYS)
    distinct = np.empty(len(space[2]), np.int32)
    no_places, places = np.empty((2, 0), np.int32), np.empty((2, len(space[2]) if len(mixed) else 0), np.int32)
    buffers = clause_space(max_tokens(offsets))
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        # A text of one clause is not mixed. Places cost time.
        parts = cut_clauses(text_tokens, clauses, buffers) if len(mixed) else 1
        wanted = places if parts > 1 else no_places
        known = look_up(text_tokens, shortest, longest, filter_, cells, width, space, wanted)
        unknown[index] = unknown_share(len(text_tokens), known, shortest, longest)
        count = distinct_slots(space[2], known, seen, waiting, distinct)
        for row in range(sums.shape[1]):
            sums[index, row] = sum_of(weights[KEYS * (1 + row) :], distinct, count) / np.sqrt(max(count, 1))
        if len(mixed):
            mixed[index] = False
        if parts > 1:  # after the sums, which have brought the weights into the processor's caches
            mixed[index] = strongest_clauses(parts, space[2], known, places, weights, clauses, buffers)[4]


class Features(NamedTuple):
    """The known n-grams of n texts as compressed sparse rows. Each occurs once per text, in no particular order."""

    indices: NDArray[np.int32]
    offsets: NDArray[np.int32] | NDArray[np.int64]  # n + 1; int32 if it is wide enough


def features(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> Features:
    """Return the known n-grams of each text. The vocabulary's values are their feature indices."""
    indices = np.empty(len(tokens.hashes) * (longest - shortest + 1) + 1, np.int32)
    feature_offsets = _features(*tokens, shortest, longest, *known, indices)
    narrow = feature_offsets[-1] <= np.iinfo(np.int32).max
    offsets = feature_offsets.astype(np.int32) if narrow else feature_offsets
    return Features(indices[: offsets[-1]].copy(), offsets)


def unknown_shares(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> NDArray[np.float64]:
    """Return the fraction of unknown n-grams in each of n texts. Every occurrence of an n-gram counts.

    The fraction of a text without n-grams is 1.
    """
    shares = np.empty(len(tokens.offsets) - 1)
    _write_unknown_shares(*tokens, shortest, longest, *known, shares)
    return shares


class Margins(NamedTuple):
    """The margins of n texts, the fraction of each text's n-grams that the model does not know, and mixed texts."""

    sums: NDArray[np.float64]  # n, rows
    unknown: NDArray[np.float64]  # n, as `unknown_shares` returns it
    mixed: NDArray[np.bool_]  # n, whether one clause is clearly positive and another clearly negative; or empty


def margins(
    tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary, clauses: tuple[Any, ...] | None = None
) -> Margins:
    """Return the dot product of each text's vector with each row of weights, and the texts' unknown shares.

    The product is the sum of the weights of a text's distinct known n-grams, divided by the square root of their
    number. The vocabulary's values are the weights. `clauses` (`clause_model`) finds the mixed texts.
    """
    texts, rows = len(tokens.offsets) - 1, known.width // KEYS - 1
    found = Margins(np.empty((texts, rows)), np.empty(texts), np.empty(0 if clauses is None else texts, np.bool_))
    # Without a model of clauses the kernel takes one that it does not use.
    model = clauses or clause_model(np.zeros((1, rows)), np.zeros(1))
    write_margins(*tokens, shortest, longest, *known, known.values(np.float32), model, *found)
    return found
