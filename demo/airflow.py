"""Airflow as separate programs, with the LocalExecutor, over this checkout's `dags` and `plugins`."""

import base64
import importlib.metadata
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import urllib3

from demo.airflow_client import AirflowClient
from demo.environment import CHECKOUT, base
from demo.object_store import REGION, ObjectStore
from demo.postgres import Postgres
from demo.processes import Program
from demo.workspace import LOOPBACK, Workspace, write_private

USER = "admin"
API_SERVER, SCHEDULER, DAG_PROCESSOR = "airflow-api-server", "airflow-scheduler", "airflow-dag-processor"
CONFIG = Path(__file__).parent / "airflow_config"


class Airflow:
    """API server, scheduler and DAG processor.

    `task_environment` gives the variables that tasks get; `overrides` are environment variables that win over all
    others, such as `AIRFLOW__CORE__DAGS_FOLDER`.
    """

    name = "airflow"

    def __init__(
        self,
        workspace: Workspace,
        postgres: Postgres,
        object_store: ObjectStore,
        task_environment: Callable[[], Mapping[str, str]],
        overrides: Mapping[str, str],
    ) -> None:
        self._workspace = workspace
        self._postgres = postgres
        self._object_store = object_store
        self._task_environment = task_environment
        self._overrides = overrides
        self.password = workspace.secret("airflow admin")

    @cached_property
    def url(self) -> str:
        """The address of the UI and the REST API."""
        return f"http://{LOOPBACK}:{self._workspace.port('airflow')}"

    def client(self) -> AirflowClient:
        """Return a client of the REST API, as the administrator."""
        return AirflowClient(self.url, USER, self.password)

    def start(self) -> None:
        """Make or migrate Airflow's tables when its release is new here, then start its programs."""
        environment = self.environment()
        home = self._workspace.folder("airflow")
        write_private(self._passwords, json.dumps({USER: self.password}))
        migrated = home / "migrated-to"
        release = importlib.metadata.version("apache-airflow")
        if not migrated.exists() or migrated.read_text() != release:
            self._workspace.supervisor.run(self._program("airflow-migrate", environment, "db", "migrate"))
            migrated.write_text(release)
        began = datetime.now(UTC)
        stores = (self._postgres.name, self._object_store.name)
        self._workspace.supervisor.start(
            # It answers nobody any more within a moment, and then takes six seconds to leave.
            self._program(API_SERVER, environment, "api-server", needs=stores, ready=self._answers, stop_within_s=1.0),
            self._program(
                SCHEDULER,
                environment,
                "scheduler",
                "--skip-serve-logs",
                needs=(API_SERVER, *stores),
                ready=lambda: self._beats("scheduler", began),
            ),
            self._program(
                DAG_PROCESSOR,
                environment,
                "dag-processor",
                needs=stores,
                ready=lambda: self._beats("dag_processor", began),
            ),
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of Airflow's programs."""
        metadata = self._postgres.url("airflow").replace("://", "+psycopg2://", 1)
        settings = {
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__DAGS_FOLDER": CHECKOUT / "dags",
            "CORE__PLUGINS_FOLDER": CHECKOUT / "plugins",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__PARALLELISM": 4,
            "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "CORE__FERNET_KEY": self._key("airflow fernet key"),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": self._passwords,
            "DATABASE__SQL_ALCHEMY_CONN": metadata,
            # Empty turns it off: asyncpg is not installed, and what needs it is not used here.
            "DATABASE__SQL_ALCHEMY_CONN_ASYNC": "",
            "API__HOST": LOOPBACK,
            "API__PORT": self._workspace.port("airflow"),
            "API__BASE_URL": self.url,
            "API__WORKERS": 1,
            "API__SECRET_KEY": self._key("airflow session key"),
            "API_AUTH__JWT_SECRET": self._key("airflow jwt secret"),
            "DAG_PROCESSOR__PARSING_PROCESSES": 1,
            "LOGGING__COLORED_CONSOLE_LOG": False,
            "USAGE_DATA_COLLECTION__ENABLED": False,
        }
        # Beside the base, Airflow's own variables are the only ones of their kind.
        environment = base(self._workspace.state) | dict(self._task_environment())
        environment |= {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}
        environment |= {
            "AIRFLOW_HOME": str(self._workspace.state / "airflow"),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self._aws_connection()),
            "AIRFLOW_CONN_SENTIMENT_DB": self._postgres.url("sentiment"),
        }
        environment["PYTHONPATH"] = f"{environment['PYTHONPATH']}:{CONFIG}"
        return environment | dict(self._overrides)

    @property
    def _passwords(self) -> Path:
        return self._workspace.state / "airflow" / "passwords.json"

    def _aws_connection(self) -> dict[str, Any]:
        return {
            "conn_type": "aws",
            "login": self._object_store.access_key,
            "password": self._object_store.secret_key,
            "extra": {"endpoint_url": self._object_store.endpoint, "region_name": REGION},
        }

    def _key(self, name: str) -> str:
        return self._workspace.secret(name, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def _program(
        self,
        name: str,
        environment: Mapping[str, str],
        *arguments: str,
        needs: tuple[str, ...] = (),
        ready: Callable[[], bool] = lambda: True,
        stop_within_s: float = 10.0,
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", "airflow", *arguments),
            environment=environment,
            ready=ready,
            ready_within_s=180,
            stop_within_s=stop_within_s,
            needs=needs,
            folder=self._workspace.state / "airflow",
        )

    def _answers(self) -> bool:
        """Tell whether the server answers, and warm what the first task would otherwise wait for."""
        return self._get("/api/v2/monitor/health") is not None and self._get("/execution/health") is not None

    def _beats(self, component: str, since: datetime) -> bool:
        """Tell whether a component's heart has beaten since then; one of an earlier start does not count."""
        beat = (self._get("/api/v2/monitor/health") or {}).get(component, {}).get(f"latest_{component}_heartbeat")
        return beat is not None and datetime.fromisoformat(beat) > since

    def _get(self, path: str) -> Any:
        try:
            answer = urllib3.request("GET", self.url + path, timeout=30, retries=False)
        except urllib3.exceptions.HTTPError:
            return None
        return answer.json() if answer.status == 200 else None
