"""A role with only the privileges that the service needs."""

from sentiment_core.database import run_statements_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
