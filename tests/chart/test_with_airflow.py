"""The chart with the official Airflow chart, if its archive is present: `helm dependency build helm` downloads it."""

from pathlib import Path

import pytest

from tests.chart.helm import CHART, Helm, containers, pods
from tests.chart.test_pods import HOST

ARCHIVE = CHART / "charts" / "airflow-1.22.0.tgz"


@pytest.fixture(scope="module")
def whole(helm_program: str):
    """The manifests of the whole chart, by profile."""
    if not ARCHIVE.exists():
        pytest.skip(
            f"{ARCHIVE.relative_to(CHART.parent)} is not here (`helm dependency build helm` fetches it): all other "
            "tests of the chart render a copy of it without Airflow"
        )
    running = Helm(helm_program, "v4")
    yield lambda profile: running.render(CHART, profile)
    running.close()


def test_airflows_pods_keep_to_restricted_pod_security(whole, profile) -> None:
    found = {name: pod for name, pod in pods(whole(profile)).items() if pod["metadata"]["labels"].get("tier")}
    assert len(found) >= 4
    for name, pod in found.items():
        assert not any(pod["spec"].get(field) for field in HOST), name
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        for container in containers(pod):
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["image"].startswith("sentiment-airflow:"), name


def test_airflows_programs_get_our_settings_and_secrets(whole, profile) -> None:
    for name, pod in pods(whole(profile)).items():
        if not pod["metadata"]["labels"].get("tier"):
            continue
        for container in pod["spec"]["containers"]:
            variables = {each["name"] for each in container.get("env", [])}
            assert {"SENTIMENT_DATABASE_URL", "AIRFLOW_CONN_SENTIMENT_DB"} <= variables, name
            assert {"configMapRef": {"name": "sentiment-settings"}} in container["envFrom"], name


def test_no_job_of_airflow_is_left(whole, profile) -> None:
    assert not [name for name in pods(whole(profile)) if name.startswith("Job") and "airflow" in name]
    assert Path(ARCHIVE).exists()
