"""Each query of the dashboards returns rows from a real Prometheus or PostgreSQL that has data."""

import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.observability.metrics import ServiceMetrics
from sentiment_core.database.connection import connect
from sentiment_core.ledger.metrics import LedgerMetrics
from tests.chart.helm import CHART
from tests.chart.prometheus import Prometheus
from tests.chart.test_monitoring import AIRFLOW, dashboards, panels, recorded, rules
from tests.example_database import recent_copy

# What Grafana puts in place of its macros and variables for a month and all values.
FROM, TO = "'2026-11-01T00:00:00Z'", "'2026-11-30T00:00:00Z'"


def expanded(statement: str, values: dict[str, str]) -> str:
    """Return a panel's SQL as Grafana sends it: https://grafana.com/docs/grafana/latest/datasources/postgres/."""
    statement = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 BETWEEN {FROM} AND {TO}", statement)
    statement = statement.replace("$__timeFrom()", FROM).replace("$__timeTo()", TO)
    for name, value in values.items():
        statement = statement.replace(f"${{{name}:sqlstring}}", value)
    assert "$" not in statement
    return statement


@pytest.fixture(scope="module")
def query(example_database) -> Any:
    """Run a statement as a user who can only read, and return its columns and rows."""

    def run(statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with connect(example_database.reader_url) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return [column.name for column in cursor.description or ()], cursor.fetchall()

    return run


@pytest.fixture(scope="module")
def all_values(query) -> dict[str, str]:
    """The values of the variables of all dashboards, each quoted and separated by commas."""
    found = {}
    for dashboard in dashboards().values():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                _, rows = query(expanded(variable["query"], {}))
                assert rows, variable["name"]
                found[variable["name"]] = ", ".join(f"'{row[0]}'" for row in rows)
    return found


SQL = {where: target for where, target in panels().items() if "rawSql" in target}
SQL |= {
    f"{path.stem} annotation {each['name']}": each["target"]
    for path, board in dashboards().items()
    for each in board.get("annotations", {"list": []})["list"]
}


@pytest.mark.parametrize("where", SQL)
def test_a_panel_in_sql_returns_rows(query, all_values, where) -> None:
    columns, rows = query(expanded(SQL[where]["rawSql"], all_values))
    assert rows
    assert any(value is not None for row in rows for value in row[1:] or row)
    if SQL[where]["format"] == "time_series":
        assert columns[0] == "time"
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_a_period_without_data_is_an_empty_panel_and_no_error(query, all_values) -> None:
    for where, target in SQL.items():
        statement = expanded(target["rawSql"], all_values).replace("2026-11-", "2025-11-")
        _, rows = query(statement)
        assert not [row for row in rows if any(value is not None for value in row)], where


class PushedMetrics(Collector):
    """What Airflow pushed, by the names that Prometheus gives OTLP metrics.

    Dots become underscores and counters end in `_total`:
    https://prometheus.io/docs/guides/opentelemetry/#utf-8. Debian's Prometheus does not receive OTLP.
    """

    def __init__(self) -> None:
        self.pushed: dict[str, Metric] = {}

    def collect(self) -> Iterator[Metric]:
        yield from self.pushed.values()

    def receive(self, body: bytes) -> None:
        request = ExportMetricsServiceRequest.FromString(body)
        for metric in (each for r in request.resource_metrics for scope in r.scope_metrics for each in scope.metrics):
            name = metric.name.replace(".", "_")
            kind = metric.WhichOneof("data")
            if kind not in ("sum", "gauge"):
                continue
            family: Any = (CounterMetricFamily if kind == "sum" else GaugeMetricFamily)(name, name)
            for point in getattr(metric, kind).data_points:
                family.add_metric([], point.as_double or point.as_int)
            self.pushed[f"{name}_total" if kind == "sum" else name] = family


@pytest.fixture(scope="module")
def airflow() -> Iterator[PushedMetrics]:
    """Metrics that Airflow's own code pushes, configured by the variables of the compose file."""
    received = PushedMetrics()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/api/v1/otlp/v1/metrics"
            received.receive(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    composed = yaml.safe_load((CHART.parent / "docker-compose.yaml").read_text())["services"]["airflow-scheduler"]
    given = {name: value for name, value in composed["environment"].items() if "OTEL" in name or "METRICS" in name}
    given["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = given["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"].replace(
        "http://prometheus:9090", f"http://127.0.0.1:{server.server_port}"
    )
    subprocess.run([sys.executable, "-c", EMIT], check=True, env=os.environ | given, timeout=120)
    yield received
    server.shutdown()


EMIT = """
from airflow.observability.metrics import stats_utils
from airflow._shared.observability.metrics import stats
from airflow._shared.observability.metrics.otel_logger import flush_otel_metrics
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
stats.incr("scheduler_heartbeat")
stats.incr("ti.finish", tags={"dag_id": "score_reviews"})
for name in "scheduler.dagruns.running", "executor.running_tasks", "executor.queued_tasks":
    stats.gauge(name, 1)
stats.gauge("dag_processing.import_errors", 0)
flush_otel_metrics()
"""


@pytest.fixture(scope="module")
def ask(stack, example_database, airflow, tmp_path_factory) -> Iterator[Any]:
    """A Prometheus that scrapes the service's metrics, those of the database and Airflow's, and evaluates the rules."""
    service, registry = ServiceMetrics(hourly_price_usd=1), CollectorRegistry()
    ledger = LedgerMetrics(recent_copy(stack, "recent_dashboards").reader_url)
    ledger.verify()
    registry.register(ledger)
    registry.register(airflow)
    servers = [start_http_server(0, "127.0.0.1", each) for each in (service.registry, registry)]
    targets = [f"127.0.0.1:{server.server_port}" for server, _ in servers]
    with Prometheus(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        for number in itertools.count():
            use(service)
            time.sleep(0.5)
            if number > 8 and prometheus.get("query", query="sentiment:predict_failed:ratio1d")["result"]:
                break
            assert number < 120, prometheus.log.read_text()
        yield prometheus.get
    for server, thread in servers:
        server.shutdown()
        thread.join()


def use(service: ServiceMetrics) -> None:
    """Count what half a second of the service would count."""
    service.requests.observe("POST", "/predict", 0.004)
    service.requests.predicted("positive", 40, {"name": "starter", "version": 1, "digest": "a" * 64})
    service.problems.labels("empty_text").inc()
    service.serves("champion", {"name": "starter", "version": 1, "digest": "a" * 64}, "registry")
    service.registry_reachable.set(1)
    service.reloaded("champion", "loaded")
    service.shadow_texts.labels("2", "same_label").inc(9)
    service.shadow_texts.labels("2", "other_label").inc(1)
    service.feedback.labels("stored").inc()


PROMQL = {where: target["expr"] for where, target in panels().items() if "expr" in target}


@pytest.mark.parametrize("where", [*PROMQL, *recorded()])
def test_an_expression_returns_series(ask, where) -> None:
    found = ask("query", query=PROMQL.get(where) or recorded()[where])["result"]
    assert found
    assert all(series["value"][1] != "NaN" for series in found)


def test_prometheus_evaluates_all_rules_without_an_error(ask) -> None:
    loaded = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    assert len(loaded) == len(rules()) + len(recorded())
    assert {(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"} == set()


def test_airflow_pushes_the_metrics_of_the_dashboards_and_no_others(airflow) -> None:
    assert set(airflow.pushed) == AIRFLOW
