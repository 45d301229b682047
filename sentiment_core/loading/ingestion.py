"""Ingestion of one file's rows: contract, erasures, scoring, deduplication, storage. Shared by load and replay."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple, Self

import numpy as np

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.deduplication import Deduplicator, review_keys
from sentiment_core.drops.reading import Reading
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import RejectedRow, ReviewBatch, checked
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.ledger.erasure import Erasures, IdFields
from sentiment_core.loading.batch_writer import BatchWriter
from sentiment_core.model.scorer import Scores

# Rows of the first block that are scored and stored together, as bytes of text. Most files have one block only: in
# parts, the rows of one part are stored while those of the next are scored.
PART_BYTES: Final = 512 * 1024


class IdentifiedRows(NamedTuple):
    """The good rows of one block with their review keys, its rejected rows, and how it was read."""

    header: bytes
    reading: Reading
    warnings: list[str]  # those found up to this block
    batch: ReviewBatch
    keys: BytesColumn
    rejected: list[RejectedRow]

    def parts(self) -> Iterator[Self]:
        """Yield the good rows in parts of about `PART_BYTES` of text. The first part has the rejected rows."""
        offsets = self.batch.text.offsets
        ends = np.searchsorted(offsets, np.arange(offsets[0] + PART_BYTES, offsets[-1], PART_BYTES))
        rejected = self.rejected
        for first, last in pairwise(np.unique([0, *ends, self.batch.size]).tolist()):
            rows = np.arange(first, last)
            yield self._replace(batch=self.batch.take(rows), keys=self.keys.take(rows), rejected=rejected)
            rejected = []
        if not self.batch.size:
            yield self


class ScoredRows(NamedTuple):
    """The fields of `IdentifiedRows`, with the languages and scores of the good rows."""

    header: bytes
    reading: Reading
    warnings: list[str]
    batch: ReviewBatch
    keys: BytesColumn
    rejected: list[RejectedRow]
    languages: DetectedLanguages
    scores: Scores


class Ingestion:
    """Ingests one file's rows into one batch. The steps `check`, `score` and `store` may run in different threads."""

    def __init__(self, writer: BatchWriter, rules: Rules, erasures: Erasures, deduplicator: Deduplicator) -> None:
        self.writer = writer
        self.rules = rules
        self.erasures = erasures
        self.deduplicator = deduplicator

    def check(self, blocks: Iterator[RecordBlock]) -> Iterator[IdentifiedRows]:
        """Check records, the header first, against the contract. Raises `FileRejected`."""
        file, seconds = self.writer.file, self.writer.seconds
        for rows in checked(blocks, self.rules, file.drop.uri, partial(clock, seconds, "validate")):
            with clock(seconds, "validate"):
                ids = IdFields.of(rows.header.names, self.rules.contract)
                batch, rejected = self.erasures.reject_erased(rows.batch, rows.rejected, ids)
                keys = review_keys(file.source, batch.review_id)
            read = rows.header_raw, rows.reading, list(rows.header.warnings)
            yield IdentifiedRows(*read, batch, keys, rejected)

    def score(self, blocks: Iterable[IdentifiedRows]) -> Iterator[ScoredRows]:
        """Score the good rows, and identify their languages."""
        seconds = self.writer.seconds
        for rows in blocks:
            with clock(seconds, "identify"):
                languages = DetectedLanguages.of(rows.batch.text)
            with clock(seconds, "score"):
                scores = self.writer.model.scorer.score(rows.batch.text)
            yield ScoredRows(*rows, languages, scores)

    def store(self, rows: ScoredRows) -> list[RejectedRow]:
        """Write the rows that are not duplicates, count the duplicates, and return all rejected rows."""
        self.writer.describe(rows.reading, rows.warnings)
        with clock(self.writer.seconds, "write"):
            deduplicated = self.deduplicator.deduplicate(rows.batch, rows.keys)
            kept = deduplicated.rows
            keys, languages, scores = rows.keys.take(kept), rows.languages.take(kept), rows.scores.take(kept)
            self.writer.write(rows.batch.take(kept), keys, languages, scores)
            self.writer.duplicates += deduplicated.duplicates
        return rows.rejected + deduplicated.rejected


@contextmanager
def clock(seconds: defaultdict[str, float], stage: str) -> Iterator[None]:
    """Add the duration of the block, in seconds, to the total of a stage."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - start


def first_in_parts(blocks: Iterable[IdentifiedRows]) -> Iterator[IdentifiedRows]:
    """Yield the first of a file's blocks in parts, and the others unchanged."""
    for number, rows in enumerate(blocks):
        yield from rows.parts() if number == 0 else [rows]
