"""The embedded stack's stores and MLflow: they respond, keep their data, and leave no process running."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import botocore.exceptions
import psutil
import psycopg2
import pytest

from demo.processes import Process
from demo.stack import NEEDS, Stack
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel

PARTS = ("postgres", "object_store", "mlflow")


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def pids(processes: list[Process]) -> set[int]:
    return {member.pid for process in processes for member in process.trace.members()}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stores"), ("postgres", "object_store"), durable=False) as stack:
        yield stack


def test_what_was_stored_is_there_after_the_next_start(tmp_path: Path) -> None:
    with Stack(tmp_path, PARTS, durable=False) as stack:
        addresses = [stack.postgres.url(), stack.object_store.endpoint, stack.mlflow.url]
        query(stack.postgres.url(), "CREATE TABLE kept AS SELECT 7 AS number")
        stack.object_store.client().put_object(Bucket="reviews", Key="incoming/kept.csv", Body=b"text\nfine\n")
        registry = RegisteredModel(stack.mlflow.url, cache=tmp_path / "models")
        registry.set_alias("champion", registry.register(STARTER))
        running = pids(stack.workspace.supervisor.processes)
        assert len(running) > len(PARTS)
    assert not [pid for pid in running if psutil.pid_exists(pid)]

    with Stack(tmp_path, PARTS, durable=False) as stack:
        assert [stack.postgres.url(), stack.object_store.endpoint, stack.mlflow.url] == addresses
        assert query(stack.postgres.url(), "SELECT number FROM kept") == [(7,)]
        body = stack.object_store.client().get_object(Bucket="reviews", Key="incoming/kept.csv")["Body"].read()
        assert body == b"text\nfine\n"
        version, digest = RegisteredModel(stack.mlflow.url, cache=tmp_path / "elsewhere").resolve(None)
        assert (version, len(digest)) == (1, 64)


def test_databases_have_owners_and_passwords_of_their_own(started: Stack) -> None:
    for database in ("sentiment", "airflow", "mlflow"):
        assert query(started.postgres.url(database), "SELECT current_user, current_database()") == [
            (database, database)
        ]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(started.postgres.url("sentiment").replace("sentiment:", "sentiment:x"), "SELECT 1")


def test_database_sorts_texts_as_everywhere(started: Stack) -> None:
    found = query(started.postgres.url(), "SELECT string_agg(t, '' ORDER BY t) FROM unnest('{a,B,ä,b}'::text[]) AS t")
    assert found == [("Babä",)]
    assert query(started.postgres.url(), "SELECT upper('ä'), current_setting('TimeZone')") == [("Ä", "UTC")]


def test_read_only_key_reads_only(started: Stack) -> None:
    started.object_store.client().put_object(Bucket="reviews", Key="a", Body=b"x")
    reader = started.object_store.client(reader=True)
    assert reader.get_object(Bucket="reviews", Key="a")["Body"].read() == b"x"
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        reader.put_object(Bucket="reviews", Key="b", Body=b"x")


def test_everything_listens_on_loopback_only(started: Stack) -> None:
    addresses = {
        connection.laddr.ip
        for pid in pids(started.workspace.supervisor.processes)
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_secrets_are_readable_by_their_owner_only(started: Stack) -> None:
    for path in (started.state / "secrets.json", started.state / "s3" / "keys.json"):
        assert path.stat().st_mode & 0o077 == 0
    commands = [psutil.Process(pid).cmdline() for pid in pids(started.workspace.supervisor.processes)]
    secret = started.object_store.secret_key
    assert not any(secret in argument for command in commands for argument in command)


def test_environment_leads_a_program_to_the_stack(started: Stack) -> None:
    environment = started.env()
    assert query(environment["SENTIMENT_DATABASE_URL"], "SELECT 1") == [(1,)]
    assert environment["AWS_ENDPOINT_URL_S3"] == environment["SENTIMENT_S3_ENDPOINT_URL"]
    assert "127.0.0.1" in environment["NO_PROXY"].split(",")
    assert all(isinstance(value, str) for value in (os.environ | environment).values())


def test_parts_bring_what_they_need(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ("api",))
    stack.stop()
    assert set(stack.parts) == {"api", *NEEDS["api"], *NEEDS["mlflow"]}
    with pytest.raises(ValueError, match="There is no part 'kafka'"):
        Stack(tmp_path / "other", ("kafka",))
