"""An object store and its network that fail in the middle of a file."""

import gzip
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import boto3
import pytest
from backports import zstd
from botocore.config import Config

from sentiment_core.drops.drop import Drop
from sentiment_core.drops.resumable_body import RESUMES
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import ObjectChanged, ObjectMissing, StorageUnavailable
from sentiment_core.loading.loader import Loader, LoadStatus, load_drop
from tests.faults.conftest import check_loaded, check_untouched, file_of
from tests.faults.s3_proxy import Fault, S3Proxy

ROWS = 5_000
PLAIN = file_of(ROWS)
PACK: dict[str, Callable[[bytes], bytes]] = {"a.csv": bytes, "a.csv.gz": gzip.compress, "a.csv.zst": zstd.compress}
FILES = {f"dt=2026-11-16/{name}": pack(PLAIN) for name, pack in PACK.items()}
CSV = "dt=2026-11-16/a.csv"
# The first byte of a record, so that the part sent before it looks like a whole file.
BOUNDARY = PLAIN.index(b"\n", 100_000) + 1

every_format = pytest.mark.parametrize("key", FILES, ids=PACK)


@pytest.fixture
def url(settings) -> str:
    return settings.require_database_url()


def impatient(proxy: S3Proxy) -> Storage:
    """Return a storage whose client uses a short timeout and few retries."""
    config = Config(read_timeout=0.5, retries={"mode": "standard", "max_attempts": 2})
    return Storage(boto3.client("s3", endpoint_url=proxy.url, config=config))


def test_a_briefly_busy_store_is_retried(proxied, proxy, url) -> None:
    proxied.put(CSV, PLAIN)
    proxy.refuse(2)
    assert proxied.load(CSV).status is LoadStatus.LOADED
    check_loaded(url, ROWS)


def test_a_permanently_busy_store_is_a_transient_error(proxied, proxy, url, settings) -> None:
    proxied.put(CSV, PLAIN)
    proxied.storage = impatient(proxy)
    drop = proxied.storage.find(f"s3://{settings.bucket}/incoming/{CSV}")
    proxy.refuse(math.inf)
    loader = Loader(proxied.connection, proxied.storage, proxied.model, settings, "busy")
    with pytest.raises(StorageUnavailable, match="SlowDown"):
        load_drop(loader, drop, replace=False)
    check_untouched(url)
    proxy.heal()
    assert load_drop(loader, drop, replace=False).status is LoadStatus.LOADED
    check_loaded(url, ROWS)


@every_format
def test_an_interrupted_body_resumes_at_its_offset(proxied, proxy, url, key) -> None:
    proxied.put(key, FILES[key])
    proxy.spoil(Fault(after=BOUNDARY, then="close"))
    assert proxied.load(key).status is LoadStatus.LOADED
    whole, rest = proxy.ranges
    assert whole is None
    assert rest is not None
    assert 0 < int(rest.removeprefix("bytes=").removesuffix("-")) <= BOUNDARY
    check_loaded(url, ROWS)


@every_format
@pytest.mark.parametrize("cut", ["close", "reset"])
def test_a_body_can_be_interrupted_any_number_of_times_if_it_makes_progress(proxied, proxy, url, key, cut) -> None:
    proxied.put(key, FILES[key])
    proxy.spoil(later=Fault(after=12_500, then=cut))
    assert proxied.load(key).status is LoadStatus.LOADED
    assert len(proxy.ranges) > 2 * RESUMES
    check_loaded(url, ROWS)


@every_format
@pytest.mark.parametrize("bare", [False, True], ids=["of a known length", "of an unknown length"])
def test_a_truncated_body_is_never_loaded_as_the_whole_file(proxied, proxy, url, key, bare) -> None:
    proxied.put(key, FILES[key])
    first = Fault(after=BOUNDARY, then="close", bare=bare)
    proxy.spoil(first, later=Fault(then="close", bare=bare))
    with pytest.raises(StorageUnavailable):
        proxied.load(key)
    check_untouched(url)
    proxy.heal()
    assert proxied.load(key).status is LoadStatus.LOADED
    check_loaded(url, ROWS)


def test_a_store_that_fails_during_a_read_is_a_transient_error(proxied, proxy, url) -> None:
    proxied.put(CSV, PLAIN)
    proxied.storage = impatient(proxy)
    proxy.spoil(Fault(after=BOUNDARY, act=lambda: proxy.refuse(math.inf), then="close"))
    with pytest.raises(StorageUnavailable, match="SlowDown"):
        proxied.load(CSV)
    check_untouched(url)
    proxy.heal()
    assert proxied.load(CSV).status is LoadStatus.LOADED
    check_loaded(url, ROWS)


def test_a_response_at_another_offset_is_rejected(proxied, proxy, url) -> None:
    proxied.put(CSV, PLAIN)
    proxy.spoil(Fault(after=BOUNDARY, then="close"), later=Fault(as_whole=True))
    with pytest.raises(StorageUnavailable, match="does not start at the requested byte"):
        proxied.load(CSV)
    check_untouched(url)


def test_a_slow_body_loads(proxied, proxy, url) -> None:
    proxied.put(CSV, PLAIN)
    proxy.spoil(Fault(step=2_500, pause_s=0.005))
    assert proxied.load(CSV).status is LoadStatus.LOADED
    assert proxy.ranges == [None]
    check_loaded(url, ROWS)


def test_a_stalled_body_is_requested_again(proxied, proxy, url) -> None:
    proxied.put(CSV, PLAIN)
    proxied.storage = impatient(proxy)
    proxy.spoil(Fault(after=BOUNDARY, then="stall"), Fault(after=1000, then="stall"))
    assert proxied.load(CSV).status is LoadStatus.LOADED
    assert len(proxy.ranges) == 3
    check_loaded(url, ROWS)


# An object that changes during the read


def test_an_object_replaced_during_a_read_is_a_transient_error(proxied, proxy, url, settings) -> None:
    proxied.put(CSV, PLAIN)
    old = proxied.storage.find(f"s3://{settings.bucket}/incoming/{CSV}")
    proxy.spoil(Fault(after=BOUNDARY, act=lambda: proxied.put(CSV, file_of(ROWS, "new")), then="close"))
    with pytest.raises(ObjectChanged, match="was replaced while it was read"):
        proxied.load(CSV)
    check_untouched(url)
    # A task that retries reads the same version.
    loader = Loader(proxied.connection, proxied.storage, proxied.model, settings, "retry")
    outcome = load_drop(loader, old, replace=False)
    assert (outcome.status, outcome.reason.partition(":")[0]) == (LoadStatus.REJECTED, "object_gone")
    assert proxied.load(CSV).rows_scored == ROWS


def test_an_object_deleted_during_a_read_is_a_transient_error(proxied, proxy, url, settings) -> None:
    proxied.put(CSV, PLAIN)
    key = f"incoming/{CSV}"
    proxy.spoil(
        Fault(after=BOUNDARY, act=lambda: proxied.s3.delete_object(Bucket=settings.bucket, Key=key), then="close")
    )
    with pytest.raises(ObjectChanged):
        proxied.load(CSV)
    check_untouched(url)
    with pytest.raises(ObjectMissing):
        proxied.load(CSV)


def test_a_version_superseded_during_a_read_is_read_to_its_end(proxied, proxy, url, settings, query) -> None:
    proxied.s3.put_bucket_versioning(Bucket=settings.bucket, VersioningConfiguration={"Status": "Enabled"})
    proxied.put(CSV, PLAIN)
    proxy.spoil(Fault(after=BOUNDARY, act=lambda: proxied.put(CSV, file_of(ROWS, "new")), then="close"))
    assert proxied.load(CSV).status is LoadStatus.LOADED
    assert query("SELECT count(*) FROM sentiment.review WHERE text LIKE %s", "% of r %") == [(ROWS,)]
    check_loaded(url, ROWS)


def test_a_resumed_read_never_mixes_two_versions_of_an_object(proxied, proxy, url, query) -> None:
    proxied.put(CSV, PLAIN)
    proxy.spoil(Fault(after=BOUNDARY, act=lambda: proxied.put(CSV, file_of(ROWS, "new"))))
    # The store can send the running response to its end, or cut it off where it released the old object.
    try:
        proxied.load(CSV)
    except ObjectChanged:
        check_untouched(url)
    else:
        assert query("SELECT count(*) FROM sentiment.review WHERE text LIKE %s", "% of r %") == [(ROWS,)]
        check_loaded(url, ROWS)


class Rewritten(Storage):
    """Local files. The first one opened gets different content before it is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(None)
        self.data: bytes | None = data

    @contextmanager
    def open(self, drop: Drop) -> Iterator[BinaryIO]:
        with super().open(drop) as body:
            if self.data is not None:
                Path(drop.key).write_bytes(self.data)
                self.data = None
            yield body


@pytest.mark.parametrize("data", [file_of(500, "new"), b'review\n"torn'], ids=["good", "bad"])
def test_a_local_file_rewritten_during_a_read_is_a_transient_error(drops, url, tmp_path, query, data) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(file_of(500))
    storage = Rewritten(data)
    loader = Loader(drops.connection, storage, drops.model, drops.settings, "local")
    with pytest.raises(ObjectChanged, match="was replaced while it was read"):
        load_drop(loader, storage.find(str(path)), replace=False)
    check_untouched(url)
    path.write_bytes(file_of(500, "newer"))
    assert load_drop(loader, storage.find(str(path)), replace=False).status is LoadStatus.LOADED
    assert query("SELECT count(*) FROM sentiment.review WHERE text LIKE %s", "% of newer %") == [(500,)]


def test_a_local_file_removed_during_a_read_is_a_transient_error(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(PLAIN)
    storage = Storage(None)
    drop = storage.find(str(path))

    def read() -> None:
        with storage.open(drop) as body:
            path.unlink()
            assert body.read() == PLAIN

    with pytest.raises(ObjectChanged):
        read()
