"""Deduplication of the rows of one file by review id, in bounded memory."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.columnar.compiled import compiled
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.validation import RejectedRow, Review, ReviewBatch

KEY_BYTES = 16
BLOOM_FILTER_BITS = 28  # 32 MiB; with 10 million ids, one key in 2,700 is a false positive

LookupStored = Callable[[list[bytes]], dict[bytes, Review]]  # returns the earlier rows that have one of these keys


def review_key(source: str, review_id: str) -> bytes:
    """Return the first 128 bits of SHA-256 over source, a slash and review id. A source never contains a slash.

    In SQL: `substr(sha256(convert_to(source || '/' || review_id, 'UTF8')), 1, 16)`.
    """
    return hashlib.sha256(f"{source}/{review_id}".encode()).digest()[:KEY_BYTES]


def review_keys(source: str, review_ids: BytesColumn) -> BytesColumn:
    """Return the keys of review ids. A null id gives a null key."""
    if review_ids.null.all():
        return BytesColumn.nulls(review_ids.size)
    start, sha256 = f"{source}/".encode(), hashlib.sha256
    return BytesColumn.of(
        [None if name is None else sha256(start + name).digest()[:KEY_BYTES] for name in review_ids.values()]
    )


class Deduplicated(NamedTuple):
    """Result of the deduplication of a batch: the rows to keep, and the outcome of the others."""

    rows: NDArray[np.int64]  # rows to keep
    duplicates: int
    rejected: list[RejectedRow]


class Deduplicator:
    """Deduplicates the batches of one file, in their order.

    A Bloom filter (B. Bloom, CACM 13(7), 1970) over the keys of earlier rows selects the few keys that may have
    occurred before. Only these keys are looked up. With `all_known`, every key is looked up.
    """

    def __init__(self, earlier: LookupStored, all_known: bool = False) -> None:
        self.earlier = earlier
        size = 1 << (BLOOM_FILTER_BITS - 3)
        # Zeroed pages use no memory until they are written, and most files have few rows.
        self.bits = np.full(size, 0xFF, np.uint8) if all_known else np.zeros(size, np.uint8)

    def deduplicate(self, batch: ReviewBatch, keys: BytesColumn) -> Deduplicated:
        """Remove the rows whose review id occurs in an earlier row.

        A row with the same fields as the earlier row is a duplicate. A row with other fields is rejected as a conflict.
        """
        candidates = self.candidates(keys)
        if not len(candidates):
            return Deduplicated(np.arange(batch.size), 0, [])
        known = self._first_of(keys, candidates)
        dropped, duplicates, rejected = [], 0, []
        for row in candidates.tolist():
            first = known.get(keys.value(row) or b"", row)
            if first == row:
                continue
            dropped.append(row)
            if batch.review(row) == (batch.review(first) if isinstance(first, int) else first):
                duplicates += 1
            else:
                reason = f"review_id {batch.review_id.text(row)} also occurs in an earlier row with different fields"
                rejected.append(batch.rejected(row, RejectCode.CONFLICTING_REVIEW_ID, reason))
        return Deduplicated(np.delete(np.arange(batch.size), dropped), duplicates, rejected)

    def candidates(self, keys: BytesColumn) -> NDArray[np.int64]:
        """Add all keys to the filter, and return the rows whose key may occur in an earlier row.

        The earlier row may be in this batch or in a previous one.
        """
        keyed = np.flatnonzero(~keys.null)
        # The four 32-bit words of a key already are independent hashes.
        words = keys.data.view(np.uint32).reshape(-1, 4)[keys.start[keyed] // KEY_BYTES]
        seen = np.empty(len(keyed), np.bool_)
        _test_and_set(self.bits, words, seen)
        return keyed[seen]

    def _first_of(self, keys: BytesColumn, candidates: NDArray[np.int64]) -> dict[bytes, Review | int]:
        """Return, for each candidate's key, the earlier stored row or the first row of this batch that has the key."""
        wanted = {keys.value(row) or b"" for row in candidates.tolist()}
        known: dict[bytes, Review | int] = dict(self.earlier(list(wanted)))
        for row, key in enumerate(keys.values()):
            if key in wanted:
                known.setdefault(key, row)
        return known


@compiled
def _test_and_set(bits, words, seen):  # type: ignore[no-untyped-def]
    """Record in `seen`, for each key, whether its four bits were already set, and set them."""
    for row in range(len(words)):
        known = True
        for word in range(4):
            place = words[row, word] & np.uint32((1 << BLOOM_FILTER_BITS) - 1)
            bit = np.uint8(1) << np.uint8(place & np.uint32(7))
            byte = place >> np.uint32(3)
            known &= (bits[byte] & bit) != 0
            bits[byte] |= bit
        seen[row] = known
