"""Logs: JSON lines from every container, and their store in S3 or CloudWatch."""

import json
import logging
import re

import pytest

from api.models.model_role import log as model_log
from api.observability.logs import AccessLog
from sentiment_core.json_logs import JsonFormatter
from tests.chart.helm import HelmError, containers, pods, values_of
from tests.chart.test_network import AIRFLOW, STRANGER, allows
from tests.chart.test_rendering import ALL_ON

GROUP = "cloudwatch://arn:aws:logs:eu-central-1:111122223333:log-group:/sentiment/airflow"
# Containers that write JSON themselves, those for people, and servers of others for trials.
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
