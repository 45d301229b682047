"""Run Python in a separate process with a separate Airflow, so that neither affects the other tests."""

import itertools
import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demo.stack import Stack
from sentiment_core.settings import Settings
from tests.dags import forked
from tests.dags.alert_servers import Mail, Webhook

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> dict[str, str]:
    """The environment of an Airflow with a separate, empty metadata database.

    It starts the process that imports Airflow once. The code of each test runs in a fork of it.
    """
    home = tmp_path_factory.mktemp("airflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(checkout / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(checkout / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(checkout / "dags"),
    }
    forked.start_server(environment)
    output = home / "output"
    assert forked.run("from airflow.utils.db import initdb; initdb()", environment, output) == 0, output.read_text()
    return environment


@pytest.fixture
def in_airflow(airflow_home: dict[str, str], tmp_path: Path) -> Run:
    """Run code that prints JSON as its last line, and return the parsed JSON.

    Airflow has read its own configuration before, so that `environment` cannot change it.
    """
    number = itertools.count()

    def run(code: str, **environment: str) -> Any:
        assert not any(name.startswith("AIRFLOW__") for name in environment), "Airflow read these when it was imported"
        output = tmp_path / f"output-{next(number)}"
        exit_code = forked.run(code, airflow_home | environment, output)
        printed = output.read_text(errors="replace")
        assert exit_code == 0, printed
        return json.loads(printed.splitlines()[-1])

    return run


@pytest.fixture
def in_new_airflow(airflow_home: dict[str, str]) -> Run:
    """Do the same in a new process, which imports Airflow itself."""

    def run(code: str, **environment: str) -> Any:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=airflow_home | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def connections(stack: Stack, settings: Settings) -> dict[str, str]:
    """The environment in which tasks reach this test's database, bucket and registry."""
    return {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
            {
                "conn_type": "aws",
                "login": stack.object_store.access_key,
                "password": stack.object_store.secret_key,
                "extra": {"endpoint_url": settings.s3_endpoint_url, "region_name": "us-east-1"},
            }
        ),
        "AIRFLOW_CONN_SENTIMENT_DB": settings.require_database_url(),
        "SENTIMENT_BUCKET": settings.bucket,
        "SENTIMENT_MLFLOW_TRACKING_URI": str(settings.mlflow_tracking_uri),
        "SENTIMENT_MODEL_CACHE": str(settings.model_cache),
    }


@pytest.fixture
def servers() -> Iterator[tuple[str, int]]:
    """The address of the webhook server and the port of the mail server."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    mail = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    for server in (web, mail):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for kept in (Webhook.received, Webhook.answers, Mail.received):
        kept.clear()
    yield f"http://127.0.0.1:{web.server_port}", mail.server_address[1]
    for server in (web, mail):
        server.shutdown()
        server.server_close()


@pytest.fixture
def to_slack(servers: tuple[str, int]) -> dict[str, str]:
    """The environment of tasks whose alerts go to the webhook server. `Webhook.received` has them."""
    connection = {"conn_type": "http", "password": f"{servers[0]}/services/T0/secret"}
    return {"SENTIMENT_ALERTS": '["slack:alerts_slack"]', "AIRFLOW_CONN_ALERTS_SLACK": json.dumps(connection)}
