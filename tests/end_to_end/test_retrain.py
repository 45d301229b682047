"""Retraining by a running Airflow: on the stars of the demo, and on the real reviews as the service sees it."""

import json
import os
import subprocess
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import retrain
from benchmarks.harness import Reviews, labelled_reviews
from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.datasets.split import in_test
from sentiment_core.model.bundle import Bundle
from sentiment_core.promotion.alias_moves import history, promote, rollback
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel

TEXTS = ["A kettle that leaks.", "Quiet, quick, and it looks lovely.", "It does what it should."]
# The run that docs/models.md shows, with fewer folds. The days are those of the demo's reviews.
THREE_LABELS = {"negative": ["negative"], "neutral": ["neutral"], "positive": ["positive"]}
STARS = {
    "stars": True,
    "learning_curve": False,
    "since": "2026-11-16",
    "until": "2026-11-18",
    "training": {"data": {"labels": THREE_LABELS}, "calibration": {"folds": 2}},
}


@pytest.fixture
def models(system: Stack) -> Iterator[RegisteredModel]:
    """The registered model. Its champion is restored for the tests that follow."""
    models = retrain.registry(system)
    before = models.resolve(CHAMPION)[0]
    yield models
    with connect(system.postgres.url()) as connection:
        promote(connection, models, before, actor="test", reason="as it was", kind="force")


@pytest.fixture
def reviews(real_data: Path) -> Reviews:
    """The reviews of two fifths of the films: enough for a clear verdict of the gate."""
    found = labelled_reviews()
    # With a prefix, so that the choice does not depend on the side of the split that a film is on.
    chosen = in_test((f"chosen {group}" for group in found.groups), 40).nonzero()[0]
    texts, labels, groups = ([column[row] for row in chosen] for column in found[1:])
    return Reviews(found.name, texts, labels, groups)


@pytest.fixture
def quiet_days(system: Stack) -> None:
    """Load one review on each of the newest days, so that the gate's shadow check has too few stored reviews.

    A model of films labels the demo's reviews of other products by chance, which the check refuses.
    """
    store = system.object_store.client()
    keys = [f"incoming/quiet/dt=2026-11-{day}/reviews.csv" for day in range(19, 26)]
    for key in keys:
        store.put_object(Bucket="reviews", Key=key, Body=f"review\nGood, says {key}.\n".encode())
    command = [str(Path(sysconfig.get_path("scripts"), "sentiment")), "load", *(f"s3://reviews/{key}" for key in keys)]
    subprocess.run(command, env=os.environ | system.env(), check=True, capture_output=True)


def answers_of(system: Stack, version: int) -> list[dict[str, Any]]:
    """Wait until the service uses a version, and return its answers for some texts."""
    while True:
        with urllib.request.urlopen(f"{system.api.url}/model") as response:
            if json.load(response)["version"] == version:
                break
        system.pause(0.2)
    body = json.dumps({"texts": TEXTS}).encode()
    request = urllib.request.Request(f"{system.api.url}/predict/batch", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)["results"]


def test_a_model_learns_from_the_stars_of_the_demos_reviews_and_passes_the_gate(
    system: Stack, models: RegisteredModel
) -> None:
    before = models.resolve(CHAMPION)[0]
    ran = retrain.retrain(system, **STARS)
    assert ran["gate"]["promoted"], ran["gate"]
    assert models.resolve(CHAMPION)[0] == ran["gate"]["version"] > before
    provenance = Bundle.load(models.fetch(ran["gate"]["version"]).path).provenance
    assert provenance["starred_rows"] > 2_000
    assert provenance["held_out_stars"]["accuracy"] > 0.9
    with connect(system.postgres.url()) as connection:
        verdict = history(connection, CHAMPION)[0].verdict or {}
    checks = {check["name"]: check for check in verdict["checks"]}
    assert verdict["rows"] >= checks["unseen rows"]["bound"] == 500
    assert checks["accuracy better"]["figure"] > 0.05
    assert checks["shadow"]["passed"], "stored reviews of other sources keep most labels"


def test_a_model_of_all_reviews_takes_the_place_of_one_of_a_tenth_and_a_rollback_brings_its_scores_back(
    system: Stack, models: RegisteredModel, reviews: Reviews, quiet_days: None
) -> None:
    tenth = retrain.crown_a_tenth(system, reviews)
    before = answers_of(system, tenth)
    retrain.put(system, reviews)
    ran = retrain.retrain(system, training={"calibration": {"folds": 2}})
    assert set(ran["tasks"]) == {"snapshot", "validate", "train", "gate"}
    assert ran["gate"]["promoted"], ran["gate"]
    after = answers_of(system, ran["gate"]["version"])
    assert all(abs(new["score"] - old["score"]) > 1e-3 for new, old in zip(after, before, strict=True))
    with connect(system.postgres.url()) as connection:
        row = history(connection, CHAMPION)[0]
        checks = {check["name"]: check for check in (row.verdict or {})["checks"]}
        assert (row.kind, row.state, row.from_version) == ("promote", "moved", tenth)
        assert (row.verdict or {})["rows"] > 1_500
        assert checks["accuracy better"]["figure"] > 0.02
        assert rollback(connection, models, actor="test").version == tenth
    assert answers_of(system, tenth) == before
