"""Contracts of sources, with their history."""

from sentiment_core.database import run_statements_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
