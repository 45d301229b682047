"""PgBouncer between the workers and PostgreSQL, which reassigns a server connection after each transaction."""

import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from demo.environment import base
from demo.processes import Program
from demo.unprivileged import give, identity, own_folder
from demo.workspace import LOOPBACK, Workspace, write_private
from sentiment_core.database import migrations, schema
from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import ClaimHeld, DatabaseUnavailable
from sentiment_core.ledger import source_files
from sentiment_core.loading.loader import LoadStatus
from sentiment_core.settings import Settings
from tests.faults.conftest import check_loaded, check_untouched, file_of
from tests.faults.workers import Watched, load_once, put_files

# Fewer server connections than workers.
CONFIGURATION = """
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
"""


class PgBouncer:
    """A pooler in transaction mode in front of a database's server."""

    def __init__(self, workspace: Workspace, program: str, database_url: str) -> None:
        self.workspace = workspace
        server = urlsplit(database_url)
        port = workspace.port("pgbouncer")
        folder = own_folder(workspace.state / "pgbouncer")
        users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
        write_private(users, f'"{server.username}" "{server.password}"\n')
        write_private(
            configuration, CONFIGURATION.format(host=LOOPBACK, port=port, server_port=server.port, users=users)
        )
        give(users)
        give(configuration)
        self.url = server._replace(netloc=f"{server.username}:{server.password}@{LOOPBACK}:{port}").geturl()
        self.program = Program(
            name="pgbouncer",
            command=(*identity().prefix, program, str(configuration)),
            environment=base(workspace.state),
            ready=self.answers,
            user=identity().user,
            folder=folder,
        )

    def start(self) -> None:
        self.workspace.supervisor.start(self.program)

    def kill(self) -> None:
        (process,) = self.workspace.supervisor.processes
        process.popen.kill()
        process.popen.wait()

    def answers(self) -> bool:
        try:
            with connect(self.url) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT")
        except DatabaseUnavailable:
            return False
        return True


@pytest.fixture
def pooler(database_url: str, tmp_path: Path) -> Iterator[PgBouncer]:
    # Debian installs it in a folder that is not on the PATH of ordinary users.
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with Workspace(tmp_path / "pooler") as workspace:
        pooler = PgBouncer(workspace, program, database_url)
        pooler.start()
        yield pooler


@pytest.fixture
def pooled(settings: Settings, pooler: PgBouncer) -> Settings:
    """Settings that point to the pooler, for files of several blocks."""
    return settings.model_copy(update={"database_url": SecretStr(pooler.url), "block_bytes": 20_000})


def load_at_once(settings: Settings, uris: list[str]) -> list[LoadStatus]:
    """Load each path in a separate worker, all at the same moment."""
    start = threading.Barrier(len(uris))

    def work(uri: str) -> LoadStatus:
        start.wait()
        return load_once(settings, Storage(None), uri).status

    with ThreadPoolExecutor(len(uris)) as pool:
        return list(pool.map(work, uris))


def test_files_load_through_a_pooler(pooled, database_url, tmp_path) -> None:
    uris = put_files(tmp_path, {f"{name}.csv": file_of(1_000, name) for name in "abcdef"})
    assert load_at_once(pooled, uris) == [LoadStatus.LOADED] * 6
    check_loaded(database_url, 6_000, files=6)


def test_workers_that_race_for_one_file_through_a_pooler_load_it_once(pooled, database_url, tmp_path) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(1_000)})
    assert sorted(load_at_once(pooled, [uri] * 6)) == [LoadStatus.LOADED, *[LoadStatus.SKIPPED] * 5]
    check_loaded(database_url, 1_000)


def test_a_claim_through_a_pooler_times_out_and_leaves_no_session_setting(pooled, database_url, tmp_path) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(1_000)})
    drop = Storage(None).find(uri)
    with connect(pooled.require_database_url()) as connection, connection.cursor() as cursor:
        source_files.register(cursor, [drop], "incoming/")
        connection.commit()
        source_files.claim(cursor, source_files.find(cursor, drop), 1)
        with pytest.raises(ClaimHeld):
            load_once(pooled.model_copy(update={"lock_timeout_s": 0.2}), Storage(None), uri)
        connection.rollback()
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')")
        assert cursor.fetchone() == ("0", "0")
    check_untouched(database_url)
    assert load_once(pooled, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(database_url, 1_000)


def test_a_pooler_killed_during_a_load_is_a_transient_error(pooled, pooler, database_url, tmp_path) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(1_000)})
    with pytest.raises(DatabaseUnavailable):
        load_once(pooled, Watched(None, pooler.kill), uri)
    check_untouched(database_url)
    pooler.start()
    assert load_once(pooled, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(database_url, 1_000)


def test_the_schema_is_upgraded_through_a_pooler_even_concurrently(pooler, empty_database) -> None:
    url = urlsplit(pooler.url)._replace(path=urlsplit(empty_database).path).geturl()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrations.upgrade, [url, url]))
    migrations.upgrade(url)
    assert schema.schema_status(empty_database).current
    with connect(empty_database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone() == (0,)
