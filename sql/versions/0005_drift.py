"""Drift reports, once a day and model; what analysts see of them; and which drift asked for a retraining."""

from sentiment_core.database import run_statements_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the statements of the .sql file beside this one."""
    run_statements_beside(__file__)
