"""PostgreSQL without free connections, and without free disk space."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo import postgres, unprivileged
from demo.stack import Stack
from demo.unprivileged import Identity
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import DatabaseUnavailable
from sentiment_core.loading.loader import LoadStatus
from sentiment_core.settings import Settings
from tests.faults.conftest import check_loaded, check_untouched, file_of
from tests.faults.workers import load_once, put_files


def take(url: str, held: ExitStack) -> None:
    """Open connections until the server rejects more."""
    while True:
        held.enter_context(connect(url))


def test_a_server_without_a_free_connection_is_a_transient_error(own_settings, own_url, tmp_path) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(500)})
    with ExitStack() as held:
        with pytest.raises(DatabaseUnavailable):
            take(own_url, held)
        with pytest.raises(DatabaseUnavailable, match="connection slots are reserved|too many clients"):
            load_once(own_settings, Storage(None), uri)
    check_untouched(own_url)
    assert load_once(own_settings, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(own_url, 500)


def test_a_database_without_a_free_connection_is_a_transient_error(settings, database_url, query, tmp_path) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(500)})
    name = database_url.rpartition("/")[2]
    query(f"ALTER DATABASE {name} CONNECTION LIMIT 1")
    with pytest.raises(DatabaseUnavailable, match="too many connections for database"):
        load_once(settings, Storage(None), uri)
    query(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
    check_untouched(database_url)
    assert load_once(settings, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(database_url, 500)


# A separate disk in a mount namespace that only the server sees. Neither requires root privileges.

DISK_MB = 64
BALLAST_MB = 50
MOUNT = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
SCRIPT = 'mount -t tmpfs -o size={size}m,mode=700 tmpfs {folder} && exec {unshare} "$@"'


def with_small_disk(folder: Path) -> tuple[str, ...]:
    """Return the prefix of a command that makes `folder` a small disk for it and runs it without root."""
    script = SCRIPT.format(size=DISK_MB, folder=folder, unshare=" ".join(unprivileged.UNSHARE))
    return (*MOUNT, script, "sh")


@pytest.fixture
def small_disk_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated database whose tables are on a small disk. The server's log is on a large disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    prefix = with_small_disk(folder)
    tried = subprocess.run((*prefix, "true"), capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"a small disk needs user and mount namespaces, which are not allowed here: {tried.stderr.strip()}")
    monkeypatch.setattr(postgres, "identity", lambda: Identity(prefix=prefix))
    with Stack(tmp_path / "state", ("postgres",)) as stack:
        superuser = stack.postgres.url("postgres", postgres.SUPERUSER)
        execute(superuser, f"CREATE TABLESPACE small LOCATION '{folder}'")
        execute(superuser, "CREATE DATABASE small OWNER sentiment TABLESPACE small")
        url = stack.postgres.url("small")
        migrations.upgrade(url)
        yield url


def execute(url: str, statement: str) -> None:
    with connect(url) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)


def test_a_full_disk_is_a_transient_error_and_the_file_loads_when_space_is_free(small_disk_url, tmp_path) -> None:
    settings = Settings(database_url=small_disk_url, block_bytes=100_000)
    (uri,) = put_files(tmp_path, {"a.csv": file_of(40_000)})
    execute(small_disk_url, "CREATE TABLE ballast (data bytea STORAGE EXTERNAL)")
    megabyte = "decode(repeat('00', 1000000), 'hex')"
    execute(small_disk_url, f"INSERT INTO ballast SELECT {megabyte} FROM generate_series(1, {BALLAST_MB})")
    with pytest.raises(DatabaseUnavailable, match="No space left on device"):
        load_once(settings, Storage(None), uri)
    check_untouched(small_disk_url)
    execute(small_disk_url, "DROP TABLE ballast")
    assert load_once(settings, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(small_disk_url, 40_000)
