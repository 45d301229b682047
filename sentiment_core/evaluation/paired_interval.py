"""The difference of two proportions that were measured on the same rows, with its interval."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Interval(NamedTuple):
    """An estimate and its confidence interval."""

    estimate: float
    low: float
    high: float


def paired_difference(challenger: NDArray[np.bool_], champion: NDArray[np.bool_], confidence: float = 0.95) -> Interval:
    """Return by how much more of n rows the challenger got right, and the interval of that difference.

    The adjusted Wald interval for matched pairs: half a row is added to each of the four cells (A. Agresti and Y. Min,
    Statistics in Medicine 24, 2005). Only the rows that one model alone got right tell the models apart; with none of
    them the interval still has a width, so that two models that always agree are never told apart by it. Raises
    `ValueError` without rows.
    """
    rows = len(challenger)
    if not rows:
        raise ValueError("there are no rows to compare")
    won = int(np.count_nonzero(challenger & ~champion))
    lost = int(np.count_nonzero(champion & ~challenger))
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (won - lost) / (rows + 2)
    reach = quantile * sqrt(won + lost + 1 - (won - lost) ** 2 / (rows + 2)) / (rows + 2)
    return Interval((won - lost) / rows, max(-1.0, centre - reach), min(1.0, centre + reach))
