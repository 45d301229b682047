"""Weights of n-grams as fixed-point numbers: whole numbers of a unit, of which one or two share 32 bits.

Whole numbers add up exactly in any order, so a text has the same score alone, in a column and in an explanation. A
key's weights are its value in the vocabulary, which keeps a bucket in one cache line. Compiled functions
(`columnar/compiled.py`).
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled

_BITS: Final = 32
_HALF: Final = _BITS // 2
_SMALLEST: Final = 1e-30  # of the largest weights: a unit is far from subnormal numbers
_LOW_HALF: Final = np.uint32((1 << _HALF) - 1)


class FixedPoint(NamedTuple):
    """One or two rows of weights of n n-grams.

    One row has 32 bits. Of two rows, the first has the high 16 bits and the second the low ones. A weight is rounded to
    the nearest unit, which is the row's largest weight divided by the largest number.
    """

    values: NDArray[np.uint32]  # n
    shift: int  # bits below the first row's
    units: NDArray[np.float64]  # rows

    def weights(self, values: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Return the weights of some values, of shape (*values, rows)."""
        rows = [values.view(np.int32) >> self.shift, values.astype(np.uint16).view(np.int16)]
        found: NDArray[np.float64] = np.stack(rows[: len(self.units)], axis=-1) * self.units
        return found


def fixed_point(weights: NDArray[np.floating[Any]]) -> FixedPoint:
    """Return weights of shape (rows, n), for one row or two, as fixed-point numbers."""
    shift = _HALF * (len(weights) - 1)
    largest = (1 << (_BITS - shift - 1)) - 1
    peaks = np.abs(weights).max(axis=1, initial=0).astype(np.float64)
    units = np.maximum(peaks, _SMALLEST) / largest
    numbers = np.rint(weights / units[:, np.newaxis]).astype(np.int32)
    values = numbers[0].view(np.uint32) << np.uint32(shift)
    if len(numbers) > 1:
        values |= numbers[1].view(np.uint32) & _LOW_HALF
    return FixedPoint(values, shift, units)


@compiled
def first_number(value: Any, shift: int) -> Any:
    """Return the first row's whole number of a value."""
    return np.int64(np.int32(value)) >> shift


@compiled
def second_number(value: Any) -> Any:
    """Return the second row's whole number of a value. Without a second row it has no meaning."""
    return np.int64(np.int16(value & _LOW_HALF))
