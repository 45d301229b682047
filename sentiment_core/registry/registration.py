"""Register new model versions: log bundles to MLflow as pyfunc models, through the `mlflow` package."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import mlflow.pyfunc
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from sentiment_core import __version__
from sentiment_core.errors import RegistryUnsupported
from sentiment_core.model.bundle import Bundle
from sentiment_core.registry.artifacts import below
from sentiment_core.registry.mlflow_client import already_exists, experiment_id, mlflow_client
from sentiment_core.registry.mlflow_runs import set_status
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.rest_client import TrackingServer

_LOGGED_MODEL: Final = "models:/"
_FOLDER: Final = "model"  # of a model's files among the artifacts of a run


def register(tracking_uri: str, name: str, bundle_path: Path, bundle: Bundle, run_id: str | None) -> int:
    """Log the bundle as a pyfunc model, create a version of it and return the version number.

    The files belong to a logged model. A server without logged models (MLflow 2) stores them in the run `run_id`, or in
    a new run. The digest tag is set in the call that creates the version, so no version exists without it.
    """
    tags = {DIGEST_TAG: bundle.digest, "release": __version__}
    with mlflow_client(tracking_uri) as client:
        experiment = client.get_run(run_id).info.experiment_id if run_id else experiment_id(client, name)
        if has_logged_models(TrackingServer(tracking_uri), experiment):
            source, model_id = _log_model(client, experiment, name, bundle_path, run_id, tags)
        else:
            own_run = run_id is None
            run_id = run_id or _new_run(client, experiment, f"register {bundle.digest[:12]}", tags)
            source, model_id = _log_to_run(client, bundle_path, run_id), None
            if own_run:
                set_status(tracking_uri, run_id, "FINISHED")
        ensure_registered_model(client, name)
        made = client.create_model_version(name, source, run_id=run_id, tags=tags, model_id=model_id)
        return int(made.version)


def has_logged_models(server: TrackingServer, experiment: str) -> bool:
    """Return whether the server has MLflow's logged models (MLflow 3)."""
    try:
        server.post("logged-models/search", experiment_ids=[experiment], max_results=1)
    except RegistryUnsupported:
        return False
    return True


def _log_model(
    client: MlflowClient, experiment: str, name: str, bundle_path: Path, run_id: str | None, tags: dict[str, str]
) -> tuple[str, str]:
    """Log the bundle as a logged model, and return the source of its version and its id."""
    logged = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags=tags, model_type="sentiment")
    with _saved(bundle_path, Model(model_id=logged.model_id, run_id=run_id)) as folder:
        client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    return _LOGGED_MODEL + logged.model_id, logged.model_id


def _new_run(client: MlflowClient, experiment: str, run_name: str, tags: dict[str, str]) -> str:
    return str(client.create_run(experiment, run_name=run_name, tags=tags).info.run_id)


def _log_to_run(client: MlflowClient, bundle_path: Path, run_id: str) -> str:
    """Log the bundle as artifacts of a run, and return the source of its version."""
    with _saved(bundle_path, Model(artifact_path=_FOLDER, run_id=run_id)) as folder:
        client.log_artifacts(run_id, str(folder), _FOLDER)
    return below(str(client.get_run(run_id).info.artifact_uri), _FOLDER)


@contextmanager
def _saved(bundle_path: Path, model: Model) -> Iterator[Path]:
    """Yield a temporary folder with the bundle in the form of a pyfunc model."""
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([ColSpec(DataType.double, "score"), ColSpec(DataType.string, "label")]),
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder, data = Path(scratch, "model"), Path(scratch, "bundle")
        shutil.copytree(bundle_path, data)
        mlflow.pyfunc.save_model(
            path=str(folder),
            loader_module="sentiment_core.pyfunc",
            data_path=str(data),
            mlflow_model=model,
            signature=signature,
            input_example=pd.DataFrame({"text": ["It works well and looks lovely."]}),
            # Explicit, because MLflow would otherwise load the model in a new process to infer them.
            pip_requirements=[f"sentiment-core=={__version__}", "pandas"],
        )
        yield folder


def ensure_registered_model(client: MlflowClient, name: str) -> None:
    """Create the registered model if it does not exist. Processes may call this at the same time."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if not already_exists(error):
            raise


def link(tracking_uri: str, name: str, version: int, run_id: str) -> None:
    """Record the version, and the logged model that it was created from, as the output of a run."""
    with mlflow_client(tracking_uri) as client:
        source = client.get_model_version(name, str(version)).source
        if source.startswith(_LOGGED_MODEL):  # otherwise its files are in a run, or another program registered it
            client.log_outputs(run_id, [LoggedModelOutput(source.removeprefix(_LOGGED_MODEL), 0)])
        client.set_tag(run_id, "model_version", str(version))
