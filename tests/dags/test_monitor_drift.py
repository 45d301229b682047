"""The DAG as Airflow sees it, and its runs from stored scores to a report, an alert and a retraining."""

import json
import random
from datetime import date

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.loader import Loader, load_drop
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.dags.alert_servers import Webhook
from tests.starter import starter_scorer

DAY = date(2026, 11, 16)

STRUCTURE = """
import json, os
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
dag = bag.dags["monitor_drift"]
timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
print(json.dumps({
    "errors": bag.import_errors,
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "params": {name: dag.params[name] for name in dag.params},
    "retries": min(task.retries for task in dag.tasks),
    "partitioned": timetable.partitioned,
    "assets": [key.name for key, _ in timetable.asset_condition.iter_assets()],
}))
"""


def test_the_dag_is_scheduled_by_scored_days(in_airflow) -> None:
    found = in_airflow(STRUCTURE)
    assert found["errors"] == {}
    assert found["tasks"] == {
        "measure": ["alert", "ask", "report"],
        "report": [],
        "alert": [],
        "ask": ["retrain"],
        "retrain": [],
    }
    assert found["params"] == {"day": None}
    assert found["retries"] > 0
    assert found["partitioned"] is True
    assert found["assets"] == ["scored_reviews"]


# Airflow knows a DAG only after the DAG has been parsed into its database.
RUN = """
import json, os
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
if {others!r}:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag({others!r}, bundle_path=Path({others!r}), bundle_name="dags-folder")
    assert not bag.import_errors, bag.import_errors
    sync_bag_to_db(bag, "dags-folder", None)
import monitor_drift
if not {others!r}:
    monitor_drift.RETRAIN = "no_such_dag"
run = monitor_drift.monitor_drift().test(run_conf={conf})
with create_session() as session:
    asked = session.query(DagRun.run_id).filter(DagRun.dag_id == "retrain", DagRun.run_id.like("drift__%"))
    retrained = sorted(run_id for (run_id,) in asked)
print(json.dumps({{
    "tasks": {{task.task_id: str(task.state) for task in run.get_task_instances()}},
    "retrained": retrained,
}}))
"""

RETRAIN = """
from airflow.sdk import dag, task

@dag(schedule=None)
def retrain():
    @task
    def nothing():
        pass
    nothing()

retrain()
"""

CALLBACK = """
import json, os
def tell(context):
    found = context["ti"].xcom_pull(task_ids="measure")
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps([context["dag"].dag_id, found["day"], found["causes"]]) + "\\n")
"""


@pytest.fixture
def drifting_day(stack, settings) -> None:
    """A champion, and a day of reviews that are unlike the reviews it was trained on."""
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), cache=settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))
    dice = random.Random(3)
    words = ["kettle", "leaks", "Wasserkocher", "schlecht", "brülle", "awful", "tropft"]
    rows = [" ".join(dice.choices(words, k=8)) for _ in range(1_000)]
    key = f"incoming/shop/dt={DAY}/day.csv"
    stack.object_store.client().put_object(Bucket=settings.bucket, Key=key, Body="\n".join(["review", *rows]).encode())
    storage = Storage(stack.object_store.client())
    with connect(settings.require_database_url()) as connection:
        model = open_model(connection, starter_scorer())
        load_drop(
            Loader(connection, storage, model, settings, "a test"), storage.find(f"s3://{settings.bucket}/{key}"), False
        )


def query(settings, statement: str) -> list[tuple]:
    with connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_drift_is_reported_and_triggers_the_callback_and_one_retraining(
    in_airflow, connections, settings, drifting_day, to_slack, tmp_path
) -> None:
    conf = {"day": DAY.isoformat()}
    (tmp_path / "my_alerts.py").write_text(CALLBACK)
    reported = tmp_path / "told"
    environment = (
        connections
        | to_slack
        | {
            "SENTIMENT_DRIFT_CALLBACK": "my_alerts:tell",
            "TOLD": str(reported),
        }
    )
    path = in_airflow("import json, os; print(json.dumps(os.environ['PYTHONPATH']))")
    environment["PYTHONPATH"] = f"{path}:{tmp_path}"

    without = in_airflow(RUN.format(conf=conf, others=""), **environment)
    assert without["tasks"] == {
        "measure": "success",
        "report": "success",
        "alert": "success",
        "ask": "skipped",
        "retrain": "skipped",
    }
    assert query(settings, "SELECT * FROM sentiment.retrain_request") == []

    others = tmp_path / "others"
    others.mkdir()
    (others / "retrain.py").write_text(RETRAIN)
    first = in_airflow(RUN.format(conf=conf, others=str(others)), **environment)
    assert set(first["tasks"].values()) == {"success"}
    assert first["retrained"] == ["drift__1"]
    again = in_airflow(RUN.format(conf=conf, others=str(others)), **environment)
    assert again["tasks"]["retrain"] == "skipped"
    assert again["retrained"] == ["drift__1"]

    ((_, message),) = Webhook.received
    assert f"Reviews of {DAY} differ" in message["text"], "three runs, one message"

    ((causes,),) = query(settings, "SELECT causes FROM sentiment.drift_history")
    assert {"score", "labels", "length", "unknown"} <= set(causes)
    assert [json.loads(line) for line in reported.read_text().splitlines()] == [
        ["monitor_drift", DAY.isoformat(), causes]
    ] * 3


WRONG = """
import json
import monitor_drift
from sentiment_core.errors import SettingInvalid
reported = []
for name in ("no_such_module:tell", "json:no_such_name", "json:decoder"):
    try:
        monitor_drift.callback(name)
    except SettingInvalid as error:
        reported.append(str(error))
print(json.dumps([*reported, monitor_drift.callback("json:dumps")([1])]))
"""


def test_an_invalid_callback_is_rejected_with_the_reason(in_airflow) -> None:
    module, name, kind, called = in_airflow(WRONG)
    assert "SENTIMENT_DRIFT_CALLBACK is wrong: No module named 'no_such_module'" in module
    assert "has no attribute 'no_such_name'" in name
    assert "json:decoder is not callable" in kind
    assert called == "[1]"
