"""Registration, reading and promotion on a real server of MLflow 2, which has no logged models and wants a password."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from click.testing import CliRunner

from sentiment_core.cli import main
from sentiment_core.errors import RegistryRefused
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.registry.mlflow_client import mlflow_client
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.registry.server_check import check_server
from sentiment_core.settings import settings
from sentiment_core.training.mlflow_run import log_bundle
from tests.repro.conftest import Tool

USER, PASSWORD = "admin", "a-password-of-the-test"
AUTH = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/users.db
admin_username = {user}
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
TEXTS = ["An excellent kettle, I love it.", "Terrible, the worst waste of money."]


@pytest.fixture(scope="module")
def server(tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of MLflow 2 with users."""
    program, folder = tool("mlflow-2", "mlflow"), tmp_path_factory.mktemp("mlflow-2")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "auth.ini").write_text(AUTH.format(folder=folder, user=USER, password=PASSWORD))
    command = [program, "server", "--host", "127.0.0.1", "--port", str(port)]
    # One process, because several would create the users at the same time and fail.
    command += ["--workers", "1", "--gunicorn-opts", "--threads 8"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--serve-artifacts"]
    command += ["--artifacts-destination", str(folder / "files"), "--app-name", "basic-auth"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTHON"))}
    environment |= {"MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"), "MLFLOW_FLASK_SERVER_SECRET_KEY": "secret"}
    environment["PATH"] = f"{program.parent}{os.pathsep}{environment['PATH']}"  # it starts gunicorn
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if urllib3.request("GET", url, timeout=2, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.2)
    pytest.fail(f"the server does not answer:\n{log.read_text()}")


@pytest.fixture
def authenticated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)


@pytest.fixture
def models(server: str, authenticated: None, tmp_path: Path) -> RegisteredModel:
    return RegisteredModel(server, f"model-{time.time_ns()}", tmp_path / "cache")


def test_a_bundle_is_registered_promoted_and_comes_back(models: RegisteredModel) -> None:
    version = models.register(STARTER)
    assert models.register(STARTER) == version == 1
    models.set_alias("champion", version)
    bundle = models.champion()
    assert bundle is not None
    assert bundle.digest == Bundle.load(STARTER).digest
    assert [(each.version, each.aliases) for each in models.versions()] == [(1, ("champion",))]
    assert models.card(version) is not None


def test_mlflow_loads_the_model_of_the_run_with_the_same_scores(
    server: str, models: RegisteredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow  # noqa: PLC0415 -- slow
    import pandas as pd  # noqa: PLC0415

    models.register(STARTER)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    answer = mlflow.pyfunc.load_model(f"models:/{models.name}/1").predict(pd.DataFrame({"text": TEXTS}))
    assert answer["score"].tolist() == pytest.approx(Scorer(Bundle.load(STARTER)).score_texts(TEXTS).score, abs=1e-6)


def test_a_run_has_params_metrics_and_the_version(server: str, models: RegisteredModel) -> None:
    measured = {"accuracy": 0.9, "labels_given": {"rows": 3}, "polar_only": False}
    run = log_bundle(server, models.name, STARTER, measured, name=models.name)
    with mlflow_client(server) as client:
        found = client.get_run(run.run_id)
        version = client.get_model_version(models.name, str(run.version))
    assert (found.info.status, found.data.metrics["test/accuracy"]) == ("FINISHED", 0.9)
    assert "test/polar_only" not in found.data.metrics
    assert (float(found.data.params["model.C"]), found.data.tags["model_version"]) == (
        Bundle.load(STARTER).manifest.training["model"]["C"],
        "1",
    )
    assert (version.run_id, models.fetch(1).digest) == (run.run_id, Bundle.load(STARTER).digest)


def test_the_check_says_that_models_belong_to_runs(server: str, models: RegisteredModel) -> None:
    found = {each.name: each for each in check_server(models.server, models.name)}
    assert found["server"].detail.startswith("MLflow 2.22")
    assert {name for name, each in found.items() if each.outcome != "passed"} == {"logged models"}


def test_a_wrong_password_is_refused_without_a_page(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(RegistryRefused) as caught, mlflow_client(server) as client:
        client.create_run("0")
    assert "401" in str(caught.value)
    assert "<" not in str(caught.value)
    checked: Any = None
    settings.cache_clear()
    try:
        environment = {"SENTIMENT_MLFLOW_TRACKING_URI": server, "SENTIMENT_MODEL_CACHE": str(tmp_path)}
        checked = CliRunner(env=environment).invoke(main, ["registry", "check", "--json"])
    finally:
        settings.cache_clear()
    assert checked.exit_code == 1
    assert [each["outcome"] for each in json.loads(checked.stdout)] == ["passed", "failed"]
    assert "MLFLOW_TRACKING_TOKEN" in checked.stdout
