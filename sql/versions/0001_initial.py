"""The ledger, the stored reviews, their scores, and what analysts see of them."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the statements of the .sql file beside this one."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own cursor: SQLAlchemy would read every % of the statements as a parameter.
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(statements)
