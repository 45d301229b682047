"""Hashes of the texts that a model learned from: it must not be evaluated on them."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

TextHashes = NDArray[np.uint64]


def hash_texts(texts: Iterable[str]) -> TextHashes:
    """Return the distinct hashes of texts, sorted: 64 bits of BLAKE2b of the lower-case text with single spaces.

    A reformatted copy of a text has the same hash. The probability that two different texts among 100,000 share a hash
    is one in four billion.
    """
    return np.unique(hash_each(texts))


def are_known(texts: Iterable[str], known: TextHashes) -> NDArray[np.bool_]:
    """Return a mask of shape (n,): whether the hash of each of n texts is among the known hashes, which are sorted."""
    return are_among(hash_each(texts), known)


def are_among(hashes: TextHashes, known: TextHashes) -> NDArray[np.bool_]:
    """Return a mask of shape (n,): whether each of n hashes is among the known hashes, which are sorted.

    A binary search for each hash: `numpy.isin` would sort the known hashes again, which are hundreds of thousands.
    """
    if not len(known):
        return np.zeros(len(hashes), np.bool_)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == hashes
    return found


def hash_each(texts: Iterable[str]) -> TextHashes:
    """Return the hash of each of n texts, in the order of the texts."""
    return np.fromiter(map(hash_text, texts), np.uint64)


def hash_text(text: str) -> int:
    """Return the hash of one text."""
    plain = " ".join(text.lower().split())
    return int.from_bytes(blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
