"""The history of model aliases: the intended moves, their outcomes, and the moves made outside of the history."""

from sentiment_core.database import run_statements_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
