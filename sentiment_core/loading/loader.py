"""Load one file in one transaction: reader → validator → scorer → deduplication → writer.

The file's rows always appear completely or not at all, and exactly once for each model. Every function of this module
is idempotent: it can be called again for the same file at any time, even by two workers at the same time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final, NamedTuple

import psycopg2.errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.connection import Connection, database_errors
from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.deduplication import Deduplicator
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.drops.validation import require_good_rows
from sentiment_core.errors import ClaimHeld, FileRejected
from sentiment_core.ledger import rollups, source_files
from sentiment_core.ledger.erasure import Erasures
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.ledger.source_contracts import current_contract
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading.batch_writer import BatchWriter, RowCounts
from sentiment_core.loading.ingestion import Ingestion, clock, first_in_parts
from sentiment_core.loading.prefetch import prefetch
from sentiment_core.loading.progress import NoProgress, Progress
from sentiment_core.loading.stored_reviews import StoredReviews
from sentiment_core.settings import Settings

RETRY_S: Final = 0.2


class LoadStatus(StrEnum):
    """The outcome of one call for a file."""

    LOADED = "loaded"
    REPLACED = "replaced"
    RESCORED = "rescored"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"  # the requested work had already been done
    REPLAYED = "replayed"
    KEPT = "kept"  # the file was to be replaced but can no longer be read: its rows stay unchanged


class LoadOutcome(NamedTuple):
    """The outcome of one call for a file, and the row counts of its batch."""

    source_file_id: int
    uri: str
    status: LoadStatus
    rows_in: int = 0
    rows_scored: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0
    reason: str = ""
    warnings: tuple[str, ...] = ()  # about the file, of a batch that read it
    seconds: float = 0  # duration of the call, as a run measured it


class _SameContent(Exception):  # not an error: rolls back the rows of a file that turned out to be a duplicate
    def __init__(self, sha256: bytes) -> None:
        self.sha256 = sha256


class _OtherDay(Exception):  # not an error: the contract now finds another day than the ledger has
    pass


class Loader:
    """Loads files with one model, for one run, through one connection."""

    def __init__(
        self,
        connection: Connection,
        storage: Storage,
        model: ScoringModel,
        settings: Settings,
        run_id: str,
        progress: Progress | None = None,
    ) -> None:
        self.connection = connection
        self.storage = storage
        self.model = model
        self.settings = settings
        self.run_id = run_id
        self.progress = progress or NoProgress()

    def load(self, source_file_id: int, replace: bool = False) -> LoadOutcome:
        """Bring one file of the ledger to its final state.

        With `replace`, a loaded file is read and scored again, and a rejected file is retried, once per run. So is a
        duplicate of a file of another source, as release 0.2.0 and earlier marked it. Raises `TransientError` (nothing
        was stored) and `TerminalError`. A file that cannot be read is an outcome, not an error.
        """
        source_files.settle_day(self.connection, source_file_id)
        source_files.ensure_month(self.connection, source_file_id)
        try:
            with self.connection:
                return self._load(source_file_id, replace)
        except _OtherDay:
            return self.load(source_file_id, replace)  # the contract of the source was changed in between
        except _SameContent as same:
            return self._record_duplicate(source_file_id, same.sha256, replace)
        except FileRejected as rejection:
            return self._record_rejection(source_file_id, rejection)

    def _load(self, source_file_id: int, replace: bool) -> LoadOutcome:
        with self.connection.cursor() as cursor:
            file = source_files.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            if not self._needs_load(file, replace):
                return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.SKIPPED, reason=f"it is {file.status}")
            if not source_files.has_month(cursor, file.day):
                why = "the month of its day has expired, so its rows can no longer be loaded"
                raise FileRejected(reason=RejectCode.MONTH_EXPIRED, why=why)
            stored = current_contract(cursor, file.source)
            rules = Rules(self.settings, stored.contract, stored.version)
            if file.status in ("seen", "rejected") and file.drop.day(stored.contract.day_template) != file.day:
                raise _OtherDay
            if file.status != "loaded" and source_files.looks_loaded(cursor, file):
                self._stop_if_known_content(file, rules)
            replacing = file.status == "loaded"
            writer = BatchWriter(self.connection, file, self.model, "replace" if replacing else "load", self.run_id)
            if replacing:
                writer.clear()
        try:
            sha256, header = self._stream(file, writer, rules)
        finally:
            self.progress.done(file)
        counts = self._show(writer, sha256, header)
        status = LoadStatus.REPLACED if replacing else LoadStatus.LOADED
        return LoadOutcome(source_file_id, file.drop.uri, status, *counts, warnings=tuple(writer.warnings))

    def _show(self, writer: BatchWriter, sha256: bytes, header: bytes) -> RowCounts:
        """Mark the file as loaded, and update what the views show, under the lock of the heads.

        If the file supersedes rows that another worker is replacing, release that lock and wait for this worker, which
        needs it too. Raises `ClaimHeld` when it has not finished after the lock timeout.
        """
        deadline = time.monotonic() + self.settings.lock_timeout_s
        with self.connection.cursor() as cursor:
            cursor.execute("SAVEPOINT before_heads")
            while True:
                try:
                    return self._show_now(cursor, writer, sha256, header)
                except psycopg2.errors.LockNotAvailable as error:
                    cursor.execute("ROLLBACK TO SAVEPOINT before_heads")
                    if time.monotonic() > deadline:
                        uri = "a file whose rows this one supersedes"
                        raise ClaimHeld(uri=uri, seconds=self.settings.lock_timeout_s) from error
                    time.sleep(RETRY_S)

    def _show_now(self, cursor: Cursor, writer: BatchWriter, sha256: bytes, header: bytes) -> RowCounts:
        source_files.lock_heads(cursor)
        if source_files.loaded_with_content(cursor, writer.file, sha256):
            raise _SameContent(sha256)
        counts = writer.finish(self.settings.code_version)
        if writer.kind == "replace":
            rollups.uncount_cleared(cursor)
        of_rows = writer.sums.sums, writer.heads.heads
        source_files.mark_loaded(cursor, writer.file, sha256, header, self.model.model_id, *of_rows)
        return counts

    def _needs_load(self, file: SourceFile, replace: bool) -> bool:
        if file.status == "seen":
            return True
        if not replace:
            return False
        with self.connection.cursor() as cursor:
            if file.status not in ("loaded", "rejected"):
                return source_files.duplicates_another_source(cursor, file)
            # A retried task must not replace a file twice. A run that is planned again may replace it again.
            cursor.execute(
                "SELECT EXISTS (SELECT FROM sentiment.scoring_batch LEFT JOIN sentiment.scoring_run USING (run_id)"
                " WHERE source_file_id = %s AND run_id = %s AND kind IN ('load', 'replace')"
                " AND finished_at >= coalesce(planned_at, '-infinity'))",
                (file.source_file_id, self.run_id),
            )
            return cursor.fetchone() == (False,)

    def _stop_if_known_content(self, file: SourceFile, rules: Rules) -> None:
        with self._body(file, rules) as body:
            sha256 = body.finish()
        with self.connection.cursor() as cursor:
            if source_files.loaded_with_content(cursor, file, sha256):
                raise _SameContent(sha256)

    def _stream(self, file: SourceFile, writer: BatchWriter, rules: Rules) -> tuple[bytes, bytes]:
        """Store the file's rows block by block, with prefetches that check and score the next blocks meanwhile.

        Returns the SHA-256 digest of the stored object and the unchanged bytes of the file's header.
        """
        with self.connection.cursor() as cursor:
            erasures = Erasures.read(cursor, self.settings, file.source)
        ingestion = Ingestion(writer, rules, erasures, Deduplicator(StoredReviews(self.connection, file)))
        with self._body(file, rules) as body:
            blocks = ingestion.check(self._read(body, writer, rules))
            with prefetch(first_in_parts(blocks)) as checked, prefetch(ingestion.score(checked)) as scored:
                for rows in scored:
                    header = rows.header
                    writer.reject(ingestion.store(rows))
                    self.progress.report(file, body.stored_bytes, writer.rows_in)
            require_good_rows(writer.rows_in, writer.reject_codes, self.settings.max_rejected_ratio, file.drop.uri)
            return body.finish(), header

    def _read(self, body: Body, writer: BatchWriter, rules: Rules) -> Iterator[RecordBlock]:
        blocks = read_body(body, rules)
        while True:
            with clock(writer.seconds, "read"):
                block = next(blocks, None)
            if block is None:
                return
            yield block

    @contextmanager
    def _body(self, file: SourceFile, rules: Rules) -> Iterator[Body]:
        drop = file.drop
        drop.require_day(rules.contract.day_template)
        with self.storage.open(drop) as stored:
            yield Body(stored, drop, self.settings.max_expanded_bytes)

    def _record_duplicate(self, source_file_id: int, sha256: bytes, replace: bool) -> LoadOutcome:
        with self.connection, self.connection.cursor() as cursor:
            file = source_files.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            source_files.lock_heads(cursor)
            original = source_files.loaded_with_content(cursor, file, sha256)
            undecided = file.status in ("seen", "rejected") or source_files.duplicates_another_source(cursor, file)
            if undecided and original is not None:
                source_files.mark_duplicate(cursor, file, sha256, original)
                why = f"it has the same bytes as {source_files.get(cursor, original).drop.uri}"
                return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.DUPLICATE, reason=why)
        # Another worker changed the state between the two transactions. Determine again what is left to do.
        return self.load(source_file_id, replace)

    def _record_rejection(self, source_file_id: int, rejection: FileRejected) -> LoadOutcome:
        code, why = rejection.details["reason"], rejection.details["why"]
        with self.connection, self.connection.cursor() as cursor:
            file = source_files.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            if file.status == "loaded" or source_files.duplicates_another_source(cursor, file):
                return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.KEPT, reason=f"{code}: {why}")
            if file.status not in ("seen", "rejected"):
                return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.SKIPPED, reason=f"it is {file.status}")
            source_files.mark_rejected(cursor, file, code, why)
            return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.REJECTED, reason=f"{code}: {why}")


def load_drop(loader: Loader, drop: Drop, replace: bool) -> LoadOutcome:
    """Register a drop in the ledger and load it. Raises the same errors as `Loader.load`."""
    with database_errors():
        with loader.connection, loader.connection.cursor() as cursor:
            source_files.register(cursor, [drop], loader.settings.incoming_prefix)
            source_file_id = source_files.find(cursor, drop)
        return loader.load(source_file_id, replace)
