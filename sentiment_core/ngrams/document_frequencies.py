"""Document frequencies: the n-grams of some texts, and the number of texts that contain each."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.ngrams.distinct import distinct_ngrams
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import TokenColumn


class Frequencies(NamedTuple):
    """n distinct n-grams of some texts."""

    ngrams: Hashes  # n identities, ascending
    texts: NDArray[np.int64]  # n: number of texts that contain each
    ambiguous: NDArray[np.bool_]  # n: whether several n-grams share the identity; a model cannot distinguish them


def document_frequencies(tokens: TokenColumn, shortest: int, longest: int) -> Frequencies:
    """Count the n-grams of `shortest` to `longest` tokens.

    Different n-grams with the same identity are detected by the hash bits that an identity omits. One in 2^17 such
    pairs goes undetected.
    """
    grams = distinct_ngrams(tokens, shortest, longest).hashes
    grams.sort()
    hashes, counts = _runs(grams)
    ngrams, spellings = _runs(hashes >> np.uint64(IDENTITY_SHIFT) | np.uint64(1))
    starts = np.concatenate(([0], np.cumsum(spellings)[:-1])).astype(np.int64)
    return Frequencies(ngrams, np.add.reduceat(counts, starts) if len(counts) else counts, spellings > 1)


def _runs(ascending: Hashes) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the distinct numbers of an ascending array, and the count of each."""
    if not len(ascending):
        return ascending, np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))
    return ascending[starts], np.diff(np.append(starts, len(ascending)))
