"""Confidence intervals of ratios of counts."""

from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054  # standard deviations within which 95 % of the normal distribution lie


def wilson_interval(share: float, rows: int) -> tuple[float, float]:
    """Return the 95 % score interval of a ratio `share` of `rows` independent rows (E. B. Wilson, JASA 22, 1927)."""
    if rows == 0:
        return 0.0, 1.0
    shrunk = _Z**2 / rows
    middle = share + shrunk / 2
    half = _Z * sqrt(share * (1 - share) / rows + shrunk / (4 * rows))
    return max(0.0, (middle - half) / (1 + shrunk)), min(1.0, (middle + half) / (1 + shrunk))
