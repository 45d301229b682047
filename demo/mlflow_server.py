"""An MLflow server that stores its tables in PostgreSQL and serves its files from the object store."""

import sys
from functools import cached_property

import urllib3

from demo.environment import base
from demo.object_store import ObjectStore
from demo.postgres import Postgres
from demo.processes import Program
from demo.workspace import LOOPBACK, Workspace


class MlflowServer:
    """The tracking server and model registry.

    This class runs the application in the same way as `mlflow server`, but without that command. The command imports
    all of MLflow a second time, which adds seconds to the start and uses 200 MB.
    """

    name = "mlflow"

    def __init__(self, workspace: Workspace, postgres: Postgres, object_store: ObjectStore) -> None:
        self._workspace = workspace
        self._postgres = postgres
        self._object_store = object_store

    @cached_property
    def url(self) -> str:
        """The address of the web UI and the tracking API."""
        return f"http://{LOOPBACK}:{self._workspace.port('mlflow')}"

    def start(self) -> None:
        """Start the server. The first start creates its tables."""
        port = self._workspace.port("mlflow")
        options = ("--host", LOOPBACK, "--port", str(port), "--workers", "1", "--log-level", "warning")
        self._workspace.supervisor.start(
            Program(
                name=self.name,
                command=(sys.executable, "-m", "uvicorn", *options, "mlflow.server.fastapi_app:app"),
                environment=self._environment(),
                ready=self._answers,
                ready_within_s=120,
                needs=(self._postgres.name, self._object_store.name),
                folder=self._workspace.folder("mlflow"),
            )
        )

    def _environment(self) -> dict[str, str]:
        store = self._postgres.url("mlflow").replace("://", "+psycopg2://", 1)
        return {
            **base(self._workspace.state),
            **self._object_store.environment(),
            "_MLFLOW_SERVER_FILE_STORE": store,
            "_MLFLOW_SERVER_REGISTRY_STORE": store,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": "s3://mlflow",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_S3_ENDPOINT_URL": self._object_store.endpoint,
            # Job execution would start seven more workers, using over a gigabyte, for jobs that nothing here starts.
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def _answers(self) -> bool:
        """Query the models: the first query makes the server create its tables."""
        models = f"{self.url}/api/2.0/mlflow/registered-models/search?max_results=1"
        try:
            return urllib3.request("GET", models, timeout=60, retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False
