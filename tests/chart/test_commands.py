"""The commands of the manifests, run in the order of a first installation, with the real parts."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sentiment_core.database.connection import connect
from tests.chart.helm import named
from tests.chart.manifest_process import finish, start


class Installation:
    """The manifests of a release, the Secret that its pods read, and the parts that they use."""

    def __init__(self, manifests, secret: Mapping[str, str], changed: Mapping[str, str], folder: Path) -> None:
        self.manifests = manifests
        self.secret = secret
        self.changed = dict(changed)
        self.folder = folder

    def run(self, kind: str, name: str) -> str:
        """Run a pod's containers in order. Return the output of the last one."""
        return finish(self.begin(kind, name))

    def begin(self, kind: str, name: str) -> Any:
        """Run a pod's init containers, then start its container."""
        manifest = named(self.manifests, kind, name)
        spec = manifest["spec"] if kind == "Pod" else manifest["spec"]["template"]["spec"]
        for container in spec.get("initContainers", []):
            finish(self._start(container))
        (container,) = spec["containers"]
        return self._start(container)

    def _start(self, container: Mapping[str, Any]) -> Any:
        return start(container, self.manifests, self.secret, self.folder, self.changed)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def installation(render, stack, empty_database, bucket, tmp_path) -> Iterator[Installation]:
    """An installation that uses the stack's MLflow, with new databases for the service and for Airflow."""
    airflow, mlflow = (f"{name}_{time.monotonic_ns()}" for name in ("airflow", "mlflow"))
    databases = [stack.postgres.create_database(name) for name in (airflow, mlflow)]
    driver = [url.replace("postgresql://", "postgresql+psycopg2://", 1) for url in databases]
    manifests = render(
        objectStore={"bucket": bucket, "endpointUrl": stack.object_store.endpoint, "keysInSecret": True},
        settings={"SENTIMENT_MODEL_NAME": f"chart-{time.monotonic_ns()}"},
    )
    secret = {
        "database-url": empty_database,
        "api-database-url": empty_database,
        "mlflow-backend-uri": driver[1],
        "connection": driver[0],
        "fernet-key": "c2l4dGVlbiBieXRlcyBhbmQgYXMgbWFueSBhZ2Fpbi4=",
        "airflow-admin-password": "first-password",
        "erasure-key": "k",
        "s3-access-key": stack.object_store.access_key,
        "s3-secret-key": stack.object_store.secret_key,
    }
    # Names of Services, which only a cluster's DNS would resolve, and ports, because all pods share this machine's
    # ports.
    port = free_port()
    changed = {
        "SENTIMENT_MLFLOW_TRACKING_URI": stack.mlflow.url,
        "SENTIMENT_API_HOST": "127.0.0.1",
        "SENTIMENT_API_PORT": str(port),
        "SENTIMENT_API_PROBES_PORT": str(free_port()),
        "SENTIMENT_MODEL_POLL_S": "0.2",
        "TEST_API_URL": f"http://127.0.0.1:{port}",
    }
    yield Installation(manifests, secret, changed, tmp_path)
    for name in (airflow, mlflow):
        stack.postgres.drop_database(name)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_first_installation_migrates_serves_registers_and_passes_its_own_tests(installation) -> None:
    probes = f"http://127.0.0.1:{installation.changed['SENTIMENT_API_PROBES_PORT']}"

    def ready() -> dict[str, Any]:
        with urllib.request.urlopen(f"{probes}/readyz", timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    assert "The schema is at revision" in installation.run("Job", "sentiment-migrate")
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    for key in ("connection", "mlflow-backend-uri"):
        assert query(installation.secret[key], tables)[0][0] > 20
    users = "SELECT username FROM ab_user"
    assert query(installation.secret["connection"], users) == [("admin",)]
    service = installation.begin("Deployment", "sentiment-api-blue")
    try:
        assert until(ready)["source"] == "starter", "the bundle in the image, while there is no champion"
        assert "version 1, digest" in installation.run("Job", "sentiment-first-model")
        until(lambda: ready()["source"] == "registry")
        assert json.loads(installation.run("Pod", "sentiment-test-score"))["model"]["version"] == 1
    finally:
        service.terminate()
        service.communicate(timeout=60)
    assert service.returncode == 0
    for status in ("loaded", "duplicate"):
        loaded = json.loads(installation.run("Pod", "sentiment-test-load").splitlines()[-1])
        assert (loaded["status"], len(loaded["rows"])) == (status, 1)
    url = installation.secret["database-url"]
    assert query(url, "SELECT state, reason FROM sentiment.promotion") == [("moved", "the first champion")]
    # The same again, as every later revision runs it.
    installation.run("Job", "sentiment-migrate")
    assert re.search(r"version 1, .* already\.", installation.run("Job", "sentiment-first-model"))


def test_the_first_model_waits_for_the_schema(installation) -> None:
    job = named(installation.manifests, "Job", "sentiment-first-model")
    (wait,) = job["spec"]["template"]["spec"]["initContainers"]
    hasty = wait | {"command": [*wait["command"][:-1], "0.5"]}
    waiting = start(hasty, installation.manifests, installation.secret, installation.folder, installation.changed)
    _, errors = waiting.communicate(timeout=60)
    assert (waiting.returncode, "at none, this release needs" in errors) == (1, True), errors


def until(ask: Any, seconds: float = 60) -> Any:
    """Poll until the call returns a true value, and return that value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answer := ask():
                return answer
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come about")
