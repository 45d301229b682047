"""Register new model versions: log bundles to MLflow as pyfunc models, through the `mlflow` package."""

import shutil
import tempfile
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
from sentiment_core.model.bundle import Bundle
from sentiment_core.registry.mlflow_client import already_exists, experiment_id, mlflow_client
from sentiment_core.registry.names import DIGEST_TAG

_LOGGED_MODEL: Final = "models:/"


def register(tracking_uri: str, name: str, bundle_path: Path, bundle: Bundle, run_id: str | None) -> int:
    """Log the bundle as a pyfunc model, create a version of it and return the version number.

    The digest tag is set in the call that creates the version, so no version exists without it.
    """
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([ColSpec(DataType.double, "score"), ColSpec(DataType.string, "label")]),
    )
    tags = {DIGEST_TAG: bundle.digest, "release": __version__}
    with mlflow_client(tracking_uri) as client:
        experiment = client.get_run(run_id).info.experiment_id if run_id else experiment_id(client, name)
        logged = client.create_logged_model(
            experiment, name=name, source_run_id=run_id, tags=tags, model_type="sentiment"
        )
        with tempfile.TemporaryDirectory() as scratch:
            folder, data = Path(scratch, "model"), Path(scratch, "bundle")
            shutil.copytree(bundle_path, data)
            mlflow.pyfunc.save_model(
                path=str(folder),
                loader_module="sentiment_core.pyfunc",
                data_path=str(data),
                mlflow_model=Model(model_id=logged.model_id, run_id=run_id),
                signature=signature,
                input_example=pd.DataFrame({"text": ["It works well and looks lovely."]}),
                # Explicit, because MLflow would otherwise load the model in a new process to infer them.
                pip_requirements=[f"sentiment-core=={__version__}", "pandas"],
            )
            client.log_model_artifacts(logged.model_id, str(folder))
        client.finalize_logged_model(logged.model_id, "READY")
        ensure_registered_model(client, name)
        source = _LOGGED_MODEL + logged.model_id
        made = client.create_model_version(name, source, run_id=run_id, tags=tags, model_id=logged.model_id)
        return int(made.version)


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
        if source.startswith(_LOGGED_MODEL):  # otherwise another program registered it from other files
            client.log_outputs(run_id, [LoggedModelOutput(source.removeprefix(_LOGGED_MODEL), 0)])
        client.set_tag(run_id, "model_version", str(version))
