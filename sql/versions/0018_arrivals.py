"""Days that the nightly run has completed, runs that score arrivals, and alerts that were sent."""

from sentiment_core.database import run_statements_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
