"""Room in the pages of the product sums for their next versions."""

from sentiment_core.database import run_statements_beside

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
