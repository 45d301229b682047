"""Drift reports, one per day and model; the views on them for analysts; and the drift that triggered a retraining."""

from sentiment_core.database import run_statements_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
