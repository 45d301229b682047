"""Loads one file: reader → validator → repeat filter → scorer → writer, in one transaction.

Whatever happens, the file's rows appear entirely or not at all, and once for each model. Every function of this module
may be called again for the same file at any time, also by two workers at once.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from sentiment_core import ledger
from sentiment_core.body import Body
from sentiment_core.columns import Values
from sentiment_core.contract import Header, RejectCode
from sentiment_core.database import Connection
from sentiment_core.errors import FileRejected
from sentiment_core.ledger import SourceFile
from sentiment_core.model import Model
from sentiment_core.records import RecordBlock, read_records
from sentiment_core.repeats import RepeatFilter, StoredReviews, review_keys
from sentiment_core.scorer import Scores
from sentiment_core.settings import Settings
from sentiment_core.stages import ahead
from sentiment_core.storage import Storage
from sentiment_core.validation import RejectedRow, ReviewBatch, Validator
from sentiment_core.writer import BatchWriter


class Status(StrEnum):
    """What one call did for a file."""

    LOADED = "loaded"
    REPLACED = "replaced"
    RESCORED = "rescored"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"  # what was asked for had been done before
    KEPT = "kept"  # the file was to be replaced but can no longer be read: its rows stay as they are


class Outcome(NamedTuple):
    """What one call did for a file, and the rows of its batch."""

    source_file_id: int
    uri: str
    status: Status
    rows_in: int = 0
    rows_scored: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0
    reason: str = ""


class _ScoredRows(NamedTuple):
    """One block's good rows with their review keys and scores, and its rejected ones, below the file's header."""

    header: bytes
    batch: ReviewBatch
    keys: Values
    scores: Scores
    rejected: list[RejectedRow]


class _SameContent(Exception):  # not an error: it takes the rows back that turned out to be there already
    def __init__(self, sha256: bytes) -> None:
        self.sha256 = sha256


class Loader:
    """Loads files with one model, for one run, through one connection."""

    def __init__(self, connection: Connection, storage: Storage, model: Model, settings: Settings, run_id: str) -> None:
        self.connection = connection
        self.storage = storage
        self.model = model
        self.settings = settings
        self.run_id = run_id

    def load(self, source_file_id: int, replace: bool = False) -> Outcome:
        """Bring one file of the ledger to its final state.

        With `replace` a file that is loaded is read and scored anew and a rejected one is tried again, once a run.
        Raises `TransientError` (nothing was stored) and `TerminalError`; a file that cannot be read is no error but an
        outcome.
        """
        try:
            self._ensure_month(source_file_id)
            with self.connection:
                return self._load(source_file_id, replace)
        except _SameContent as same:
            return self._settle_duplicate(source_file_id, same.sha256, replace)
        except FileRejected as rejection:
            return self._settle_rejected(source_file_id, rejection)

    def _ensure_month(self, source_file_id: int) -> None:
        if not ledger.ensure_month(self.connection, source_file_id):
            why = "the month of its day was dropped for its age, and nothing is taken for it any more"
            raise FileRejected(reason=RejectCode.MONTH_EXPIRED, why=why)

    def _load(self, source_file_id: int, replace: bool) -> Outcome:
        with self.connection.cursor() as cursor:
            file = ledger.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            if not self._is_to_do(file, replace):
                return Outcome(source_file_id, file.drop.uri, Status.SKIPPED, reason=f"it is {file.status}")
            if file.status != "loaded" and ledger.looks_loaded(cursor, file):
                self._refuse_known_content(file)
            anew = file.status == "loaded"
            writer = BatchWriter(self.connection, file, self.model, "replace" if anew else "load", self.run_id)
            if anew:
                writer.clear()
        sha256, header = self._stream(file, writer)
        with self.connection.cursor() as cursor:
            ledger.lock_heads(cursor)
            if ledger.loaded_with_content(cursor, sha256, besides=source_file_id):
                raise _SameContent(sha256)
            counts = writer.finish(self.settings.code_version)
            ledger.mark_loaded(cursor, file, sha256, header, self.model.model_id)
        return Outcome(source_file_id, file.drop.uri, Status.REPLACED if anew else Status.LOADED, *counts)

    def _is_to_do(self, file: SourceFile, replace: bool) -> bool:
        if file.status == "seen":
            return True
        if not replace or file.status not in ("loaded", "rejected"):
            return False
        with self.connection.cursor() as cursor:
            # A retried task must not replace again what it replaced; a run that is planned anew may.
            cursor.execute(
                "SELECT EXISTS (SELECT FROM sentiment.scoring_batch LEFT JOIN sentiment.scoring_run USING (run_id)"
                " WHERE source_file_id = %s AND run_id = %s AND kind IN ('load', 'replace')"
                " AND finished_at >= coalesce(planned_at, '-infinity'))",
                (file.source_file_id, self.run_id),
            )
            return cursor.fetchone() == (False,)

    def _refuse_known_content(self, file: SourceFile) -> None:
        with self._body(file) as body:
            sha256 = body.finish()
        with self.connection.cursor() as cursor:
            if ledger.loaded_with_content(cursor, sha256, besides=file.source_file_id):
                raise _SameContent(sha256)

    def _stream(self, file: SourceFile, writer: BatchWriter) -> tuple[bytes, bytes]:
        """Store the file's rows block by block, while the next blocks are read and scored.

        Returns the object's hash and the file's header as it stands there.
        """
        repeats = RepeatFilter(StoredReviews(self.connection, file))
        with self._body(file) as body:
            blocks = _timed(self._records(body, file), writer.seconds, "read")
            with ahead(blocks) as read, ahead(self._score(read, file, writer)) as scored:
                for rows in scored:
                    header = rows.header
                    with _clock(writer.seconds, "write"):
                        self._write(rows, repeats, writer)
            if writer.rows_in == 0:
                raise FileRejected(reason=RejectCode.NO_ROWS, why=f"{file.drop.uri} has a header and no row below it")
            return body.finish(), header

    def _records(self, body: Body, file: SourceFile) -> Iterator[RecordBlock]:
        limits = self.settings
        return read_records(body, body.delimiter, limits.block_bytes, limits.max_record_bytes, file.drop.uri)

    def _score(self, blocks: Iterator[RecordBlock], file: SourceFile, writer: BatchWriter) -> Iterator[_ScoredRows]:
        """Hold records against the contract and score the good ones; the first record is the header."""
        first = next(blocks, None)
        if first is None:
            raise FileRejected(reason=RejectCode.EMPTY_FILE, why=f"{file.drop.uri} is empty")
        header = Header(first.fields(0), self.settings.text_columns, file.drop.uri)
        validator = Validator(header, self.settings.max_text_bytes, self.settings.bad_values)
        for block in chain((first.records(1),), blocks):
            with _clock(writer.seconds, "validate"):
                batch, rejected = validator.validate(block)
                keys = review_keys(file.source, batch.review_id)
            with _clock(writer.seconds, "score"):
                scores = self.model.scorer.score(batch.text)
            yield _ScoredRows(first.raw(0), batch, keys, scores, rejected)

    def _write(self, rows: _ScoredRows, repeats: RepeatFilter, writer: BatchWriter) -> None:
        sifted = repeats.sift(rows.batch, rows.keys)
        kept = sifted.rows
        writer.write(rows.batch.take(kept), rows.keys.take(kept), rows.scores.take(kept))
        writer.reject(rows.rejected + sifted.rejected)
        writer.duplicates += sifted.duplicates

    @contextmanager
    def _body(self, file: SourceFile) -> Iterator[Body]:
        drop = file.drop
        if drop.named_day is not None and drop.named_day != drop.day.isoformat():
            raise FileRejected(
                reason=RejectCode.INVALID_DAY,
                why=f"{drop.uri} names the day dt={drop.named_day}, which is no YYYY-MM-DD",
            )
        with self.storage.open(drop) as stored:
            yield Body(stored, drop, self.settings.max_expanded_bytes)

    def _settle_duplicate(self, source_file_id: int, sha256: bytes, replace: bool) -> Outcome:
        with self.connection, self.connection.cursor() as cursor:
            file = ledger.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            ledger.lock_heads(cursor)
            original = ledger.loaded_with_content(cursor, sha256, besides=source_file_id)
            if file.status in ("seen", "rejected") and original is not None:
                ledger.mark_duplicate(cursor, file, sha256, original)
                why = f"its bytes are those of {ledger.get(cursor, original).drop.uri}"
                return Outcome(source_file_id, file.drop.uri, Status.DUPLICATE, reason=why)
        # Another worker came between the two transactions; look again at what is to do now.
        return self.load(source_file_id, replace)

    def _settle_rejected(self, source_file_id: int, rejection: FileRejected) -> Outcome:
        code, why = rejection.details["reason"], rejection.details["why"]
        with self.connection, self.connection.cursor() as cursor:
            file = ledger.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            if file.status not in ("seen", "rejected"):
                return Outcome(source_file_id, file.drop.uri, Status.KEPT, reason=f"{code}: {why}")
            ledger.mark_rejected(cursor, file, code, why)
            return Outcome(source_file_id, file.drop.uri, Status.REJECTED, reason=f"{code}: {why}")


@contextmanager
def _clock(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - start


def _timed(blocks: Iterator[RecordBlock], seconds: dict[str, float], stage: str) -> Iterator[RecordBlock]:
    while True:
        with _clock(seconds, stage):
            block = next(blocks, None)
        if block is None:
            return
        yield block
