"""Scores of a text's clauses, and whether a text is mixed: clearly positive in one clause, clearly negative in another.

A clause is scored like a text of its own, so that short clauses of a long review are comparable: the weights of the
known n-grams that lie wholly in it are added up and divided by the square root of their number. Each occurrence of an
n-gram counts. The result is the log-odds of positive against negative, calibrated like the model's scores. Compiled
functions (`columnar/compiled.py`).
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import KEYS
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
    polarity: NDArray[np.float64]  # what each of an n-gram's weights adds to the log-odds of positive
    bias: float


def clause_model(slopes: NDArray[np.float64], biases: NDArray[np.float64]) -> tuple[Any, ...]:
    """Return the `ClauseModel` of a model, as a tuple. Slopes have one row per logit and one column per weight."""
    if len(biases) == 1:
        return tuple(ClauseModel(*clause_tables(), slopes[0].copy(), float(biases[0])))
    return tuple(ClauseModel(*clause_tables(), slopes[-1] - slopes[0], float(biases[-1] - biases[0])))


@compiled
def clause_space(tokens: int) -> tuple[Any, Any, Any]:
    """Return the buffers of `strongest_clauses` for texts of at most that many tokens.

    They are the clauses' first tokens, sums and numbers of known n-grams.
    """
    return np.empty(tokens + 2, np.int64), np.empty(tokens + 1, np.float64), np.empty(tokens + 1, np.int64)


@compiled
def _add_up(found: Any, known: int, places: Any, weights: Any, polarity: Any, space: tuple[Any, Any, Any]) -> None:
    """Write the sum and the number of the known n-grams that lie wholly in each clause.

    The n-grams of one size are in text order, so their clauses are found by walking through the clauses once a size.
    """
    begins, sums, counts = space
    clause, end, previous = 0, begins[1], 0
    total: Any = 0.0
    count: Any = 0
    for index in range(known):
        first, last = places[0, index], places[1, index]
        if first >= end or first < previous:
            sums[clause] += total
            counts[clause] += count
            total, count = 0.0, 0
            if first < previous:  # the first n-gram of the next size
                clause = 0
            while first >= begins[clause + 1]:
                clause += 1
            end = begins[clause + 1]
        previous = first
        value = 0.0
        for row in range(len(polarity)):
            value += polarity[row] * weights[found[index] + KEYS * (1 + row)]
        inside = np.int64(last < end)  # no branch, which would often be mispredicted
        total += inside * value
        count += inside
    sums[clause] += total
    counts[clause] += count


@compiled
def cut_clauses(tokens: Any, model: Any, space: tuple[Any, Any, Any]) -> Any:
    """Write where the clauses of a text begin; return their number."""
    ends, end_shift, starts, start_shift, _, _ = model
    return cut(tokens, ends, end_shift, starts, start_shift, space[0])


@compiled
def strongest_clauses(
    clauses: int, found: Any, known: int, places: Any, weights: Any, model: Any, space: tuple[Any, Any, Any]
) -> tuple[int, float, int, float, bool]:
    """Return number and log-odds of the most positive and of the most negative clause, and whether both are clear.

    `clauses` is the result of `cut_clauses`, which has filled `space`. `found` and `places` are the text's known
    n-grams as `look_up` writes them, `known` is their number. Only clauses of at least `LEAST_KNOWN` known n-grams
    count. Without one, the log-odds are minus and plus infinity.
    """
    _, _, _, _, polarity, bias = model
    _, sums, counts = space
    highest, most, lowest, least = 0, -np.inf, 0, np.inf
    sums[:clauses] = 0
    counts[:clauses] = 0
    _add_up(found, known, places, weights, polarity, space)
    scored = 0
    for clause in range(clauses):
        if counts[clause] >= LEAST_KNOWN:
            scored += 1
            log_odds = sums[clause] / np.sqrt(counts[clause]) + bias
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
