"""A worker that is alive but idle, and holds its claim on a file."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import DatabaseUnavailable
from sentiment_core.ledger import source_files
from sentiment_core.loading.loader import LoadStatus
from tests.faults.conftest import check_loaded, check_untouched, file_of
from tests.faults.workers import Watched, load_once, put_files

# The server's last message before it closes the connection does not always reach the client.
LOST = "idle-in-transaction timeout|transaction timeout|server closed the connection"


def test_a_hung_worker_loses_its_claim_to_another_worker(settings, database_url, tmp_path, monkeypatch) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(2_000)})
    small = settings.model_copy(update={"block_bytes": 20_000})
    hangs, may_go_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        assert may_go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        with monkeypatch.context() as shorter:
            shorter.setattr(source_files, "IDLE_IN_TRANSACTION", "300ms")
            hung = pool.submit(load_once, small, Watched(None, hang), uri)
            assert hangs.wait(60)
        # The second worker waits for the claim until the server takes it from the worker that hangs.
        assert load_once(small, Storage(None), uri).status is LoadStatus.LOADED
        check_loaded(database_url, 2_000)
        may_go_on.set()
        with pytest.raises(DatabaseUnavailable, match=LOST):
            hung.result()
    check_loaded(database_url, 2_000)
    assert load_once(small, Storage(None), uri).status is LoadStatus.SKIPPED


def test_a_hung_worker_has_stored_nothing_and_its_retry_loads_the_file(
    settings, database_url, query, tmp_path, monkeypatch
) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(2_000)})
    small = settings.model_copy(update={"block_bytes": 20_000})

    def hang_until_the_claim_is_lost() -> None:
        query("SELECT FROM sentiment.source_file FOR NO KEY UPDATE")

    with monkeypatch.context() as shorter:
        shorter.setattr(source_files, "IDLE_IN_TRANSACTION", "300ms")
        with pytest.raises(DatabaseUnavailable, match=LOST):
            load_once(small, Watched(None, hang_until_the_claim_is_lost), uri)
    check_untouched(database_url)
    assert load_once(small, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(database_url, 2_000)


def test_a_transaction_timeout_of_the_server_is_a_transient_error(
    settings, database_url, query, connection, tmp_path
) -> None:
    (uri,) = put_files(tmp_path, {"a.csv": file_of(500)})
    with connection.cursor() as cursor:
        source_files.register(cursor, [Storage(None).find(uri)], "incoming/")
        connection.commit()
        source_files.claim(cursor, source_files.find(cursor, Storage(None).find(uri)), 1)
        name = database_url.rpartition("/")[2]
        with connect(database_url) as other, other, other.cursor() as setting:
            setting.execute(f"ALTER DATABASE {name} SET transaction_timeout = '500ms'")
        with pytest.raises(DatabaseUnavailable, match=LOST):
            load_once(settings, Storage(None), uri)
        connection.rollback()
    query(f"ALTER DATABASE {name} RESET transaction_timeout")
    check_untouched(database_url)
    assert load_once(settings, Storage(None), uri).status is LoadStatus.LOADED
    check_loaded(database_url, 500)
