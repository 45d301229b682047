"""The contents of the database: while a process waits at its kill point, and after everything is loaded."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sentiment_core.database.connection import Connection
from sentiment_core.ledger import verification
from tests.crash import drops
from tests.crash.points import Point

Contents = dict[str, tuple[int, str]]


class State(NamedTuple):
    """What other sessions see of the target file: its status and rows, and the traces of a transaction on it."""

    status: str
    rows: int
    claimed: bool
    in_copy: bool
    has_batch: bool


def promised(point: Point) -> State:
    """Return the state that the target must have while a process waits at the point."""
    return {
        Point.LISTED: State("seen", 0, claimed=False, in_copy=False, has_batch=False),
        Point.CLAIMED: State("seen", 0, claimed=True, in_copy=False, has_batch=False),
        Point.COPYING: State("seen", 0, claimed=True, in_copy=True, has_batch=False),
        Point.MARKED: State("seen", 0, claimed=True, in_copy=False, has_batch=True),
        Point.COMMITTED: State("loaded", drops.ROWS[drops.TARGET], claimed=False, in_copy=False, has_batch=False),
    }[point]


def state(connection: Connection, prefix: str) -> State:
    """Return the state of the target below a prefix."""
    return State(*query(connection, STATE, {"key": prefix + drops.TARGET})[0])


def wait_for(question: Callable[[], object], expected: object, seconds: float = 10) -> None:
    """Poll until the value equals the expected one. The server may still be processing a client's statements."""
    deadline = time.monotonic() + seconds
    while (answer := question()) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert answer == expected, f"{answer} was found after {seconds:g} s, {expected} was expected"


def someone_waits(connection: Connection) -> bool:
    """Return whether a process waits for a lock that another process holds."""
    statement = """SELECT EXISTS (SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)"""
    return query(connection, statement) == [(True,)]


def check_promises(connection: Connection) -> None:
    """Check everything that must hold at any moment, including during a load."""
    findings = verification.verify(connection)
    assert not findings, findings


def contents(connection: Connection, prefixes: list[str]) -> Contents:
    """Return the number of rows below the prefixes, table by table, and a hash of the multiset of their values.

    The key of its file and its line identify a row. The hash excludes ids and times, which differ between two loads of
    the same files.
    """
    hashed = "SELECT count(*), md5(string_agg(found.*::text, E'\\n' ORDER BY found.*::text)) FROM ({}) AS found"
    return {table: query(connection, hashed.format(rows), {"prefixes": prefixes})[0] for table, rows in ROWS.items()}


def states(connection: Connection, prefixes: list[str]) -> dict[str, str]:
    """Return the status of each file below the prefixes."""
    statement = "SELECT key, status FROM sentiment.source_file WHERE key ^@ ANY (%(prefixes)s)"
    found = query(connection, statement, {"prefixes": prefixes})
    return {key.rpartition("/")[2]: status for key, status in found}


def batches(connection: Connection, prefixes: list[str]) -> dict[str, list[str]]:
    """Return the kinds of the batches of each file below the prefixes, in order."""
    statement = """SELECT key, array_agg(kind ORDER BY batch_id)
        FROM sentiment.scoring_batch JOIN sentiment.source_file USING (source_file_id)
        WHERE key ^@ ANY (%(prefixes)s) GROUP BY key"""
    found = query(connection, statement, {"prefixes": prefixes})
    return {key.rpartition("/")[2]: kinds for key, kinds in found}


def query(connection: Connection, statement: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement in a separate transaction and return its rows."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


STATE = """
    SELECT status,
        (SELECT count(*) FROM sentiment.review WHERE review.source_file_id = file.source_file_id),
        NOT EXISTS (SELECT FROM sentiment.source_file free WHERE free.source_file_id = file.source_file_id
                    FOR NO KEY UPDATE SKIP LOCKED),
        EXISTS (SELECT FROM pg_stat_progress_copy
                WHERE datname = current_database() AND relid = 'sentiment.review'::regclass AND bytes_processed > 0),
        EXISTS (SELECT FROM pg_locks
                WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND relation = 'sentiment.scoring_batch'::regclass AND mode = 'RowExclusiveLock')
    FROM sentiment.source_file file WHERE key = %(key)s
"""

ROWS = {
    "source_file": """
        SELECT file.key, file.status, live.source_file_id IS NOT NULL, file.sha256, file.header, file.reject_code,
            file.reject_reason, original.key
        FROM sentiment.source_file file
        LEFT JOIN sentiment.live_file live USING (source_file_id)
        LEFT JOIN sentiment.source_file original ON original.source_file_id = file.duplicate_of
        WHERE file.key ^@ ANY (%(prefixes)s)
        """,
    "review and score": """
        SELECT key, review.day, review.line, review_key, review_id, product_id, author_id, rating, reviewed_at,
            language, text, extra, nulled, digest, score, label, out_of_language, neutral, unfamiliar, mixed,
            superseded, language_detected, language_certainty
        FROM sentiment.review
        JOIN sentiment.source_file file USING (source_file_id)
        JOIN sentiment.score ON (score.day, score.source_file_id, score.line)
            = (review.day, review.source_file_id, review.line)
        JOIN sentiment.model USING (model_id)
        WHERE key ^@ ANY (%(prefixes)s)
        """,
    "rejected_row": """
        SELECT key, line, code, reason, raw
        FROM sentiment.rejected_row JOIN sentiment.source_file USING (source_file_id)
        WHERE key ^@ ANY (%(prefixes)s)
        """,
    "review_head": """
        SELECT review_key, head.day, key, line, head.last_modified
        FROM sentiment.review_head head JOIN sentiment.source_file USING (source_file_id)
        WHERE key ^@ ANY (%(prefixes)s)
        """,
    "daily_rollup": """
        SELECT * FROM sentiment.daily_rollup WHERE NOT by_written
            AND (day, source) IN (SELECT day, source FROM sentiment.source_file WHERE key ^@ ANY (%(prefixes)s))
        """,
}
