"""Rescoring as Airflow runs it: a range of days in parallel tasks, repeated without effect, and what it refuses."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.loader import Loader, load_drop
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel
from tests.starter import starter, starter_scorer

STRUCTURE = """
import json, os
from airflow.dag_processing.dagbag import DagBag
dags = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags
print(json.dumps({
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dags["rescore"].tasks},
    "params": {name: dags["rescore"].params[name] for name in dags["rescore"].params},
    "after a promotion": sorted(dags["retrain"].get_task("gate").downstream_task_ids),
}))
"""

JUDGED = """
from after_promotion import then_rescore
from airflow.sdk import dag, task

@dag(schedule=None, params={"promoted": True})
def judged():
    @task
    def gate(**context):
        return {"promoted": context["params"]["promoted"], "version": 7}
    then_rescore(gate())

judged()
"""

AFTER_PROMOTION = """
import json, sys
from pathlib import Path
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session

DagBundlesManager().sync_bundles_to_db()
bag = BundleDagBag({folder!r}, bundle_path=Path({folder!r}), bundle_name="dags-folder")
assert not bag.import_errors, bag.import_errors
sync_bag_to_db(bag, "dags-folder", None)

sys.path.insert(0, {folder!r})
import judged
states = []
for promoted in (True, False):
    run = judged.judged().test(run_conf={{"promoted": promoted}})
    states.append([run.run_id, {{task.task_id: str(task.state) for task in run.get_task_instances()}}])
with create_session() as session:
    runs = session.query(DagRun.run_id, DagRun.conf).filter(DagRun.dag_id == "rescore")
    print(json.dumps([states, [list(run) for run in runs]]))
"""

RUN = """
import json, logging
from collections import Counter
import rescore
import scoring_tasks
dag = rescore.rescore()
said, lines = [], []
class Lines(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())
for module in (rescore, scoring_tasks):
    module.log.addHandler(Lines())
for task in dag.tasks:
    task.retries = 0
    task.on_failure_callback = [lambda context: said.append(str(context["exception"]))]
run = dag.test(run_conf={conf})
instances = run.get_task_instances()
summary = next(each for each in instances if each.task_id == "summary")
print(json.dumps({{
    "tasks": Counter(f"{{each.task_id}} {{each.state}}" for each in instances),
    "summary": summary.xcom_pull("summary") if str(summary.state) == "success" else None,
    "said": said,
    "lines": lines,
}}))
"""


@pytest.fixture
def versions(settings, connections, request, shift_bundle, tmp_path) -> tuple[int, int]:
    """The starter as the champion, and another version, of a registered model for this test only."""
    name = connections["SENTIMENT_MODEL_NAME"] = f"rescore-{request.node.name}"[:60]
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), name, settings.model_cache)
    champion = registry.register(STARTER)
    registry.set_alias("champion", champion)
    shift_bundle(starter(), tmp_path / "other", 0.5)
    return champion, registry.register(tmp_path / "other")


@pytest.fixture
def query(settings) -> Iterator[Callable[[str], list[tuple]]]:
    with connect(settings.require_database_url()) as connection:

        def run(statement: str) -> list[tuple]:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()

        yield run


@pytest.fixture
def loaded(stack, settings) -> None:
    """Three files of the shop on three days, and one of the app."""
    s3 = stack.object_store.client()
    files = {f"shop/dt=2026-11-{day}/a.csv": f"review_id,review\n{day}a,fine\n{day}b,awful\n" for day in (14, 15, 16)}
    files["app/dt=2026-11-15/b.csv"] = "review\nNot of the shop\n"
    with connect(settings.require_database_url()) as connection:
        loader = Loader(connection, Storage(s3), open_model(connection, starter_scorer()), settings, "a load")
        for key, text in files.items():
            s3.put_object(Bucket=settings.bucket, Key=f"incoming/{key}", Body=text.encode())
            load_drop(loader, loader.storage.find(f"s3://{settings.bucket}/incoming/{key}"), replace=False)


def test_the_dag_has_this_structure_and_a_promotion_can_start_it(in_airflow) -> None:
    found = in_airflow(STRUCTURE)
    assert found["tasks"] == {"plan": ["score", "summary"], "score": ["summary"], "summary": []}
    assert found["params"] == {
        "since": None,
        "until": None,
        "sources": [],
        "model_version": None,
        "make_current": False,
        "parallel": 4,
    }
    assert found["after a promotion"] == [], "off by default"
    on = in_airflow(STRUCTURE, SENTIMENT_RESCORE_PROMOTED_DAYS="30")
    assert on["after a promotion"] == ["past_days"]


def test_a_promotion_starts_a_run_for_past_days(in_airflow, checkout, tmp_path) -> None:
    shutil.copy(checkout / "dags" / "rescore.py", tmp_path)
    (tmp_path / "judged.py").write_text(JUDGED)
    code = AFTER_PROMOTION.format(folder=str(tmp_path))
    (promoted, refused), runs = in_airflow(code, SENTIMENT_RESCORE_PROMOTED_DAYS="30")
    assert promoted[1] == {"gate": "success", "past_days": "success", "rescore": "success"}
    assert refused[1] == {"gate": "success", "past_days": "skipped", "rescore": "skipped"}
    since = (datetime.now(UTC) - timedelta(days=30)).date()
    assert runs == [[f"promotion__{promoted[0]}", {"model_version": "7", "since": since.isoformat()}]]


def test_a_range_is_rescored_by_parallel_tasks_and_a_second_run_finds_nothing_left(
    in_airflow, connections, versions, loaded, query
) -> None:
    conf = {"since": "2026-11-15", "sources": ["shop"], "model_version": str(versions[1]), "parallel": 2}
    found = in_airflow(RUN.format(conf=conf), **connections)
    assert found["tasks"] == {"plan success": 1, "score success": 2, "summary success": 1}
    assert found["summary"] == {"files": 2, "rows": 4}
    assert [line for line in found["lines"] if "dt=2026-11-16/a.csv: rescored (2 rows" in line and "rows/s" in line]
    assert query("SELECT kind, count(*) FROM sentiment.scoring_batch GROUP BY kind ORDER BY kind") == [
        ("load", 4),
        ("rescore", 2),
    ]
    assert query("SELECT count(DISTINCT model_digest) FROM sentiment.scored_reviews") == [(1,)], "not the champion"

    again = in_airflow(RUN.format(conf=conf), **connections)
    assert again["tasks"] == {"plan success": 1, "score skipped": 1, "summary success": 1}
    assert again["summary"] == {"files": 0, "rows": 0}

    current = in_airflow(RUN.format(conf=conf | {"make_current": True}), **connections)
    assert current["tasks"]["score success"] == 2
    shown = "SELECT key FROM sentiment.source_file WHERE current_model_id <> 1 ORDER BY key"
    assert query(shown) == [("incoming/shop/dt=2026-11-15/a.csv",), ("incoming/shop/dt=2026-11-16/a.csv",)]


@pytest.mark.parametrize(
    ("conf", "sentence"),
    [
        ({"model_version": "9999"}, "9999"),
        ({"since": "2016-11-27", "until": "2026-11-13"}, "loaded files have days from 2026-11-14 to 2026-11-16"),
    ],
)
def test_what_cannot_be_rescored_is_refused_with_its_reason(
    in_airflow, connections, versions, loaded, conf, sentence
) -> None:
    found = in_airflow(RUN.format(conf=conf), **connections)
    assert found["tasks"]["plan failed"] == 1
    assert sentence in found["said"][0]
