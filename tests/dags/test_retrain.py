"""Retraining as Airflow runs it: from labelled files in the object store to a champion that proved better."""

import random

import psycopg2
import pytest

from sentiment_core.bundle import STARTER
from sentiment_core.registry import Registry

STRUCTURE = """
import json, os
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags["retrain"]
print(json.dumps({
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "params": {name: dag.params[name] for name in dag.params},
    "schedule": str(dag.schedule),
    "runs": dag.max_active_runs,
}))
"""
RUN = """
import json
import retrain
run = retrain.retrain().test(run_conf={conf})
tasks = {{task.task_id: task for task in run.get_task_instances()}}
states = {{name: str(task.state) for name, task in tasks.items()}}
print(json.dumps([states, tasks["gate"].xcom_pull("gate") if states["gate"] == "success" else None]))
"""
GOOD = ("love it", "works very well", "great value", "delightful", "sturdy and beautiful")
BAD = ("broke within days", "a waste of money", "awful", "does not work", "cheap and ugly")
# So that a run takes seconds.
QUICK = {"learning_curve": False, "training": {"calibration": {"folds": 2}}}


def labelled(rows: int, *, honest: bool = True, first: int = 0) -> bytes:
    """Reviews of sixty products, in words of a shop; the labels of dishonest ones say nothing."""
    lines = ["review_id,product_id,rating,review,sentiment"]
    for number in range(first, first + rows):
        dice = random.Random(number)
        positive = dice.random() < 0.5
        said = " ".join(f"{dice.choice(GOOD if positive else BAD)} {dice.getrandbits(48):x}" for _ in range(3))
        label = positive if honest else dice.random() < 0.5
        stars, name = (5, "positive") if label else (1, "negative")
        lines.append(f"r{number},p{number % 60},{stars},{said},{name}")
    return "\n".join(lines).encode()


@pytest.fixture
def models(settings, connections, request) -> Registry:
    """A registered model of the test's own, with the starter as its champion."""
    name = connections["SENTIMENT_MODEL_NAME"] = f"retrain-{request.node.name}"[:60]
    registry = Registry(str(settings.mlflow_tracking_uri), name, settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))
    return registry


def history(settings):
    with psycopg2.connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT kind, state, to_version, verdict IS NOT NULL FROM sentiment.promotion ORDER BY 1, 2")
        return cursor.fetchall()


def test_the_dag_has_this_structure(in_airflow) -> None:
    found = in_airflow(STRUCTURE)
    assert found["tasks"] == {"snapshot": ["gate", "train"], "train": ["gate"], "gate": []}
    assert found["params"] == {
        "since": None,
        "until": None,
        "training": {},
        "policy": "better",
        "learning_curve": True,
    }
    assert found["runs"] == 1
    assert "0 4 * * 0" in found["schedule"]


def test_its_schedule_is_a_setting(in_airflow) -> None:
    assert "0 4 * * 0" not in in_airflow(STRUCTURE, SENTIMENT_RETRAIN_SCHEDULE="none")["schedule"]


def test_a_better_model_is_promoted_and_the_same_one_is_left_where_it_is(
    in_airflow, connections, settings, stack, models
) -> None:
    s3 = stack.object_store.client()
    s3.put_object(Bucket=settings.bucket, Key="training/shop/labelled.csv", Body=labelled(4_000))
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert set(states.values()) == {"success"}, states
    assert verdict["promoted"], verdict
    version, digest = models.resolve("champion")
    assert version == verdict["version"] == models.resolve("challenger")[0]
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert set(states.values()) == {"success"}, states
    assert (verdict["promoted"], verdict["version"]) == (False, version)
    assert models.resolve("champion") == (version, digest)


def test_a_model_that_learned_nothing_is_kept_from_the_champion(
    in_airflow, connections, settings, stack, models
) -> None:
    before = models.resolve("champion")
    s3 = stack.object_store.client()
    s3.put_object(Bucket=settings.bucket, Key="training/shop/coins.csv", Body=labelled(4_000, honest=False))
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert set(states.values()) == {"success"}, states
    assert not verdict["promoted"]
    assert "accuracy" in verdict["why"]
    assert models.resolve("champion") == before
    assert models.resolve("challenger")[0] == verdict["version"]
    assert ("promote", "refused", verdict["version"], True) in history(settings)


def test_data_that_is_not_fit_to_learn_from_fails_the_run_at_once(in_airflow, connections, settings, stack) -> None:
    s3 = stack.object_store.client()
    s3.put_object(Bucket=settings.bucket, Key="training/shop/few.csv", Body=labelled(40))
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert states == {"snapshot": "failed", "train": "upstream_failed", "gate": "upstream_failed"}
    assert verdict is None


def test_a_setting_that_there_is_not_fails_the_run_at_once(in_airflow, connections) -> None:
    states, _ = in_airflow(RUN.format(conf={"training": {"model": {"depth": 3}}}), **connections)
    assert states["snapshot"] == "failed"
