"""Comments on tables, views and columns, in the terms of docs/glossary.md."""

from sentiment_core.database import run_statements_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
