"""Print the migrated schema as SQL: `python -m demo.schema > sql/schema.sql`."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.postgres import Postgres
from demo.stack import Stack
from sentiment_core.database import migrations

# Lines that differ between two dumps of the same schema: the key of psql's restricted mode, and the program versions.
_VOLATILE = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", re.MULTILINE)


def dump(postgres: Postgres, url: str) -> str:
    """Return the schema `sentiment` of a database as SQL."""
    options = ("--schema-only", "--schema=sentiment", "--no-owner")
    command = [str(postgres.bin / "pg_dump"), *options, url]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"\n{3,}", "\n\n", _VOLATILE.sub("", dumped)).strip() + "\n"


def main() -> None:
    """Migrate an empty database on a separate server, and print its schema."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), ("postgres",), durable=False) as stack:
        url = stack.postgres.create_database("dumped")
        migrations.upgrade(url)
        sys.stdout.write(dump(stack.postgres, url))


if __name__ == "__main__":
    main()
