"""A training as a run in MLflow: what went in, how good the model is, its plots, and the registered version."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from mlflow import MlflowClient

from sentiment_core import __version__
from sentiment_core.errors import SentimentError
from sentiment_core.evaluation.metrics import Evaluation
from sentiment_core.evaluation.plots import draw_all
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.card import card_of
from sentiment_core.model.card_markdown import markdown
from sentiment_core.model.suite_section import SUITE_KEY
from sentiment_core.registry.mlflow_client import experiment_id, mlflow_client
from sentiment_core.registry.mlflow_runs import (
    log_dataset,
    log_files,
    log_metrics,
    log_params,
    require_server,
    set_status,
)
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.registered_model import RegisteredModel

_NAME_LENGTH: Final = 250  # MLflow's limit
# Prefix of the metrics of a suite, by the key of what the bundle's provenance records.
_SUITE_METRICS: Final = {"sets": "suite", "language": "suite_language", "domain": "suite_domain", "all": "suite_mean"}
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
    tags = _tags(bundle, snapshot_id) | {"mlflow.source.name": "sentiment train"} | dict(tags or {})
    with _run(tracking_uri, experiment, name, bundle, tags) as (client, run_id):
        _log_params(client, run_id, bundle)
        _log_metrics(client, run_id, evaluation, bundle)
        _log_dataset(client, run_id, bundle, snapshot_id, data_uri)
        plots = {f"plots/{name}": image for name, image in draw_all(evaluation).items()}
        log_files(client, run_id, _files(bundle, evaluation.as_dict()) | plots)
        version = RegisteredModel(tracking_uri, name).register(bundle_path, run_id)
    return TrainingRun(run_id, version)


def log_bundle(
    tracking_uri: str, experiment: str, bundle_path: Path, measured: Mapping[str, Any], *, name: str = "sentiment"
) -> TrainingRun:
    """Log a bundle that was trained and measured before as one run, and register it as a version of the model `name`.

    The run has the params and held-out metrics that the bundle records, and the numbers of `measured` (from `sentiment
    evaluate --out`) as metrics `test/…`. Raises the errors of `log_training`.
    """
    bundle = Bundle.load(bundle_path)
    snapshot_id = bundle.provenance.get("snapshot")
    metrics = dict(_numbers(bundle.provenance.get("held_out", {}))) | dict(_numbers(measured, "test/"))
    tags = _tags(bundle, snapshot_id) | {"mlflow.source.name": "sentiment registry register"}
    with _run(tracking_uri, experiment, name, bundle, tags) as (client, run_id):
        _log_params(client, run_id, bundle)
        log_metrics(client, run_id, metrics)
        _log_dataset(client, run_id, bundle, snapshot_id, None)
        log_files(client, run_id, _files(bundle, measured))
        version = RegisteredModel(tracking_uri, name).register(bundle_path, run_id)
    return TrainingRun(run_id, version)


@contextmanager
def _run(
    tracking_uri: str, experiment: str, name: str, bundle: Bundle, tags: Mapping[str, str]
) -> Iterator[tuple[MlflowClient, str]]:
    """Yield a client and the id of a new run, which ends as FINISHED, or as FAILED when the block raises."""
    require_server(tracking_uri)
    with mlflow_client(tracking_uri) as client:
        group = experiment_id(client, experiment)
        run = client.create_run(group, tags=dict(tags), run_name=f"{name} {bundle.digest[:12]}")
        run_id = str(run.info.run_id)
        try:
            yield client, run_id
            set_status(tracking_uri, run_id, "FINISHED")
        except BaseException:
            with suppress(SentimentError):
                set_status(tracking_uri, run_id, "FAILED")
            raise


def _tags(bundle: Bundle, snapshot_id: str | None) -> dict[str, str]:
    code_version = str(bundle.provenance.get("code_version"))
    tags = {
        DIGEST_TAG: bundle.digest,
        "release": __version__,
        "code_version": code_version,
        "snapshot_sha256": bundle.manifest.snapshot.sha256,
    }
    if code_version != "unknown":
        tags["mlflow.source.git.commit"] = code_version
    return tags | ({"snapshot": snapshot_id} if snapshot_id else {})


def _log_params(client: MlflowClient, run_id: str, bundle: Bundle) -> None:
    """Log each value of the training configuration. The artifact `params.yaml` contains them in full."""
    params = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in _by_plain_name(dict(_flat(bundle.manifest.training))).items()
    }
    log_params(client, run_id, params, too_long="too long for a param: see params.yaml")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _log_metrics(client: MlflowClient, run_id: str, evaluation: Evaluation, bundle: Bundle) -> None:
    measures = dict(_numbers(evaluation.metrics._asdict()))
    measures |= {f"{key}_uncalibrated": getattr(evaluation.uncalibrated, key) for key in ("brier", "ece")}
    if evaluation.test:
        measures |= _numbers(evaluation.test._asdict(), "test/")
    for name, metrics in (evaluation.by_origin or {}).items():
        measures |= _numbers(metrics._asdict(), f"{name}/")
    for name, slice_metrics in _by_plain_name(evaluation.slices).items():
        measures |= _numbers(slice_metrics._asdict(), f"slice/{name}/")
    for grouping, prefix in _SUITE_METRICS.items():
        for name, found in _by_plain_name(bundle.provenance.get(SUITE_KEY, {}).get(grouping, {})).items():
            measures |= _numbers(found, f"{prefix}/{name}/")
    series = [(_LEARNING_CURVE, point.accuracy, point.rows) for point in evaluation.learning_curve]
    series += [("fold_accuracy", value, fold) for fold, value in enumerate(evaluation.fold_accuracies)]
    log_metrics(client, run_id, measures, series)


def _numbers(measures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in measures.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", float(value)


def _by_plain_name(values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace characters that MLflow does not allow in names. Equal results get a number as suffix."""
    named: dict[str, Any] = {}
    for number, (name, metrics) in enumerate(values.items()):
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[: _NAME_LENGTH // 2]
        named[f"{plain}_{number}" if plain in named else plain] = metrics
    return named


def _log_dataset(
    client: MlflowClient, run_id: str, bundle: Bundle, snapshot_id: str | None, data_uri: str | None
) -> None:
    snapshot = bundle.manifest.snapshot
    data_name = str(bundle.provenance.get("data") or "training data")
    log_dataset(
        client,
        run_id,
        name=snapshot_id or data_name,
        digest=snapshot_id or snapshot.sha256,
        uri=data_uri or data_name,
        profile=snapshot.model_dump(mode="json"),
    )


def _files(bundle: Bundle, measured: Mapping[str, Any]) -> dict[str, bytes]:
    card = card_of(bundle)
    return {
        "metrics.json": _json(measured),
        "model_card.json": _json(card),
        "model_card.md": markdown(card).encode(),
        "params.yaml": yaml.safe_dump(bundle.manifest.training, sort_keys=False, allow_unicode=True).encode(),
    }


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
