"""Create the database user of the insights page, who can only read. The migrations have created the role."""

import os
from pathlib import Path

from psycopg2 import sql

from sentiment_core.database.connection import connect

USER = "sentiment_insights"


def main() -> None:
    """Create the user, or set its password again, as the owner of the database."""
    password = Path(f"/var/lib/sentiment/{USER}-password").read_text(encoding="ascii")
    with connect(os.environ["SENTIMENT_DATABASE_URL"]) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (USER,))
        statement = "ALTER ROLE {} PASSWORD {}" if cursor.fetchall() else "CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}"
        names = sql.Identifier(USER), sql.Literal(password), sql.Identifier("sentiment_reader")
        cursor.execute(sql.SQL(statement).format(*names))
        cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE sentiment TO {}").format(sql.Identifier(USER)))


if __name__ == "__main__":
    main()
