"""Shared by all fault tests: a file of several blocks, and the check that it is stored completely or not at all."""

import random
from collections.abc import Iterator

import pytest

from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.drops import resumable_body
from sentiment_core.drops.storage import Storage, s3_client
from sentiment_core.ledger import verification
from sentiment_core.settings import Settings
from tests.faults.s3_proxy import S3Proxy
from tests.integration.conftest import Drops, connection, drops, query

__all__ = ["check_loaded", "check_untouched", "connection", "drops", "file_of", "query"]

TABLES = ("review", "score", "rejected_row", "scoring_batch", "review_head")


def file_of(rows: int, name: str = "r") -> bytes:
    """Return a CSV file whose texts hardly compress. `name` distinguishes it and its review ids from other files."""
    dice = random.Random(name)
    lines = (f"{name}-{row},text {row} of {name} {dice.getrandbits(160):040x}\n" for row in range(rows))
    return ("review_id,review\n" + "".join(lines)).encode()


def check_untouched(url: str) -> None:
    """Check that a database holds no rows of any file and records no load as done."""
    with connect(url) as fresh:
        assert verification.verify(fresh) == []
        with fresh.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"SELECT count(*) FROM sentiment.{table}")
                assert cursor.fetchone() == (0,), table
            cursor.execute("SELECT DISTINCT status FROM sentiment.source_file")
            assert cursor.fetchall() in ([], [("seen",)])


def check_loaded(url: str, rows: int, files: int = 1) -> None:
    """Check that a database holds this many files, each loaded once, and rows in total, and that all rows are shown."""
    with connect(url) as fresh:
        assert verification.verify(fresh) == []
        with fresh.cursor() as cursor:
            cursor.execute("SELECT status, count(*) FROM sentiment.source_file GROUP BY status")
            assert cursor.fetchall() == [("loaded", files)]
            cursor.execute("SELECT count(*), sum(rows_scored) FROM sentiment.scoring_batch")
            assert cursor.fetchone() == (files, rows)
            cursor.execute("SELECT count(*), count(DISTINCT review_id) FROM sentiment.scored_reviews")
            assert cursor.fetchone() == (rows, rows)


@pytest.fixture
def proxy(stack: Stack, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """A proxy in front of the S3 server. Clients resume broken connections without a pause."""
    monkeypatch.setattr(resumable_body, "PAUSE_S", 0)
    with S3Proxy(stack.object_store.endpoint) as proxy:
        yield proxy


@pytest.fixture
def proxied(drops: Drops, proxy: S3Proxy) -> Drops:
    """Put objects directly into the bucket, and load them through the proxy, with the client that loads use."""
    drops.storage = Storage(s3_client(proxy.url))
    drops.settings = drops.settings.model_copy(update={"block_bytes": 25_000})
    return drops


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A durable PostgreSQL that tests can damage."""
    with Stack(tmp_path_factory.mktemp("own"), ("postgres",)) as own:
        migrations.upgrade(own.postgres.create_database("template_own"))
        yield own


@pytest.fixture
def own_url(own_server: Stack) -> Iterator[str]:
    """A new, migrated database of that server."""
    yield own_server.postgres.create_database("own", template="template_own")
    own_server.postgres.drop_database("own")


@pytest.fixture
def own_settings(own_url: str) -> Settings:
    """Settings that point to that database, for files of several blocks."""
    return Settings(database_url=own_url, block_bytes=20_000)
