"""Duplicates by content within one source, the day on which a review was written, and how a file was read."""

from sentiment_core.database import run_statements_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
