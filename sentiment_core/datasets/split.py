"""The split into training and test data. Training never uses the test reviews."""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


def in_test(keys: Iterable[str], test_size: int) -> NDArray[np.bool_]:
    """Return a boolean array of shape (n,): whether the review of each of n keys is test data.

    A key is the review's group, or its text if it has none. The first eight bytes of the key's SHA-256, read as a
    big-endian number modulo 100, are compared with `test_size`. A review is test data if the number is smaller. So
    equal keys are on the same side, and no key changes sides when data is added.
    """
    return np.array([_bucket(key) < test_size for key in keys], np.bool_)


def _bucket(key: str) -> int:
    return int.from_bytes(sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") % 100
