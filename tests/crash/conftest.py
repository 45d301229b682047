from collections.abc import Iterator

import pytest

from demo.stack import Stack
from tests.crash import drops, table
from tests.crash.evidence import Contents
from tests.crash.points import Orders
from tests.crash.scene import Scene

BUCKET, PREFIX = "crash", "incoming/shop/dt=2026-11-16/"


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    """The folder through which processes are told where to stop."""
    orders = Orders(tmp_path_factory.mktemp("orders"))
    yield orders
    orders.close()


@pytest.fixture(scope="session")
def dropped(stack: Stack) -> None:
    """The files, in a bucket that all cells share, because their times are part of the comparison."""
    s3 = stack.object_store.client()
    s3.create_bucket(Bucket=BUCKET)
    drops.put(s3, BUCKET, [PREFIX])


@pytest.fixture(scope="session")
def clean(stack: Stack, migrated_template: str, dropped: None) -> Contents:
    """The rows stored by an undisturbed load with the default block size."""
    scene = Scene(stack, stack.postgres.create_database("clean", template=migrated_template), BUCKET, PREFIX)
    scene.finish(scene.start())
    assert scene.states() == drops.STATES
    return scene.contents()


@pytest.fixture
def scene(stack: Stack, database_url: str, dropped: None) -> Iterator[Scene]:
    """The bucket and a new database."""
    scene = Scene(stack, database_url, BUCKET, PREFIX)
    yield scene
    scene.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix as a table for the documentation if all its cells were run."""
    table.write(terminalreporter)
