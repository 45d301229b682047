"""Corrections that are stored once however often they are sent, and that name what they correct."""

from sentiment_core.database import run_statements_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the statements of the .sql file beside this one."""
    run_statements_beside(__file__)
