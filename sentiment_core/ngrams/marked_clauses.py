"""Which clauses of a text contain marked words, and what those clauses add to its log-odds of positive.

The contribution of an n-gram to a text (`ngrams/sums.py`) is divided equally among its occurrences. An occurrence
belongs to the clause of its first token. So the sums of all clauses of a text add up to its log-odds without the bias.
Compiled functions (`columnar/compiled.py`).
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.clauses import cut_clauses
from sentiment_core.ngrams.fixed_point import first_number
from sentiment_core.ngrams.lookup import look_up, max_tokens, number_slots, stems_of, working_space
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.hashing import combine
from sentiment_core.text.specification import NEGATED, identity
from sentiment_core.text.specification import combine as combine_numbers
from sentiment_core.text.tokenizer import TokenColumn
from sentiment_core.text.vocabulary import ROW, Vocabulary, may_hold, shift_for, slot_of, vocabulary

MOST_MARKS: Final = 32  # each is a bit of a vocabulary's value


class MarkedSums(NamedTuple):
    """The marks of n texts, and the sums of the clauses that have them."""

    marks: NDArray[np.bool_]  # n, MOST_MARKS
    sums: NDArray[np.float64]  # n, MOST_MARKS: what the clauses with a mark add to the log-odds; 0 without one


def marked_words(words: Iterable[tuple[Sequence[int], int]]) -> Vocabulary:
    """Return the vocabulary of words, each given as the hashes of its tokens and its mark, below `MOST_MARKS`.

    A word can have several marks. Its tokens are found with and without a negation before them.
    """
    bits: dict[int, int] = {}
    for tokens, mark in words:
        for negated in range(len(tokens) + 1):
            variant = [combine_numbers(NEGATED, each) for each in tokens[:negated]] + list(tokens[negated:])
            for size in range(1, len(variant)):
                bits.setdefault(identity(reduce(combine_numbers, variant[:size])), 0)  # the beginning of a word
            whole = identity(reduce(combine_numbers, variant))
            bits[whole] = bits.get(whole, 0) | 1 << mark
    return vocabulary(np.array(sorted(bits), np.uint64), np.array([bits[each] for each in sorted(bits)], np.uint32))


def marked_sums(tokens: TokenColumn, model: WeightedNgrams, words: Vocabulary) -> MarkedSums:
    """Return which marks n texts have, and the sums of the clauses that have them."""
    texts = len(tokens.offsets) - 1
    bits, sums = np.zeros(texts, np.uint32), np.zeros((texts, MOST_MARKS))
    _write_sums(*tokens, *model.arrays, *words, bits, sums)
    marks = bits[:, np.newaxis] >> np.arange(MOST_MARKS, dtype=np.uint32) & np.uint32(1)
    return MarkedSums(marks.astype(np.bool_), sums)


@compiled
def _mark(tokens: Any, begins: Any, clauses: int, filter_: Any, cells: Any, marks: Any) -> Any:
    """Write the bits of each clause; return those of the text. A word lies wholly in its clause."""
    filter_shift, shift = shift_for(64 * len(filter_)), shift_for(len(cells) // ROW)
    marks[:clauses] = 0
    of_text = np.uint32(0)
    for clause in range(clauses):
        end = begins[clause + 1]
        for first in range(begins[clause], end):
            gram = tokens[first]
            last = first
            while may_hold(filter_, filter_shift, gram):
                slot = slot_of(cells, shift, gram)
                if slot < 0:
                    break
                marks[clause] |= np.int64(cells[slot + KEYS])
                last += 1
                if last == end:
                    break
                gram = combine(gram, tokens[last])
        of_text |= np.uint32(marks[clause])
    return of_text


@compiled
def _add_up(
    ngrams: tuple[Any, Any, Any, Any, Any], cells: Any, shift: int, begins: Any, numbers: Any, times: Any, sums: Any
) -> None:
    """Add the part of each occurrence of an n-gram to the sum of its clause, in units."""
    _, _, found, firsts, stops = ngrams
    for size in range(1, len(stops)):  # stems come last
        clause = 0
        for index in range(stops[size - 1], stops[size]):
            while firsts[index] >= begins[clause + 1]:
                clause += 1
            sums[clause] += first_number(cells[found[index] + KEYS], shift) / times[numbers[index]]


@compiled
def _write_sums(
    tokens: Any,
    offsets: Any,
    stems: Any,
    shortest: int,
    longest: int,
    filter_: Any,
    cells: Any,
    numbers: Any,
    clauses: Any,
    word_filter: Any,
    word_cells: Any,
    bits: Any,
    out: Any,
) -> None:
    """Write the bits of each text and the sum of the clauses of each bit. Texts without bits are not looked up."""
    shift, units = numbers
    most = max_tokens(offsets)
    space = working_space(most, shortest, longest)
    found = space[2]
    table, times = np.empty(4 * len(found) + 2, np.int32), np.empty(len(found), np.int32)
    of_occurrence = np.empty(len(found), np.int32)
    begins, marks, sums = np.empty(most + 2, np.int64), np.empty(most + 1, np.int64), np.empty(most + 1)
    for index in range(len(offsets) - 1):
        text_tokens = tokens[offsets[index] : offsets[index + 1]]
        parts = cut_clauses(text_tokens, clauses, (begins, marks, marks))
        bits[index] = _mark(text_tokens, begins, parts, word_filter, word_cells, marks)
        if bits[index] == 0:
            continue
        mine = stems_of(stems, offsets, index)
        known, _ = look_up(text_tokens, mine, shortest, longest, filter_, cells, space)
        scale = units[0] / np.sqrt(max(number_slots(found, known, table, of_occurrence, times), 1))
        sums[:parts] = 0
        _add_up(space, cells, shift, begins, of_occurrence, times, sums)
        for clause in range(parts):
            left = marks[clause]
            mark = 0
            while left:
                if left & 1:
                    out[index, mark] += sums[clause] * scale
                left >>= 1
                mark += 1
