"""Token and n-gram hashes, as defined in `specification.py`, for compiled functions (`columnar/compiled.py`)."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.compiled import compiled
from sentiment_core.text import specification

Hashes = NDArray[np.uint64]

SEED: Final = np.uint64(specification.SEED)
_MULTIPLIER: Final = np.uint64(specification.MULTIPLIER)
_NGRAM_STEP: Final = np.uint64(specification.NGRAM_STEP)
_HALF: Final = np.uint64(32)
_IDENTITY_SHIFT: Final = np.uint64(specification.IDENTITY_SHIFT)
_ONE: Final = np.uint64(1)


@compiled
def mix(value: Any) -> Any:
    """Return `specification._mix(value)`."""
    value *= _MULTIPLIER
    return value ^ (value >> _HALF)


@compiled
def combine(gram: Any, token: Any) -> Any:
    """Return `specification.combine(gram, token)`."""
    value = gram * _NGRAM_STEP + token
    return value ^ (value >> _HALF)


@compiled
def identity(gram: Any) -> Any:
    """Return `specification.identity(gram)`."""
    return (gram >> _IDENTITY_SHIFT) | _ONE
