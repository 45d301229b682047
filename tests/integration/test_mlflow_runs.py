"""Runs in a real MLflow server, within the limits of its API."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from mlflow import MlflowClient

from sentiment_core.errors import RegistryUnavailable
from sentiment_core.registry.mlflow_runs import (
    RUNNING,
    find_run,
    log_dataset,
    log_files,
    log_metrics,
    log_params,
    require_server,
    set_status,
)


@pytest.fixture
def client(mlflow_uri: str) -> MlflowClient:
    return MlflowClient(mlflow_uri)


@pytest.fixture
def experiment(client: MlflowClient, request: pytest.FixtureRequest) -> str:
    return str(client.create_experiment(request.node.name))


def test_more_metrics_than_a_call_may_have_are_all_logged(client: MlflowClient, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    many = {f"m{number}": number / 4 for number in range(1_001)}
    log_metrics(client, run_id, many, [("curve", 0.5, 0), ("curve", 1, 7)])
    metrics = client.get_run(run_id).data.metrics
    assert (len(metrics), metrics["m0"], metrics["m1000"], metrics["curve"]) == (1_002, 0, 250, 1)
    assert [(point.step, point.value) for point in client.get_metric_history(run_id, "curve")] == [(0, 0.5), (7, 1)]


def test_values_above_the_limits_are_replaced_or_cut(client: MlflowClient, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    log_params(client, run_id, {"short": "a", "long": "b" * 6_001}, too_long="see params.yaml")
    log_dataset(client, run_id, name="n" * 501, digest="5" * 64, uri="s3://bucket/key", profile={"rows": 3})
    run = client.get_run(run_id)
    assert run.data.params == {"short": "a", "long": "see params.yaml"}
    (dataset,) = [each.dataset for each in run.inputs.dataset_inputs]
    assert (len(dataset.name), dataset.name[-1], dataset.digest) == (500, "…", "5" * 36)
    assert (dataset.source_type, json.loads(dataset.source), json.loads(dataset.profile)) == (
        "s3",
        {"uri": "s3://bucket/key"},
        {"rows": 3},
    )


def test_runs_can_log_the_same_new_data_at_the_same_time(client: MlflowClient, experiment: str) -> None:
    run_ids = [client.create_run(experiment).info.run_id for _ in range(8)]
    together = Barrier(len(run_ids))

    def log(run_id: str) -> None:
        for number in range(10):
            together.wait(20)
            log_dataset(client, run_id, name=f"data {number}", digest=str(number), uri="s3://bucket/key", profile={})

    with ThreadPoolExecutor(len(run_ids)) as pool:
        list(pool.map(log, run_ids))
    for run_id in run_ids:
        logged = client.get_run(run_id).inputs.dataset_inputs
        assert sorted(each.dataset.name for each in logged) == [f"data {number}" for number in range(10)]


def test_files_keep_their_paths(client: MlflowClient, experiment: str, tmp_path: Path) -> None:
    run_id = client.create_run(experiment).info.run_id
    log_files(client, run_id, {"plots/roc.png": b"png", "card.md": b"# Card"})
    assert Path(client.download_artifacts(run_id, "plots/roc.png", str(tmp_path))).read_bytes() == b"png"
    assert Path(client.download_artifacts(run_id, "card.md", str(tmp_path))).read_bytes() == b"# Card"


def test_a_run_is_found_by_all_of_its_tags(client: MlflowClient, experiment: str) -> None:
    run = client.create_run(experiment, tags={"day": "2026-11-01", "model": "it's"})
    found = find_run(client, experiment, {"day": "2026-11-01", "model": "it's"})
    assert found is not None
    assert found.info.run_id == run.info.run_id
    assert find_run(client, experiment, {"day": "2026-11-01", "model": "other"}) is None


def test_only_a_final_status_ends_a_run(client: MlflowClient, experiment: str, mlflow_uri: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    set_status(mlflow_uri, run_id, RUNNING)
    assert client.get_run(run_id).info.end_time is None
    set_status(mlflow_uri, run_id, "KILLED")
    info = client.get_run(run_id).info
    assert (info.status, info.end_time is None) == ("KILLED", False)


def test_a_server_that_does_not_answer_is_reported_immediately(mlflow_uri: str) -> None:
    require_server(mlflow_uri)
    with pytest.raises(RegistryUnavailable):
        require_server("http://127.0.0.1:9")
