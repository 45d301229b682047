"""The ledger: all object versions ever seen, their claims and outcomes, and the live files that the views show.

Functions take a cursor, and the caller owns the transaction, so that a file's rows and its entry commit together.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

import psycopg2.errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import Connection
from sentiment_core.database.planner import without_nested_loops
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop
from sentiment_core.errors import ClaimHeld, LoadsUnderWay, MaintenanceRuns
from sentiment_core.ledger import rollups
from sentiment_core.ledger.file_heads import FileHeads, copied
from sentiment_core.ledger.file_sums import FileSums, count_sums
from sentiment_core.ledger.source_contracts import current_contract, day_templates

# A worker that is connected but does nothing must eventually lose its claim.
IDLE_IN_TRANSACTION = "10min"

COLUMNS = (
    "source_file_id, bucket, key, etag, version_id, last_modified, size, source, day, status, sha256, current_model_id,"
    " header"
)


class SourceFile(NamedTuple):
    """An entry of the ledger."""

    source_file_id: int
    bucket: str
    key: str
    etag: str
    version_id: str | None
    last_modified: datetime
    size: int
    source: str
    day: date
    status: str
    sha256: bytes | None
    current_model_id: int | None
    header: bytes | None

    @property
    def drop(self) -> Drop:
        """Return the object version of this entry."""
        return Drop(self.bucket, self.key, self.etag, self.version_id, self.last_modified, self.size)


def register(cursor: Cursor, drops: Iterable[Drop], prefix: str) -> None:
    """Insert the object versions that the ledger does not contain, with their source and day. Memory is bounded.

    The contract of the source says how the key names the day.

    The versions of one listing get ids in the order of their keys, which is the order in which S3 lists them. The ids
    decide the order of files from the same second.
    """
    templates = day_templates(cursor)

    def day(drop: Drop, source: str) -> date:
        return drop.day(templates.get(source))

    execute_values(
        cursor,
        """
        INSERT INTO sentiment.source_file
            (bucket, key, version_token, etag, version_id, last_modified, size, source, day)
        SELECT bucket, key, version_token, etag, version_id, last_modified, size, source, day
        FROM (VALUES %s)
            AS listed (bucket, key, version_token, etag, version_id, last_modified, size, source, day)
        WHERE NOT EXISTS (SELECT FROM sentiment.source_file known
                          WHERE (known.bucket, known.key, known.version_token)
                              = (listed.bucket, listed.key, listed.version_token))
        ORDER BY listed.key COLLATE "C"
        ON CONFLICT (bucket, key, version_token) DO NOTHING
        """,
        (
            (
                drop.bucket,
                drop.key,
                drop.version_token,
                drop.etag,
                drop.version_id,
                drop.last_modified,
                drop.size,
                source,
                day(drop, source),
            )
            for drop in drops
            for source in (drop.source(prefix),)
        ),
        template="(%s, %s, %s, %s, %s::text, %s::timestamptz, %s::bigint, %s, %s::date)",
        page_size=1000,
    )


def find(cursor: Cursor, drop: Drop) -> int:
    """Return the id of a registered drop."""
    cursor.execute(
        "SELECT source_file_id FROM sentiment.source_file WHERE (bucket, key, version_token) = (%s, %s, %s)",
        (drop.bucket, drop.key, drop.version_token),
    )
    return int(cursor.fetchone()[0])  # type: ignore[index]


def get(cursor: Cursor, source_file_id: int) -> SourceFile:
    """Return an entry. Raises `KeyError` when the ledger has no such entry."""
    return _fetch(cursor, source_file_id, "")


def claim(cursor: Cursor, source_file_id: int, lock_timeout_s: float) -> SourceFile:
    """Lock an entry until the transaction ends, so that one worker at a time works on the file, and return it.

    The lock ends with its connection, so the claim of a killed worker is released immediately. All settings and locks
    end with the transaction, so a pooler in transaction mode can be used. Raises `ClaimHeld` when another worker holds
    the claim for longer than `lock_timeout_s`, and `MaintenanceRuns` when an expiry or erasure runs for longer. Raises
    `KeyError` when the ledger has no such entry.
    """
    block_maintenance(cursor, lock_timeout_s)
    try:
        return _fetch(cursor, source_file_id, "FOR NO KEY UPDATE")
    except psycopg2.errors.LockNotAvailable as error:
        raise ClaimHeld(uri=f"source file {source_file_id}", seconds=lock_timeout_s) from error


def block_maintenance(cursor: Cursor, lock_timeout_s: float) -> None:
    """Wait until no expiry or erasure is running, and block new ones until the transaction ends.

    Raises `MaintenanceRuns` when one runs for longer than `lock_timeout_s`.
    """
    set_timeouts(cursor, lock_timeout_s)
    try:
        lock(cursor, AdvisoryLock.MAINTENANCE, shared=True)
    except psycopg2.errors.LockNotAvailable as error:
        raise MaintenanceRuns(seconds=lock_timeout_s) from error


def block_loads(cursor: Cursor, lock_timeout_s: float) -> None:
    """Wait until no load is running, and block new ones until the transaction ends.

    Raises `LoadsUnderWay` when one runs for longer than `lock_timeout_s`.
    """
    set_timeouts(cursor, lock_timeout_s)
    try:
        lock(cursor, AdvisoryLock.MAINTENANCE)
    except psycopg2.errors.LockNotAvailable as error:
        raise LoadsUnderWay(seconds=lock_timeout_s) from error
    lock_heads(cursor)


def set_timeouts(cursor: Cursor, lock_timeout_s: float) -> None:
    """Limit this transaction's wait for a lock to `lock_timeout_s`, and its idle time to `IDLE_IN_TRANSACTION`.

    The transaction is also marked as one that keeps the rollups.
    """
    cursor.execute(
        "SELECT set_config('lock_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true),"
        " set_config(%s, 'kept', true)",
        (f"{lock_timeout_s * 1000:.0f}ms", IDLE_IN_TRANSACTION, rollups.KEPT),
    )


def _fetch(cursor: Cursor, source_file_id: int, locking: str) -> SourceFile:
    cursor.execute(
        f"SELECT {COLUMNS} FROM sentiment.source_file WHERE source_file_id = %s {locking}",  # noqa: S608 - constants
        (source_file_id,),
    )
    row = cursor.fetchone()
    if row is None:
        raise KeyError(source_file_id)
    file = SourceFile(*row)
    return file._replace(sha256=_as_bytes(file.sha256), header=_as_bytes(file.header))


def _as_bytes(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)


def loaded_files(connection: Connection, since: date, until: date) -> list[int]:
    """Return the loaded files of the days from `since` to `until`, both included, in the order they were seen."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_file_id FROM sentiment.source_file"
            " WHERE status = 'loaded' AND day BETWEEN %s AND %s ORDER BY source_file_id",
            (since, until),
        )
        return [int(source_file_id) for (source_file_id,) in cursor]


def lock_heads(cursor: Cursor) -> None:
    """Take the advisory lock under which one transaction at a time decides what the views show.

    Every status change that affects the views takes this lock first. Whether a file is live depends on other files with
    the same key and on its duplicates. Whether a row is a review head depends on other files with the same review ids.
    So two loads must not decide concurrently.
    """
    lock(cursor, AdvisoryLock.HEADS)


def loaded_with_content(cursor: Cursor, file: SourceFile, sha256: bytes) -> int | None:
    """Return the id of another loaded or expired file of the file's source with these bytes, or None if absent."""
    cursor.execute(
        "SELECT source_file_id FROM sentiment.source_file"
        " WHERE source = %s AND sha256 = %s AND status IN ('loaded', 'expired') AND source_file_id <> %s"
        " ORDER BY status DESC LIMIT 1",
        (file.source, sha256, file.source_file_id),
    )
    found = cursor.fetchone()
    return None if found is None else int(found[0])


def looks_loaded(cursor: Cursor, file: SourceFile) -> bool:
    """Return whether another loaded or expired file of the file's source has the same etag and size.

    If so, it is worth hashing this file before loading it.
    """
    cursor.execute(
        "SELECT EXISTS (SELECT FROM sentiment.source_file WHERE etag = %s AND size = %s"
        " AND status IN ('loaded', 'expired')"
        " AND source = %s AND source_file_id <> %s)",
        (file.etag, file.size, file.source, file.source_file_id),
    )
    return bool(cursor.fetchone()[0])  # type: ignore[index]


def duplicates_another_source(cursor: Cursor, file: SourceFile) -> bool:
    """Return whether the file is a duplicate of a file of another source.

    Release 0.2.0 and earlier marked such files. They stay so until they are replaced.
    """
    cursor.execute(
        "SELECT EXISTS (SELECT FROM sentiment.source_file this"
        " JOIN sentiment.source_file original ON original.source_file_id = this.duplicate_of"
        " WHERE this.source_file_id = %s AND original.source <> this.source)",
        (file.source_file_id,),
    )
    return bool(cursor.fetchone()[0])  # type: ignore[index]


def mark_loaded(
    cursor: Cursor,
    file: SourceFile,
    sha256: bytes,
    header: bytes,
    model_id: int,
    sums: FileSums | None,
    heads: FileHeads | None,
) -> None:
    """Mark a file whose rows are all stored and scored as loaded, and update what the views show of it.

    Without the `sums` and `heads` of its rows, these are read back.
    """
    columns = (
        "sha256 = %s, header = %s, current_model_id = %s, rows_removed = 0, reject_code = NULL, reject_reason = NULL,"
        " duplicate_of = NULL"
    )
    _mark(cursor, file, "loaded", columns, sha256, header, model_id)
    show(cursor, file, rewritten=True, sums=sums, heads=heads)


def mark_duplicate(cursor: Cursor, file: SourceFile, sha256: bytes, original: int) -> None:
    """Mark a file as a duplicate of a file with the same bytes, and update what the views show."""
    columns = "sha256 = %s, duplicate_of = %s, reject_code = NULL, reject_reason = NULL"
    _mark(cursor, file, "duplicate", columns, sha256, original)
    show(cursor, file, rewritten=False)


def mark_rejected(cursor: Cursor, file: SourceFile, code: RejectCode, reason: str) -> None:
    """Mark the file as rejected as a whole. The views do not change."""
    _mark(cursor, file, "rejected", "reject_code = %s, reject_reason = %s", code, reason)


def _mark(cursor: Cursor, file: SourceFile, status: str, columns: str, *values: object) -> None:
    # A killed worker may have left its progress entry.
    statement = f"""
        WITH finished AS (DELETE FROM sentiment.load_progress WHERE source_file_id = %s)
        UPDATE sentiment.source_file SET status = %s, {columns}, finished_at = clock_timestamp()
        WHERE source_file_id = %s
        """  # noqa: S608 - constants
    cursor.execute(statement, (file.source_file_id, status, *values, file.source_file_id))


def show(
    cursor: Cursor,
    file: SourceFile,
    *,
    rewritten: bool,
    sums: FileSums | None = None,
    heads: FileHeads | None = None,
) -> None:
    """Update the live files, the rollups and the review heads after a version of the file's key was marked.

    The head of an object key is its newest version that is loaded, duplicate or expired. A loaded file is live while
    the head of any key is this file or a duplicate of it. The head of a review key is the row of a live file with the
    greatest (last_modified, source_file_id). Neither depends on the order in which files were loaded.

    `rewritten` means that all rows of the file are new, and not counted in the rollups. `sums` and `heads` are the sums
    and the heads of these rows, if they are known.
    """
    cursor.execute(LIVE_CHANGES, {"bucket": file.bucket, "key": file.key})
    changes = cursor.fetchall()
    for source_file_id, day, live in changes:
        if live:
            cursor.execute("INSERT INTO sentiment.live_file VALUES (%s)", (source_file_id,))
        else:
            rollups.uncount_file(cursor, source_file_id, day)
            cursor.execute("DELETE FROM sentiment.live_file WHERE source_file_id = %s", (source_file_id,))
            mark_heads_stale(cursor, source_file_id, day)
    new = {source_file_id: day for source_file_id, day, live in changes if live}
    if rewritten:
        new[file.source_file_id] = file.day
    for source_file_id, day in new.items():
        if sums is not None and source_file_id == file.source_file_id:
            count_sums(cursor, source_file_id, sums)
        else:
            rollups.count_file(cursor, source_file_id, day)
    recompute_stale_heads(cursor)
    is_new = (file.source_file_id, file.day, True) in changes
    for source_file_id, day in new.items():
        its_heads = heads if is_new and source_file_id == file.source_file_id else None
        if its_heads is None or not copied(cursor, its_heads):
            upsert_heads(cursor, source_file_id, day)


def mark_new_scores(cursor: Cursor, file: SourceFile, model_id: int) -> None:
    """Mark a model's new scores of superseded rows like those of the current model, and hold the lock of the heads."""
    lock_heads(cursor)
    with without_nested_loops(cursor):
        cursor.execute(
            """
            UPDATE sentiment.score new SET superseded = true FROM sentiment.score shown
            WHERE (new.day, new.source_file_id, new.model_id) = (%(day)s, %(file)s, %(model)s) AND NOT new.superseded
                AND (shown.day, shown.source_file_id, shown.model_id) = (%(day)s, %(file)s, %(current)s)
                AND shown.superseded AND shown.line = new.line
            """,
            {
                "day": file.day,
                "file": file.source_file_id,
                "model": model_id,
                "current": file.current_model_id,
            },
        )


def show_scores(cursor: Cursor, file: SourceFile, model_id: int, new_batch: int | None = None) -> None:
    """Make a model the file's current model, so that the views show its scores of all rows of the file.

    `new_batch` is a batch of this transaction that has added rows to the file.
    """
    rollups.uncount_file(cursor, file.source_file_id, file.day, before_batch=new_batch)
    cursor.execute(
        "UPDATE sentiment.source_file SET current_model_id = %s WHERE source_file_id = %s",
        (model_id, file.source_file_id),
    )
    rollups.count_file(cursor, file.source_file_id, file.day)


def mark_heads_stale(cursor: Cursor, source_file_id: int, day: date) -> None:
    """Record the review keys of a file's rows, so that `recompute_stale_heads` replaces their heads in this file."""
    create_stale_heads(cursor)
    cursor.execute(
        "INSERT INTO stale_head SELECT review_key, source_file_id FROM sentiment.review"
        " WHERE day = %s AND source_file_id = %s AND review_key IS NOT NULL ON CONFLICT DO NOTHING",
        (day, source_file_id),
    )


def create_stale_heads(cursor: Cursor) -> None:
    """Create the temporary table of this transaction that collects the keys for `recompute_stale_heads`."""
    cursor.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS stale_head"
        " (review_key uuid, source_file_id bigint, PRIMARY KEY (review_key, source_file_id)) ON COMMIT DROP"
    )


def recompute_stale_heads(cursor: Cursor) -> None:
    """Delete the stale heads, and make the best remaining row of each of their keys its head and show it."""
    cursor.execute("SELECT to_regclass('pg_temp.stale_head')")
    if cursor.fetchone() == (None,):
        return
    cursor.execute(
        "DELETE FROM sentiment.review_head head USING stale_head"
        " WHERE (head.review_key, head.source_file_id) = (stale_head.review_key, stale_head.source_file_id)"
    )
    cursor.execute("SELECT sentiment.supersede_statement('inserted', false)")
    (unmark,) = cursor.fetchone()  # type: ignore[misc]
    cursor.execute(f"""
        WITH inserted AS (
            INSERT INTO sentiment.review_head (review_key, day, source_file_id, line, last_modified)
            SELECT DISTINCT ON (row.review_key)
                row.review_key, row.day, row.source_file_id, row.line, file.last_modified
            FROM stale_head
            JOIN sentiment.review row USING (review_key)
            JOIN sentiment.live_file live ON live.source_file_id = row.source_file_id
            JOIN sentiment.source_file file ON file.source_file_id = row.source_file_id
            ORDER BY row.review_key, file.last_modified DESC, file.source_file_id DESC
            ON CONFLICT (review_key) DO NOTHING
            RETURNING day, source_file_id, line)
        {unmark}
        """)  # noqa: S608 - a statement of the schema


def upsert_heads(cursor: Cursor, source_file_id: int, day: date) -> None:
    """Upsert the heads of a live file's rows. A head that is a newer row stays, and the file's row is superseded."""
    # Keys are hashes. Sorted inserts follow the index order, so that its pages are written one after another.
    cursor.execute("SELECT set_config('work_mem', %s, true)", (rollups.SORT_MEMORY,))
    cursor.execute(
        """
        WITH keyed AS (
            SELECT row.review_key, row.day, row.source_file_id, row.line, file.last_modified
            FROM sentiment.review row
            JOIN sentiment.live_file USING (source_file_id)
            JOIN sentiment.source_file file USING (source_file_id)
            WHERE row.day = %(day)s AND row.source_file_id = %(file)s AND row.review_key IS NOT NULL),
        upserted AS (
            INSERT INTO sentiment.review_head AS head (review_key, day, source_file_id, line, last_modified)
            SELECT * FROM keyed ORDER BY review_key
            ON CONFLICT (review_key) DO UPDATE
                SET day = excluded.day, source_file_id = excluded.source_file_id, line = excluded.line,
                    last_modified = excluded.last_modified
                WHERE (excluded.last_modified, excluded.source_file_id) > (head.last_modified, head.source_file_id)
            RETURNING 1)
        SELECT (SELECT count(*) FROM keyed) > (SELECT count(*) FROM upserted)
        """,
        {"day": day, "file": source_file_id},
    )
    if cursor.fetchone() == (True,):
        cursor.execute("SELECT sentiment.supersede_reviews_of(%s)", (source_file_id,))


def settle_day(connection: Connection, source_file_id: int) -> None:
    """Move a file that was never loaded to the day that the contract of its source finds, in a separate transaction.

    The contract may have been set after the file was registered. The day of a loaded file never changes.
    """
    with connection, connection.cursor() as cursor:
        file = get(cursor, source_file_id)
        day = file.drop.day(current_contract(cursor, file.source).contract.day_template)
        if day != file.day:
            cursor.execute(
                "UPDATE sentiment.source_file SET day = %s"
                " WHERE source_file_id = %s AND status IN ('seen', 'rejected')",
                (day, source_file_id),
            )


def ensure_month(connection: Connection, source_file_id: int) -> None:
    """Create the partitions for the month of a file's day, unless it has expired, in a separate transaction."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT sentiment.ensure_month(day) FROM sentiment.source_file WHERE source_file_id = %s",
            (source_file_id,),
        )


def has_month(cursor: Cursor, day: date) -> bool:
    """Return whether the month of a day has partitions. While a claim is held, this does not change."""
    cursor.execute("SELECT to_regclass(%s)", (f"sentiment.score_{day:%Y%m}",))
    return cursor.fetchone() != (None,)


# Loaded files with the bytes of any version of this key, if their entry in live_file is out of date. Duplicates have
# the bytes of their original, so an index on the bytes finds them.
LIVE_CHANGES = """
    WITH concerned AS (
        SELECT DISTINCT sha256 FROM sentiment.source_file
        WHERE bucket = %(bucket)s AND key = %(key)s AND status IN ('loaded', 'duplicate')),
    verdict AS (
        SELECT file.source_file_id, file.day,
            EXISTS (SELECT FROM sentiment.live_file WHERE live_file.source_file_id = file.source_file_id) AS was,
            EXISTS (
                SELECT FROM sentiment.source_file version
                WHERE version.sha256 = file.sha256 AND version.status IN ('loaded', 'duplicate', 'expired')
                    AND file.source_file_id IN (version.source_file_id, version.duplicate_of)
                    AND NOT EXISTS (
                        SELECT FROM sentiment.source_file newer
                        WHERE newer.bucket = version.bucket AND newer.key = version.key
                            AND newer.status IN ('loaded', 'duplicate', 'expired')
                            AND (newer.last_modified, newer.source_file_id)
                                > (version.last_modified, version.source_file_id))) AS live
        FROM concerned
        JOIN sentiment.source_file file ON file.sha256 = concerned.sha256 AND file.status = 'loaded')
    SELECT source_file_id, day, live FROM verdict WHERE live <> was
"""
