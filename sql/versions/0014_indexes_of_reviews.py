"""Indexes for the newest reviews of a product or an author."""

from alembic import op

from sentiment_core.database import run_statements_beside

revision = "0014"
down_revision = "0013"

MONTHS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'sentiment.review'::regclass ORDER BY 1"
INDEX = """
    CREATE INDEX IF NOT EXISTS {name}_by_{column} ON {table}
        ({column}_id, coalesce((reviewed_at AT TIME ZONE 'UTC')::date, day)) WHERE {column}_id IS NOT NULL
"""


def upgrade() -> None:
    """Build the indexes month by month, then run the statements of the .sql file with the same name.

    Each month is indexed in a separate transaction, which blocks loads into that month and no query. The indexes of the
    whole table then consist of those of the months.
    """
    with op.get_context().autocommit_block():
        for (table,) in op.get_bind().exec_driver_sql(MONTHS).fetchall():
            for column in ("product", "author"):
                op.execute(INDEX.format(name=table.rpartition(".")[2], table=table, column=column))
    run_statements_beside(__file__)
