"""Views that read the rollups, and reviews without a look-up of each head."""

from sentiment_core.database import run_statements_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
