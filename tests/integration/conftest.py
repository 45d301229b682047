import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from demo.stack import Stack
from sentiment_core.cli import main
from sentiment_core.database.connection import Connection, connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger import verification
from sentiment_core.ledger.models import ScoringModel, open_model
from sentiment_core.loading.loader import Loader, LoadOutcome, load_drop
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Calibration, Thresholds
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from sentiment_core.settings import settings as settings_of_process
from tests.starter import starter, starter_scorer

SENTIMENT = Path(sys.executable).with_name("sentiment")

Query = Callable[..., list[tuple[Any, ...]]]
Sentiment = Callable[..., "subprocess.CompletedProcess[str]"]


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


@pytest.fixture
def members(stack: Stack, database_url: str) -> dict[str, str]:
    """The URIs of four users: only a reader, only a writer, only the service, and a user with no role.

    Roles belong to the server, so the tests of all files share these.
    """
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            """
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ann') THEN
                    CREATE ROLE ann LOGIN PASSWORD 'ann' IN ROLE sentiment_reader;
                    CREATE ROLE wes LOGIN PASSWORD 'wes' IN ROLE sentiment_writer;
                    CREATE ROLE sam LOGIN PASSWORD 'sam' IN ROLE sentiment_service;
                    CREATE ROLE eve LOGIN PASSWORD 'eve';
                END IF;
            END $$
            """
        )
    name = database_url.rpartition("/")[2]
    return {
        user: f"postgresql://{user}:{user}@127.0.0.1:{stack.postgres.port}/{name}"
        for user in ("ann", "wes", "sam", "eve")
    }


class Drops:
    """Put objects into this test's bucket and load them as a run would. Every load is verified afterwards."""

    def __init__(self, connection: Connection, stack: Stack, settings: Settings) -> None:
        self.s3 = stack.object_store.client()
        self.storage = Storage(self.s3)
        self.connection = connection
        self.settings = settings
        self.model = open_model(connection, starter_scorer())
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
    return open_model(connection, Scorer(other_bundle))


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory, shift_bundle) -> Bundle:
    return shift_bundle(starter(), tmp_path_factory.mktemp("bundle"), 0.5)


@pytest.fixture
def three_label_model(connection, three_label_bundle) -> ScoringModel:
    """A small model with three labels."""
    return open_model(connection, Scorer(Bundle.load(three_label_bundle)))


@pytest.fixture
def two_label_model(connection, three_label_bundle, change_bundle, tmp_path) -> ScoringModel:
    """The model with three labels without its label neutral."""
    three = Bundle.load(three_label_bundle)
    two = replace(three, weights=np.ascontiguousarray(three.weights[2:] - three.weights[:1]))
    bundle = change_bundle(
        two,
        tmp_path / "two",
        labels=("negative", "positive"),
        biases=(0.0,),
        calibration=Calibration(slopes=((1.0,),), intercepts=(0.0,)),
        thresholds=Thresholds(neutral_low=0.5, neutral_high=0.5),
    )
    return open_model(connection, Scorer(bundle))


@pytest.fixture
def command_environment(settings: Settings) -> dict[str, str | None]:
    """The environment of commands: this test's database and bucket, without a registry. None means unset."""
    return {name: None for name in os.environ if name.startswith("SENTIMENT_")} | {
        "SENTIMENT_DATABASE_URL": settings.require_database_url(),
        "SENTIMENT_BUCKET": settings.bucket,
        "SENTIMENT_S3_ENDPOINT_URL": str(settings.s3_endpoint_url),
    }


@pytest.fixture
def sentiment(command_environment: dict[str, str | None]) -> Sentiment:
    """Run the command line in this process, as the console script does. A process would import everything again."""

    def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        settings_of_process.cache_clear()
        try:
            result = CliRunner(env=command_environment | changed).invoke(main, arguments, prog_name="sentiment")
        finally:
            settings_of_process.cache_clear()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def sentiment_process(command_environment: dict[str, str | None]) -> Sentiment:
    """Run the console script in a new process."""

    def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | command_environment | changed
        return subprocess.run(
            [str(SENTIMENT), *arguments],
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
