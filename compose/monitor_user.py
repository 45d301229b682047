"""Create the database user of Grafana and of `sentiment metrics`, which can only read. Repeating it changes nothing."""

import os
from pathlib import Path

import psycopg2
from psycopg2 import sql

USER = "sentiment_monitor"
PASSWORD = Path("/var/lib/sentiment/sentiment_monitor-password")


def main() -> None:
    """Create the user if it does not exist. The migrations have created the role `sentiment_reader`."""
    with psycopg2.connect(os.environ["SENTIMENT_DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", (USER,))
        found = cursor.fetchone()
        database, exists = found or ("", False)
        if not exists:
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE sentiment_reader")
            password = PASSWORD.read_text(encoding="ascii")
            cursor.execute(create.format(sql.Identifier(USER), sql.Literal(password)))
        cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(*map(sql.Identifier, (database, USER))))
    connection.close()


if __name__ == "__main__":
    main()
