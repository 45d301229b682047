"""Log runs to MLflow: the calls that training, experiments and drift share."""

import json
import tempfile
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.exceptions import MlflowException

from sentiment_core.registry.rest_client import TrackingServer

# MLflow's limits.
_METRICS_PER_CALL: Final = 1_000
_PARAM_LENGTH: Final = 6_000
_DATASET_NAME_LENGTH: Final = 500
_DATASET_DIGEST_LENGTH: Final = 36

RUNNING: Final = "RUNNING"


def require_server(tracking_uri: str) -> None:
    """Raise `RegistryUnavailable` or `RegistryRefused` when the tracking server does not answer now.

    MLflow's own client retries for minutes before it reports an unreachable server.
    """
    TrackingServer(tracking_uri).get("experiments/search", max_results="1")


def set_status(tracking_uri: str, run_id: str, status: str) -> None:
    """Set a run's status. Every status except `RUNNING` also ends the run.

    MLflow's own client prints the run's address, and retries for minutes when the server has stopped.
    """
    ended = {} if status == RUNNING else {"end_time": str(_now_ms())}
    TrackingServer(tracking_uri).post("runs/update", run_id=run_id, status=status, **ended)


def find_run(client: MlflowClient, experiment_id: str, tags: Mapping[str, str]) -> Run | None:
    """Return a run of an experiment that has all these tags, or None."""
    # A value in a filter can be quoted with either mark, but has no way to escape that mark.
    marks = {name: '"' if "'" in value else "'" for name, value in tags.items()}
    conditions = [f"tags.`{name}` = {marks[name]}{value}{marks[name]}" for name, value in tags.items()]
    found = client.search_runs([experiment_id], " and ".join(conditions), max_results=1)
    return found[0] if found else None


def log_params(
    client: MlflowClient, run_id: str, params: Mapping[str, str], too_long: str = "too long for a param"
) -> None:
    """Log params. `too_long` replaces a value above MLflow's limit."""
    shown = {key: text if len(text) <= _PARAM_LENGTH else too_long for key, text in params.items()}
    client.log_batch(run_id, params=[Param(key, text) for key, text in shown.items()])


def log_metrics(
    client: MlflowClient, run_id: str, metrics: Mapping[str, float], series: Iterable[tuple[str, float, int]] = ()
) -> None:
    """Log metrics at step 0, and `series` of (name, value, step), in as few calls as MLflow's limit allows."""
    now = _now_ms()
    logged = [Metric(key, value, now, 0) for key, value in metrics.items()]
    logged += [Metric(key, value, now, step) for key, value, step in series]
    for begin in range(0, len(logged), _METRICS_PER_CALL):
        client.log_batch(run_id, metrics=logged[begin : begin + _METRICS_PER_CALL])


def log_dataset(
    client: MlflowClient, run_id: str, *, name: str, digest: str, uri: str, profile: Mapping[str, Any]
) -> None:
    """Log the training data as the run's input. Name and digest are cut to MLflow's limits.

    Two runs that log the same new data at the same time make MLflow create it twice, and it answers one of them
    with 400. The call is then repeated once: it finds the data, and a repetition changes nothing.
    """
    dataset = Dataset(
        name=name if len(name) <= _DATASET_NAME_LENGTH else f"{name[: _DATASET_NAME_LENGTH - 1]}…",
        digest=digest[:_DATASET_DIGEST_LENGTH],
        source_type="s3" if uri.startswith("s3://") else "local",
        source=json.dumps({"uri": uri}),
        profile=json.dumps(profile),
    )
    inputs = [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])]
    try:
        client.log_inputs(run_id, inputs)
    except MlflowException as error:
        if error.get_http_status_code() != HTTPStatus.BAD_REQUEST:
            raise
        client.log_inputs(run_id, inputs)


def log_files(client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> None:
    """Log files as artifacts, by their path below the run's artifact root."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, scratch)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
