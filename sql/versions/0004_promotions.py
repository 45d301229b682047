"""The history of model aliases: what was meant, what came of it, and who moved an alias past it."""

from sentiment_core.database import run_statements_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the statements of the .sql file beside this one."""
    run_statements_beside(__file__)
