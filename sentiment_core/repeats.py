"""Finds rows of one file that repeat a review id, in bounded memory."""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.contract import RejectCode
from sentiment_core.database import Connection
from sentiment_core.ledger import SourceFile
from sentiment_core.validation import RejectedRow, Review, ReviewBatch

FILTER_BITS = 27  # 16 MiB; at 10 million ids one key in 50 is looked up in vain


def review_key(source: str, review_id: str) -> bytes:
    """Return the first 128 bits of SHA-256 of source, a slash and review id; a source never holds a slash.

    In SQL: `substr(sha256(convert_to(source || '/' || review_id, 'UTF8')), 1, 16)`.
    """
    return hashlib.sha256(f"{source}/{review_id}".encode()).digest()[:16]


class Sifted(NamedTuple):
    """A batch without its repeats: rows that stay, their keys (None without an id), and what became of the others."""

    batch: ReviewBatch
    keys: list[bytes | None]
    duplicates: int
    rejected: list[RejectedRow]


class RepeatFilter:
    """Sifts the batches of one file, in their order, while their rows are stored in the open transaction.

    A Bloom filter (B. Bloom, CACM 13(7), 1970) over the keys of earlier batches names the few that may have been there
    before; only these are looked up among the rows that this transaction has stored.
    """

    def __init__(self, connection: Connection, file: SourceFile) -> None:
        self.connection = connection
        self.file = file
        self.bits = np.zeros(1 << (FILTER_BITS - 3), np.uint8)

    def sift(self, batch: ReviewBatch) -> Sifted:
        """Split off rows with an id that an earlier row has: the same fields are a duplicate, others a conflict."""
        keys = [None if name is None else review_key(self.file.source, name) for name in batch.review_id]
        earlier: dict[bytes, Review | int] = dict(self._stored([key for key in keys if key is not None]))
        kept, duplicates, rejected = [], 0, []
        for row, key in enumerate(keys):
            known = None if key is None else earlier.get(key)
            if known is None:
                kept.append(row)
                if key is not None:
                    earlier[key] = row
                continue
            first = batch.review(known) if isinstance(known, int) else known
            if batch.review(row) == first:
                duplicates += 1
            else:
                reason = f"review_id {batch.review_id[row]} is already taken by an earlier row with other fields"
                rejected.append(batch.rejected(row, RejectCode.CONFLICTING_REVIEW_ID, reason))
        if len(kept) < batch.size:
            batch, keys = batch.take(np.array(kept, np.int64)), [keys[row] for row in kept]
        return Sifted(batch, keys, duplicates, rejected)

    def _stored(self, keys: list[bytes]) -> dict[bytes, Review]:
        """Return the stored rows of this file that have one of the keys, and remember the keys."""
        suspects = self._suspects(keys)
        if not suspects:
            return {}
        with self.connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT uuid_send(review_key),
                       review_id, product_id, author_id, rating, reviewed_at, language, text, extra
                FROM sentiment.review
                WHERE day = %s AND source_file_id = %s AND review_key = ANY (%s::uuid[])
                """,
                (self.file.day, self.file.source_file_id, [key.hex() for key in suspects]),
            )
            return {bytes(key): Review(*fields) for key, *fields in cursor}

    def _suspects(self, keys: list[bytes]) -> list[bytes]:
        if not keys:
            return []
        # Both halves of a key are independent hashes already.
        place = np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2) & np.uint64((1 << FILTER_BITS) - 1)
        byte, bit = (place >> np.uint64(3)).astype(np.int64), _bits(place)
        seen = ((self.bits[byte] & bit) != 0).all(axis=1)
        np.bitwise_or.at(self.bits, byte.ravel(), bit.ravel())
        return [keys[row] for row in np.flatnonzero(seen)]


def _bits(place: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (place & np.uint64(7)).astype(np.uint8))
