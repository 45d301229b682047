"""A function that refreshes the statistics of the partitioned tables."""

from sentiment_core.database import run_statements_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
