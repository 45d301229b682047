"""Commands in the scheduler's pod, by the action that retrains and by the playbook. A running Airflow replaces it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shlex import quote, split

import jinja2
import pytest
import yaml

from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.names import CHALLENGER, CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel
from tests.dags.test_retrain import labelled

# Runs locally what kubectl would run in the scheduler's pod, and returns a pod name.
KUBECTL = """#!/usr/bin/env bash
[[ $1 == get ]] && { echo pod/scheduler; exit; }
while [[ $1 != -- ]]; do shift; done
shift
export %s
exec "$@"
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Airflow with everything that `retrain` needs: labelled reviews and a champion."""
    with Stack(tmp_path_factory.mktemp("cluster"), ("mlflow", "airflow"), durable=False) as stack:
        migrations.upgrade(stack.postgres.url())
        s3 = stack.object_store.client()
        s3.put_object(Bucket="reviews", Key="training/shop/labelled.csv", Body=labelled(4_000))
        models = RegisteredModel(stack.mlflow.url, "sentiment", stack.state / "models")
        models.set_alias(CHAMPION, models.register(STARTER))
        client = stack.airflow.client()
        client.wait_for_dag("retrain", 120)
        client.unpause("retrain")
        yield stack


def test_a_model_is_trained_and_judged_then_promoted_when_that_is_approved(cluster, checkout, tmp_path) -> None:
    """Uses the params of the workflow's two jobs, with only the version filled in."""
    job = yaml.safe_load((checkout / ".github/workflows/model.yaml").read_text())["jobs"]
    train, promote = (job[name]["steps"][-1]["with"] for name in ("train", "promote"))
    environment = cluster.airflow.environment() | cluster.env()
    environment.pop("PATH", None)
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL % " ".join(f"{name}={quote(value)}" for name, value in environment.items()))
    kubectl.chmod(0o755)

    def run(purpose: str, conf: str) -> tuple[int, str, str]:
        told = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        told["GITHUB_OUTPUT"].write_text("")
        done = subprocess.run(
            [checkout / ".github/actions/retrain/run.sh"],
            env=os.environ
            | {name: str(path) for name, path in told.items()}
            | {"PATH": f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}", "NAMESPACE": "sentiment"}
            | {"GITHUB_RUN_ID": "17", "GITHUB_RUN_ATTEMPT": "1", "PURPOSE": purpose, "CONF": conf, "POLL_S": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, told["GITHUB_OUTPUT"].read_text(), done.stdout + done.stderr

    models = RegisteredModel(cluster.mlflow.url, "sentiment", cluster.state / "models")
    status, output, log = run(train["purpose"], train["conf"])
    assert (status, output) == (0, "version=2\n"), log
    assert (models.resolve(CHALLENGER)[0], models.resolve(CHAMPION)[0]) == (2, 1)
    conf = promote["conf"].replace("${{ needs.train.outputs.version }}", "2")
    status, _, log = run(promote["purpose"], conf)
    assert (status, models.resolve(CHAMPION)[0]) == (0, 2), log
    summary = (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert "github__17__1__promote` ended with **success**; the challenger is version **2**" in summary
    status, _, log = run("again", train["conf"])
    assert (status, models.resolve(CHAMPION)[0]) == (1, 2), log


def command(checkout: Path, role: str, **variables: object) -> list[str]:
    """Return the words of the command that a role of the playbook runs in the pod."""
    tasks = yaml.safe_load((checkout / f"ansible/roles/{role}/tasks/main.yml").read_text())
    (text,) = (task["kubernetes.core.k8s_exec"]["command"] for task in tasks if "kubernetes.core.k8s_exec" in task)
    templates = jinja2.Environment(autoescape=False)  # noqa: S701 - it is a command and not a page
    templates.filters |= {"quote": quote, "to_json": json.dumps}
    return split(templates.from_string(text).render(variables))


def test_the_playbook_turns_dags_on_once_and_scores_a_day(cluster, checkout) -> None:
    environment = cluster.airflow.environment() | cluster.env()
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(role: str, **variables: object) -> str:
        words = command(checkout, role, **variables)
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    client = cluster.airflow.client()
    client.wait_for_dag("experiments", 120)
    assert "No paused DAGs were found" in run("dags", dags=["retrain"])  # the fixture has turned it on
    assert "No paused DAGs were found" not in run("dags", dags=["experiments", "retrain"])
    assert client.get("/dags/experiments")["is_paused"] is False
    assert client.get("/dags/score_reviews")["is_paused"] is True
    run("first_row", first_row_day="2026-11-16")
    (queued,) = client.get("/dags/score_reviews/dagRuns")["dag_runs"]
    assert queued["conf"] == {"day": "2026-11-16"}


# Accepts the run, after which the cluster is unreachable.
LOST = """#!/usr/bin/env bash
[[ $1 == get ]] && { echo pod/scheduler; exit; }
[[ $* == *" dags trigger "* ]]
"""


def test_it_gives_up_where_airflow_cannot_be_asked_any_more(checkout, tmp_path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(LOST)
    kubectl.chmod(0o755)
    given = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NAMESPACE": "sentiment", "POLL_S": "0.01", "CONF": "{}"}
    given |= {"GITHUB_RUN_ID": "17", "GITHUB_RUN_ATTEMPT": "1", "PURPOSE": "train", "GITHUB_OUTPUT": "/dev/null"}
    action = checkout / ".github/actions/retrain/run.sh"
    done = subprocess.run([action], env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "did not answer twenty times" in done.stderr) == (1, True), done.stderr
