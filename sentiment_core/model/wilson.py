"""Confidence intervals of what was counted."""

from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054  # of the normal distribution, 95 % lie within so many standard deviations


def wilson_interval(share: float, rows: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share of so many independent rows (E. B. Wilson, JASA 22, 1927)."""
    if rows == 0:
        return 0.0, 1.0
    shrunk = _Z**2 / rows
    middle = share + shrunk / 2
    half = _Z * sqrt(share * (1 - share) / rows + shrunk / (4 * rows))
    return max(0.0, (middle - half) / (1 + shrunk)), min(1.0, (middle + half) / (1 + shrunk))
