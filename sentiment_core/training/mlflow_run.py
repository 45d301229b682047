"""A training as a run in MLflow: what went in, how good the model is, its plots, and the registered version."""

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from sentiment_core import __version__
from sentiment_core.errors import SentimentError
from sentiment_core.evaluation.metrics import Evaluation
from sentiment_core.evaluation.plots import draw_all
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.card import card_of
from sentiment_core.model.card_markdown import markdown
from sentiment_core.registry.mlflow_client import answering, experiment_id
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.registry.rest_client import TrackingServer

# MLflow's limits.
_METRICS_A_CALL: Final = 1_000
_PARAM_LENGTH: Final = 6_000
_NAME_LENGTH: Final = 500
_METRIC_LENGTH: Final = 250
_DIGEST_LENGTH: Final = 36

_LEARNING_CURVE: Final = "learning_curve/accuracy"


class TrainingRun(NamedTuple):
    """The run's id in MLflow, and the number of the model version."""

    run_id: str
    version: int


def log_training(
    tracking_uri: str,
    experiment: str,
    bundle_path: Path,
    evaluation: Evaluation,
    *,
    name: str = "sentiment",
    snapshot_id: str | None = None,
    data_uri: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> TrainingRun:
    """Log the training of the bundle in a folder as one run, and register it as a version of the model `name`.

    The snapshot, by default the one that the bundle's provenance names, is logged as a dataset that lies at `data_uri`.
    A bundle that is registered already keeps its version; the run is new each time. The version comes last: when it is
    there, so is all else, and a run that broke off says `FAILED` if the server still takes that.

    Raises `RegistryUnavailable` and `RegistryRefused`, and `BundleDamaged` or `BundleMissing`.
    """
    bundle = Bundle.load(bundle_path)
    snapshot_id = snapshot_id or bundle.provenance.get("snapshot")
    # Of a server that is not there MLflow's own client would tell after minutes of trying.
    server = TrackingServer(tracking_uri)
    server.get("experiments/search", max_results="1")
    with answering(tracking_uri) as client:
        run = client.create_run(
            experiment_id(client, experiment),
            tags=_tags(bundle, snapshot_id) | dict(tags or {}),
            run_name=f"{name} {bundle.digest[:12]}",
        )
        run_id = str(run.info.run_id)
        try:
            _log_params(client, run_id, bundle)
            _log_metrics(client, run_id, evaluation)
            client.log_inputs(run_id, [_dataset(bundle, snapshot_id, data_uri)])
            _log_files(client, run_id, bundle, evaluation)
            version = RegisteredModel(tracking_uri, name).register(bundle_path, run_id)
            _end(server, run_id, "FINISHED")
        except BaseException:
            with suppress(SentimentError):
                _end(server, run_id, "FAILED")
            raise
    return TrainingRun(run_id, version)


def _end(server: TrackingServer, run_id: str, status: str) -> None:
    # Not by MLflow's client, which prints, and which takes minutes to tell that a server has gone.
    server.post("runs/update", run_id=run_id, status=status, end_time=str(time.time_ns() // 1_000_000))


def _tags(bundle: Bundle, snapshot_id: str | None) -> dict[str, str]:
    code_version = str(bundle.provenance.get("code_version"))
    tags = {
        DIGEST_TAG: bundle.digest,
        "release": __version__,
        "code_version": code_version,
        "snapshot_sha256": bundle.manifest.snapshot.sha256,
        "mlflow.source.name": "sentiment train",
    }
    if code_version != "unknown":
        tags["mlflow.source.git.commit"] = code_version
    return tags | ({"snapshot": snapshot_id} if snapshot_id else {})


def _log_params(client: MlflowClient, run_id: str, bundle: Bundle) -> None:
    """Log each value of the training configuration; `params.yaml` among the files has them as they were given."""
    params = []
    for key, value in _flat(bundle.manifest.training):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        params.append(Param(key, text if len(text) <= _PARAM_LENGTH else "too long for a param: see params.yaml"))
    client.log_batch(run_id, params=params)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _log_metrics(client: MlflowClient, run_id: str, evaluation: Evaluation) -> None:
    now = time.time_ns() // 1_000_000
    measures = dict(_numbers(evaluation.metrics._asdict()))
    measures |= {f"{key}_uncalibrated": getattr(evaluation.uncalibrated, key) for key in ("brier", "ece")}
    if evaluation.test:
        measures |= _numbers(evaluation.test._asdict(), "test/")
    for name, slice_metrics in _by_metric_name(evaluation.slices).items():
        measures |= _numbers(slice_metrics._asdict(), f"slice/{name}/")
    metrics = [Metric(key, value, now, 0) for key, value in measures.items()]
    metrics += [Metric(_LEARNING_CURVE, point.accuracy, now, point.rows) for point in evaluation.learning_curve]
    metrics += [Metric("fold_accuracy", value, now, fold) for fold, value in enumerate(evaluation.fold_accuracies)]
    for batch in _batches(metrics, _METRICS_A_CALL):
        client.log_batch(run_id, metrics=batch)


def _numbers(measures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in measures.items():
        if isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)


def _by_metric_name(slices: Mapping[str, Any]) -> dict[str, Any]:
    """Name slices as MLflow allows it; two that become alike, as groups can, are told apart by numbers."""
    named: dict[str, Any] = {}
    for number, (name, metrics) in enumerate(slices.items()):
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[: _METRIC_LENGTH // 2]
        named[f"{plain}_{number}" if plain in named else plain] = metrics
    return named


def _batches(metrics: Sequence[Metric], most: int) -> Iterator[Sequence[Metric]]:
    for begin in range(0, len(metrics), most):
        yield metrics[begin : begin + most]


def _dataset(bundle: Bundle, snapshot_id: str | None, data_uri: str | None) -> DatasetInput:
    snapshot = bundle.manifest.snapshot
    data_name = str(bundle.provenance.get("data") or "training data")
    uri = data_uri or data_name
    dataset = Dataset(
        name=snapshot_id or (data_name if len(data_name) <= _NAME_LENGTH else f"{data_name[: _NAME_LENGTH - 1]}…"),
        digest=(snapshot_id or snapshot.sha256)[:_DIGEST_LENGTH],
        source_type="s3" if uri.startswith("s3://") else "local",
        source=json.dumps({"uri": uri}),
        profile=json.dumps(snapshot.model_dump(mode="json")),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _log_files(client: MlflowClient, run_id: str, bundle: Bundle, evaluation: Evaluation) -> None:
    card = card_of(bundle)
    files = {
        "metrics.json": _json(evaluation.as_dict()),
        "model_card.json": _json(card),
        "model_card.md": markdown(card).encode(),
        "params.yaml": yaml.safe_dump(bundle.manifest.training, sort_keys=False, allow_unicode=True).encode(),
    } | {f"plots/{name}": image for name, image in draw_all(evaluation).items()}
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run_id, scratch)


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
