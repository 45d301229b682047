"""Which reviews training never sees: the one split into training and test data."""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


def in_test(keys: Iterable[str], test_size: int) -> NDArray[np.bool_]:
    """Tell for each of n keys, the group of a review or its text, whether the review is test data.

    It is where the first eight bytes of the key's SHA-256, taken for a number, are below `test_size` modulo 100. So
    equal keys are on one side, and none changes sides when data is added.
    """
    return np.array([_bucket(key) < test_size for key in keys], np.bool_)


def _bucket(key: str) -> int:
    return int.from_bytes(sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") % 100
