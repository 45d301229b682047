"""What people see of the chart before and after they install it: its metadata, its package, and its notes."""

import base64
import re

import pytest
import yaml

import sentiment_core
from tests.chart.helm import CHART, Helm, without_airflow

# https://artifacthub.io/docs/topics/annotations/helm/
CHANGES = {"added", "changed", "deprecated", "removed", "fixed", "security"}


@pytest.fixture(scope="module")
def chart_yaml():
    return yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_the_chart_names_its_maintainers_sources_licence_and_changes(chart_yaml) -> None:
    assert chart_yaml["appVersion"] == sentiment_core.__version__
    assert chart_yaml["maintainers"]
    assert all(url.startswith("https://") for url in chart_yaml["sources"])
    assert chart_yaml["annotations"]["artifacthub.io/license"] == "Apache-2.0"
    changes = yaml.safe_load(chart_yaml["annotations"]["artifacthub.io/changes"])
    assert all(each["kind"] in CHANGES and each["description"] for each in changes)
    kind, _, content = chart_yaml["icon"].partition(";base64,")
    assert kind == "data:image/svg+xml"
    assert base64.b64decode(content, validate=True).startswith(b"<svg ")


def test_what_the_changelog_says_of_this_version_of_the_chart(checkout, chart_yaml) -> None:
    assert f"Version {chart_yaml['version']} of the chart" in " ".join((checkout / "CHANGELOG.md").read_text().split())


@pytest.fixture(scope="module")
def notes(helm_program, tmp_path_factory):
    """Render the notes, which `helm template` leaves out, as text in a ConfigMap of a copy of the chart."""
    chart = without_airflow(tmp_path_factory.mktemp("notes"))
    text = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "notes.yaml").write_text(
        '{{- define "notes" -}}\n' + text + "{{- end }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\n"
        'data: {notes: {{ include "notes" . | quote }}}\n'
    )
    helm = Helm(helm_program, "v4")

    def render(profile: str = "default", **values: object) -> str:
        (found,) = (each for each in helm.render(chart, profile, **values) if each["metadata"]["name"] == "notes")
        written: str = found["data"]["notes"]
        return written

    yield render
    helm.close()


def test_the_notes_name_every_address_and_login(notes) -> None:
    text = notes("dev", insights={"enabled": True, "requireKeys": True})
    for service, port in (("api", 80), ("insights", 80), ("mlflow", 5000), ("airflow-api-server", 8080)):
        assert re.search(rf"port-forward svc/sentiment-{service} \d+:{port} ", text), service
    assert "get secret sentiment -o jsonpath='{.data.airflow-admin-password}'" in text
    assert "The passwords are random" in text
    assert text.count("Login: none") == 2
    assert "a key of the Secret's key api-keys" in text


def test_the_notes_name_the_hosts_outside_the_cluster(notes) -> None:
    login = {"nginx.ingress.kubernetes.io/auth-url": "https://login.example.org"}
    standard = {"enabled": True, "controller": "standard", "className": "nginx"}
    text = notes(
        api={"ingress": {**standard, "hosts": ["a.example.org", "b.example.org"]}},
        mlflow={
            "ingress": {**standard, "hosts": ["m.example.org"], "tls": [{"secretName": "m"}], "annotations": login}
        },
        airflow={"ingress": {"apiServer": {"enabled": True, "hosts": [{"name": "f.example.org"}]}}},
    )
    for url in ("http://a.example.org", "http://b.example.org", "https://m.example.org", "http://f.example.org"):
        assert url in text, url
    assert "Airflow" not in notes(airflow={"enabled": False})
    hosted = {"mlflow": {"enabled": False}, "global": {"sentiment": {"mlflowUri": "https://hosted.example.org"}}}
    assert "https://hosted.example.org" in notes(networkPolicy={"enabled": False}, **hosted)
