"""Replay the rejected rows of loaded files after the contract or the settings have changed.

A replay does not read the object store. The quarantine keeps the bytes of each row, and the ledger keeps the bytes of
the file's header.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sentiment_core.database.connection import Connection
from sentiment_core.drops.body import file_format
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock, joined, scan
from sentiment_core.drops.deduplication import Deduplicator
from sentiment_core.drops.recognition import recognise, text_column_test
from sentiment_core.drops.record_kernel import DOUBTFUL, UNCLOSED
from sentiment_core.drops.source_contract import Rules
from sentiment_core.errors import FileRejected
from sentiment_core.ledger import source_files
from sentiment_core.ledger.erasure import Erasures
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.ledger.source_contracts import current_contract
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading.batch_writer import BatchWriter
from sentiment_core.loading.ingestion import Ingestion, ScoredRows
from sentiment_core.loading.loader import LoadOutcome, LoadStatus
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.loading.stored_reviews import StoredReviews
from sentiment_core.settings import Settings

FETCH_ROWS = 2000


class _Quarantined(NamedTuple):
    line: list[int]
    raw: list[bytes]


class Replayer:
    """Replays the quarantine of loaded files with one model, for one run, through one connection."""

    def __init__(self, connection: Connection, model: ScoringModel, settings: Settings, run_id: str) -> None:
        self.connection = connection
        self.model = model
        self.settings = settings
        self.run_id = run_id

    def replay(self, source_file_id: int) -> LoadOutcome:
        """Load the file's rejected rows that now satisfy the contract. The others stay unchanged in the quarantine.

        A row that was loaded names this batch in `resolved_by`, so that no later replay loads it again. A row that
        is a duplicate of a stored row does so too. All rows of the file get this model's scores, and the views show
        them. Raises `TransientError` (nothing was stored) and `TerminalError`.
        """
        with self.connection, self.connection.cursor() as cursor:
            file = source_files.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            if file.status != "loaded":
                return self._skipped(file, f"it is {file.status}")
            if file.header is None:
                return self._skipped(file, "the ledger does not have its header. Run `sentiment load --replace`")
            writer = BatchWriter(self.connection, file, self.model, "replay", self.run_id)
            stored = current_contract(cursor, file.source)
            rules = Rules(self.settings, stored.contract, stored.version)
            self._ingest(file, file.header, writer, rules)
            if writer.scored + writer.duplicates == 0:
                return self._skipped(file, f"none of its {writer.rejected:,} rejected rows satisfies the contract")
            counts = writer.finish(self.settings.code_version)
            Rescorer(self.connection, self.model, self.settings, self.run_id).rescore_claimed(file, make_current=True)
            source_files.lock_heads(cursor)
            source_files.upsert_heads(cursor, source_file_id, file.day)
            warnings = tuple(writer.warnings)
            return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.REPLAYED, *counts, warnings=warnings)

    def _ingest(self, file: SourceFile, header: bytes, writer: BatchWriter, rules: Rules) -> None:
        with self.connection.cursor() as cursor:
            erasures = Erasures.read(cursor, self.settings, file.source)
        deduplicator = Deduplicator(StoredReviews(self.connection, file), all_known=True)
        ingestion = Ingestion(writer, rules, erasures, deduplicator)
        for quarantined in self._unresolved(file):
            try:
                for rows in ingestion.score(self._blocks(file, header, quarantined, rules)):
                    self._store(rows, ingestion)
            except FileRejected as rejection:
                # The header has no text column under the current settings. Its rows stay in the quarantine.
                writer.reject_codes[rejection.details["reason"]] += len(quarantined.line)

    def _store(self, rows: ScoredRows, ingestion: Ingestion) -> None:
        still_rejected = ingestion.store(rows)
        ingestion.writer.count_rejected(still_rejected)
        lines = rows.batch.line.tolist()
        resolved = sorted(set(lines) - {row.line for row in still_rejected})
        with self.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sentiment.rejected_row SET resolved_by = %s WHERE source_file_id = %s AND line = ANY (%s)",
                (ingestion.writer.batch_id, ingestion.writer.file.source_file_id, resolved),
            )

    def _blocks(
        self, file: SourceFile, header: bytes, quarantined: _Quarantined, rules: Rules
    ) -> Iterator[RecordBlock]:
        """Yield the header and the rows as records, with the line numbers of the original file.

        Each row is read alone, so that a stray quote cannot reach another row. Bytes that are now several records, or
        none, stay in the quarantine.
        """
        delimiter, _ = file_format(file.drop)
        sample = b"\n".join([header, *quarantined.raw])
        dialect = recognise(sample, False, delimiter, text_column_test(rules.text_names)).dialect
        rows = [scan(raw, dialect, line, final=True)[0] for line, raw in zip(*quarantined, strict=True)]
        # One block, because the values behind the header decide what a guessed column is.
        block = joined([scan(header, dialect, 1, final=True)[0], *(row for row in rows if row.size == 1)])
        # In the file, the quote was not unclosed: those rows are not replayed.
        yield block._replace(flags=block.flags & ~np.uint8(UNCLOSED | DOUBTFUL), has_header=True)

    def _unresolved(self, file: SourceFile) -> Iterator[_Quarantined]:
        with self.connection.cursor("rows_to_replay") as cursor:
            cursor.execute(
                "SELECT line, raw FROM sentiment.rejected_row"
                " WHERE source_file_id = %s AND resolved_by IS NULL AND raw IS NOT NULL AND code <> %s ORDER BY line",
                (file.source_file_id, RejectCode.UNCLOSED_QUOTE),
            )
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield _Quarantined([line for line, _ in rows], [bytes(raw) for _, raw in rows])

    def _skipped(self, file: SourceFile, reason: str) -> LoadOutcome:
        return LoadOutcome(file.source_file_id, file.drop.uri, LoadStatus.SKIPPED, reason=reason)
