"""Read one file of the ledger: its versions, batches, contract and rejected rows."""

import json
from datetime import date, datetime
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.drops.reading import column_names, summary
from sentiment_plugin.data.raw_text import shown
from sentiment_plugin.database import reading

MOST_VERSIONS = 20
MOST_BATCHES = 50
FIRST_ROWS = 20
RAW_BYTES = 400  # of a rejected row; a row can have megabytes


class File(NamedTuple):
    """An object version in the ledger. `percent` is how much of it a running load has read, None without one."""

    source_file_id: int
    bucket: str
    key: str
    version_token: str
    source: str
    day: date
    size: int
    status: str
    live: bool
    reject_code: str | None
    reject_reason: str | None
    duplicate_of: int | None
    rows_removed: int
    last_modified: datetime
    first_seen_at: datetime
    finished_at: datetime | None
    percent: int | None
    loaded_by: str | None

    @property
    def state(self) -> str:
        """The state as one word."""
        if self.status != "loaded":
            return self.status
        return "live" if self.live else "superseded"


class Version(NamedTuple):
    """A version of the same key."""

    source_file_id: int
    status: str
    live: bool
    last_modified: datetime
    size: int


class Batch(NamedTuple):
    """A commit of the file. `group_id` is the index of the mapped task that made it, if its run was planned."""

    batch_id: int
    kind: str
    rows_in: int
    rows_scored: int
    rows_rejected: int
    rows_duplicate: int
    run_id: str
    code_version: str
    started_at: datetime
    finished_at: datetime
    reading: dict[str, Any] | None
    warnings: list[str] | None
    model_digest: str
    mlflow_versions: list[int] | None
    group_id: int | None

    @property
    def contract(self) -> int | None:
        """The version of the contract under which the file was read. None for a batch that read no file."""
        return None if self.reading is None else int(self.reading.get("contract") or 0)

    @property
    def form(self) -> str:
        """How the file was read."""
        return "" if self.reading is None else summary(self.reading)

    @property
    def columns(self) -> str:
        """Which columns were used."""
        return "" if self.reading is None else column_names(self.reading)


class Contract(NamedTuple):
    """A version of the contract of the file's source."""

    version: int
    document: dict[str, Any]
    note: str
    set_by: str
    set_at: datetime

    @property
    def text(self) -> str:
        """The contract as readable JSON."""
        return json.dumps(self.document, indent=2, ensure_ascii=False)


class Reason(NamedTuple):
    """Rejected rows of the file with one code. A replay can still load `waiting` of them, but never erased ones."""

    code: str
    rows: int
    waiting: int


class RejectedRow(NamedTuple):
    """A rejected row, with the first of its bytes as text that is safe to show."""

    line: int
    code: str
    reason: str
    text: str | None
    resolved_by: int | None


class FullFile(NamedTuple):
    """All that the page of a file shows. `current_contract` is 0 if the source has none."""

    file: File
    versions: list[Version]
    batches: list[Batch]
    contracts: list[Contract]
    current_contract: int
    reasons: list[Reason]
    rows: list[RejectedRow]

    @property
    def replayable(self) -> int:
        """The rejected rows that a replay would try. A file that was rejected as a whole counts as one."""
        return 1 if self.file.status == "rejected" else sum(reason.waiting for reason in self.reasons)

    @property
    def readable(self) -> bool:
        """Whether the file can be read again."""
        return self.file.status in ("loaded", "rejected")


FILE = """
    SELECT f.source_file_id, bucket, key, version_token, source, day, size, status, l.source_file_id IS NOT NULL,
           reject_code, reject_reason, duplicate_of, rows_removed, last_modified, first_seen_at, finished_at,
           round(100.0 * p.bytes_read / nullif(size, 0))::integer, p.run_id
    FROM sentiment.source_file f LEFT JOIN sentiment.live_file l USING (source_file_id)
    LEFT JOIN sentiment.load_progress p USING (source_file_id)
    WHERE source_file_id = %s
"""
VERSIONS = """
    SELECT source_file_id, status, l.source_file_id IS NOT NULL, last_modified, size
    FROM sentiment.source_file LEFT JOIN sentiment.live_file l USING (source_file_id)
    WHERE bucket = %s AND key = %s ORDER BY last_modified DESC, source_file_id DESC LIMIT %s
"""
BATCHES = """
    SELECT batch_id, kind, rows_in, rows_scored, rows_rejected, rows_duplicate, run_id, code_version, started_at,
           finished_at, reading, warnings, digest, mlflow_versions,
           (SELECT group_id FROM sentiment.planned_file planned
            WHERE planned.run_id = batch.run_id AND planned.source_file_id = batch.source_file_id)
    FROM sentiment.scoring_batch batch JOIN sentiment.model USING (model_id)
    WHERE source_file_id = %s ORDER BY batch_id DESC LIMIT %s
"""
CONTRACTS = """
    SELECT version, contract, note, set_by, set_at FROM sentiment.source_contract
    WHERE source = %(source)s AND (version = ANY (%(used)s) OR version = (
        SELECT max(version) FROM sentiment.source_contract WHERE source = %(source)s))
    ORDER BY version DESC
"""
REASONS = """
    SELECT code, count(*), count(*) FILTER (WHERE resolved_by IS NULL AND code <> 'erased')
    FROM sentiment.rejected_row WHERE source_file_id = %s GROUP BY code ORDER BY count(*) DESC, code
"""
ROWS = """
    SELECT line, code, reason, substr(raw, 1, %s), octet_length(raw), resolved_by FROM sentiment.rejected_row
    WHERE source_file_id = %s ORDER BY resolved_by IS NOT NULL, line LIMIT %s
"""


def read(url: str, source_file_id: int) -> FullFile | None:
    """Return a file, or None if the ledger has no such file. Raises the errors of `reading`."""
    with reading(url) as cursor:
        cursor.execute(FILE, (source_file_id,))
        row = cursor.fetchone()
        if row is None:
            return None
        file = File(*row)
        cursor.execute(VERSIONS, (file.bucket, file.key, MOST_VERSIONS))
        versions = [Version(*found) for found in cursor]
        cursor.execute(BATCHES, (source_file_id, MOST_BATCHES))
        batches = [Batch(*found) for found in cursor]
        contracts = _contracts(cursor, file.source, batches)
        cursor.execute(REASONS, (source_file_id,))
        reasons = [Reason(*found) for found in cursor]
        cursor.execute(ROWS, (RAW_BYTES, source_file_id, FIRST_ROWS))
        rows = [
            RejectedRow(line, code, reason, None if raw is None else shown(bytes(raw), length), resolved_by)
            for line, code, reason, raw, length, resolved_by in cursor
        ]
    current = contracts[0].version if contracts else 0
    return FullFile(file, versions, batches, contracts, current, reasons, rows)


def _contracts(cursor: Cursor, source: str, batches: list[Batch]) -> list[Contract]:
    """Return the contracts of the batches and the current one, newest first."""
    used = sorted({batch.contract for batch in batches if batch.contract})
    cursor.execute(CONTRACTS, {"source": source, "used": used})
    return [Contract(*found) for found in cursor]
