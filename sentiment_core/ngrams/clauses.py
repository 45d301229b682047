"""Scores of a text's clauses, and whether a text is mixed: clearly positive in one clause, clearly negative in another.

A clause is scored like a text of its own, so that short clauses of a long review are comparable: the weights of the
known n-grams that lie wholly in it are added up and divided by the square root of their number. Each occurrence of an
n-gram counts. The result is the log-odds of positive against negative, calibrated like the model's scores. Compiled
functions (`columnar/compiled.py`).
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
from sentiment_core.ngrams.fixed_point import first_number
from sentiment_core.text.clauses import clause_tables, cut
from sentiment_core.text.hashing import Hashes

# Chosen by measurement (docs/models.md).
CLEAR: Final = math.log(0.85 / 0.15)  # log-odds from which one of two clauses is clearly positive
LEAST_KNOWN: Final = 3  # known n-grams that a clear clause has at least


class ClauseModel(NamedTuple):
    """What the kernels need to score clauses.

    They take it as a plain tuple, because Numba's cache would tie the machine code to the class's name.
    """

    ends: Hashes
    end_shift: np.uint64
    starts: Hashes
    start_shift: np.uint64
    shift: int  # of the fixed-point numbers
    unit: float  # what a unit adds to the log-odds of positive
    bias: float


def clause_model(shift: int, unit: float, bias: float) -> tuple[Any, ...]:
    """Return the `ClauseModel` of a model's fixed-point numbers and its bias of the log-odds, as a tuple."""
    return tuple(ClauseModel(*clause_tables(), shift, float(unit), float(bias)))


@compiled
def clause_space(tokens: int) -> tuple[Any, Any, Any]:
    """Return the buffers of `strongest_clauses` for texts of at most that many tokens.

    They are the clauses' first tokens, sums and numbers of known n-grams.
    """
    return np.empty(tokens + 2, np.int64), np.empty(tokens + 1, np.int64), np.empty(tokens + 1, np.int64)


@compiled
def _add_up(ngrams: tuple[Any, Any, Any, Any], cells: Any, shift: int, space: tuple[Any, Any, Any]) -> None:
    """Add to each clause the sum, in units, and the number of the known n-grams that lie wholly in it.

    The n-grams of one size are in text order, so their clauses are found by walking through the clauses once a size.
    """
    _, found, firsts, stops = ngrams
    begins, sums, counts = space
    for size in range(1, len(stops)):
        clause, end = 0, begins[1]
        total: Any = 0
        count: Any = 0
        for index in range(stops[size - 1], stops[size]):
            first = firsts[index]
            if first >= end:
                sums[clause] += total
                counts[clause] += count
                total, count = 0, 0
                while first >= begins[clause + 1]:
                    clause += 1
                end = begins[clause + 1]
            inside = np.int64(first + size <= end)  # no branch, which would often be mispredicted
            total += inside * first_number(cells[found[index] + KEYS], shift)
            count += inside
        sums[clause] += total
        counts[clause] += count


@compiled
def cut_clauses(tokens: Any, model: Any, space: tuple[Any, Any, Any]) -> Any:
    """Write where the clauses of a text begin; return their number."""
    ends, end_shift, starts, start_shift, _, _, _ = model
    return cut(tokens, ends, end_shift, starts, start_shift, space[0])


@compiled
def strongest_clauses(
    clauses: int, ngrams: tuple[Any, Any, Any, Any], cells: Any, model: Any, space: tuple[Any, Any, Any]
) -> tuple[int, float, int, float, bool]:
    """Return number and log-odds of the most positive and of the most negative clause, and whether both are clear.

    `clauses` is the result of `cut_clauses`, which has filled `space`. `ngrams` is the space in which `look_up` wrote
    the text's known n-grams. Only clauses of at least `LEAST_KNOWN` known n-grams count. Without one, the log-odds are
    minus and plus infinity.
    """
    _, _, _, _, shift, unit, bias = model
    _, sums, counts = space
    highest, most, lowest, least = 0, -np.inf, 0, np.inf
    sums[:clauses] = 0
    counts[:clauses] = 0
    _add_up(ngrams, cells, shift, space)
    scored = 0
    for clause in range(clauses):
        if counts[clause] >= LEAST_KNOWN:
            scored += 1
            log_odds = sums[clause] * unit / np.sqrt(counts[clause]) + bias
            if log_odds > most:
                highest, most = clause, log_odds
            if log_odds < least:
                lowest, least = clause, log_odds
    weaker = min(most, -least)
    return highest, most, lowest, least, weaker >= CLEAR and weaker >= clear_log_odds(scored)


@compiled
def clear_log_odds(clauses: int) -> Any:
    """Return the log-odds from which a clause is clear in a text of that many scored clauses.

    The strongest of many clauses is extreme by chance, so the odds grow with the square root of their number.
    """
    return CLEAR + np.log(max(clauses, 2) / 2) / 2
