"""The rows of a file that are stored already, by their review key."""

from sentiment_core.database.connection import Connection
from sentiment_core.drops.validation import Review
from sentiment_core.ledger.source_files import SourceFile


class StoredReviews:
    """Looks keys up among the rows of one file that its open transaction has stored."""

    def __init__(self, connection: Connection, file: SourceFile) -> None:
        self.connection = connection
        self.file = file

    def __call__(self, keys: list[bytes]) -> dict[bytes, Review]:
        """Return the stored rows that have one of the keys."""
        # The month's partition grows in this very transaction, and nothing is known of it to plan by. Named by itself,
        # and with no condition that its primary key could serve, it can only be read by the index of its keys.
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
