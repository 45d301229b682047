"""Ingestion of one file's rows: contract, erasures, scoring, deduplication, storage. Shared by load and replay."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

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


class ScoredRows(NamedTuple):
    """The good rows of one block with their keys, languages and scores, its rejected rows, and how it was read."""

    header: bytes
    reading: Reading
    warnings: list[str]  # those found up to this block
    batch: ReviewBatch
    keys: BytesColumn
    languages: DetectedLanguages
    scores: Scores
    rejected: list[RejectedRow]


class Ingestion:
    """Ingests one file's rows into one batch. The steps `score` and `store` may run in different threads."""

    def __init__(self, writer: BatchWriter, rules: Rules, erasures: Erasures, deduplicator: Deduplicator) -> None:
        self.writer = writer
        self.rules = rules
        self.erasures = erasures
        self.deduplicator = deduplicator

    def score(self, blocks: Iterator[RecordBlock]) -> Iterator[ScoredRows]:
        """Check records, the header first, against the contract, and score the good ones. Raises `FileRejected`."""
        file, seconds = self.writer.file, self.writer.seconds
        for rows in checked(blocks, self.rules, file.drop.uri, partial(clock, seconds, "validate")):
            with clock(seconds, "validate"):
                ids = IdFields.of(rows.header.names, self.rules.contract)
                batch, rejected = self.erasures.reject_erased(rows.batch, rows.rejected, ids)
                keys = review_keys(file.source, batch.review_id)
            with clock(seconds, "identify"):
                languages = DetectedLanguages.of(batch.text)
            with clock(seconds, "score"):
                scores = self.writer.model.scorer.score(batch.text)
            read = rows.header_raw, rows.reading, list(rows.header.warnings)
            yield ScoredRows(*read, batch, keys, languages, scores, rejected)

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
