"""Logs: JSON lines from every container, and their store in S3 or CloudWatch."""

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from api.models.model_role import log as model_log
from api.observability.logs import AccessLog
from sentiment_core.json_logs import JsonFormatter
from tests.chart.helm import HelmError, containers, pods, values_of
from tests.chart.test_commands import free_port
from tests.chart.test_network import AIRFLOW, STRANGER, allows
from tests.chart.test_rendering import ALL_ON

GROUP = "cloudwatch://arn:aws:logs:eu-central-1:111122223333:log-group:/sentiment/airflow"
# Containers that write JSON themselves, those for people, and servers of others for trials.
NAME = GROUP.rpartition(":")[2]
# What a task does with its log, and then what the UI does.
TASK = """
import logging, sys
from types import SimpleNamespace
from airflow.logging_config import get_remote_task_log
store, ti = get_remote_task_log(), SimpleNamespace(end_date=None)
store.handler.log_stream_name = "dag_id=score/attempt=1.log"
fields = {"name": "task", "msg": {"event": "12 scored"}, "levelno": 20, "levelname": "INFO"}
store.handler.handle(logging.makeLogRecord(fields))
store.close()
_, lines = store.read("dag_id=score/attempt=1.log", ti)
sys.stdout.write("".join(lines))
"""
DIRECT, PEOPLE, TRIAL = {"api", "insights"}, {"score", "load"}, {"postgres", "object-store"}


def test_every_container_writes_json_lines(render) -> None:
    wrapped = set()
    for pod in (pods(render(**ALL_ON)) | pods(render("dev"))).values():
        for container in containers(pod):
            name = container["name"]
            if name in DIRECT | PEOPLE | TRIAL:
                continue
            assert container["command"][:4] == ["python", "-m", "sentiment_core.json_lines", name]
            wrapped.add(name)
    assert wrapped == {"wait-for-schema", "migrate", "first-model", "mlflow", "metrics", "secret"}
    airflow = values_of("default")["airflow"]
    assert airflow["config"]["logging"]["json_logs"] == "True"
    (wait,) = airflow["scheduler"]["extraInitContainers"]
    assert wait["command"][:4] == ["python", "-m", "sentiment_core.json_lines", "wait-for-schema"]


def test_airflow_stores_task_logs_in_cloudwatch_and_reaches_it(render) -> None:
    policy = {
        "networkPolicy": {
            "objectStore": {"cidrs": ["10.1.0.0/16"]},
            "logs": {"cidrs": [f"{STRANGER}/32"]},
            "kubernetesApi": {"cidrs": ["10.2.0.0/16"]},
        }
    }
    manifests = render(objectStore={"logs": GROUP}, **policy)
    settings = {}
    for each in manifests:
        if each["kind"] == "ConfigMap":
            settings |= each["data"]
    assert settings["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"] == GROUP
    assert allows(manifests, "out", AIRFLOW, STRANGER, 443)
    assert not allows(render(**policy), "out", AIRFLOW, STRANGER, 443)


@pytest.fixture
def cloudwatch(tool) -> Iterator[str]:
    """The address of a server with the API of CloudWatch Logs."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [tool("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        yield address
        server.terminate()


def test_airflow_writes_to_the_group_and_reads_from_it(render, cloudwatch, tmp_path) -> None:
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-central-1"}
    logs = boto3.client("logs", endpoint_url=cloudwatch, **keys)
    for _ in range(300):
        try:
            logs.create_log_group(logGroupName=NAME)
            break
        except EndpointConnectionError:
            time.sleep(0.1)
    settings = {}
    for each in render(objectStore={"logs": GROUP}):
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].endswith("settings"):
            settings |= each["data"]
    airflow = {name: value for name, value in settings.items() if name.startswith("AIRFLOW_")}
    airflow |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__LOGGING__REMOTE_LOGGING": "True"}
    airflow |= {"AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID": "aws_default", "AWS_ENDPOINT_URL": cloudwatch}
    credentials = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    environment = os.environ | airflow | credentials | {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", TASK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "12 scored" in done.stdout
    (stream,) = logs.describe_log_streams(logGroupName=NAME)["logStreams"]
    assert stream["logStreamName"] == "dag_id=score/attempt=1.log"


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ({"logs": "cloudwatch:///sentiment/airflow"}, "a log group is written as"),
        ({"logs": "s3:/bucket"}, "logs"),
        ({"logs": "s3://B"}, "which is no S3 URI"),
        ({"logs": "gs://bucket"}, "logs"),
        ({"logs": GROUP, "endpointUrl": "http://minio:9000"}, "not that of AWS"),
    ],
)
def test_a_store_of_logs_that_would_not_work_is_rejected(render, store, told) -> None:
    with pytest.raises(HelmError, match=told):
        render(objectStore=store)


def test_the_queries_in_the_docs_use_fields_that_the_lines_have(checkout) -> None:
    written: list[str] = []

    class Output:
        def write(self, lines: list[str]) -> None:
            written.extend(lines)

    access = AccessLog(Output())  # type: ignore[arg-type]
    access._timer = object()  # type: ignore[assignment]  # no event loop runs here
    access.write("POST", "/predict", 500, 1.5, "r", "internal_error", None)
    written += access._lines
    record = model_log.makeRecord(
        model_log.name, logging.INFO, "", 0, "model loaded", (), None, extra={"source": "cache", "detail": "d"}
    )
    lines = [json.loads(line) for line in (*written, JsonFormatter().format(record))]
    fields = {field for line in lines for field in line}
    page = (checkout / "docs" / "logs.md").read_text()
    queries = re.findall(r"```\n(filter .*?)```", page, re.DOTALL)
    assert len(queries) == 5
    assert set(re.findall(r"log_processed\.(\w+)", " ".join(queries))) <= fields
    events = set(re.findall(r'"((?:model|the) [^"]+)"', " ".join(queries)))
    sources = "".join(path.read_text() for path in (checkout / "api" / "models").glob("*.py"))
    assert len(events) == 3
    assert all(f'"{event}"' in sources for event in events)
