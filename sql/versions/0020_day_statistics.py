"""Statistics of the days over all months that do not depend on which days a sample holds."""

from sentiment_core.database import run_statements_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run the statements of the .sql file with the same name."""
    run_statements_beside(__file__)
