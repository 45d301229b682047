"""The DAG of experiments as Airflow sees it, and runs of it with real S3 and MLflow."""

import csv
import io

import pytest
from mlflow import MlflowClient

from tests.unit.conftest import generated_reviews

STRUCTURE = """
import json, os
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
dag = bag.dags["experiments"]
print(json.dumps({
    "errors": bag.import_errors,
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "params": {name: dag.params[name] for name in dag.params},
    "names": dag.params.get_param("experiment").schema["enum"],
    "schedule": dag.schedule,
    "doc": dag.doc_md,
    "retries": min(task.retries for task in dag.tasks),
}))
"""

RUN = """
import json
import experiments
found = []
for conf in {confs}:
    run = experiments.experiments().test(run_conf=conf)
    states = {{}}
    for task in run.get_task_instances():
        states.setdefault(task.task_id, []).append(str(task.state))
    found.append([run.run_id, str(run.state), states])
print(json.dumps(found))
"""


def test_the_dag_imports_and_has_this_structure(in_airflow) -> None:
    found = in_airflow(STRUCTURE)
    assert found["errors"] == {}
    assert found["tasks"] == {
        "plan": ["round_1"],
        "round_1": ["survivors_1"],
        "survivors_1": ["round_2"],
        "round_2": ["survivors_2"],
        "survivors_2": ["round_3"],
        "round_3": ["compare"],
        "compare": [],
    }
    assert found["params"] == {
        "experiment": "baseline",
        "data": None,
        "group_column": None,
        "rows": None,
        "unlabelled": None,
    }
    assert found["names"] == ["baseline", "algorithms", "grid", "ngrams", "classic-recipes", "semi-supervised"]
    assert found["schedule"] is None
    assert "sentiment/experiments/NAME" in found["doc"]
    assert found["retries"] > 0


@pytest.fixture
def labelled(stack, settings) -> str:
    """The key of generated labelled reviews in this test's bucket."""
    out = io.StringIO(newline="")
    rows = generated_reviews(300)
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    key = "training/shop/reviews.csv"
    stack.object_store.client().put_object(Bucket=settings.bucket, Key=key, Body=out.getvalue().encode())
    return key


def parent_of(mlflow_uri: str, name: str, run_id: str):
    client = MlflowClient(mlflow_uri)
    known = client.get_experiment_by_name(f"sentiment/experiments/{name}")
    [parent] = client.search_runs([known.experiment_id], f"tags.started_by = '{run_id}'")
    query = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    return parent, client.search_runs([known.experiment_id], query), client


def test_a_run_logs_its_trials_table_and_plot_to_mlflow(in_airflow, connections, labelled, mlflow_uri) -> None:
    conf = {"experiment": "ngrams", "group_column": "product"}
    [(run_id, state, tasks)] = in_airflow(RUN.format(confs=[conf]), **connections)
    assert state == "success", tasks
    assert [tasks[f"round_{number}"] for number in (1, 2, 3)] == [["success"] * count for count in (20, 7, 3)]
    parent, trials, client = parent_of(mlflow_uri, "ngrams", run_id)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name.startswith("ngrams 20")
    assert parent.data.params["data"].endswith("/training/")
    assert {trial.info.status for trial in trials} == {"FINISHED"}
    assert len(trials) == parent.data.metrics["trials"] == 30
    files = [file.path for file in client.list_artifacts(parent.info.run_id)]
    assert files == ["comparison.csv", "comparison.md", "comparison.png"]


def test_a_failed_trial_fails_the_run_but_not_the_other_trials(
    in_airflow, connections, labelled, mlflow_uri, tmp_path
) -> None:
    nowhere = {"NLTK_DATA": str(tmp_path), "HOME": str(tmp_path)}
    conf = {"experiment": "classic-recipes", "data": labelled, "rows": 200}
    without = {"experiment": "classic-recipes", "data": "training/none.csv"}
    runs = in_airflow(RUN.format(confs=[conf, without]), **connections, **nowhere)
    (run_id, state, tasks), (_, planless, planless_tasks) = runs
    assert planless == "failed", "there is nothing at this key"
    assert planless_tasks["plan"] == ["failed"]
    assert planless_tasks["round_1"] == ["upstream_failed"]
    assert state == "failed"
    assert sorted(tasks["round_1"]) == ["failed", "failed", "success", "success"]
    assert tasks["round_2"] == tasks["round_3"] == ["skipped"], "it has one round"
    assert tasks["compare"] == ["failed"]
    parent, trials, client = parent_of(mlflow_uri, "classic-recipes", run_id)
    assert parent.data.metrics["failed"] == 2
    assert parent.data.params["rows"] == "200"
    assert sorted(trial.info.status for trial in trials) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]
    assert len(client.list_artifacts(parent.info.run_id)) == 3
