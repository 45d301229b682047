"""The chart with the official Airflow chart, if its archive is present: `make helm-charts` downloads it."""

import hashlib
import re

import pytest

from tests.chart.helm import CHART, containers, pods
from tests.chart.test_pods import HOST
from tests.chart.whole import ABSENT, ARCHIVE

CHECKSUMS = CHART / "charts.sha256"


def airflow_pods(manifests):
    """Return the pod templates of Airflow's components, by kind and name."""
    return {name: pod for name, pod in pods(manifests).items() if pod["metadata"]["labels"].get("tier")}


def test_the_archive_is_the_one_that_the_checksum_names() -> None:
    written, name = CHECKSUMS.read_text().split()
    assert CHART / name == ARCHIVE
    if not ARCHIVE.exists():
        pytest.skip(ABSENT)
    assert hashlib.sha256(ARCHIVE.read_bytes()).hexdigest() == written


def test_each_download_of_the_archive_is_checked(checkout) -> None:
    check = f"sha256sum --check {CHECKSUMS.name}"
    release = (checkout / ".github/workflows/release.yaml").read_text()
    order = [release.index(step) for step in ("helm dependency update", check, "helm upgrade")]
    assert order == sorted(order)
    (target,) = re.findall(r"^helm-charts:.*\n((?:\t.*\n)+)", (checkout / "Makefile").read_text(), re.MULTILINE)
    assert target.index("dependency_build") < target.index(check)


def test_airflows_pods_keep_to_restricted_pod_security(whole, profile) -> None:
    found = airflow_pods(whole(profile))
    assert len(found) >= 3
    for name, pod in found.items():
        assert not any(pod["spec"].get(field) for field in HOST), name
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        for container in containers(pod):
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["image"].startswith("sentiment-airflow:"), name


def test_airflows_programs_get_our_settings_and_secrets(whole, profile) -> None:
    for name, pod in airflow_pods(whole(profile)).items():
        for container in pod["spec"]["containers"]:
            variables = {each["name"] for each in container.get("env", [])}
            assert {"SENTIMENT_DATABASE_URL", "AIRFLOW_CONN_SENTIMENT_DB"} <= variables, name
            assert {"configMapRef": {"name": "sentiment-settings"}} in container["envFrom"], name


def test_no_job_of_airflow_is_left(whole, profile) -> None:
    assert not [name for name in pods(whole(profile)) if name.startswith("Job") and "airflow" in name]
