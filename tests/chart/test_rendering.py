"""The chart is valid, and clusters accept the rendered manifests."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.helm import CHART, HOOK, KUBERNETES, PROFILES, HelmError, name_of, named

SUPPORTED = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
# Kinds defined by operators: kubernetes-validate knows only the built-in kinds of Kubernetes.
OPERATORS = ("ExternalSecret", "HTTPRoute", "PodMonitor", "PrometheusRule")
# All options that can be enabled together in one installation, in addition to a profile.
ALL_ON = {
    "secrets": {"external": {"enabled": True, "store": {"name": "vault"}, "entry": "sentiment"}},
    "api": {
        "tracks": {"green": {"enabled": True, "weight": 10}},
        "autoscaling": {"requestsInProgress": 32},
        "feedback": True,
        "requireKeys": True,
        "ingress": {"enabled": True, "host": "sentiment.example.org"},
        "gateway": {"enabled": True, "parentRefs": [{"name": "internal"}], "hostnames": ["sentiment.example.org"]},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "podAnnotations": {"team": "reviews"},
    },
    "insights": {"enabled": True, "requireKeys": True},
    "arrivals": {"queueUrl": "https://sqs.eu-central-1.amazonaws.com/111122223333/arrivals", "everySeconds": 600},
    "image": {"pullSecrets": ["registry"]},
    "networkPolicy": {"traces": {"cidrs": ["10.1.0.0/16"]}},
    "monitoring": {part: {"enabled": True} for part in ("podMonitor", "rules", "dashboards", "database")}
    | {
        "airflow": {"otlpEndpoint": "http://prometheus-operated.monitoring:9090/api/v1/otlp/v1/metrics"},
        "dataSource": {"enabled": True, "address": "db.example.com:5432"},
    },
    "dev": {part: {"enabled": True} for part in ("postgres", "objectStore")},
    "objectStore": {"keysInSecret": True, "endpointUrl": "http://sentiment-object-store:8333"},
}


def test_helm_finds_nothing_to_complain_of(helm, chart, profile) -> None:
    told = helm.run_with_values("lint", profile, {}, paths=[str(chart)], strict=True)
    assert "ERROR" not in told.upper(), told
    assert "WARNING" not in told.upper(), told


def test_both_releases_of_helm_render_the_same(helm, render, chart, profile) -> None:
    def comparable(manifests):
        return sorted(yaml.safe_dump(each) for each in manifests)

    assert comparable(helm.render(chart, profile)) == comparable(render(profile))


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_manifests_are_what_kubernetes_knows(run, tool, render, tmp_path, version) -> None:
    files = {name: render(name) for name in PROFILES} | {"all-on": render(**ALL_ON)}
    paths = []
    for name, manifests in files.items():
        known = [each for each in manifests if each["kind"] not in OPERATORS]
        assert len(known) > 15
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(yaml.safe_dump_all(known))
    run(tool("kubernetes-validate"), "--strict", "-k", version, *paths)


def test_what_operators_take_has_the_fields_that_they_need(render) -> None:
    manifests = render(**ALL_ON)
    found = {each["kind"]: each for each in manifests if each["kind"] in OPERATORS}
    assert set(found) == set(OPERATORS)
    for component, port, interval in (("api", "probes", "15s"), ("metrics", "metrics", "60s")):
        monitor = named(manifests, "PodMonitor", f"sentiment-{component}")
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == (port, "/metrics", interval)
        assert endpoint["relabelings"] == [{"targetLabel": "release", "replacement": "sentiment"}]
        assert monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] == component
    assert found["ExternalSecret"]["spec"]["target"]["name"] == "sentiment"
    assert found["HTTPRoute"]["spec"]["parentRefs"] == [{"name": "internal"}]
    assert len(found["PrometheusRule"]["spec"]["groups"][0]["rules"]) >= 5


def test_the_jobs_are_named_by_what_they_run_and_are_no_hooks(helm, chart) -> None:
    def jobs(**values):
        return {
            name_of(each): each["metadata"]["name"] for each in helm.render(chart, **values) if each["kind"] == "Job"
        }

    before = jobs()
    assert set(before) == {"sentiment-migrate", "sentiment-first-model"}
    # What no Job reads changes no name; what both read changes both; Airflow's settings change the migration alone.
    assert jobs(api={"replicas": 3}, monitoring={"rules": {"enabled": True}}) == before
    for values in ({"airflow": {"defaultAirflowTag": "2" * 40}}, {"settings": {"SENTIMENT_MODEL_NAME": "other"}}):
        assert not set(jobs(**values).values()) & set(before.values())
    changed = jobs(objectStore={"logs": "s3://other/airflow"})
    assert changed["sentiment-first-model"] == before["sentiment-first-model"]
    assert changed["sentiment-migrate"] != before["sentiment-migrate"]
    templates = {path: path.read_text() for path in (CHART / "templates").rglob("*.yaml")}
    assert {path.parent.name for path, text in templates.items() if "helm.sh/hook" in text} == {"tests"}


def test_helm_test_has_a_pod_for_each_of_its_promises(render) -> None:
    hooks = [each["metadata"] for each in render() if HOOK in each["metadata"].get("annotations", {})]
    assert {hook["name"]: hook["annotations"][HOOK] for hook in hooks} == {
        "sentiment-test-score": "test",
        "sentiment-test-load": "test",
    }
    for name, file in (("score", "score_text.py"), ("load", "load_file.py")):
        (container,) = named(render(), "Pod", f"sentiment-test-{name}")["spec"]["containers"]
        assert container["command"] == ["python", "-c"]
        assert container["args"] == [(CHART / "files" / file).read_text()]


def test_a_release_of_another_name_keeps_its_names_apart(helm, chart) -> None:
    release = {"release_name": "shop", "namespace": "x", "chart": str(chart)}
    text = helm.run_with_values("template", "default", {}, **release, kube_version=KUBERNETES)
    manifests = [each for each in yaml.safe_load_all(text) if each]
    assert {each["metadata"]["name"].partition("-")[0] for each in manifests} == {"shop"}
    assert "http://shop-sentiment-mlflow:5000" in text


def test_an_image_must_be_named(helm, chart) -> None:
    for missing in ({"airflow": {"defaultAirflowTag": ""}}, {"image": {"api": {"tag": ""}}}):
        with pytest.raises(HelmError, match="the Git revision that the image was built from"):
            helm.template(chart, **missing)


def test_the_dependency_is_the_official_chart_and_can_be_left_out() -> None:
    (airflow,) = yaml.safe_load((CHART / "Chart.yaml").read_text())["dependencies"]
    assert airflow == {
        "name": "airflow",
        "version": "1.22.0",
        "repository": "https://airflow.apache.org",
        "condition": "airflow.enabled",
    }


def test_the_lock_is_of_these_dependencies(helm, tmp_path) -> None:
    copy = tmp_path / "helm"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("charts"))
    lock = copy / "Chart.lock"
    # Helm compares the digests before it searches for a repository, and no repository exists here.
    with pytest.raises(HelmError, match="no repository definition"):
        helm.run("dependency_build", chart_path=str(copy))
    lock.write_text(lock.read_text().replace("digest: sha256:", "digest: sha256:0"))
    with pytest.raises(HelmError, match="out of sync"):
        helm.run("dependency_build", chart_path=str(copy))


def test_arrivals_are_scored_only_if_the_values_say_so(render) -> None:
    def settings(manifests):
        data = named(manifests, "ConfigMap", "sentiment-airflow-settings")["data"]
        return {name: value for name, value in data.items() if "ARRIVALS" in name}

    assert settings(render()) == {}
    assert settings(render(**ALL_ON)) == {
        "SENTIMENT_ARRIVALS_QUEUE": ALL_ON["arrivals"]["queueUrl"],
        "SENTIMENT_ARRIVALS_EVERY_S": "600",
    }
    assert settings(render(arrivals={"everySeconds": 30})) == {"SENTIMENT_ARRIVALS_EVERY_S": "30"}


def test_without_airflow_nothing_of_it_is_left(render) -> None:
    manifests = render(airflow={"enabled": False})
    assert "airflow db migrate" not in str(manifests)
    assert "airflow db migrate" in str(render())
    assert not any(each["metadata"]["name"] == "sentiment-airflow" for each in manifests)


def test_the_sources_are_tidy_yaml(run, tool, checkout: Path) -> None:
    rules = (
        "{extends: default, rules: {line-length: disable, document-start: disable, braces: disable, brackets: disable}}"
    )
    run(tool("yamllint"), "--strict", "--config-data", rules, *CHART.glob("*.yaml"))
