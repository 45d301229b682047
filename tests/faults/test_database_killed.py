"""PostgreSQL that crashes without a message while several workers load."""

import contextlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sentiment_core.drops.storage import Storage
from sentiment_core.errors import DatabaseUnavailable
from sentiment_core.loading.loader import LoadStatus
from tests.faults.conftest import check_loaded, check_untouched, file_of
from tests.faults.workers import Watched, load_once, load_until_it_works, put_files

WORKERS = 4
ROWS = 2_000


def kill(server) -> None:
    """Stop the server as `pg_ctl stop -m immediate` does: without delay and without a checkpoint."""
    (process,) = (one for one in server.workspace.supervisor.processes if one.program.name == "postgres")
    process.popen.send_signal(signal.SIGQUIT)
    process.popen.wait()


def test_a_server_killed_during_a_load_keeps_no_partial_rows(own_server, own_settings, own_url, tmp_path) -> None:
    uris = put_files(tmp_path, {f"{name}.csv": file_of(ROWS, name) for name in "abcd"})
    half_way, killed = threading.Barrier(WORKERS + 1, timeout=60), threading.Event()

    def wait() -> None:
        half_way.wait()
        assert killed.wait(60)

    storage = Watched(None, wait)

    def fail(uri: str) -> None:
        try:
            with pytest.raises(DatabaseUnavailable, match="Try again"):
                load_once(own_settings, storage, uri)
            assert killed.is_set(), "the load failed before the server was killed"
        except BaseException:
            half_way.abort()  # so that the test shows this error instead of a time-out
            raise

    with ThreadPoolExecutor(WORKERS) as pool:
        failing = [pool.submit(fail, uri) for uri in uris]
        with contextlib.suppress(threading.BrokenBarrierError):
            half_way.wait()
        if half_way.broken:
            errors = [one.exception() for one in failing]
            pytest.fail(f"not every load came half way: {errors}")
        kill(own_server)
        killed.set()
        for one in failing:
            one.result()
    with pytest.raises(DatabaseUnavailable):
        load_once(own_settings, storage, uris[0])
    own_server.postgres.start()
    check_untouched(own_url)
    assert [load_once(own_settings, storage, uri).status for uri in uris] == [LoadStatus.LOADED] * 4
    check_loaded(own_url, WORKERS * ROWS, files=WORKERS)


def test_retrying_workers_load_every_file_once_while_the_server_is_killed_repeatedly(
    own_server, own_settings, own_url, tmp_path
) -> None:
    names = [f"file{number}" for number in range(12)]
    uris = put_files(tmp_path, {f"{name}.csv": file_of(ROWS, name) for name in names})
    done = threading.Semaphore(0)

    def work(uri: str) -> str:
        outcome, _ = load_until_it_works(own_settings, Storage(None), uri)
        done.release()
        return outcome.status

    with ThreadPoolExecutor(WORKERS) as pool:
        # Two workers for each file.
        loading = [pool.submit(work, uri) for uri in uris for _ in range(2)]
        for _ in range(3):
            for _ in range(4):
                assert done.acquire(timeout=60)
            kill(own_server)
            own_server.postgres.start()
        # A commit without an answer was nevertheless made. The worker that retries then finds nothing to do.
        found = {one.result() for one in loading}
    assert found == {LoadStatus.LOADED, LoadStatus.SKIPPED}
    check_loaded(own_url, len(uris) * ROWS, files=len(uris))
