"""Positions of a model's known n-grams in a text, for explanations.

Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.clauses import clause_space, cut_clauses, strongest_clauses
from sentiment_core.ngrams.fixed_point import first_number
from sentiment_core.ngrams.lookup import (
    Margins,
    distinct_slots,
    distinct_space,
    look_up,
    max_tokens,
    unknown_share,
    working_space,
    write_sums,
)
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW


@compiled
def _occurrences(
    tokens: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    slots: Any,
    occurrence_offsets: Any,
    order: Any,
    places: Any,
) -> int:
    """Group the occurrences of a text's known n-grams; return the number of distinct ones.

    The occurrences of `slots[i]` are `order[occurrence_offsets[i] : occurrence_offsets[i + 1]]`. Write the first and
    the last token of each occurrence to `places`.
    """
    space = working_space(len(tokens), shortest, longest)
    _, found, first, stops = space
    count = look_up(tokens, shortest, longest, filter_, cells, space)
    for ngram_size in range(shortest, longest + 1):
        for index in range(stops[ngram_size - 1], stops[ngram_size]):
            places[0, index], places[1, index] = first[index], first[index] + ngram_size - 1
    size = 2
    while size < 2 * count:
        size *= 2
    numbers = np.full(size, -1, np.int32)
    member = np.empty(count, np.int32)
    different = 0
    for index in range(count):
        place = found[index] & (size - 1)
        while numbers[place] >= 0 and slots[numbers[place]] != found[index]:
            place = (place + 1) & (size - 1)
        if numbers[place] < 0:
            numbers[place] = different
            slots[different] = found[index]
            different += 1
        member[index] = numbers[place]
    occurrence_offsets[: different + 1] = 0
    for index in range(count):
        occurrence_offsets[member[index] + 1] += 1
    for index in range(different):
        occurrence_offsets[index + 1] += occurrence_offsets[index]
    free = occurrence_offsets[: different + 1].copy()
    for index in range(count):
        order[free[member[index]]] = index
        free[member[index]] += 1
    return different


@compiled
def _strongest(
    tokens: Any,
    offsets: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    numbers: Any,
    clauses: Any,
    slots: Any,
    first: Any,
    last: Any,
    counts: Any,
    margins: Any,
    unknown: Any,
    mixed: Any,
) -> None:
    """Write each text's strongest n-grams, their first occurrences, its number of distinct n-grams and its margins.

    Write its unknown share and whether it is mixed, too.
    """
    space = working_space(max_tokens(offsets), shortest, longest)
    _, found, firsts, stops = space
    seen, waiting = distinct_space(len(found), len(cells) // ROW * KEYS)
    distinct = np.empty(len(found), np.int32)
    buffers = clause_space(max_tokens(offsets))
    top = slots.shape[1]
    strengths = np.empty(top, np.int64)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        occurring = look_up(text_tokens, shortest, longest, filter_, cells, space)
        unknown[index] = unknown_share(len(text_tokens), occurring, shortest, longest)
        parts = cut_clauses(text_tokens, clauses, buffers)
        mixed[index] = strongest_clauses(parts, space, cells, clauses, buffers)[4]
        counts[index] = distinct_slots(found, occurring, seen, waiting, distinct)
        write_sums(cells, distinct, counts[index], numbers, margins[index])
        kept = 0
        for candidate in distinct[: counts[index]]:
            strength = abs(first_number(cells[candidate + KEYS], numbers[0]))
            if top == 0 or (kept == top and strength <= strengths[top - 1]):
                continue
            rank = min(kept, top - 1)
            while rank > 0 and strength > strengths[rank - 1]:
                strengths[rank], slots[index, rank] = strengths[rank - 1], slots[index, rank - 1]
                rank -= 1
            strengths[rank], slots[index, rank] = strength, candidate
            kept = min(kept + 1, top)
        for rank in range(kept):
            occurrence = 0
            while found[occurrence] != slots[index, rank]:
                occurrence += 1
            size = shortest
            while occurrence >= stops[size]:
                size += 1
            first[index, rank] = offsets[index] + firsts[occurrence]
            last[index, rank] = first[index, rank] + size - 1


class Occurrences(NamedTuple):
    """The occurrences of the known n-grams of one text."""

    slots: NDArray[np.int32]  # distinct n-grams, shorter ones first
    offsets: NDArray[np.int64]  # one more than slots; n-gram i has the occurrences `offsets[i]` to `offsets[i + 1]`
    first: NDArray[np.int64]  # index of the first token
    last: NDArray[np.int64]


def occurrences(tokens: Hashes, model: WeightedNgrams) -> Occurrences:
    """Return every occurrence of a known n-gram in one text."""
    shortest, longest = model.sizes
    capacity = len(tokens) * (longest - shortest + 1) + 1
    slots, occurrence_offsets, order = (
        np.empty(capacity, np.int32),
        np.empty(capacity + 1, np.int64),
        np.empty(capacity, np.int64),
    )
    places = np.empty((2, capacity), np.int64)
    count = _occurrences(tokens, *model.sizes, *model.known, slots, occurrence_offsets, order, places)
    first, last = places[:, order[: occurrence_offsets[count]]]
    return Occurrences(slots[:count], occurrence_offsets[: count + 1], first, last)


class Strongest(NamedTuple):
    """The strongest known n-grams of n texts, at most `top` each, strongest first. Slot -1 means none."""

    slots: NDArray[np.int32]  # n, top
    first: NDArray[np.int64]  # n, top: index of the first token where the n-gram first occurs
    last: NDArray[np.int64]  # n, top
    counts: NDArray[np.int64]  # n: number of distinct known n-grams of the text
    margins: Margins  # bit-identical to those of `lookup.margins`


def strongest(tokens: TokenColumn, model: WeightedNgrams, top: int) -> Strongest:
    """Return the n-grams of each text that move the log-odds of positive the farthest."""
    texts = len(tokens.offsets) - 1
    found = Strongest(
        np.full((texts, top), -1, np.int32),
        np.zeros((texts, top), np.int64),
        np.zeros((texts, top), np.int64),
        np.zeros(texts, np.int64),
        Margins.empty(texts, model.rows),
    )
    _strongest(*tokens, *model.arrays, *found[:-1], *found.margins)
    return found


class Clause(NamedTuple):
    """A clause of a text."""

    first: int  # index of its first token
    last: int
    log_odds: float  # of positive against negative


def mixed_parts(tokens: Hashes, model: WeightedNgrams) -> tuple[Clause, Clause] | None:
    """Return the most positive and the most negative clause of a mixed text, or None for other texts."""
    begins = np.empty(len(tokens) + 2, np.int64)
    highest, most, lowest, least, mixed = _strongest_of(tokens, *model.arrays, begins)
    if not mixed:
        return None
    return (
        Clause(int(begins[highest]), int(begins[highest + 1]) - 1, most),
        Clause(int(begins[lowest]), int(begins[lowest + 1]) - 1, least),
    )


@compiled
def _strongest_of(
    tokens: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    numbers: Any,  # noqa: ARG001 (one of the model's arrays)
    clauses: Any,
    begins: Any,
) -> Any:
    """Write the first token of each clause; return the strongest clauses as `strongest_clauses` does."""
    space = working_space(len(tokens), shortest, longest)
    look_up(tokens, shortest, longest, filter_, cells, space)
    _, sums, counts = clause_space(len(tokens))
    buffers = begins, sums, counts
    parts = cut_clauses(tokens, clauses, buffers)
    return strongest_clauses(parts, space, cells, clauses, buffers)
