"""Retraining as Airflow runs it: from labelled files in the object store to a better champion."""

import json
import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.model.bundle import STARTER
from sentiment_core.params import Params
from sentiment_core.promotion.alias_moves import disagreement, history
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.training.from_snapshot import make_snapshot
from tests.dags.alert_servers import Webhook
from tests.faults.registry_proxy import TAG, RegistryProxy

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
dag = retrain.retrain()
for task in dag.tasks:
    task.retries = 0
run = dag.test(run_conf={conf})
tasks = {{task.task_id: task for task in run.get_task_instances()}}
states = {{name: str(task.state) for name, task in tasks.items()}}
links = {{name: task.xcom_pull(task_ids=name, key="_link_model_version") for name, task in tasks.items()}}
assert not states["gate"] == "success" or "/sentiment/models/" in links["train"] == links["gate"], links
print(json.dumps([states, tasks["gate"].xcom_pull("gate") if states["gate"] == "success" else None]))
"""
# Gives the process another metadata database.
USE_DATABASE = """
import os
from airflow import settings
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite:///{path}"
settings.configure_vars()
settings.dispose_orm()
settings.configure_orm()
assert settings.engine.url.database == "{path}"
"""
GOOD = ("love it", "works very well", "great value", "delightful", "sturdy and beautiful")
BAD = ("broke within days", "a waste of money", "awful", "does not work", "cheap and ugly")
# Words that only this shop's customers use. The starter does not know them, so a model that learns them is better.
GOOD_HERE = ("zubalo", "tivoka", "lamigo", "sanupe", "modefi")
BAD_HERE = ("kugora", "pevosa", "rudemi", "finolu", "bazuti")
# Settings with which a run takes only seconds.
QUICK = {"learning_curve": False, "training": {"calibration": {"folds": 2}}}


def labelled(rows: int, *, honest: bool = True, first: int = 0, known_share: float = 0.25) -> bytes:
    """Return reviews of sixty products. With `honest=False` the labels are random.

    Except for `known_share` of the reviews, their words are those of the shop.
    """
    lines = ["review_id,product_id,rating,review,sentiment"]
    for number in range(first, first + rows):
        dice = random.Random(number)
        positive = dice.random() < 0.5
        known, own = (GOOD, GOOD_HERE) if positive else (BAD, BAD_HERE)
        words = known if dice.random() < known_share else own
        said = " ".join(f"{dice.choice(words)} {dice.getrandbits(48):x}" for _ in range(3))
        label = positive if honest else dice.random() < 0.5
        stars, name = (5, "positive") if label else (1, "negative")
        lines.append(f"r{number},p{number % 60},{stars},{said},{name}")
    return "\n".join(lines).encode()


@pytest.fixture
def models(settings, connections, request) -> RegisteredModel:
    """A registered model for this test only, with the starter as its champion."""
    name = connections["SENTIMENT_MODEL_NAME"] = f"retrain-{request.node.name}"[:60]
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), name, settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))
    return registry


def put(stack, settings, body: bytes) -> None:
    key = "training/shop/labelled.csv"
    stack.object_store.client().put_object(Bucket=settings.bucket, Key=key, Body=body)


def put_suite(stack, settings) -> str:
    """Store a suite with one set that no training uses, in words that the starter knows. Return its place.

    Only languages and domains that the champion supports have a floor.
    """
    index = b"name\tlanguage\tkind\tdomain\nshop\ten\treviews\tproducts\n"
    for name, body in (("corpora.tsv", index), ("shop.csv", labelled(400, first=9_000, known_share=1))):
        stack.object_store.client().put_object(Bucket=settings.bucket, Key=f"suite/{name}", Body=body)
    return f"s3://{settings.bucket}/suite"


def floors(settings) -> dict[str, bool | None]:
    """Return the outcomes of the suite's checks in the newest verdict."""
    with connect(settings.require_database_url()) as connection:
        verdict = next(row.verdict for row in history(connection) if row.verdict)
    return {each["name"]: each["passed"] for each in verdict["checks"] if each["name"].startswith("suite")}


def moves(settings) -> list[tuple]:
    """Return the history in order."""
    with connect(settings.require_database_url()) as connection:
        return [(row.alias, row.kind, row.state, row.to_version) for row in reversed(history(connection))]


def agree(settings, models: RegisteredModel) -> bool:
    with connect(settings.require_database_url()) as connection:
        return all(disagreement(connection, models, alias) is None for alias in ("champion", "challenger"))


def test_the_dag_has_this_structure(in_airflow) -> None:
    found = in_airflow(STRUCTURE)
    assert found["tasks"] == {
        "snapshot": ["validate"],
        "validate": ["gate", "train"],
        "train": ["gate"],
        "gate": [],
    }
    assert found["params"] == {
        "since": None,
        "until": None,
        "stars": None,
        "training": {},
        "policy": "better",
        "learning_curve": True,
        "promote": True,
        "version": None,
    }
    assert found["runs"] == 1
    assert "0 4 * * 0" in found["schedule"]


def test_its_schedule_and_learning_from_stars_are_settings(in_airflow) -> None:
    found = in_airflow(STRUCTURE, SENTIMENT_RETRAIN_SCHEDULE="none", SENTIMENT_RETRAIN_STARS="true")
    assert ("0 4 * * 0" in found["schedule"], found["params"]["stars"]) == (False, True)


def test_a_better_model_is_promoted_and_an_equal_one_is_not(
    in_airflow, connections, settings, stack, models, to_slack
) -> None:
    connections |= to_slack
    put(stack, settings, labelled(4_000))
    connections["SENTIMENT_SUITE"] = put_suite(stack, settings)
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert set(states.values()) == {"success"}, states
    assert verdict["promoted"], verdict
    version, digest = models.resolve("champion")
    assert version == verdict["version"] == models.resolve("challenger")[0]
    assert floors(settings) == {"suite": True, "suite language en": True, "suite domain products and shops": True}
    client = MlflowClient(settings.mlflow_tracking_uri, registry_uri=settings.mlflow_tracking_uri)
    run = client.get_run(client.get_model_version(models.name, str(version)).run_id)
    assert run.data.metrics["suite/shop/accuracy"] > 0.9
    assert run.data.metrics["suite/shop/rows"] == 400
    first = [
        ("champion", "external", "moved", 1),
        ("challenger", "set", "moved", version),
        ("champion", "promote", "moved", version),
    ]
    assert moves(settings) == first
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert set(states.values()) == {"success"}, states
    assert (verdict["promoted"], verdict["version"]) == (False, version)
    assert models.resolve("champion") == (version, digest)
    assert moves(settings)[:3] == first
    assert agree(settings, models)
    titles = [message["text"].splitlines()[0] for _, message in Webhook.received]
    assert titles == [f"*Model version {version} is the champion*", f"*Model version {version} was refused*"]


def test_a_model_that_learned_nothing_is_not_promoted(in_airflow, connections, settings, stack, models) -> None:
    before = models.resolve("champion")
    put(stack, settings, labelled(4_000, honest=False))
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert set(states.values()) == {"success"}, states
    assert not verdict["promoted"]
    assert "accuracy" in verdict["why"]
    assert models.resolve("champion") == before
    assert models.resolve("challenger")[0] == verdict["version"]
    assert moves(settings)[-1] == ("champion", "promote", "refused", verdict["version"])


def test_a_version_can_be_judged_first_and_promoted_in_a_second_run(
    in_airflow, connections, settings, stack, models
) -> None:
    put(stack, settings, labelled(4_000))
    states, verdict = in_airflow(RUN.format(conf=QUICK | {"promote": False}), **connections)
    assert (states["gate"], verdict["promoted"]) == ("success", False), verdict
    assert "version 2 passes the gate" in verdict["why"]
    assert (models.resolve("champion")[0], models.resolve("challenger")[0]) == (1, 2)
    assert moves(settings) == [("champion", "external", "moved", 1), ("challenger", "set", "moved", 2)]
    _, verdict = in_airflow(RUN.format(conf=QUICK | {"version": 2}), **connections)
    assert (verdict["promoted"], verdict["version"]) == (True, 2), verdict
    assert models.resolve("champion")[0] == 2
    assert [each.version for each in models.versions()] == [2, 1]


def test_a_run_without_promotion_fails_if_the_gate_refuses(in_airflow, connections, settings, stack, models) -> None:
    put(stack, settings, labelled(4_000, honest=False))
    states, _ = in_airflow(RUN.format(conf=QUICK | {"promote": False}), **connections)
    assert (states["train"], states["gate"]) == ("success", "failed")
    assert moves(settings) == [("champion", "external", "moved", 1), ("challenger", "set", "moved", 2)]


def test_a_champion_with_a_missing_bundle_is_kept_and_the_verdict_says_why(
    in_airflow, connections, settings, stack, models, three_label_bundle, tmp_path
) -> None:
    challenger = models.register(three_label_bundle)
    client = MlflowClient(str(settings.mlflow_tracking_uri))
    source = client.get_model_version(models.name, "1").source.removeprefix("models:/")
    (tmp_path / "manifest.json").write_text("gone")
    client.log_model_artifact(source, str(tmp_path / "manifest.json"), "data/bundle")
    put(stack, settings, labelled(4_000))
    # It would also judge the stars: without it none is marked, and the run continues.
    states, verdict = in_airflow(RUN.format(conf=QUICK | {"stars": True, "version": challenger}), **connections)
    assert set(states.values()) == {"success"}, states
    assert not verdict["promoted"]
    assert "the champion, version 1, cannot be loaded for the comparison" in verdict["why"]
    assert models.version_of_alias("champion").version == 1
    assert moves(settings)[-1] == ("champion", "promote", "refused", challenger)


def test_a_read_only_store_fails_the_run_and_nothing_changes(in_airflow, connections, settings, stack, models) -> None:
    put(stack, settings, labelled(1_000))
    account = json.loads(connections["AIRFLOW_CONN_AWS_DEFAULT"])
    account |= {"login": stack.object_store.reader_access_key, "password": stack.object_store.reader_secret_key}
    refused = connections | {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(account)}
    states, _ = in_airflow(RUN.format(conf=QUICK), **refused)
    assert (states["snapshot"], states["gate"]) == ("failed", "upstream_failed")
    listed = stack.object_store.client().list_objects_v2(Bucket=settings.bucket, Prefix="training/snapshots/")
    assert listed["KeyCount"] == 0
    assert moves(settings) == [("champion", "external", "moved", 1)]


def test_rows_that_were_modified_in_the_store_are_not_used_by_the_gate(
    in_airflow, connections, settings, stack, models
) -> None:
    put(stack, settings, labelled(1_000))
    s3 = stack.object_store.client()
    with connect(settings.require_database_url()) as connection:
        made = make_snapshot(connection, Storage(s3), settings, Params.load())
    rows = f"training/snapshots/{made.snapshot.id}/rows.jsonl.zst"
    s3.put_object(Bucket=settings.bucket, Key=rows, Body=b"other rows")
    states, _ = in_airflow(RUN.format(conf=QUICK), **connections)
    assert (states["snapshot"], states["validate"], states["gate"]) == ("success", "failed", "upstream_failed")
    assert moves(settings) == [("champion", "external", "moved", 1)]


def test_a_promotion_interrupted_by_the_registry_is_reconciled_by_the_next_run(
    in_airflow, connections, settings, stack, models
) -> None:
    put(stack, settings, labelled(4_000))
    with RegistryProxy(str(settings.mlflow_tracking_uri)) as proxy:
        proxy.fail(TAG, "before", then_close=True)
        through = connections | {"SENTIMENT_MLFLOW_TRACKING_URI": proxy.url}
        states, _ = in_airflow(RUN.format(conf=QUICK), **through)
    assert (states["train"], states["gate"]) == ("success", "failed")
    assert models.version_of_alias("champion").version == 1
    assert moves(settings)[-1] == ("champion", "promote", "intended", 2)
    states, verdict = in_airflow(RUN.format(conf=QUICK | {"version": 2}), **connections)
    assert set(states.values()) == {"success"}, states
    assert (verdict["promoted"], models.version_of_alias("champion").version) == (True, 2)
    assert moves(settings)[2:] == [
        ("champion", "promote", "failed", 2),
        ("champion", "promote", "moved", 2),
    ]
    assert agree(settings, models)


def test_one_of_two_concurrent_retrains_promotes_and_history_and_registry_agree(
    in_airflow, airflow_home, connections, settings, stack, models, tmp_path
) -> None:
    put(stack, settings, labelled(4_000))
    # Within one Airflow, max_active_runs would make two runs wait for each other. Here only the registry and the
    # database coordinate them.
    shutil.copy(Path(airflow_home["AIRFLOW_HOME"], "airflow.db"), tmp_path / "other.db")
    elsewhere = USE_DATABASE.format(path=tmp_path / "other.db")
    run = RUN.format(conf=QUICK)
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda code: in_airflow(code, **connections), (run, elsewhere + run)))
    assert any(verdict and verdict["promoted"] for _, verdict in ended), ended
    assert all(states["train"] == "success" for states, _ in ended), ended
    assert [row for row in moves(settings) if row[0] == "champion" and row[2] == "moved"][1:] == [
        ("champion", "promote", "moved", models.version_of_alias("champion").version)
    ]
    assert agree(settings, models)


def test_unusable_training_data_fails_the_run_without_retries(in_airflow, connections, settings, stack) -> None:
    s3 = stack.object_store.client()
    s3.put_object(Bucket=settings.bucket, Key="training/shop/few.csv", Body=labelled(40))
    states, verdict = in_airflow(RUN.format(conf=QUICK), **connections)
    assert states == {
        "snapshot": "success",
        "validate": "failed",
        "train": "upstream_failed",
        "gate": "upstream_failed",
    }
    assert verdict is None


def test_an_unknown_training_setting_fails_the_run_without_retries(in_airflow, connections) -> None:
    states, _ = in_airflow(RUN.format(conf={"training": {"model": {"depth": 3}}}), **connections)
    assert states["snapshot"] == "failed"
