"""Verify that the ledger and the stored rows agree. Each check is one query that finds violations of an invariant."""

from typing import NamedTuple

from sentiment_core.database.connection import Connection


class Finding(NamedTuple):
    """A violation: the check that failed, the file that violates it (None if no single file does), and the details."""

    check: str
    source_file_id: int | None
    detail: str


def verify(connection: Connection) -> list[Finding]:
    """Run every check in one REPEATABLE READ transaction. An empty list means that all invariants hold."""
    findings: list[Finding] = []
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(
            "SET LOCAL enable_nestloop = off"
        )  # new rows have no statistics, so a loop over them could take hours
        for check, query in CHECKS.items():
            cursor.execute(query)
            findings += [Finding(check, file, detail) for file, detail in cursor]
    return findings


# The batch that wrote a file's rows is its latest load or replace. Later replays have added rows to it.
_ROW_COUNTS = """
    latest AS (
        SELECT DISTINCT ON (source_file_id) source_file_id, batch_id, rows_scored, rows_rejected
        FROM sentiment.scoring_batch WHERE kind IN ('load', 'replace')
        ORDER BY source_file_id, batch_id DESC),
    replayed AS (
        SELECT batch.source_file_id, sum(batch.rows_scored) AS rows_scored
        FROM sentiment.scoring_batch batch JOIN latest USING (source_file_id)
        WHERE batch.kind = 'replay' AND batch.batch_id > latest.batch_id GROUP BY batch.source_file_id),
    stored AS (
        SELECT source_file_id, count(*) AS rows FROM sentiment.review GROUP BY source_file_id)
"""


def _recount(kind: str) -> str:
    """Return the query that compares a rollup with the sums of the rows. A stale rollup is not compared."""
    kept, expected = f"TABLE sentiment.{kind}_rollup", f"SELECT * FROM sentiment.{kind}_recount()"  # noqa: S608
    return f"""
        SELECT NULL, format('%s %s', what, sums)
        FROM (
            SELECT 'wrong', surplus::text FROM ({kept} EXCEPT {expected}) surplus
            UNION ALL SELECT 'expected', missing::text FROM ({expected} EXCEPT {kept}) missing) found (what, sums)
        WHERE (SELECT stale_since IS NULL FROM sentiment.rollup_state)
        """  # noqa: S608 - constants


CHECKS = {
    "stored rows match the counters of the batches": f"""
        WITH {_ROW_COUNTS}
        SELECT file.source_file_id, format('%s rows stored, %s expected', coalesce(stored.rows, 0),
            coalesce(latest.rows_scored, 0) + coalesce(replayed.rows_scored, 0) - file.rows_removed)
        FROM sentiment.source_file file
        LEFT JOIN latest USING (source_file_id)
        LEFT JOIN replayed USING (source_file_id)
        LEFT JOIN stored USING (source_file_id)
        WHERE file.status <> 'expired' AND coalesce(stored.rows, 0)
            <> coalesce(latest.rows_scored, 0) + coalesce(replayed.rows_scored, 0) - file.rows_removed
        """,  # noqa: S608 - constants
    "rejected rows match the counters of the batches": f"""
        WITH {_ROW_COUNTS},
        quarantined AS (  -- a replay that reads one raw row as several records adds entries of its own
            SELECT row.source_file_id, count(*) AS rows
            FROM sentiment.rejected_row row LEFT JOIN latest USING (source_file_id)
            WHERE latest.batch_id IS NULL OR row.batch_id <= latest.batch_id GROUP BY row.source_file_id)
        SELECT source_file_id,
            format('%s rows in quarantine, %s expected', coalesce(quarantined.rows, 0), rows_rejected)
        FROM latest FULL JOIN quarantined USING (source_file_id) JOIN sentiment.source_file USING (source_file_id)
        WHERE status <> 'expired' AND coalesce(quarantined.rows, 0) <> coalesce(latest.rows_rejected, 0)
        """,  # noqa: S608 - constants
    "replayed rows name the batch that loaded them": f"""
        WITH {_ROW_COUNTS},
        named AS (
            SELECT resolved_by, count(*) AS rows FROM sentiment.rejected_row
            WHERE resolved_by IS NOT NULL GROUP BY resolved_by)
        SELECT batch.source_file_id,
            format('%s rows name batch %s, %s expected', coalesce(named.rows, 0), batch.batch_id,
                batch.rows_scored + batch.rows_duplicate)
        FROM sentiment.scoring_batch batch
        JOIN latest USING (source_file_id)
        JOIN sentiment.source_file file USING (source_file_id)
        LEFT JOIN named ON named.resolved_by = batch.batch_id
        WHERE batch.kind = 'replay' AND batch.batch_id > latest.batch_id AND file.status <> 'expired'
            AND coalesce(named.rows, 0) <> batch.rows_scored + batch.rows_duplicate
        """,  # noqa: S608 - constants
    "only loaded files have rows": """
        SELECT row.source_file_id, format('status %s', coalesce(min(file.status), 'unknown'))
        FROM sentiment.review row LEFT JOIN sentiment.source_file file USING (source_file_id)
        WHERE file.status IS DISTINCT FROM 'loaded' OR row.day <> file.day
        GROUP BY row.source_file_id
        """,
    "every stored row has a score by its file's current model": """
        SELECT row.source_file_id, format('%s rows have no score', count(*))
        FROM sentiment.review row JOIN sentiment.source_file file USING (source_file_id)
        WHERE NOT EXISTS (
            SELECT FROM sentiment.score
            WHERE score.day = row.day AND score.source_file_id = row.source_file_id AND score.line = row.line
                AND score.model_id = file.current_model_id)
        GROUP BY row.source_file_id
        """,
    "every score has a stored row": """
        SELECT score.source_file_id, format('%s scores have no row', count(*))
        FROM sentiment.score
        WHERE NOT EXISTS (
            SELECT FROM sentiment.review row
            WHERE row.day = score.day AND row.source_file_id = score.source_file_id AND row.line = score.line)
        GROUP BY score.source_file_id
        """,
    "the probabilities of a score are ratios": """
        SELECT source_file_id, format('%s scores with an impossible probability of neutral', count(*))
        FROM sentiment.score
        WHERE NOT neutral BETWEEN 0 AND 2 * least(score, 1 - score) + 1e-5  -- both columns are rounded
        GROUP BY source_file_id
        """,
    "a duplicate has the bytes of a loaded or expired file": """
        SELECT copy.source_file_id, format('file %s has the status %s', original.source_file_id, original.status)
        FROM sentiment.source_file copy
        JOIN sentiment.source_file original ON original.source_file_id = copy.duplicate_of
        WHERE original.sha256 IS DISTINCT FROM copy.sha256 OR original.status NOT IN ('loaded', 'expired')
        """,
    "a source stores the same bytes once": """
        SELECT max(source_file_id), format('files %s have the same bytes', array_agg(source_file_id))
        FROM sentiment.source_file WHERE status = 'loaded' GROUP BY source, sha256 HAVING count(*) > 1
        """,
    "a loaded file is live if and only if the head of a key is this file or a duplicate of it": """
        WITH head AS (
            SELECT DISTINCT ON (bucket, key) coalesce(duplicate_of, source_file_id) AS shown
            FROM sentiment.source_file
            WHERE status IN ('loaded', 'duplicate', 'expired')
            ORDER BY bucket, key, last_modified DESC, source_file_id DESC)
        SELECT source_file_id, format('status %s, live %s', file.status, live IS NOT NULL)
        FROM sentiment.source_file file FULL JOIN sentiment.live_file live USING (source_file_id)
        WHERE (live IS NOT NULL)
            IS DISTINCT FROM (file.status = 'loaded' AND file.source_file_id IN (SELECT shown FROM head))
        """,
    "the head of a review id is its newest live row": """
        WITH best AS (
            SELECT DISTINCT ON (row.review_key) row.review_key, row.source_file_id, row.line
            FROM sentiment.review row
            JOIN sentiment.live_file USING (source_file_id)
            JOIN sentiment.source_file file USING (source_file_id)
            WHERE row.review_key IS NOT NULL
            ORDER BY row.review_key, file.last_modified DESC, file.source_file_id DESC)
        SELECT coalesce(best.source_file_id, head.source_file_id), format('review key %s', review_key)
        FROM best FULL JOIN sentiment.review_head head USING (review_key)
        WHERE (best.source_file_id, best.line) IS DISTINCT FROM (head.source_file_id, head.line)
        """,
    "a review id occurs at most once in a file": """
        SELECT source_file_id, format('review key %s has %s rows', review_key, count(*))
        FROM sentiment.review WHERE review_key IS NOT NULL
        GROUP BY source_file_id, review_key HAVING count(*) > 1
        """,
    "superseded rows are the rows of live files that are not the heads of their review ids": """
        SELECT score.source_file_id, format('%s scores with a wrong mark', count(*))
        FROM sentiment.score
        JOIN sentiment.live_file USING (source_file_id)
        JOIN sentiment.review row ON (row.day, row.source_file_id, row.line)
            = (score.day, score.source_file_id, score.line)
        LEFT JOIN sentiment.review_head head USING (review_key)
        WHERE score.superseded <> (row.review_key IS NOT NULL
            AND (head.source_file_id, head.line) IS DISTINCT FROM (row.source_file_id, row.line))
        GROUP BY score.source_file_id
        """,
    "live files have their current model": """
        SELECT source_file_id, format('model %s, %s expected', live.model_id, file.current_model_id)
        FROM sentiment.live_file live JOIN sentiment.source_file file USING (source_file_id)
        WHERE live.model_id IS DISTINCT FROM file.current_model_id
        """,
    "the sums of days equal those of the rows": _recount("daily"),
    "the sums of languages equal those of the rows": _recount("language"),
    "the sums of products equal those of the rows": _recount("product"),
}
