"""The database of docs/deploy.md, created by its commands on a server whose master user is no superuser, as on RDS."""

import os
import subprocess
from collections.abc import Iterator

import psycopg2
import pytest

from demo.postgres import DATABASES, SUPERUSER, Postgres
from demo.stack import Stack
from demo.workspace import LOOPBACK
from sentiment_core.database import migrations, schema
from sentiment_core.database.connection import connect
from sentiment_core.feedback.store import FeedbackStore
from tests.guide import blocks


@pytest.fixture(scope="module")
def bare_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server with only a master user that can create roles and databases."""
    with Stack(tmp_path_factory.mktemp("bare"), ("postgres",), durable=False) as stack:
        superuser = psycopg2.connect(stack.postgres.url("postgres", SUPERUSER))
        superuser.autocommit = True
        with superuser.cursor() as cursor:
            for name in DATABASES:
                cursor.execute(f"DROP DATABASE {name}")
                cursor.execute(f"DROP ROLE {name}")
            cursor.execute("CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD 'master'")
        superuser.close()
        yield stack.postgres


def test_its_databases_serve_the_migrations_the_service_and_mlflow(bare_server) -> None:
    host = f"{LOOPBACK}:{bare_server.port}"
    environment = os.environ | {
        "PATH": f"{bare_server.bin}:{os.environ['PATH']}",
        "MASTER_URL": f"postgresql://master:master@{host}/postgres",
        "RDS": host,
    }

    def type_in(heading: str, after: str = "") -> str:
        typed = blocks("sh")[heading].replace(":5432", "").rpartition(after)[2] if after else blocks("sh")[heading]
        command = ["bash", "-euo", "pipefail", "-c", f"{typed}\necho $SENTIMENT_PASSWORD $SERVICE_PASSWORD"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    owner, service = type_in("Databases").split()
    environment |= {"SENTIMENT_PASSWORD": owner, "SERVICE_PASSWORD": service}
    url = f"postgresql://sentiment:{owner}@{host}/sentiment"
    migrations.upgrade(url)
    assert schema.schema_status(url).current
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s) ORDER BY 1", (list(DATABASES),))
        assert [name for (name,) in cursor.fetchall()] == sorted(DATABASES)
    type_in("Install", after="--logs\n")
    FeedbackStore(f"postgresql://sentiment_api:{service}@{host}/sentiment").check()
