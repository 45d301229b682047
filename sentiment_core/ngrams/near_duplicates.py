"""Near-duplicate texts, which must not be on both sides of a split."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.ngrams.document_frequencies import document_frequencies
from sentiment_core.ngrams.lookup import features
from sentiment_core.text.hashing import Hashes
from sentiment_core.text.tokenizer import TokenColumn, hash_tokens
from sentiment_core.text.vocabulary import vocabulary

SHINGLE_TOKENS: Final = 8
NEARLY_ALL: Final = 0.5  # fraction of a text's shingles above which it is a near-duplicate


class Shingles:
    """The shingles (runs of eight tokens; A. Broder, 1997) of n texts, prepared for comparison with other texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._tokens = hash_tokens(TextColumn.from_texts(texts))
        self._counts = self._shared(_shingles(self._tokens))

    def containment(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the fraction of each text's shingles that also occur in the other texts. It is 0 without shingles."""
        others = _shingles(hash_tokens(TextColumn.from_texts(texts)))
        return self._shared(others) / np.maximum(self._counts, 1)

    def _shared(self, known: Hashes) -> NDArray[np.int64]:
        found = features(
            self._tokens, SHINGLE_TOKENS, SHINGLE_TOKENS, vocabulary(known, np.arange(len(known), dtype=np.uint32))
        )
        return np.diff(found.offsets).astype(np.int64)


def nearly_repeated(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Return a mask of the texts with more than `NEARLY_ALL` of their shingles in earlier texts."""
    tokens = hash_tokens(TextColumn.from_texts(texts))
    known = _shingles(tokens)
    numbers = np.arange(len(known), dtype=np.uint32)
    found, offsets = features(tokens, SHINGLE_TOKENS, SHINGLE_TOKENS, vocabulary(known, numbers))
    counts = np.diff(offsets)
    rows = np.repeat(np.arange(len(texts)), counts)
    first = np.full(len(known), len(texts))
    np.minimum.at(first, found, rows)
    earlier = np.bincount(rows[first[found] < rows], minlength=len(texts))
    repeated: NDArray[np.bool_] = earlier > NEARLY_ALL * np.maximum(counts, 1)
    return repeated


def _shingles(tokens: TokenColumn) -> Hashes:
    return document_frequencies(tokens, SHINGLE_TOKENS, SHINGLE_TOKENS).ngrams
