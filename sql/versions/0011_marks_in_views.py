"""Views of the probabilities, the marks of a score, and the languages."""

from sentiment_core.database import run_statements_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
