"""Real services for all tests: started once per session on free loopback ports, and stopped at its end."""

import gc
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.manifest import Calibration
from sentiment_core.settings import Settings
from sentiment_core.text.specification import identity, token_hash
from tests.starter import starter

# The first call compiles a kernel, so a deadline would measure the compiler, not the test. CI uses the same examples
# each time, so that a failure comes from a change and not from chance. Local runs use new examples each time.
hypothesis.settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("project")

CHECKOUT = Path(__file__).parent.parent
SMALL = 4_000  # n-grams

# Folders whose tests share what takes long to set up: one worker runs all of a folder. Elsewhere a file is a group.
SHARED = ("tests/end_to_end", "tests/dags")
# The groups that take longest start first, or one worker would wait for the other at the end.
LONGEST = (
    "tests/end_to_end",
    "tests/dags",
    "tests/integration/test_previous_release.py",
    "tests/integration/test_benchmarks.py",
    "tests/api/test_candidates.py",
    "tests/api/test_model.py",
    "tests/api/test_page_live.py",
    "tests/api/test_rolling_restart.py",
)


def group_of(node_id: str) -> str:
    """Return the name of the tests that run on one worker with this one."""
    path = node_id.partition("::")[0]
    folder = path.rpartition("/")[0]
    return folder if folder in SHARED else path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the groups that take longest."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(group_of(item.nodeid), len(order)))


def pytest_collection_finish() -> None:
    """Exclude all that was imported from garbage collection: it lives to the end, and full passes took 4 % of a run."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each group on one worker. The groups of `--dist loadgroup` have no effect since pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 -- pytest runs without it, too

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return GroupScheduling(config, log)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The project's folder."""
    return CHECKOUT


@pytest.fixture(scope="session")
def examples(checkout: Path) -> Path:
    """The example drops. The path of a file below this folder is its key below `incoming/`."""
    return checkout / "examples" / "incoming"


@pytest.fixture(scope="session")
def change_bundle() -> Callable[..., Bundle]:
    """Write a copy of a bundle with some manifest fields changed, and load it."""

    def change(bundle: Bundle, folder: Path, **fields: Any) -> Bundle:
        kept = {name: getattr(bundle.manifest, name) for name in type(bundle.manifest).model_fields}
        del kept["arrays"]
        arrays = {name: getattr(bundle, name) for name in ("ngrams", "weights", "tokens", "canonical")}
        Bundle.create(**arrays, provenance={"created": "by a test"}, **(kept | fields)).save(folder)
        return Bundle.load(folder)

    return change


@pytest.fixture(scope="session")
def shift_bundle(change_bundle: Callable[..., Bundle]) -> Callable[[Bundle, Path, float], Bundle]:
    """Write a copy of a bundle that adds a number to the log-odds of positive, and load it."""

    def shift(bundle: Bundle, folder: Path, log_odds: float) -> Bundle:
        calibration = bundle.manifest.calibration
        count = len(calibration.intercepts)
        added = (log_odds,) if count == 1 else np.linspace(-log_odds / 2, log_odds / 2, count)
        intercepts = tuple((np.array(calibration.intercepts) + added).tolist())
        return change_bundle(bundle, folder, calibration=calibration.model_copy(update={"intercepts": intercepts}))

    return shift


@pytest.fixture(scope="session")
def small_bundle(change_bundle: Callable[..., Bundle], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with only the n-grams of the greatest weights, in 80 kB instead of 15 MB.

    It is for tests of what happens to a bundle of any size: to register and fetch it takes half the processor time.
    """
    folder = tmp_path_factory.mktemp("small")
    heaviest = np.sort(np.argsort(-np.abs(starter().weights).max(axis=0))[:SMALL])
    arrays = {"ngrams": starter().ngrams[heaviest], "weights": np.ascontiguousarray(starter().weights[:, heaviest])}
    change_bundle(replace(starter(), **arrays), folder)
    return folder


@pytest.fixture(scope="session")
def three_label_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with three labels for English and, below the standard, for German."""
    words = {"good": (-2, 0, 2), "awful": (2, 0, -2), "average": (-1, 2, -1), "the": (0, 0, 0)}
    ngrams = {identity(token_hash(word.encode())): weights for word, weights in words.items()}
    manifest = starter().manifest
    bundle = Bundle.create(
        ngrams=np.array(sorted(ngrams), np.uint64),
        weights=np.array([ngrams[ngram] for ngram in sorted(ngrams)], np.float32).T,
        provenance={"created": "by a test"},
        name="three",
        labels=LABELS,
        languages=("en", "de"),
        experimental_languages=("de",),
        recipe=manifest.recipe.model_copy(update={"longest_ngram": 1}),
        biases=(0.0, 0.0, 0.0),
        calibration=Calibration(slopes=np.eye(3).tolist(), intercepts=(0.0, 0.0, 0.0)),
        thresholds=None,
        snapshot=manifest.snapshot,
        training={},
    )
    folder = tmp_path_factory.mktemp("three")
    bundle.save(folder)
    return folder


@pytest.fixture(scope="session")
def real_data(checkout: Path) -> Path:
    """The folder of the real reviews. Tests that need it are skipped if it is missing."""
    folder = Path(os.environ.get("SENTIMENT_REAL_DATA", checkout / "../shared/data"))
    if not (folder / "imdb_train.csv.xz").exists():
        pytest.skip("the IMDB training split is not here; SENTIMENT_REAL_DATA names its folder")
    return folder


@pytest.fixture(scope="session")
def contenders() -> Any:
    """A champion trained on few reviews, and challengers of known quality (`contenders.py`)."""
    from tests.contenders import contenders as train_them  # noqa: PLC0415 -- imports scikit-learn, which few tests need

    return train_them()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, an S3 server and MLflow."""
    with Stack(tmp_path_factory.mktemp("stack"), ("postgres", "object_store", "mlflow"), durable=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def mlflow_uri(stack: Stack) -> str:
    """The address of the MLflow tracking server."""
    return stack.mlflow.url


@pytest.fixture(scope="session")
def migrated_template(stack: Stack) -> str:
    """A migrated database that serves as the template for others."""
    migrations.upgrade(stack.postgres.create_database("template_migrated"))
    return "template_migrated"


@pytest.fixture(scope="session")
def example_database(
    stack: Stack, migrated_template: str, examples: Path, shift_bundle: Any, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The example drops in a database that no test changes (`example_database.py`)."""
    from tests.example_database import create  # noqa: PLC0415 -- imports the loader, which few tests need

    return create(stack, migrated_template, examples, shift_bundle, tmp_path_factory.mktemp("examples"))


_numbers = itertools.count()


@pytest.fixture
def empty_database(stack: Stack) -> Iterator[str]:
    """The URI of a new database without a schema."""
    name = f"test_{next(_numbers)}"
    yield stack.postgres.create_database(name)
    stack.postgres.drop_database(name)


@pytest.fixture
def database_url(stack: Stack, migrated_template: str) -> Iterator[str]:
    """The URI of a new database with the schema."""
    name = f"test_{next(_numbers)}"
    yield stack.postgres.create_database(name, template=migrated_template)
    stack.postgres.drop_database(name)


@pytest.fixture
def bucket(stack: Stack) -> Iterator[str]:
    """A new, empty bucket. It is deleted after the test, because the server has room for only a few dozen."""
    name = f"bucket-{next(_numbers)}"
    s3 = stack.object_store.client()
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            s3.delete_object(Bucket=name, Key=found["Key"], VersionId=found["VersionId"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def settings(database_url: str, bucket: str, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that point to this test's database and bucket; `model_copy(update=…)` changes one."""
    for name, value in stack.object_store.environment().items():
        monkeypatch.setenv(name, value)
    return Settings(
        database_url=database_url,
        bucket=bucket,
        s3_endpoint_url=stack.object_store.endpoint,
        mlflow_tracking_uri=stack.mlflow.url,
        model_cache=tmp_path / "models",
        lock_timeout_s=60,
    )
