"""Near-duplicate texts, which must not be on both sides of a split."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn, chunks_of
from sentiment_core.ngrams.distinct import DistinctNgrams, distinct_ngrams
from sentiment_core.ngrams.document_frequencies import document_frequencies
from sentiment_core.ngrams.lookup import features
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.specification import IDENTITY_SHIFT
from sentiment_core.text.tokenizer import hash_tokens
from sentiment_core.text.vocabulary import vocabulary

SHINGLE_TOKENS: Final = 8
NEARLY_ALL: Final = 0.5  # fraction of a text's shingles above which it is a near-duplicate

_SHINGLES_PER_PASS: Final = 1 << 23  # some 400 MB
_IDENTITY_SHIFT: Final = np.uint64(IDENTITY_SHIFT)
_ONE: Final = np.uint64(1)
_NONE: Final = np.zeros(0, np.int64)


class Shingles:
    """The shingles (runs of eight tokens; A. Broder, 1997) of n texts, for comparison with other texts.

    Neither tokens nor shingles are kept. A comparison reads the texts in as many passes as bounded memory requires.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._counts = np.concatenate([_NONE, *(np.diff(found.offsets) for found in _distinct(texts))])

    def containment(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the fraction of each text's shingles that also occur in the other texts. It is 0 without shingles."""
        total = sum(len(found.hashes) for found in _distinct(texts))
        parts = max(1, -(-total // _SHINGLES_PER_PASS))
        shared = np.sum([self._shared(_identities(texts, part, parts)) for part in range(parts)], axis=0)
        fractions: NDArray[np.float64] = shared / np.maximum(self._counts, 1)
        return fractions

    def _shared(self, known: Hashes) -> NDArray[np.int64]:
        """Return the number of distinct known shingles of each text."""
        table = vocabulary(known, np.zeros(len(known), np.uint32))
        tokens = (hash_tokens(column) for column in _columns(self._texts))
        found = (features(each, SHINGLE_TOKENS, SHINGLE_TOKENS, table).offsets for each in tokens)
        return np.concatenate([_NONE, *map(np.diff, found)])


def nearly_repeated(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Return a mask of the texts with more than `NEARLY_ALL` of their shingles in earlier texts."""
    tokens = hash_tokens(TextColumn.from_texts(texts))
    known = document_frequencies(tokens, SHINGLE_TOKENS, SHINGLE_TOKENS).ngrams
    numbers = np.arange(len(known), dtype=np.uint32)
    found, offsets = features(tokens, SHINGLE_TOKENS, SHINGLE_TOKENS, vocabulary(known, numbers))
    counts = np.diff(offsets)
    rows = np.repeat(np.arange(len(texts)), counts)
    first = np.full(len(known), len(texts))
    np.minimum.at(first, found, rows)
    earlier = np.bincount(rows[first[found] < rows], minlength=len(texts))
    repeated: NDArray[np.bool_] = earlier > NEARLY_ALL * np.maximum(counts, 1)
    return repeated


def _columns(texts: Sequence[str]) -> Iterator[TextColumn]:
    return (TextColumn.from_texts(texts[first:last]) for first, last in chunks_of(texts))


def _distinct(texts: Sequence[str]) -> Iterator[DistinctNgrams]:
    """Yield the distinct shingles of each text, for chunks of texts."""
    return (distinct_ngrams(hash_tokens(column), SHINGLE_TOKENS, SHINGLE_TOKENS) for column in _columns(texts))


def _identities(texts: Sequence[str], part: int, parts: int) -> Hashes:
    """Return the ascending identities of the distinct shingles of some texts, or of one of several parts of them."""
    identities = (found.hashes >> _IDENTITY_SHIFT | _ONE for found in _distinct(texts))
    return np.unique(
        np.concatenate([_NONE.astype(np.uint64), *(each[_part(each, parts) == part] for each in identities)])
    )


def _part(identities: Hashes, parts: int) -> Hashes:
    """Return the part of each identity, by its low bits: a vocabulary needs all values of the high bits."""
    return (identities >> _ONE) % np.uint64(parts)
