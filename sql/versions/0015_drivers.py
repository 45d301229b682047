"""Drivers of each group's last change of sentiment."""

from sentiment_core.database import run_statements_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
