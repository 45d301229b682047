"""The ledger, the stored reviews, their scores, and what analysts see of them."""

from sentiment_core.database import run_statements_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the statements of the .sql file beside this one."""
    run_statements_beside(__file__)
