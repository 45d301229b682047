"""The planner's statistics of the partitioned tables, which PostgreSQL's autovacuum never refreshes."""

from sentiment_core.database.connection import Connection


def refresh_statistics(connection: Connection) -> None:
    """Refresh the statistics of all reviews and scores, from a sample of each.

    Without them the planner does not read the newest reviews of a product or author by an index.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT sentiment.refresh_statistics()")
