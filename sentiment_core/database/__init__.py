"""PostgreSQL: connections, the version of the schema, migrations."""

from contextlib import closing
from pathlib import Path


def run_statements_beside(migration: str) -> None:
    """Run the .sql file that lies beside a migration's Python file, in its transaction.

    Released migrations import this name from here, and the previous release runs the migrations of this one: it must
    stay importable as `sentiment_core.database.migrations.run_statements_beside`.
    """
    from alembic import op  # noqa: PLC0415 -- programs that only connect are installed without Alembic

    statements = Path(migration).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own cursor: SQLAlchemy would read every % of the statements as a parameter.
    with closing(op.get_bind().connection.cursor()) as cursor:
        cursor.execute(statements)
