"""Which texts a model has learned from, as hashes: what it may not be judged on."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

TextHashes = NDArray[np.uint64]


def hash_texts(texts: Iterable[str]) -> TextHashes:
    """Return the sorted hashes of texts, each once: 64 bits of BLAKE2b of the text in lower case, its spaces made one.

    A copy of a text that was only reformatted has its hash. Of 100,000 texts two different ones share a hash by chance
    once in four billion.
    """
    return np.unique(hash_each(texts))


def are_known(texts: Iterable[str], known: TextHashes) -> NDArray[np.bool_]:
    """Tell for each of n texts whether its hash is among the known ones."""
    return np.isin(hash_each(texts), known)


def hash_each(texts: Iterable[str]) -> TextHashes:
    """Return the hash of each of n texts, in their order."""
    return np.array([hash_text(text) for text in texts], np.uint64)


def hash_text(text: str) -> int:
    """Return the hash of one text."""
    plain = " ".join(text.lower().split())
    return int.from_bytes(blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
