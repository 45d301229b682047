"""The role that the service needs, and no more."""

from sentiment_core.database import run_statements_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the statements of the .sql file beside this one."""
    run_statements_beside(__file__)
