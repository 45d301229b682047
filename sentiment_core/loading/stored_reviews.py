"""Lookup of a file's stored rows by review key."""

from sentiment_core.database.connection import Connection
from sentiment_core.drops.validation import Review
from sentiment_core.ledger.source_files import SourceFile


class StoredReviews:
    """Looks up keys among the stored rows of one file, including those of the open transaction."""

    def __init__(self, connection: Connection, file: SourceFile) -> None:
        self.connection = connection
        self.file = file

    def __call__(self, keys: list[bytes]) -> dict[bytes, Review]:
        """Return the stored rows with these keys."""
        # The month's partition grows in this transaction, so the planner has no valid statistics for it. The query
        # names the partition directly, runs without sequential scans and has no condition that the primary key could
        # serve. So the planner can only use the index on review_key.
        statement = f"""
            SELECT uuid_send(review_key),
                   review_id, product_id, author_id, rating, reviewed_at, language, text, extra, nulled
            FROM sentiment.review_{self.file.day:%Y%m}
            WHERE review_key = ANY (%s::uuid[]) AND source_file_id + 0 = %s
            """  # noqa: S608 - a month
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
            cursor.execute(statement, ([key.hex() for key in keys], self.file.source_file_id))
            return {bytes(key): Review(*fields) for key, *fields in cursor}
