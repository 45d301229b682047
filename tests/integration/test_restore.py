"""A backup that was restored on another server, by the commands of docs/deploy.md: nothing is loaded twice after it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from demo.postgres import Postgres
from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.feedback.correction import Correction
from sentiment_core.feedback.store import FeedbackStore
from sentiment_core.ledger import verification
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.scoring_run import RunPlan, plan_run
from sentiment_core.model.bundle import STARTER, Bundle
from tests.guide import blocks

A = "review_id,author_id,review\nr1,ann,fine\nr2,bob,awful\nr2,bob,awful\nr3,cy,\nr4,eve,good\n"
BEFORE = {
    "shop/dt=2026-11-15/a.csv": A,
    "shop/dt=2026-11-16/a-again.csv": A,
    "shop/dt=2026-11-16/orders.csv": "id\n1\n",
    "shop/dt=2026-11-16/b.csv": "review_id,review\nr1,not fine any more\nr5,lovely\n",
}
AFTER = {
    "shop/dt=2026-11-16/b.csv": "review_id,review\nr1,fine again\nr5,lovely\nr6,late\n",
    "shop/dt=2026-11-17/c.csv": "review_id,review\nr7,new\nr2,better now\n",
}
# What an analyst sees; ids that the database gives may differ.
SHOWN = "SELECT review_id, text, score, label, model_digest, key, line FROM sentiment.scored_reviews ORDER BY key, line"
LOADS = "SELECT source_file_id, model_id, count(*) FROM sentiment.scoring_batch WHERE kind = 'load' GROUP BY 1, 2"

KEY = "a secret of this test"
CORRECTION = Correction(UUID(int=7), "fine", "negative", 0.9, None, datetime(2026, 11, 16, tzinfo=UTC))

Rows = list[tuple[object, ...]]


def rows(url: str, statement: str) -> Rows:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def stored(url: str) -> dict[str, Rows]:
    """Return all rows of all tables of a database."""
    tables = rows(
        url,
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    assert len(tables) > 10
    return {str(table): rows(url, f"SELECT row::text FROM {table} row ORDER BY 1") for (table,) in tables}


@pytest.fixture(scope="module")
def another_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server without the roles that the migrations made on the first one."""
    with Stack(tmp_path_factory.mktemp("another"), ("postgres",), durable=False) as another:
        yield another.postgres


@pytest.fixture
def run_documented(stack, tmp_path) -> Callable[..., None]:
    """Run the commands below a heading of docs/deploy.md."""

    def run(heading: str, database: str, mlflow: str) -> None:
        path = (str(stack.postgres.bin), str(Path(sys.executable).parent), os.environ["PATH"])
        environment = os.environ | {
            "PATH": ":".join(path),
            "BACKUPS": str(tmp_path),
            "SENTIMENT_DATABASE_URL": database,
            "MLFLOW_DATABASE_URL": mlflow,
        }
        command = ["bash", "-euo", "pipefail", "-c", blocks("sh")[heading]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture
def load_all(sentiment, settings) -> Callable[..., dict[str, str]]:
    """Load everything in a bucket into a database, and return what became of each file; its ledger is proved."""

    def load(url: str, bucket: str = settings.bucket) -> dict[str, str]:
        told = {"SENTIMENT_DATABASE_URL": url, "SENTIMENT_ERASURE_KEY": KEY, "SENTIMENT_BUCKET": bucket}
        done = sentiment("load", f"s3://{bucket}/incoming/", "--json", **told)
        assert done.returncode in (0, 1), done.stderr  # 1 when a file is rejected for the first time
        with connect(url) as connection:
            assert verification.verify(connection) == []
        return {outcome["uri"].rpartition("/")[2]: outcome["status"] for outcome in json.loads(done.stdout)}

    return load


@pytest.fixture
def backup(drops, load_all, sentiment, run_documented, database_url, stack) -> dict[str, Rows]:
    """A backup of a database with rows of all kinds; what was stored when it was made."""
    for key, data in BEFORE.items():
        drops.put(key, data)
    assert load_all(database_url) == {
        "a.csv": "loaded", "a-again.csv": "duplicate", "b.csv": "loaded", "orders.csv": "rejected"
    }  # fmt: skip
    erased = sentiment("erase", "author", "eve", "--source", "shop", SENTIMENT_ERASURE_KEY=KEY)
    assert erased.returncode == 0, erased.stderr
    FeedbackStore(database_url).write([CORRECTION])
    run_documented("Dump", database_url, stack.postgres.url("mlflow"))
    return stored(database_url)


@pytest.fixture
def restored(backup, run_documented, another_server, stack) -> Iterator[str]:
    """The backup on the other server."""
    url = another_server.create_database("restored")
    mlflow = another_server.create_database("restored_mlflow", "mlflow")
    run_documented("Restore", url, mlflow)
    assert stored(mlflow) == stored(stack.postgres.url("mlflow"))
    yield url
    for name in ("restored", "restored_mlflow"):
        another_server.drop_database(name)


def test_a_restore_brings_back_every_row(backup, restored) -> None:
    assert {table: len(found) for table, found in backup.items()} | {
        "sentiment.source_file": 4, "sentiment.scoring_batch": 2, "sentiment.rejected_row": 1, "sentiment.erasure": 1,
        "sentiment.feedback": 1, "sentiment.live_file": 2,
    } == {table: len(found) for table, found in backup.items()}  # fmt: skip
    assert stored(restored) == backup


def test_after_a_restore_nothing_is_loaded_twice_and_what_came_after_the_backup_is_loaded_once(
    drops, backup, restored, load_all, database_url
) -> None:
    for key, data in AFTER.items():
        drops.put(key, data)
    load_all(database_url)
    before_the_disaster = rows(database_url, SHOWN)
    assert [row[0] for row in before_the_disaster] == ["r1", "r5", "r6", "r7", "r2"]

    assert load_all(restored) == {
        "a.csv": "skipped", "a-again.csv": "skipped", "b.csv": "loaded", "orders.csv": "skipped", "c.csv": "loaded"
    }  # fmt: skip
    assert rows(restored, SHOWN) == before_the_disaster
    assert sorted(rows(restored, LOADS)) == sorted(rows(database_url, LOADS))
    assert {count for _, _, count in rows(restored, LOADS)} == {1}
    assert set(load_all(restored).values()) == {"skipped"}
    assert rows(restored, SHOWN) == before_the_disaster


def test_after_a_restore_a_nightly_run_plans_what_came_after_the_backup_alone(drops, settings, restored) -> None:
    for key, data in AFTER.items():
        drops.put(key, data)
    with connect(restored) as connection:
        model = open_model(connection, Bundle.load(STARTER))
        plan = RunPlan("after the restore", date(2026, 11, 17), model.model_id, 1, champion=True, replace=False)
        plan_run(connection, drops.storage, settings, plan, take_earlier=True)
    planned = rows(
        restored, "SELECT key, size FROM sentiment.planned_file JOIN sentiment.source_file USING (source_file_id)"
    )
    assert sorted(planned) == sorted((f"incoming/{key}", len(data)) for key, data in AFTER.items())


@pytest.fixture
def restored_bucket(drops) -> Iterator[str]:
    """A bucket with copies of the objects, which are later than those and have other versions."""
    drops.s3.create_bucket(Bucket="restored")
    for key, data in BEFORE.items():
        drops.s3.put_object(Bucket="restored", Key=f"incoming/{key}", Body=data.encode())
    yield "restored"
    for key in BEFORE:
        drops.s3.delete_object(Bucket="restored", Key=f"incoming/{key}")
    drops.s3.delete_bucket(Bucket="restored")


def test_after_a_restore_of_the_bucket_too_the_same_bytes_are_duplicates(restored, restored_bucket, load_all) -> None:
    shown = rows(restored, SHOWN)
    batches = rows(restored, "SELECT * FROM sentiment.scoring_batch")
    assert load_all(restored, restored_bucket) == {
        "a.csv": "duplicate", "a-again.csv": "duplicate", "b.csv": "duplicate", "orders.csv": "rejected"
    }  # fmt: skip
    assert rows(restored, SHOWN) == shown
    assert rows(restored, "SELECT * FROM sentiment.scoring_batch") == batches


def test_what_was_erased_stays_erased_after_a_restore(drops, restored, load_all) -> None:
    drops.put("shop/dt=2026-11-18/d.csv", "author_id,review\neve,back again\nzoe,new\n")
    load_all(restored)
    assert rows(restored, "SELECT text FROM sentiment.review WHERE author_id = 'eve'") == []
    assert ("erased",) in rows(restored, "SELECT code FROM sentiment.rejected_row")
