"""Positions of a model's known n-grams in a text, for explanations.

Compiled functions (`columnar/compiled.py`).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.clauses import clause_space, cut_clauses, strongest_clauses
from sentiment_core.ngrams.fixed_point import first_number, second_number
from sentiment_core.ngrams.lookup import (
    Margins,
    distinct_slots,
    distinct_space,
    look_up,
    max_tokens,
    number_slots,
    stems_of,
    tokens_of,
    working_space,
    write_sums,
)
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW


@compiled
def _lines_space(occurrences: int, tokens: int) -> tuple[Any, Any, Any, Any, Any]:
    """Return the buffers of `_merge`: a table, lines of occurrences, times, lines of tokens, and numbers of lines."""
    return (
        np.empty(4 * occurrences + 2, np.int32),
        np.empty(occurrences, np.int32),
        np.empty(occurrences, np.int32),
        np.empty(tokens, np.int32),
        np.empty((occurrences, 2)),
    )


@compiled
def _merge(
    tokens: Any, ngrams: tuple[Any, Any, Any, Any, Any], cells: Any, shift: int, space: tuple[Any, Any, Any, Any, Any]
) -> tuple[Any, Any]:
    """Merge the stems of a text into its words; return the numbers of distinct n-grams with stems, and of lines.

    A line is an n-gram, or a word that the model knows by its stem only. The contribution of a stem is divided equally
    among its occurrences, and each part is added to the line of its word. Write the sum of each line, in units, and
    the line of each occurrence, which is -1 for a stem whose word has its own occurrence.
    """
    table, line_of, times, line_of_token, numbers = space
    _, _, found, firsts, stops = ngrams
    known, stems = stops[-1], stops[-2]
    distinct = number_slots(found, known, table, line_of, times)
    lines = 0
    for index in range(stems):
        if line_of[index] == lines:
            value = cells[found[index] + KEYS]
            numbers[lines, 0], numbers[lines, 1] = first_number(value, shift), second_number(value)
            lines += 1
    if known == stems:
        return distinct, lines
    line_of_token[: len(tokens)] = -1
    for index in range(stops[1]):
        line_of_token[firsts[index]] = line_of[index]
    size = 2
    while size < 2 * (known - stems):
        size *= 2
    table[:size] = -1
    for index in range(stems, known):
        part = times[line_of[index]]
        value = cells[found[index] + KEYS]
        word = tokens[firsts[index]]
        line = line_of_token[firsts[index]]
        line_of[index] = -1
        if line < 0:
            place = np.int64(word >> np.uint64(32)) & (size - 1)
            while table[place] >= 0 and tokens[firsts[table[place]]] != word:
                place = (place + 1) & (size - 1)
            if table[place] < 0:
                table[place] = index
                line_of[index] = lines
                numbers[lines] = 0
                lines += 1
            line = line_of[index] = line_of[table[place]]
        numbers[line, 0] += first_number(value, shift) / part
        numbers[line, 1] += second_number(value) / part
    return distinct, lines


@compiled
def _occurrences(
    tokens: Any,
    stems: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    shift: int,
    numbers: Any,
    occurrence_offsets: Any,
    order: Any,
    places: Any,
) -> tuple[Any, Any]:
    """Group the occurrences of a text's lines; return the numbers of distinct n-grams and of lines.

    The occurrences of line i are `order[occurrence_offsets[i] : occurrence_offsets[i + 1]]`. Write the first and the
    last token of each occurrence to `places`, and the sum of each line to `numbers`.
    """
    space = working_space(len(tokens), shortest, longest)
    _, _, found, first, stops = space
    known, _ = look_up(tokens, stems, shortest, longest, filter_, cells, space)
    for ngram_size in range(shortest, longest + 2):
        for index in range(stops[ngram_size - 1], stops[ngram_size]):
            places[0, index], places[1, index] = first[index], first[index] + tokens_of(ngram_size, longest) - 1
    merged = _lines_space(len(found), len(tokens))
    distinct, lines = _merge(tokens, space, cells, shift, merged)
    line_of = merged[1]
    numbers[:lines] = merged[4][:lines]
    occurrence_offsets[: lines + 1] = 0
    for index in range(known):
        if line_of[index] >= 0:
            occurrence_offsets[line_of[index] + 1] += 1
    for index in range(lines):
        occurrence_offsets[index + 1] += occurrence_offsets[index]
    free = occurrence_offsets[: lines + 1].copy()
    for index in range(known):
        if line_of[index] >= 0:
            order[free[line_of[index]]] = index
            free[line_of[index]] += 1
    return distinct, lines


@compiled
def _strongest(
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
    first: Any,
    last: Any,
    counts: Any,
    lines: Any,
    margins: Any,
    unknown: Any,
    mixed: Any,
) -> None:
    """Write each text's strongest lines (`_merge`), their first occurrences, and its margins.

    Write its numbers of distinct n-grams and of lines, its unknown share, and whether it is mixed, too.
    """
    most = max_tokens(offsets)
    space = working_space(most, shortest, longest)
    _, _, found, firsts, stops = space
    seen, waiting = distinct_space(len(found), len(cells) // ROW * KEYS)
    distinct = np.empty(len(found), np.int32)
    buffers = clause_space(most)
    merged = _lines_space(len(found), most)
    line_of, of_line = merged[1], merged[4]
    top = sums.shape[1]
    strongest = np.empty(top, np.int64)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        mine = stems_of(stems, offsets, index)
        occurring, unknown[index] = look_up(text_tokens, mine, shortest, longest, filter_, cells, space)
        parts = cut_clauses(text_tokens, clauses, buffers)
        mixed[index] = strongest_clauses(parts, space, cells, clauses, buffers)[4]
        count = distinct_slots(found, occurring, seen, waiting, distinct)
        write_sums(cells, distinct, count, numbers, margins[index])
        counts[index], lines[index] = _merge(text_tokens, space, cells, numbers[0], merged)
        kept = 0
        for line in range(lines[index]):
            strength = abs(of_line[line, 0])
            if top == 0 or (kept == top and strength <= abs(of_line[strongest[top - 1], 0])):
                continue
            rank = min(kept, top - 1)
            while rank > 0 and strength > abs(of_line[strongest[rank - 1], 0]):
                strongest[rank] = strongest[rank - 1]
                rank -= 1
            strongest[rank] = line
            kept = min(kept + 1, top)
        for rank in range(kept):
            sums[index, rank] = of_line[strongest[rank]]
            occurrence = 0
            while line_of[occurrence] != strongest[rank]:
                occurrence += 1
            size = shortest
            while occurrence >= stops[size]:
                size += 1
            first[index, rank] = offsets[index] + firsts[occurrence]
            last[index, rank] = first[index, rank] + tokens_of(size, longest) - 1


class Occurrences(NamedTuple):
    """The occurrences of n known n-grams of one text, into which its stems are merged (`_merge`)."""

    weights: NDArray[np.float64]  # n, rows: shorter n-grams first, then words that only their stems make known
    distinct: int  # number of distinct known n-grams and stems
    offsets: NDArray[np.int64]  # n + 1; n-gram i has the occurrences `offsets[i]` to `offsets[i + 1]`
    first: NDArray[np.int64]  # index of the first token
    last: NDArray[np.int64]


def occurrences(tokens: TokenColumn, model: WeightedNgrams) -> Occurrences:
    """Return every occurrence of a known n-gram, or of a word with a known stem, in one text."""
    shortest, longest = model.sizes
    capacity = len(tokens.hashes) * (longest - shortest + 2) + 1
    numbers, occurrence_offsets, order = (
        np.empty((capacity, 2)),
        np.empty(capacity + 1, np.int64),
        np.empty(capacity, np.int64),
    )
    places = np.empty((2, capacity), np.int64)
    count, lines = _occurrences(
        tokens.hashes, tokens.stems, *model.sizes, *model.known, model.shift, numbers, occurrence_offsets, order, places
    )
    first, last = places[:, order[: occurrence_offsets[lines]]]
    weights = model.weights_of_numbers(numbers[:lines])
    return Occurrences(weights, count, occurrence_offsets[: lines + 1], first, last)


class Strongest(NamedTuple):
    """The strongest of what `occurrences` returns of n texts, at most `top` each, strongest first."""

    weights: NDArray[np.float64]  # n, top, rows; 0 means none
    first: NDArray[np.int64]  # n, top: index of the first token where the n-gram first occurs
    last: NDArray[np.int64]  # n, top
    counts: NDArray[np.int64]  # n: number of distinct known n-grams and stems of the text
    lines: NDArray[np.int64]  # n: how many n-grams there are, with stems merged into words
    margins: Margins  # bit-identical to those of `lookup.margins`


def strongest(tokens: TokenColumn, model: WeightedNgrams, top: int) -> Strongest:
    """Return the n-grams of each text that move the log-odds of positive the farthest."""
    texts = len(tokens.offsets) - 1
    sums, margins = np.zeros((texts, top, 2)), Margins.empty(texts, model.rows)
    first, last = np.zeros((texts, top), np.int64), np.zeros((texts, top), np.int64)
    counts, lines = np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    _strongest(*tokens, *model.arrays, sums, first, last, counts, lines, *margins)
    return Strongest(model.weights_of_numbers(sums), first, last, counts, lines, margins)


class Clause(NamedTuple):
    """A clause of a text."""

    first: int  # index of its first token
    last: int
    log_odds: float  # of positive against negative


def mixed_parts(tokens: TokenColumn, model: WeightedNgrams) -> tuple[Clause, Clause] | None:
    """Return the most positive and the most negative clause of a mixed text, or None for other texts."""
    begins = np.empty(len(tokens.hashes) + 2, np.int64)
    highest, most, lowest, least, mixed = _strongest_of(tokens.hashes, tokens.stems, *model.arrays, begins)
    if not mixed:
        return None
    return (
        Clause(int(begins[highest]), int(begins[highest + 1]) - 1, most),
        Clause(int(begins[lowest]), int(begins[lowest + 1]) - 1, least),
    )


@compiled
def _strongest_of(
    tokens: Any,
    stems: Any,
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
    look_up(tokens, stems, shortest, longest, filter_, cells, space)
    _, sums, counts = clause_space(len(tokens))
    buffers = begins, sums, counts
    parts = cut_clauses(tokens, clauses, buffers)
    return strongest_clauses(parts, space, cells, clauses, buffers)
