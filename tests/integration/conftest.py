import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.stack import Stack
from sentiment_core.database.connection import Connection, connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger import verification
from sentiment_core.ledger.models import ScoringModel, open_model
from sentiment_core.loading.loader import Loader, LoadOutcome, load_drop
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.settings import Settings

SENTIMENT = Path(sys.executable).with_name("sentiment")

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with connect(settings.require_database_url()) as connection:
        yield connection


@pytest.fixture
def query(connection: Connection) -> Query:
    """Run a statement and return its rows, with bytea as bytes."""

    def run(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows = cursor.fetchall() if cursor.description else []
        return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows]

    return run


class Drops:
    """Put objects into this test's bucket and load them as a run would. Every load is verified afterwards."""

    def __init__(self, connection: Connection, stack: Stack, settings: Settings) -> None:
        self.s3 = stack.object_store.client()
        self.storage = Storage(self.s3)
        self.connection = connection
        self.settings = settings
        self.model = open_model(connection, Bundle.load(STARTER))
        self.runs = 0

    def put(self, key: str, data: bytes | str) -> None:
        body = data.encode() if isinstance(data, str) else data
        self.s3.put_object(Bucket=self.settings.bucket, Key=f"incoming/{key}", Body=body)

    def load(self, key: str, *, replace: bool = False, **changed: object) -> LoadOutcome:
        self.runs += 1
        settings = self.settings.model_copy(update=changed)
        loader = Loader(self.connection, self.storage, self.model, settings, f"test run {self.runs}")
        drop = self.storage.find(f"s3://{self.settings.bucket}/incoming/{key}")
        outcome = load_drop(loader, drop, replace)
        assert verification.verify(self.connection) == []
        return outcome

    def drop(self, key: str, data: bytes | str, **changed: object) -> LoadOutcome:
        self.put(key, data)
        return self.load(key, **changed)


@pytest.fixture
def drops(connection: Connection, stack: Stack, settings: Settings) -> Drops:
    return Drops(connection, stack, settings)


@pytest.fixture
def drops_as(stack: Stack, settings: Settings) -> Iterator[Callable[[str], Drops]]:
    """Load as the user of a database URI."""
    with contextlib.ExitStack() as opened:
        yield lambda url: Drops(opened.enter_context(connect(url)), stack, settings)


@pytest.fixture
def other_model(connection, other_bundle) -> ScoringModel:
    """A model that differs from the starter in its digest and in its scores."""
    return open_model(connection, other_bundle)


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory, change_bundle) -> Bundle:
    starter = Bundle.load(STARTER)
    calibration = starter.manifest.calibration.model_copy(update={"intercepts": (0.5,)})
    return change_bundle(starter, tmp_path_factory.mktemp("bundle"), calibration=calibration)


@pytest.fixture
def sentiment(settings: Settings):
    """Run the command line with this test's database and bucket, without a registry."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")} | {
        "SENTIMENT_DATABASE_URL": settings.require_database_url(),
        "SENTIMENT_BUCKET": settings.bucket,
        "SENTIMENT_S3_ENDPOINT_URL": str(settings.s3_endpoint_url),
    }

    def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SENTIMENT), *arguments], env=environment | changed, capture_output=True, text=True, check=False
        )

    return run
