"""Runs Python in a process of its own with an Airflow of its own, so that neither meddles with the other tests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.stack import Stack
from sentiment_core.settings import Settings

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> dict[str, str]:
    """The environment of an Airflow with an empty metadata database of its own."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(checkout / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(checkout / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(checkout / "dags"),
    }
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(migrate, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment


@pytest.fixture
def in_airflow(airflow_home: dict[str, str]) -> Run:
    """Run code that prints JSON as its last line, and return what it printed."""

    def run(code: str, **environment: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", code], env=airflow_home | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def connections(stack: Stack, settings: Settings) -> dict[str, str]:
    """The environment with which tasks reach this test's database, bucket and registry."""
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
