"""Requirements that every pod of the chart meets."""

import re

import pytest

from api.contract.settings import ServiceSettings
from insights.settings import InsightsSettings
from tests.chart.helm import containers, named, pods
from tests.chart.test_rendering import ALL_ON

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
HOST = ("hostNetwork", "hostPID", "hostIPC", "hostUsers")


@pytest.fixture(params=["profile", "all on"])
def all_pods(request, manifests, render):
    found = pods(manifests if request.param == "profile" else render(**ALL_ON))
    assert len(found) >= 6
    return found


def test_all_pods_keep_to_restricted_pod_security(all_pods) -> None:
    for name, pod in all_pods.items():
        spec = pod["spec"]
        assert not any(spec.get(field) for field in HOST), name
        for volume in spec.get("volumes", []):
            assert (set(volume) - {"name"}) <= VOLUMES, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert not context.get("privileged"), name
            assert not any("hostPort" in port for port in container.get("ports", [])), name


def test_no_pod_writes_to_its_image_or_may_ask_the_kubernetes_api(all_pods) -> None:
    for name, pod in all_pods.items():
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        for container in containers(pod):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_all_containers_have_requests_and_limits(all_pods) -> None:
    for name, pod in all_pods.items():
        for container in containers(pod):
            for kind in ("requests", "limits"):
                assert set(container["resources"][kind]) == {"cpu", "memory"}, name


def test_images_are_named_by_revision_or_digest(render) -> None:
    digest = "sha256:" + "a" * 64
    images = {
        container["image"]
        for name, pod in pods(render(image={"api": {"digest": digest}})).items()
        for container in containers(pod)
    }
    assert images == {f"sentiment-api@{digest}", "sentiment-airflow:0123456789abcdef0123456789abcdef01234567"}


def test_servers_are_probed_and_only_servers(all_pods) -> None:
    for name, pod in all_pods.items():
        for container in pod["spec"]["containers"]:
            probes = {"livenessProbe", "readinessProbe", "startupProbe"} & set(container)
            expected = 3 if name.startswith(("Deployment", "StatefulSet")) else 0
            assert len(probes) == expected, name


def test_the_services_probes_are_on_a_port_that_callers_do_not_reach(render) -> None:
    pod = named(render(), "Deployment", "sentiment-api-blue")["spec"]["template"]
    (api,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in api["ports"]}
    variables = {each["name"]: each.get("value") for each in api["env"]}
    assert variables["SENTIMENT_API_PROBES_PORT"] == str(ports["probes"])
    assert variables["SENTIMENT_API_PORT"] == str(ports["http"])
    assert {api[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {"probes"}
    assert all(
        port["targetPort"] == "http"
        for each in render()
        if each["kind"] == "Service" and "-api" in each["metadata"]["name"]
        for port in each["spec"]["ports"]
    )


@pytest.mark.parametrize("seconds", [(10, 10, 5), (25, 60, 30)])
def test_a_pod_has_the_time_that_its_end_takes(render, seconds) -> None:
    drain, request, flush = seconds
    api = {"drainSeconds": drain, "requestTimeoutSeconds": request, "feedbackFlushSeconds": flush}
    spec = named(render(api=api), "Deployment", "sentiment-api-blue")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > drain + 2 * request + flush


def test_a_release_is_rolled_out_without_a_pod_less(render) -> None:
    for name in ("sentiment-api-blue", "sentiment-mlflow"):
        rolling = named(render(), "Deployment", name)["spec"]["strategy"]["rollingUpdate"]
        assert rolling == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_deployment_has_more_time_than_its_pods_wait_for_the_schema(render) -> None:
    for name in ("sentiment-api-blue", "sentiment-mlflow"):
        deadline = named(render(jobs={"waitSeconds": 1800}), "Deployment", name)["spec"]["progressDeadlineSeconds"]
        assert deadline > 1800


def test_a_node_that_is_drained_keeps_no_pod_from_another(render) -> None:
    spec = named(render("eks"), "Deployment", "sentiment-api-blue")["spec"]["template"]["spec"]
    spread = {each["topologyKey"]: each for each in spec["topologySpreadConstraints"]}
    assert spread["topology.kubernetes.io/zone"]["whenUnsatisfiable"] == "DoNotSchedule"
    assert spread["kubernetes.io/hostname"]["whenUnsatisfiable"] == "ScheduleAnyway"
    assert {each["nodeTaintsPolicy"] for each in spread.values()} == {"Honor"}


def test_every_setting_in_the_manifests_is_one_that_the_code_has(manifests, render) -> None:
    known = {f"SENTIMENT_{name.upper()}" for name in ServiceSettings.model_fields | InsightsSettings.model_fields}
    named_here = set()
    for each in (*manifests, *render(**ALL_ON)):
        named_here |= set(re.findall(r"\bSENTIMENT_[A-Z0-9_]+", str(each)))
    assert len(named_here) > 10
    assert named_here <= known


def test_a_pod_that_waits_for_the_schema_needs_its_database_only_where_it_cannot_go_on(render) -> None:
    found = {name: pod["spec"].get("initContainers", []) for name, pod in pods(render()).items()}
    waits = {name: each[0]["command"][7:] for name, each in found.items() if each}
    assert waits == {
        "Deployment sentiment-api-blue": ["--wait", "900", "--if-reachable"],
        "Deployment sentiment-mlflow": ["--wait", "900"],
        "Job sentiment-first-model": ["--wait", "900"],
        "Pod sentiment-test-load": ["--wait", "900"],
    }


def test_new_settings_give_new_pods_and_others_do_not(render) -> None:
    def annotations(**values):
        return named(render(**values), "Deployment", "sentiment-api-blue")["spec"]["template"]["metadata"][
            "annotations"
        ]

    assert annotations() == annotations(monitoring={"rules": {"enabled": True}})
    assert annotations() != annotations(settings={"SENTIMENT_MODEL_POLL_S": "30"})


def test_pods_share_a_cache_of_models_if_the_values_say_so(render) -> None:
    def cache(**values):
        manifests = render(api={"modelCache": values})
        spec = named(manifests, "Deployment", "sentiment-api-blue")["spec"]["template"]["spec"]
        claims = [
            each["persistentVolumeClaim"]["claimName"]
            for each in spec["volumes"]
            if len(each) == 2 and "persistentVolumeClaim" in each
        ]
        made = [each["metadata"]["name"] for each in manifests if each["kind"] == "PersistentVolumeClaim"]
        (container,) = spec["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert variables.get("SENTIMENT_MODEL_CACHE") == mounts.get("models")
        return claims, made

    assert cache() == ([], [])
    assert cache(enabled=True) == (["sentiment-models"], ["sentiment-models"])
    assert cache(enabled=True, claim="efs") == (["efs"], [])
