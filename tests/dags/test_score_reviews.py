"""The DAG as Airflow sees it, and one run of it from the object store to the views."""

from datetime import UTC, datetime, time, timedelta

import psycopg2
import pytest

from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel

SERIALIZE = """
import importlib, json, sys
from airflow.serialization.serialized_objects import DagSerialization
found = {}
names = "score_reviews score_arrivals monitor_drift retrain experiments replay rescore rollback announce_moves"
for name in names.split():
    dag = getattr(importlib.import_module(name), name)()
    found[name] = DagSerialization.to_dict(dag)
    del found[name]["dag"]["fileloc"]  # the name of this code
    for task in dag.tasks:
        assert task.owner == "sentiment" and dag.doc_md and dag.tags, name
        assert task.execution_timeout and task.on_failure_callback, (name, task.task_id)
slow = sorted({"mlflow", "pandas", "sklearn", "matplotlib"}.intersection(sys.modules))
print(json.dumps([found, slow], sort_keys=True, default=str))
"""

STRUCTURE = """
import json, os
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
dag = bag.dags["score_reviews"]
print(json.dumps({
    "errors": bag.import_errors,
    "dags": sorted(bag.dags),
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "params": {name: dag.params[name] for name in dag.params},
    "catchup": dag.catchup,
    "start": dag.start_date,
    "retries": {task.task_id: task.retries for task in dag.tasks},
}))
"""


def test_the_dag_imports_and_has_this_structure(in_airflow) -> None:
    found = in_airflow(STRUCTURE)
    assert found["errors"] == {}
    known = ["announce_moves", "experiments", "monitor_drift", "replay", "rescore", "retrain", "rollback"]
    assert found["dags"] == [*known, "score_arrivals", "score_reviews"]
    assert found["tasks"] == {"plan": ["score"], "score": ["summary"], "summary": ["drivers"], "drivers": []}
    assert found["params"] == {"model_version": None, "day": None, "replace": False}
    assert found["catchup"] is False
    assert found["start"] is None
    assert min(found["retries"].values()) > 0


def test_all_dags_have_a_stable_serialisation_and_are_parsed_without_slow_modules(in_airflow, in_new_airflow) -> None:
    found, slow = in_new_airflow(SERIALIZE, PYTHONHASHSEED="1")
    assert slow == []
    # The process that is forked has another hash seed, and these modules.
    elsewhere, loaded = in_airflow(SERIALIZE)
    assert elsewhere == found
    assert loaded != []


DAYS = """
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from sentiment_core.errors import DayInvalid
from wiring import run_day
today = datetime.now(UTC)
yesterday = (today - timedelta(days=1)).date().isoformat()
def day(params=None, **run):
    run = {"partition_key": None, "logical_date": None, "run_type": "manual"} | run
    try:
        return run_day(SimpleNamespace(**run), params or {"day": None}).isoformat()
    except DayInvalid as error:
        return str(error)
chosen = {"day": "2026-11-10"}
print(json.dumps({
    "partition": day(partition_key="2026-11-16", run_type="backfill"),
    "partition wins": day(chosen, partition_key="2026-11-16"),
    "chosen": day(chosen, logical_date=datetime.now(UTC)),
    "form date": day(logical_date=datetime(2026, 11, 12, tzinfo=UTC)),
    "button": day(logical_date=datetime(2026, 11, 12, 13, 5, tzinfo=UTC)) == yesterday,
    "nothing": day() == yesterday,
    "today": day(partition_key=today.date().isoformat()),
    "nonsense": day({"day": "someday"}),
}))
"""


def test_the_day_of_a_run_is_correct_for_every_way_to_start_it(in_airflow) -> None:
    found = in_airflow(DAYS)
    assert found["partition"] == "2026-11-16"
    assert found["partition wins"] == "2026-11-16"
    assert found["chosen"] == "2026-11-10"
    assert found["form date"] == "2026-11-12"
    assert found["button"] is found["nothing"] is True
    assert "not ended yet" in found["today"]
    assert "YYYY-MM-DD" in found["nonsense"]


TIMETABLE = """
import json
import score_reviews
from airflow.serialization.serialized_objects import DagSerialization
stored = json.loads(json.dumps(DagSerialization.to_dict(score_reviews.score_reviews())))
timetable = DagSerialization.from_dict(stored).timetable
from airflow.timetables.base import TimeRestriction
info = timetable.next_dagrun_info_v2(
    last_dagrun_info=None,
    restriction=TimeRestriction(None, None, False),
)
print(json.dumps([info.run_after.isoformat(), info.partition_key]))
"""


def test_the_nightly_run_starts_at_two_for_the_previous_day(in_airflow) -> None:
    found, key = in_airflow(TIMETABLE)
    run_after = datetime.fromisoformat(found)
    assert timedelta() < run_after - datetime.now(UTC) <= timedelta(days=1), "turning the DAG on must not run it"
    assert run_after.time() == time(2)
    assert key == (run_after.date() - timedelta(days=1)).isoformat()


RUN = """
import json, sys
import score_reviews
run = score_reviews.score_reviews().test(run_conf={conf})
print(json.dumps({{task.task_id: [str(task.state), task.try_number] for task in run.get_task_instances()}}))
"""


@pytest.fixture
def registered(settings) -> int:
    """The version of the starter in the registry, as its champion."""
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), cache=settings.model_cache)
    version = registry.register(STARTER)
    registry.set_alias("champion", version)
    return version


def test_a_run_scores_its_day_and_a_second_run_adds_nothing(
    in_airflow, connections, settings, stack, registered, examples
) -> None:
    s3 = stack.object_store.client()
    for path in sorted(examples.rglob("dt=2026-11-16/*")):
        s3.upload_file(str(path), settings.bucket, f"incoming/{path.relative_to(examples)}")
    code = RUN.format(conf={"day": "2026-11-16"})
    for _ in range(2):
        states = in_airflow(code, **connections)
        assert {state for state, _ in states.values()} <= {"success", "skipped"}, states
    with psycopg2.connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sum(reviews) FROM sentiment.daily_sentiment")
        assert cursor.fetchone() == (64,)
        cursor.execute("SELECT DISTINCT mlflow_versions FROM sentiment.load_history")
        assert cursor.fetchone() == ([registered],)


def test_an_unknown_model_fails_without_retries(in_airflow, connections) -> None:
    code = RUN.format(conf={"day": "2026-11-16", "model_version": "9999"})
    states = in_airflow(code, **connections)
    assert states["plan"] == ["failed", 1]
    assert states["summary"][0] == "upstream_failed"


def test_on_bad_file_fail_fails_the_run_after_the_other_files_are_loaded(
    in_airflow, connections, settings, stack, registered
) -> None:
    s3 = stack.object_store.client()
    s3.put_object(Bucket=settings.bucket, Key="incoming/dt=2026-11-16/bad.csv", Body=b"words\nfine\n")
    s3.put_object(Bucket=settings.bucket, Key="incoming/dt=2026-11-16/good.csv", Body=b"review\nfine\n")
    states = in_airflow(RUN.format(conf={"day": "2026-11-16"}), **connections, SENTIMENT_ON_BAD_FILE="fail")
    assert states["summary"] == ["failed", 1]
    with psycopg2.connect(settings.require_database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT key, status FROM sentiment.source_file ORDER BY key")
        assert cursor.fetchall() == [
            ("incoming/dt=2026-11-16/bad.csv", "rejected"),
            ("incoming/dt=2026-11-16/good.csv", "loaded"),
        ]


FOLLOWERS = """
import json
from airflow.serialization.serialized_objects import DagSerialization
exec({code!r})
found = {{}}
for dag in (daily_report(), new_champion()):
    stored = DagSerialization.to_dict(dag)["dag"]
    found[dag.dag_id] = [stored["timetable"]["__type"].rpartition(".")[2], "champion_model" in json.dumps(stored)]
print(json.dumps(found))
"""


def test_the_dags_of_other_teams_in_the_docs_follow_the_assets(in_airflow, checkout) -> None:
    page = (checkout / "docs" / "notifications.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    assert in_airflow(FOLLOWERS.format(code=code)) == {
        "daily_report": ["PartitionedAssetTimetable", False],
        "new_champion": ["AssetTriggeredTimetable", True],
    }
