"""Loads that never wait for each other's views, replays without the object store, progress, and retention."""

from sentiment_core.database import run_statements_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
