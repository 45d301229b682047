"""The embedded stack: real PostgreSQL, S3, MLflow, Airflow, the API and the insights page on one machine."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Protocol, Self

from demo.airflow import Airflow
from demo.environment import code_version, loopback
from demo.insights import Insights
from demo.mlflow_server import MlflowServer
from demo.object_store import BUCKETS, ObjectStore
from demo.postgres import Postgres
from demo.service import Service
from demo.steps import Listener, Silent, Step, run_all
from demo.workspace import Workspace

# The parts that must be ready before a part starts.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "postgres": (),
    "object_store": (),
    "mlflow": ("postgres", "object_store"),
    "airflow": ("postgres", "object_store"),
    "api": ("mlflow",),
    "insights": ("postgres",),
}
PARTS = tuple(NEEDS)


class Part(Protocol):
    """A component that can be started. The workspace's supervisor ends it."""

    def start(self) -> None:
        """Start the part and return when it is ready."""


class Stack:
    """The parts on one state folder; a context manager.

    Parts that do not depend on each other start concurrently. `parts` names some of `PARTS`; their dependencies start
    too. `ports` maps part names to the requested ports: postgres, s3, mlflow, airflow, api, insights. `durable=False`
    turns the database's fsync off. `airflow_overrides` are environment variables that take precedence over those set
    here for Airflow.
    """

    def __init__(
        self,
        state: Path,
        parts: Iterable[str] = PARTS,
        *,
        ports: Mapping[str, int] | None = None,
        durable: bool = True,
        airflow_overrides: Mapping[str, str] | None = None,
    ) -> None:
        self.parts = _with_needs(parts)
        self.workspace = Workspace(state, ports)
        self.state = self.workspace.state
        self.postgres = Postgres(self.workspace, durable=durable)
        self.object_store = ObjectStore(self.workspace)
        self.mlflow = MlflowServer(self.workspace, self.postgres, self.object_store)
        self.airflow = Airflow(self.workspace, self.postgres, self.object_store, self.env, airflow_overrides or {})
        self.api = Service(self.workspace, self.env)
        self.insights = Insights(self.workspace, self.postgres)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, then: Iterable[Step] = (), listener: Listener | None = None) -> None:
        """Start the parts, run the steps `then` as their dependencies become ready, and return when all are done.

        Raises the error of the first part or step that fails.
        """
        run_all([*map(self._start_of, self.parts), *then], self.workspace.supervisor, listener or Silent())

    def stop(self) -> None:
        """End all programs that were started."""
        self.workspace.close()

    def check(self) -> None:
        """Raise `PartFailed` if a part has ended by itself."""
        self.workspace.supervisor.check()

    def watch(self) -> NoReturn:
        """Block until interrupted. Raises `PartFailed` as soon as a part ends by itself."""
        self.workspace.supervisor.watch()

    def pause(self, seconds: float) -> None:
        """Wait for the given time. Raises `PartFailed` if a part has ended by itself."""
        self.check()
        self.workspace.supervisor.pause(seconds)

    def env(self) -> dict[str, str]:
        """Return the environment variables with which a program or a shell uses this stack."""
        return {
            "SENTIMENT_DATABASE_URL": self.postgres.url(),
            "SENTIMENT_BUCKET": BUCKETS[0],
            "SENTIMENT_S3_ENDPOINT_URL": self.object_store.endpoint,
            "SENTIMENT_MLFLOW_TRACKING_URI": self.mlflow.url,
            "SENTIMENT_MODEL_CACHE": str(self.state / "models"),
            "SENTIMENT_CODE_VERSION": code_version(),
            **self.object_store.environment(),
            **loopback(),
        }

    def _start_of(self, name: str) -> Step:
        part: Part = getattr(self, name)

        def start() -> str:
            part.start()
            return "ready"

        return Step(name, NEEDS[name], start)


def _with_needs(parts: Iterable[str]) -> tuple[str, ...]:
    wanted = set(parts)
    for name in reversed(PARTS):
        if name in wanted:
            wanted.update(NEEDS[name])
    if unknown := wanted.difference(PARTS):
        raise ValueError(f"There is no part {unknown.pop()!r}: there are {', '.join(PARTS)}")
    return tuple(name for name in PARTS if name in wanted)
