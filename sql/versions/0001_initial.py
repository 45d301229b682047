"""The ledger, the stored reviews, their scores, and the views for analysts."""

from sentiment_core.database import run_statements_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
