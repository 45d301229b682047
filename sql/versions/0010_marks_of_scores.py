"""Columns for the probability of neutral, the marks of a score, and the language of a text."""

from sentiment_core.database import run_statements_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
