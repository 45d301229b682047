"""PostgreSQL: connections, schema version, migrations."""

from contextlib import closing
from pathlib import Path


def run_statements_beside(migration: str) -> None:
    """Run the .sql file next to a migration's Python file, in the transaction of the migration.

    Released migrations import this name from here, and the previous release runs the migrations of this release. The
    function must stay importable as `sentiment_core.database.run_statements_beside`.
    """
    from alembic import op  # noqa: PLC0415 -- programs that only connect are installed without Alembic

    statements = Path(migration).with_suffix(".sql").read_text(encoding="utf-8")
    # Use the driver's cursor: SQLAlchemy would interpret every % in the statements as a parameter.
    with closing(op.get_bind().connection.cursor()) as cursor:
        cursor.execute(statements)
