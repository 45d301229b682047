"""The difference of two proportions measured on the same rows, with a paired confidence interval."""

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
    """Return the difference of two accuracies on n rows, challenger minus champion, with its confidence interval.

    Both arguments have shape (n,) and say which rows a model labelled correctly. The interval is the adjusted Wald
    interval for matched pairs, which adds half a row to each of the four cells (A. Agresti and Y. Min, Statistics in
    Medicine 24, 2005). Only rows that exactly one model labels correctly distinguish the models. Without such rows the
    interval still has a positive width, so it never separates two models that always agree.

    Raises `ValueError` when there are no rows.
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
