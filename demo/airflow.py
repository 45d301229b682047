"""Run Airflow as separate programs with the LocalExecutor, using this checkout's `dags` and `plugins`."""

import base64
import importlib.metadata
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import urllib3

from demo.airflow_client import AirflowClient
from demo.environment import CHECKOUT, base
from demo.errors import AirflowUnavailable
from demo.object_store import REGION, ObjectStore
from demo.postgres import Postgres
from demo.processes import Program
from demo.steps import Silent, Step, run_all
from demo.workspace import LOOPBACK, Workspace, write_private
from sentiment_core.database.connection import connect

USER = "admin"
API_SERVER, SCHEDULER, DAG_PROCESSOR = "airflow-api-server", "airflow-scheduler", "airflow-dag-processor"
TRIGGERER = "airflow-triggerer"
CONFIG = Path(__file__).parent / "airflow_config"


class Airflow:
    """API server, scheduler and DAG processor, and the triggerer if the settings name a queue of arrivals.

    `task_environment` returns the environment variables of the tasks. `overrides` are environment variables that take
    precedence over all others, such as `AIRFLOW__CORE__DAGS_FOLDER`.
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
        """Return a client of the REST API, authenticated as the administrator."""
        return AirflowClient(self.url, USER, self.password)

    def start(self) -> None:
        """Create or migrate Airflow's tables if this release has not run here before, then start its programs."""
        environment = self.environment()
        home = self._workspace.folder("airflow")
        write_private(self._passwords, json.dumps({USER: self.password}))
        migrated = home / "migrated-to"
        release = importlib.metadata.version("apache-airflow")
        if not migrated.exists() or migrated.read_text() != release:
            self._workspace.supervisor.run(self._program("airflow-migrate", environment, "db", "migrate"))
            migrated.write_text(release)
        self._start_programs(environment)

    def _start_programs(self, environment: Mapping[str, str]) -> None:
        stores = (self._postgres.name, self._object_store.name)
        began = datetime.now(UTC)
        api_server = self._program(
            # The API server stops answering within a moment, but then takes six seconds to exit.
            API_SERVER,
            environment,
            "api-server",
            needs=stores,
            ready=self._answers,
            stop_within_s=1.0,
        )
        scheduler = self._program(
            SCHEDULER,
            environment,
            "scheduler",
            "--skip-serve-logs",
            needs=(API_SERVER, *stores),
            ready=lambda: self._beats("SchedulerJob", began),
        )
        dag_processor = self._program(
            DAG_PROCESSOR,
            environment,
            "dag-processor",
            needs=stores,
            ready=lambda: self._beats("DagProcessorJob", began),
        )
        programs = [api_server, scheduler, dag_processor]
        if environment.get("SENTIMENT_ARRIVALS_QUEUE"):
            programs.append(
                self._program(
                    TRIGGERER,
                    environment,
                    "triggerer",
                    "--skip-serve-logs",
                    needs=(API_SERVER, *stores),
                    ready=lambda: self._beats("TriggererJob", began),
                )
            )
        steps = [Step(program.name, (), partial(self._start_program, program)) for program in programs]
        run_all([*steps, Step("warm", (API_SERVER,), self._warm)], self._workspace.supervisor, Silent())

    def _start_program(self, program: Program) -> str:
        self._workspace.supervisor.start(program)
        return "ready"

    def _warm(self) -> str:
        """Make the server build its execution API. Otherwise the first task would wait six seconds for it."""
        if self._get("/execution/health") is None:
            raise AirflowUnavailable(why="its execution API does not answer")
        return "warm"

    def environment(self) -> dict[str, str]:
        """Return the environment of Airflow's programs."""
        fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        metadata = self._postgres.url("airflow").replace("://", "+psycopg2://", 1)
        settings = {
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__DAGS_FOLDER": CHECKOUT / "dags",
            "CORE__PLUGINS_FOLDER": CHECKOUT / "plugins",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__PARALLELISM": 4,
            "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "CORE__FERNET_KEY": self._workspace.secret("airflow fernet key", fernet_key),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": self._passwords,
            "DATABASE__SQL_ALCHEMY_CONN": metadata,
            # An empty value disables the async connection: asyncpg is not installed, and nothing here needs it.
            "DATABASE__SQL_ALCHEMY_CONN_ASYNC": "",
            "API__HOST": LOOPBACK,
            "API__PORT": self._workspace.port("airflow"),
            "API__BASE_URL": self.url,
            "API__WORKERS": 1,
            "API__SECRET_KEY": self._workspace.secret("airflow session key", secrets.token_hex(32)),
            "API_AUTH__JWT_SECRET": self._workspace.secret("airflow jwt secret", secrets.token_hex(64)),
            # Airflow notices the end of a task, and starts the next task, half a second sooner.
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
            "DAG_PROCESSOR__PARSING_PROCESSES": 1,
            "LOGGING__COLORED_CONSOLE_LOG": False,
            "USAGE_DATA_COLLECTION__ENABLED": False,
        }
        # Apart from the base environment, only these AIRFLOW variables are set.
        environment = base(self._workspace.state) | dict(self._task_environment())
        environment |= {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}
        environment |= {
            "AIRFLOW_HOME": str(self._workspace.state / "airflow"),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self._aws_connection()),
            "AIRFLOW_CONN_SENTIMENT_DB": self._postgres.url("sentiment"),
            # The DAG that scores arrivals is paused at first. Unpausing it starts this poll.
            "SENTIMENT_ARRIVALS_EVERY_S": "30",
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
            # The endpoint is that of S3 only: a queue is on another server.
            "extra": {
                "service_config": {"s3": {"endpoint_url": self._object_store.endpoint}},
                "region_name": REGION,
            },
        }

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
        return self._get("/api/v2/monitor/health") is not None

    def _beats(self, job: str, since: datetime) -> bool:
        """Return whether a program has sent a heartbeat since then.

        Query the database, because the API server is busy.
        """
        statement = "SELECT FROM job WHERE job_type = %s AND latest_heartbeat > %s"
        with connect(self._postgres.url("airflow")) as connection, connection.cursor() as cursor:
            cursor.execute(statement, (job, since))
            return cursor.fetchone() is not None

    def _get(self, path: str) -> Any:
        try:
            answer = urllib3.request("GET", self.url + path, timeout=60, retries=False)
        except urllib3.exceptions.HTTPError:
            return None
        return answer.json() if answer.status == 200 else None
