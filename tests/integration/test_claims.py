"""Two workers on one file, a worker that is killed, and a database that rejects."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection as Pipe

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage, s3_client
from sentiment_core.errors import ClaimHeld, DatabaseRefused, DatabaseUnavailable
from sentiment_core.ledger import source_files, verification
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.batch_writer import BatchWriter
from sentiment_core.loading.loader import Loader, LoadStatus, load_drop
from sentiment_core.settings import Settings
from tests.starter import starter_scorer

FILE = "review_id,review\n" + "".join(f"r{row},text number {row}\n" for row in range(500))


def load_at_once(settings: Settings, uris: list[str], kind: str) -> list[LoadStatus]:
    """Load each URI in a separate thread with a separate connection, all at the same moment."""
    start = threading.Barrier(len(uris))

    def work(number: int) -> LoadStatus:
        with connect(settings.require_database_url()) as connection:
            storage = Storage(s3_client(settings.s3_endpoint_url))
            loader = Loader(connection, storage, open_model(connection, starter_scorer()), settings, f"{kind} {number}")
            drop = storage.find(uris[number])
            start.wait()
            return load_drop(loader, drop, replace=False).status

    with ThreadPoolExecutor(len(uris)) as pool:
        return list(pool.map(work, range(len(uris))))


def test_workers_that_race_for_one_file_load_it_once(drops, query, settings) -> None:
    drops.put("dt=2026-11-16/a.csv", FILE)
    uri = f"s3://{settings.bucket}/incoming/dt=2026-11-16/a.csv"
    found = load_at_once(settings, [uri] * 4, "race")
    assert sorted(found) == ["loaded", "skipped", "skipped", "skipped"]
    assert query("SELECT count(*) FROM sentiment.review") == [(500,)]
    assert verification.verify(drops.connection) == []


def test_workers_that_race_with_the_same_bytes_store_them_once(drops, query, settings) -> None:
    for name in "abcd":
        drops.put(f"dt=2026-11-16/{name}.csv", FILE)
    uris = [f"s3://{settings.bucket}/incoming/dt=2026-11-16/{name}.csv" for name in "abcd"]
    found = load_at_once(settings, uris, "race")
    assert sorted(found) == ["duplicate", "duplicate", "duplicate", "loaded"]
    assert query("SELECT count(*) FROM sentiment.review") == [(500,)]
    assert verification.verify(drops.connection) == []


def test_workers_that_race_with_the_same_bytes_of_two_sources_store_them_once_each(drops, query, settings) -> None:
    keys = [f"{source}/dt=2026-11-16/{name}.csv" for source in ("shop-a", "shop-b") for name in "ab"]
    for key in keys:
        drops.put(key, FILE)
    found = load_at_once(settings, [f"s3://{settings.bucket}/incoming/{key}" for key in keys], "race")
    assert sorted(found[:2]) == sorted(found[2:]) == ["duplicate", "loaded"]
    assert query("SELECT source, count(*) FROM sentiment.scored_reviews GROUP BY source ORDER BY source") == [
        ("shop-a", 500),
        ("shop-b", 500),
    ]
    assert verification.verify(drops.connection) == []


def test_workers_that_race_with_the_same_ids_leave_one_head_each(drops, query, settings) -> None:
    for name in "abcd":
        drops.put(f"dt=2026-11-16/{name}.csv", FILE.replace("text", name))
    uris = [f"s3://{settings.bucket}/incoming/dt=2026-11-16/{name}.csv" for name in "abcd"]
    assert load_at_once(settings, uris, "race") == ["loaded"] * 4
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(500,)]
    assert verification.verify(drops.connection) == []


def test_a_claim_held_for_too_long_is_a_transient_error(drops, settings) -> None:
    drops.put("dt=2026-11-16/a.csv", FILE)
    drop = drops.storage.find(f"s3://{settings.bucket}/incoming/dt=2026-11-16/a.csv")
    with drops.connection, drops.connection.cursor() as cursor:
        source_files.register(cursor, [drop], "incoming/")
        source_file_id = source_files.find(cursor, drop)
    with connect(settings.require_database_url()) as other, other.cursor() as cursor:
        source_files.claim(cursor, source_file_id, 1)
        with pytest.raises(ClaimHeld, match="Another worker is loading"):
            drops.load("dt=2026-11-16/a.csv", lock_timeout_s=0.2)
    assert drops.load("dt=2026-11-16/a.csv").status is LoadStatus.LOADED


def _load_until_told(settings: Settings, uri: str, pipe: Pipe) -> None:
    """Load a file, but stop in the middle of its rows and report this."""
    write = BatchWriter.write

    def write_and_wait(self: BatchWriter, *args: object) -> None:
        write(self, *args)  # type: ignore[arg-type]
        pipe.send("half the rows are written")
        signal.pause()

    BatchWriter.write = write_and_wait  # type: ignore[method-assign]
    with connect(settings.require_database_url()) as connection:
        storage = Storage(s3_client(settings.s3_endpoint_url))
        model = open_model(connection, starter_scorer())
        load_drop(Loader(connection, storage, model, settings, "killed"), storage.find(uri), replace=False)


def test_a_killed_worker_stores_nothing_and_its_claim_is_released(drops, query, settings) -> None:
    drops.put("dt=2026-11-16/a.csv", FILE)
    here, there = multiprocessing.Pipe()
    uri = f"s3://{settings.bucket}/incoming/dt=2026-11-16/a.csv"
    small = settings.model_copy(update={"block_bytes": 5000})
    worker = multiprocessing.get_context("spawn").Process(target=_load_until_told, args=(small, uri, there))
    worker.start()
    assert here.poll(60)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert query("SELECT count(*) FROM sentiment.review") == [(0,)]
    assert verification.verify(drops.connection) == []
    assert drops.load("dt=2026-11-16/a.csv").status is LoadStatus.LOADED
    assert query("SELECT count(*) FROM sentiment.review") == [(500,)]


def test_a_lost_connection_is_transient_and_a_wrong_statement_is_terminal(settings) -> None:
    url = settings.require_database_url()
    with (
        pytest.raises(DatabaseUnavailable, match="Try again"),
        connect(url) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with (
        pytest.raises(DatabaseRefused, match="does not exist"),
        connect(url) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM nowhere")
    with pytest.raises(DatabaseUnavailable), connect("postgresql://nobody@127.0.0.1:1/none"):
        pass
