"""Lookup of n-grams of hashed tokens: the n-grams that a model knows, and the sum of their weights.

Compiled functions (`columnar/compiled.py`). Each text is processed in passes over small arrays. The iterations of a
pass do not depend on each other, so the processor looks up many n-grams in parallel, although most lie outside its
fastest caches.
"""

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.clauses import clause_space, cut_clauses, strongest_clauses
from sentiment_core.ngrams.fixed_point import first_number, second_number
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text import specification
from sentiment_core.text.hashing import combine, holds, perfect_table
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW, Vocabulary, may_hold, shift_for, slot_of

_ROOM: Final = 4  # places for each distinct slot of a text
_MIN_BITS: Final = 6
_NOTHING: Final = np.uint64(0)  # in place of an n-gram or a stem
_breaks, _break_shift = perfect_table(
    [specification.token_hash(mark.encode()) for mark in sorted(specification.BREAKS)]
)
_MULTIPLIER: Final = np.uint64(specification.MULTIPLIER)
_SPREAD: Final = 0x9E37_79B1  # Knuth's multiplicative hash of 32 bits


@compiled
def is_break(token: Any) -> Any:
    """Return whether a token ends a clause, so that no longer n-gram has it in a text recipe with stems."""
    return holds(_breaks, _break_shift, token)


@compiled
def _extend(grams: Any, tokens: Any, breaks: Any, size: int) -> tuple[Any, Any]:
    """Extend the n-grams of `size - 1` tokens to `size` tokens, in place.

    Return how many places there are, and how many of them have an n-gram. The others, which contain a break, are 0.
    Without a recipe with breaks, `breaks` is empty.
    """
    count = max(len(tokens) - size + 1, 0)
    if size == 1:
        for index in range(len(breaks)):
            breaks[index] = is_break(tokens[index])
        return count, count
    if not len(breaks):
        for index in range(count):
            grams[index] = combine(grams[index], tokens[index + size - 1])
        return count, count
    valid: Any = 0
    for index in range(count):
        whole = not (breaks[index] | breaks[index + size - 1] | (grams[index] == _NOTHING))
        grams[index] = combine(grams[index], tokens[index + size - 1]) * np.uint64(whole)
        valid += whole
    return count, valid


@compiled
def _filter(grams: Any, count: int, filter_: Any, first: Any) -> Any:
    """Write the index of the first token of each n-gram that may be known; return their number."""
    shift = shift_for(64 * len(filter_))
    kept = 0
    for index in range(count):
        # Always written, counted only if it passes: a branch here would be mispredicted every other time.
        first[kept] = index
        kept += may_hold(filter_, shift, grams[index]) & np.int64(grams[index] != _NOTHING)
    return kept


@compiled
def _find(grams: Any, count: int, cells: Any, found: Any, first: Any) -> Any:
    """Write the slots of the known n-grams among those that passed the filter, and move their first tokens forward."""
    shift = shift_for(len(cells) // ROW)
    known: Any = 0
    for index in range(count):
        token = first[index]
        slot = slot_of(cells, shift, grams[token])
        found[known] = slot
        first[known] = token
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
def number_slots(found: Any, known: int, table: Any, numbers: Any, times: Any) -> Any:
    """Give the distinct slots of a text numbers, in the order of their first occurrences.

    Return how many there are. Write the number of each occurrence, and how often each slot occurs. `table` has room for
    four times the occurrences, and two more.
    """
    size = 2
    while size < 2 * known:
        size *= 2
    table[:size] = -1
    distinct = 0
    for index in range(known):
        slot = found[index]
        place = (np.int64(slot) * _SPREAD >> 7) & (size - 1)
        while table[place] >= 0 and found[table[place]] != slot:
            place = (place + 1) & (size - 1)
        first = table[place]
        if first < 0:
            table[place] = index
            numbers[index] = distinct
            times[distinct] = 1
            distinct += 1
        else:
            numbers[index] = numbers[first]
            times[numbers[first]] += 1
    return distinct


@compiled
def look_up(
    tokens: Any,
    stems: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    space: tuple[Any, Any, Any, Any, Any],
) -> tuple[Any, Any]:
    """Find all known n-grams and stems of a text, those of each size in text order, shorter ones first, stems last.

    Return their number and the fraction of unknown n-grams, without stems. Every occurrence counts. Of a text without
    n-grams the fraction is 1. Write the slot and the first token of each to `found` and `first` of the space
    (`working_space`). Those of `size` tokens are at `stops[size - 1]` to `stops[size]`, the stems after the longest.
    """
    grams, breaks, found, first, stops = space
    grams[: len(tokens)] = tokens
    known: Any = 0
    occurring: Any = 0
    for size in range(1, longest + 1):
        places, valid = _extend(grams, tokens, breaks[: len(stems)], size)
        if size >= shortest:
            here = first[known:]
            known += _find(grams, _filter(grams, places, filter_, here), cells, found[known:], here)
            occurring += valid
        stops[size] = known
    unknown = 1 - known / max(occurring, 1)
    if len(stems):
        here = first[known:]
        known += _find(stems, _filter(stems, len(stems), filter_, here), cells, found[known:], here)
    stops[longest + 1] = known
    return known, unknown


@compiled
def tokens_of(size: int, longest: int) -> int:
    """Return the number of tokens of what `look_up` finds for a size, which for stems exceeds the longest by one."""
    return size if size <= longest else 1


@compiled
def max_tokens(offsets: Any) -> int:
    """Return the number of tokens of the longest text."""
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    return longest


@compiled
def working_space(tokens: int, shortest: int, longest: int) -> tuple[Any, Any, Any, Any, Any]:
    """Return the buffers of `look_up` for texts of at most that many tokens: grams, breaks, found, first and stops."""
    known = tokens * (longest - shortest + 2) + 1
    stops = np.zeros(longest + 2, np.int64)
    grams, breaks = np.empty(tokens, np.uint64), np.empty(tokens, np.bool_)
    return grams, breaks, np.empty(known, np.int32), np.empty(known, np.int32), stops


@compiled
def distinct_space(occurrences: int, slots: int) -> tuple[Any, Any]:
    """Return the buffers of `distinct_slots`, `seen` and `waiting`, for that many n-grams and slots."""
    return np.empty(2 * _ROOM * min(occurrences, slots) + (1 << _MIN_BITS), np.int32), np.empty(occurrences, np.int32)


@compiled
def _features(
    tokens: Any, offsets: Any, stems: Any, shortest: int, longest: int, filter_: Any, cells: Any, indices: Any
) -> Any:
    space = working_space(max_tokens(offsets), shortest, longest)
    found = space[2]
    seen, waiting = distinct_space(len(found), len(cells) // ROW * KEYS)
    feature_offsets = np.zeros(len(offsets), np.int64)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        count, _ = look_up(text_tokens, stems_of(stems, offsets, index), shortest, longest, filter_, cells, space)
        start = feature_offsets[index]
        end = start + distinct_slots(found, count, seen, waiting, indices[start:])
        for place in range(start, end):
            indices[place] = cells[indices[place] + KEYS]
        feature_offsets[index + 1] = end
    return feature_offsets


@compiled
def stems_of(stems: Any, offsets: Any, index: int) -> Any:
    """Return the stems of one text, or no stems if there are none of any text."""
    return stems[offsets[index] : offsets[index + 1]] if len(stems) else stems[:0]


@compiled
def _write_unknown_shares(
    tokens: Any, offsets: Any, stems: Any, shortest: int, longest: int, filter_: Any, cells: Any, out: Any
) -> None:
    space = working_space(max_tokens(offsets), shortest, longest)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        mine = stems_of(stems, offsets, index)
        _, out[index] = look_up(text_tokens, mine, shortest, longest, filter_, cells, space)


@compiled
def write_sums(cells: Any, slots: Any, count: int, numbers: Any, sums: Any) -> None:
    """Write a text's margins, one for each row of weights, given its distinct slots.

    `numbers` is `FixedPoint`'s shift and units.
    """
    shift, units = numbers
    first: Any = 0
    second: Any = 0
    for index in range(count):
        value = cells[slots[index] + KEYS]
        first += first_number(value, shift)
        second += second_number(value)
    length = np.sqrt(max(count, 1))
    sums[0] = first * units[0] / length
    if len(units) > 1:
        sums[1] = second * units[1] / length


@compiled
def write_margins(
    tokens: Any,
    offsets: Any,
    stems: Any,
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
    """Write the margins of each text to `sums`, of shape (texts, rows of weights), and its unknown share.

    Write whether each text is mixed. `numbers` is `FixedPoint`'s shift and units, `clauses` is the `ClauseModel` as a
    tuple.
    """
    space = working_space(max_tokens(offsets), shortest, longest)
    found = space[2]
    seen, waiting = distinct_space(len(found), len(cells) // ROW * KEYS)
    distinct = np.empty(len(found), np.int32)
    buffers = clause_space(max_tokens(offsets))
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        mine = stems_of(stems, offsets, index)
        known, unknown[index] = look_up(text_tokens, mine, shortest, longest, filter_, cells, space)
        count = distinct_slots(found, known, seen, waiting, distinct)
        write_sums(cells, distinct, count, numbers, sums[index])
        parts = cut_clauses(text_tokens, clauses, buffers)
        mixed[index] = parts > 1 and strongest_clauses(parts, space, cells, clauses, buffers)[4]


class Features(NamedTuple):
    """The known n-grams of n texts as compressed sparse rows. Each occurs once per text, in no particular order."""

    indices: NDArray[np.int32]
    offsets: NDArray[np.int32] | NDArray[np.int64]  # n + 1; int32 if it is wide enough


def features(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> Features:
    """Return the known n-grams of each text. The vocabulary's values are their feature indices."""
    indices = np.empty(len(tokens.hashes) * (longest - shortest + 1) + len(tokens.stems) + 1, np.int32)
    feature_offsets = _features(*tokens, shortest, longest, *known, indices)
    narrow = feature_offsets[-1] <= np.iinfo(np.int32).max
    offsets = feature_offsets.astype(np.int32) if narrow else feature_offsets
    return Features(indices[: offsets[-1]].copy(), offsets)


def unknown_shares(tokens: TokenColumn, shortest: int, longest: int, known: Vocabulary) -> NDArray[np.float64]:
    """Return the fraction of unknown n-grams in each of n texts, as `look_up` does."""
    shares = np.empty(len(tokens.offsets) - 1)
    _write_unknown_shares(*tokens, shortest, longest, *known, shares)
    return shares


class Margins(NamedTuple):
    """The margins of n texts, the fraction of each text's n-grams that the model does not know, and mixed texts."""

    sums: NDArray[np.float64]  # n, rows
    unknown: NDArray[np.float64]  # n, as `unknown_shares` returns it
    mixed: NDArray[np.bool_]  # n, whether one clause is clearly positive and another clearly negative

    @classmethod
    def empty(cls, texts: int, rows: int) -> Self:
        """Return arrays for that many texts and rows of weights, to be filled."""
        return cls(np.empty((texts, rows)), np.empty(texts), np.empty(texts, np.bool_))


def margins(tokens: TokenColumn, model: WeightedNgrams) -> Margins:
    """Return the dot product of each text's vector with each row of weights, and the texts' unknown shares.

    The product is the sum of the weights of a text's distinct known n-grams, divided by the square root of their
    number.
    """
    found = Margins.empty(len(tokens.offsets) - 1, model.rows)
    write_margins(*tokens, *model.arrays, *found)
    return found
