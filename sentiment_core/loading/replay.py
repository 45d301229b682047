"""Replay the rejected rows of loaded files after the contract or the settings have changed.

A replay does not read the object store. The quarantine keeps the bytes of each row, and the ledger keeps the bytes of
the file's header.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.database.connection import Connection
from sentiment_core.drops.body import file_format
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.deduplication import Deduplicator
from sentiment_core.drops.raw_rows import RawRow, RawRows, raw_header
from sentiment_core.drops.recognition import text_column_test
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
    row: RawRow
    code: str
    reason: str


class Replayer:
    """Replays the quarantine of loaded files with one model, for one run, through one connection."""

    def __init__(self, connection: Connection, model: ScoringModel, settings: Settings, run_id: str) -> None:
        self.connection = connection
        self.model = model
        self.settings = settings
        self.run_id = run_id

    def replay(self, source_file_id: int) -> LoadOutcome:
        """Load the file's rejected rows that now satisfy the contract. The others stay unchanged in the quarantine.

        The contract of the file's source applies as it is now. If it declares a quoting rule, a raw row may have become
        several records. Then each record gets a quarantine entry with its own line and bytes in place of the raw row,
        as soon as one of them is loaded.

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
            Rescorer(self.connection, self.model, self.settings, self.run_id).rescore_claimed(file, make_current=False)
            source_files.show_scores(cursor, file, self.model.model_id, new_batch=writer.batch_id)
            source_files.upsert_heads(cursor, source_file_id, file.day)
            warnings = tuple(writer.warnings)
            return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.REPLAYED, *counts, warnings=warnings)

    def _ingest(self, file: SourceFile, header: bytes, writer: BatchWriter, rules: Rules) -> None:
        with self.connection.cursor() as cursor:
            erasures = Erasures.read(cursor, self.settings, file.source)
        deduplicator = Deduplicator(StoredReviews(self.connection, file), all_known=True)
        ingestion = Ingestion(writer, rules, erasures, deduplicator)
        reader: RawRows | None = None
        form = rules.contract.form
        splits = form.quoting is not None
        for quarantined in self._unresolved(file, with_unclosed=splits):
            rows = [entry.row for entry in quarantined]
            if reader is None:
                delimiter, _ = file_format(file.drop)
                is_header = text_column_test(rules.text_names)
                found = raw_header(header, [row.raw for row in rows], delimiter, is_header, form)
                reader = RawRows(found, file.drop.uri, splits=splits)
            blocks, raw_lines = reader.blocks(rows)
            try:
                for scored in ingestion.score(ingestion.check(blocks)):
                    self._store(scored, ingestion, quarantined, raw_lines)
            except FileRejected as rejection:
                # The header has no text column under the current settings. Its rows stay in the quarantine.
                writer.reject_codes[rejection.details["reason"]] += len(rows)

    def _store(
        self, rows: ScoredRows, ingestion: Ingestion, quarantined: Sequence[_Quarantined], raw_lines: dict[int, int]
    ) -> None:
        records = {int(line): record for record, line in enumerate(rows.batch.block.line)}
        accepted = set(rows.batch.line.tolist())
        still_rejected = {row.line: row for row in ingestion.store(rows)}
        ingestion.writer.count_rejected(list(still_rejected.values()))
        accepted -= still_rejected.keys()
        writer = ingestion.writer
        file = writer.file.source_file_id
        with self.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sentiment.rejected_row SET resolved_by = %s WHERE source_file_id = %s AND line = ANY (%s)",
                (writer.batch_id, file, sorted(accepted - raw_lines.keys())),
            )
            split = {raw_lines[line] for line in accepted & raw_lines.keys()}
            for entry in quarantined:
                if entry.row.line not in split:
                    continue
                lines = sorted(line for line, raw_line in raw_lines.items() if raw_line == entry.row.line)
                parts = [
                    (file, line, writer.batch_id, rejected.code, rejected.reason, rejected.raw, None)
                    if (rejected := still_rejected.get(line))
                    else (
                        *(file, line, writer.batch_id, entry.code, entry.reason),
                        rows.batch.block.raw(records[line]),
                        writer.batch_id,
                    )
                    for line in lines
                ]
                self._split(cursor, entry.row.line, parts)

    def _split(self, cursor: Cursor, line: int, parts: Sequence[tuple[Any, ...]]) -> None:
        """Put records in the place of the raw row that they were. The first takes over the row's entry."""
        file, first_line, _, *values = parts[0]
        cursor.execute(
            "UPDATE sentiment.rejected_row SET line = %s, code = %s, reason = %s, raw = %s, resolved_by = %s"
            " WHERE source_file_id = %s AND line = %s",
            (first_line, *values, file, line),
        )
        execute_values(
            cursor,
            "INSERT INTO sentiment.rejected_row (source_file_id, line, batch_id, code, reason, raw, resolved_by)"
            " VALUES %s",
            parts[1:],
        )

    def _unresolved(self, file: SourceFile, *, with_unclosed: bool) -> Iterator[list[_Quarantined]]:
        with self.connection.cursor("rows_to_replay") as cursor:
            cursor.execute(
                "SELECT line, raw, code, reason FROM sentiment.rejected_row"
                " WHERE source_file_id = %s AND resolved_by IS NULL AND raw IS NOT NULL AND (%s OR code <> %s)"
                " ORDER BY line",
                (file.source_file_id, with_unclosed, RejectCode.UNCLOSED_QUOTE),
            )
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield [
                    _Quarantined(RawRow(line, bytes(raw), code == RejectCode.UNCLOSED_QUOTE), code, reason)
                    for line, raw, code, reason in rows
                ]

    def _skipped(self, file: SourceFile, reason: str) -> LoadOutcome:
        return LoadOutcome(file.source_file_id, file.drop.uri, LoadStatus.SKIPPED, reason=reason)
