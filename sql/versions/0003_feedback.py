"""Corrections that are stored once, even if sent several times, and that name the answer they correct."""

from sentiment_core.database import run_statements_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
