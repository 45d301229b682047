"""docker-compose.yaml, started as a whole: from an empty engine to a scored row, a prediction and a metric."""

import json
import os
import runpy
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import pytest
import urllib3
import yaml

from demo.airflow_client import AirflowClient
from sentiment_core.database.connection import connect
from tests.deploy.conftest import REVISION, Run

pytestmark = pytest.mark.timeout(3600)  # the first test waits until all images are built and the system has started
DAG = "score_reviews"
DAY = "2026-11-16"
PORTS = ("POSTGRES", "S3", "MLFLOW", "AIRFLOW", "API", "INSIGHTS", "PROMETHEUS")
OURS = {
    "api",
    "metrics",
    "insights",
    "mlflow",
    "airflow-api-server",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
}
ONCE = {"secrets", "migrate", "airflow-migrate", "first-model"}


class Composed(NamedTuple):
    """A started project. `compose` runs `docker compose` on it; `ports` are the ports on this machine."""

    compose: Callable[..., str]
    ports: dict[str, int]

    def secret(self, name: str) -> str:
        return self.compose("exec", "-T", "airflow-scheduler", "cat", f"/var/lib/sentiment/{name}").strip()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        address = {"host": "127.0.0.1", "port": self.ports["POSTGRES"], "dbname": "sentiment", "user": "sentiment"}
        with psycopg2.connect(**address, password=self.secret("sentiment-password")) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall())

    def get(self, part: str, path: str, body: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.ports[part]}{path}"
        answer = urllib3.request("GET" if body is None else "POST", url, json=body, timeout=30, retries=False)
        assert answer.status == 200, answer.data
        return answer.json()

    def airflow(self) -> AirflowClient:
        url = f"http://127.0.0.1:{self.ports['AIRFLOW']}"
        return AirflowClient(url, "admin", self.secret("airflow-password"))


@pytest.fixture(scope="module")
def composed(run: Run, images: dict[str, str], standins: dict[str, str]) -> Iterator[Composed]:
    """The whole system except Grafana. No substitute image for Grafana exists, so its profile is omitted."""
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    environment = os.environ | standins | {f"{name}_PORT": str(port) for name, port in ports.items()}
    environment |= {f"SENTIMENT_{name.upper()}_IMAGE": image for name, image in images.items()}
    environment |= {"COMPOSE_PROFILES": ""}
    project = f"sentiment-check-{os.getpid()}"

    def compose(*arguments: str) -> str:
        return str(run("docker", "compose", "--project-name", project, *arguments, env=environment, timeout=400).stdout)

    try:
        compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "300")
        yield Composed(compose, ports)
    finally:
        compose("down", "--volumes", "--timeout", "5")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def test_the_file_is_valid(run: Run, tool: Callable[[str], str], checkout: Path) -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yaml")
    files = ["docker-compose.yaml", *map(str, (checkout / "compose").rglob("*.yaml"))]
    rules = (
        "{extends: default, rules: {line-length: {max: 120}, document-start: disable, braces: {max-spaces-inside: 0}}}"
    )
    run(tool("yamllint"), "--strict", "--config-data", rules, *files)


def test_every_image_can_be_overridden_and_none_is_a_moving_tag(checkout: Path) -> None:
    services = yaml.safe_load((checkout / "docker-compose.yaml").read_text())["services"]
    images = {service["image"] for service in services.values()}
    assert len(images) == 6
    for image in images:
        variable, default = image.removeprefix("${").removesuffix("}").split(":-")
        assert variable.endswith("_IMAGE")
        name, _, tag = default.partition(":")
        assert tag == "local" if name.startswith("sentiment-") else tag.count(".") >= 1


def test_grafana_has_the_data_sources_of_the_dashboards(checkout: Path) -> None:
    # No Grafana runs here. tests/chart/test_dashboards.py runs the queries of its dashboards.
    grafana = yaml.safe_load((checkout / "docker-compose.yaml").read_text())["services"]["grafana"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in grafana["volumes"] if volume.startswith("./"))
    assert all((checkout / source).exists() for source in mounts)
    targets = {target: checkout / source for source, target in mounts.items()}
    sources = yaml.safe_load(targets["/etc/grafana/provisioning/datasources/sentiment.yaml"].read_text())["datasources"]
    by_type = {source["type"]: source for source in sources}
    assert by_type["prometheus"]["url"] == "http://prometheus:9090"
    database = by_type["grafana-postgresql-datasource"]
    assert (database["url"], database["user"]) == ("postgres:5432", "sentiment_monitor")
    assert database["secureJsonData"]["password"] == "$__file{/var/lib/sentiment/sentiment_monitor-password}"
    [provider] = yaml.safe_load(targets["/etc/grafana/provisioning/dashboards/sentiment.yaml"].read_text())["providers"]
    boards = [json.loads(path.read_text()) for path in targets[provider["options"]["path"]].glob("*.json")]
    asked = {variable["query"] for board in boards for variable in board["templating"]["list"]}
    assert {name for name in asked if "FROM" not in name} == by_type.keys()


def test_prometheus_accepts_its_configuration_with_the_rules_of_the_chart(
    run: Run, checkout: Path, tmp_path: Path
) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on the path (Debian: prometheus)")
    service = yaml.safe_load((checkout / "docker-compose.yaml").read_text())["services"]["prometheus"]
    for volume in service["volumes"]:
        source, _, target = volume.removesuffix(":ro").partition(":")
        if source.startswith("./"):
            shutil.copy(checkout / source, tmp_path / Path(target).name)
    run(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_the_user_of_the_dashboards_is_created_once_and_can_only_read(
    checkout: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = runpy.run_path(str(checkout / "compose" / "monitor_user.py"))
    password = tmp_path / "password"
    password.write_text("secret")
    monkeypatch.setitem(code["main"].__globals__, "PASSWORD", password)
    monkeypatch.setenv("SENTIMENT_DATABASE_URL", database_url)
    for _ in range(2):
        code["main"]()
    address = f"postgresql://sentiment_monitor:secret@{database_url.partition('@')[2]}"
    with connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sentiment.scored_reviews")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM sentiment.review")


def test_services_listen_on_localhost_only_and_no_file_contains_a_secret(checkout: Path) -> None:
    services = yaml.safe_load((checkout / "docker-compose.yaml").read_text())["services"]
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) == 8
    assert all(port.startswith("127.0.0.1:") for port in published)
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            assert not name.endswith(("PASSWORD", "SECRET", "KEY")), f"{name}={value}"


def test_all_services_are_well_and_hardened(composed: Composed) -> None:
    told = composed.compose("ps", "--all", "--format", "json")
    found = {line["Service"]: line for line in map(json.loads, told.splitlines())}
    running = found.keys() - ONCE
    assert running == OURS | {"postgres", "s3", "prometheus"}
    assert {found[name]["Health"] for name in running} == {"healthy"}
    assert {(found[name]["State"], found[name]["ExitCode"]) for name in ONCE} == {("exited", 0)}
    for name in OURS | ONCE:
        host = json.loads(subprocess.check_output(["docker", "inspect", found[name]["ID"]]))[0]["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name


def test_a_dropped_file_becomes_scored_rows_by_airflow(composed: Composed) -> None:
    dropped = composed.compose("run", "--rm", "-T", "cli", "python", "/compose/drop.py", "/examples/incoming")
    assert f"s3://reviews/incoming/web-shop/dt={DAY}/reviews.csv" in dropped.splitlines()
    client = composed.airflow()
    client.wait_for_dag(DAG, 60)
    client.unpause(DAG)
    client.require_success(DAG, client.ended(DAG, client.trigger(DAG, DAY), 180))
    [(rows,)] = composed.query("SELECT count(*) FROM sentiment.score")
    assert rows > 0
    assert composed.query("SELECT DISTINCT code_version FROM sentiment.scoring_batch") == [(REVISION,)]
    assert composed.compose("run", "--rm", "-T", "cli", "sentiment", "db", "verify").startswith("All ")


def test_the_service_answers_with_the_champion_of_the_registry(composed: Composed) -> None:
    answer = composed.get("API", "/predict", {"text": "A lovely kettle, quiet and quick."})
    assert answer["label"] == "positive"
    assert answer["model"]["version"] == 1
    [(kind, to_version, state)] = composed.query("SELECT kind, to_version, state FROM sentiment.promotion")
    assert (kind, to_version, state) == ("set", 1, "moved")


def test_the_insights_page_shows_the_scored_day_to_a_user_who_may_only_read(composed: Composed) -> None:
    answer = urllib3.request("GET", f"http://127.0.0.1:{composed.ports['INSIGHTS']}/", timeout=30, retries=False)
    assert answer.status == 200, answer.data
    assert f'data-day="{DAY}"'.encode() in answer.data
    rights = "SELECT has_table_privilege('sentiment_insights', 'sentiment.review', %s)"
    assert composed.query(rights % "'SELECT'") == [(True,)]
    assert composed.query(rights % "'INSERT'") == [(False,)]


def test_a_correction_is_stored_by_a_user_who_may_do_little_else(composed: Composed) -> None:
    digest = composed.get("API", "/predict", {"text": "fine"})["model"]["digest"]
    body = {"text": "fine", "label": "negative", "score": 0.9, "model_digest": digest}
    url = f"http://127.0.0.1:{composed.ports['API']}/feedback"
    assert urllib3.request("POST", url, json=body, retries=False).status == 202
    deadline = time.monotonic() + 30
    while composed.query("SELECT text, label::text FROM sentiment.feedback") != [("fine", "negative")]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert "postgresql://sentiment_api:" in composed.secret("api.env")
    [(reads,)] = composed.query("SELECT has_table_privilege('sentiment_api', 'sentiment.review', 'SELECT')")
    assert not reads


@pytest.mark.parametrize("series", ["up{job='api'}", "sentiment_database_up"])
def test_prometheus_reads_the_metrics_of_the_service_and_of_the_database(composed: Composed, series: str) -> None:
    deadline = time.monotonic() + 90
    while not (found := composed.get("PROMETHEUS", f"/api/v1/query?query={series}")["data"]["result"]):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert found[0]["value"][1] == "1"


def test_the_user_of_the_dashboards_reads_and_cannot_write(composed: Composed) -> None:
    [(reads, writes, member)] = composed.query(
        "SELECT has_table_privilege('sentiment_monitor', 'sentiment.review', 'SELECT'),"
        " has_table_privilege('sentiment_monitor', 'sentiment.review', 'INSERT'),"
        " pg_has_role('sentiment_monitor', 'sentiment', 'MEMBER')"
    )
    assert (reads, writes, member) == (True, False, False)
    assert composed.get("PROMETHEUS", "/api/v1/rules")["data"]["groups"]


def test_secrets_are_made_once(composed: Composed) -> None:
    before = composed.secret("airflow.env")
    composed.compose("run", "--rm", "-T", "secrets")
    assert composed.secret("airflow.env") == before
    assert "AIRFLOW__CORE__FERNET_KEY" in before


def test_it_comes_back_with_what_it_had(composed: Composed) -> None:
    rows = composed.query("SELECT count(*) FROM sentiment.score")
    composed.compose("down", "--timeout", "10")
    composed.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "300")
    assert composed.query("SELECT count(*) FROM sentiment.score") == rows
    assert composed.get("API", "/predict", {"text": "Broken after a day."})["model"]["version"] == 1


def test_what_helm_test_runs_in_a_cluster_passes_here(composed: Composed, checkout: Path) -> None:
    score, load = ((checkout / "helm/files" / name).read_text() for name in ("score_text.py", "load_file.py"))
    cli = ("run", "--rm", "-T", "-e", "TEST_API_URL=http://api:8080", "cli", "python", "-c")
    assert json.loads(composed.compose(*cli, score).splitlines()[-1])["label"] == "positive"
    assert json.loads(composed.compose(*cli, load).splitlines()[-1])["status"] == "loaded"
