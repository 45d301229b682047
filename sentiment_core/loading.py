"""Loads one file: reader → validator → repeat filter → scorer → writer, in one transaction.

Whatever happens, the file's rows appear entirely or not at all, and once for each model. Every function of this module
may be called again for the same file at any time, also by two workers at once.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from sentiment_core import ledger
from sentiment_core.body import Body
from sentiment_core.contract import Header, RejectCode
from sentiment_core.database import Connection
from sentiment_core.errors import FileRejected
from sentiment_core.ledger import SourceFile
from sentiment_core.model import Model
from sentiment_core.records import RecordBlock, read_records
from sentiment_core.repeats import RepeatFilter
from sentiment_core.settings import Settings
from sentiment_core.storage import Storage
from sentiment_core.validation import Validator
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
        with self.connection, self.connection.cursor() as cursor:
            day = ledger.get(cursor, source_file_id).day
        ledger.ensure_month(self.connection, day)
        try:
            with self.connection:
                return self._load(source_file_id, replace)
        except _SameContent as same:
            return self._settle_duplicate(source_file_id, same.sha256, replace)
        except FileRejected as rejection:
            return self._settle_rejected(source_file_id, rejection)

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
        sha256 = self._stream(file, writer)
        with self.connection.cursor() as cursor:
            ledger.lock_heads(cursor)
            if ledger.loaded_with_content(cursor, sha256, besides=source_file_id):
                raise _SameContent(sha256)
            counts = writer.finish(self.settings.code_version)
            ledger.mark_loaded(cursor, file, sha256, self.model.model_id)
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

    def _stream(self, file: SourceFile, writer: BatchWriter) -> bytes:
        """Store the file's rows block by block, and return the hash of the object."""
        seconds = writer.seconds
        repeats = RepeatFilter(self.connection, file)
        with self._body(file) as body:
            validator = None
            blocks = read_records(
                body, body.delimiter, self.settings.block_bytes, self.settings.max_record_bytes, file.drop.uri
            )
            for block in _timed(blocks, seconds, "read"):
                rows = block
                if validator is None:
                    header = Header(block.fields(0), self.settings.text_columns, file.drop.uri)
                    validator = Validator(header, self.settings.max_text_bytes)
                    rows = block.skip(1)
                with _clock(seconds, "validate"):
                    batch, rejected = validator.validate(rows)
                    sifted = repeats.sift(batch)
                with _clock(seconds, "score"):
                    scores = self.model.scorer.score(sifted.batch.text)
                with _clock(seconds, "write"):
                    writer.write(sifted, rejected, scores)
            if validator is None:
                raise FileRejected(reason=RejectCode.EMPTY_FILE, why=f"{file.drop.uri} is empty")
            if writer.rows_in == 0:
                raise FileRejected(reason=RejectCode.NO_ROWS, why=f"{file.drop.uri} has a header and no row below it")
            return body.finish()

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
