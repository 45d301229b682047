"""What an installation adds to the chart's objects: scheduling, labels, variables, volumes, and further objects."""

import json

import pytest

from tests.chart.helm import HelmError, containers, named, pods

SPREAD = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
OPTIONS = {
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [SPREAD],
    "priorityClassName": "high",
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "podLabels": {"team": "reviews"},
    "podAnnotations": {"example.org/owner": "reviews"},
    "extraEnv": [{"name": "PGSSLROOTCERT", "value": "/ca/rds.pem"}],
    "extraEnvFrom": [{"secretRef": {"name": "more"}}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "rds-ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
}
COMPONENTS = {"api", "insights", "mlflow", "migrate", "first-model", "metrics"}
SCHEDULING = ("affinity", "topologySpreadConstraints", "priorityClassName", "nodeSelector", "tolerations")


def with_all_options(**more: object) -> dict[str, object]:
    """Return values that set all options of all components."""
    enabled = {**OPTIONS, "enabled": True}
    return {
        "api": OPTIONS,
        "insights": enabled,
        "mlflow": OPTIONS,
        "jobs": OPTIONS,
        "monitoring": {"database": enabled},
        **more,
    }


def test_each_component_takes_each_option(render) -> None:
    found = {}
    for pod in pods(render(**with_all_options())).values():
        found[pod["metadata"]["labels"]["app.kubernetes.io/component"]] = pod
    assert set(found) == {*COMPONENTS, "tests"}
    for component in COMPONENTS:
        pod = found[component]
        for name in SCHEDULING:
            assert pod["spec"][name] == OPTIONS[name], f"{component}: {name}"
        assert pod["metadata"]["labels"]["team"] == "reviews"
        assert pod["metadata"]["annotations"]["example.org/owner"] == "reviews"
        assert OPTIONS["extraVolumes"][0] in pod["spec"]["volumes"]
        assert OPTIONS["extraEnvFrom"][0] in pod["spec"]["containers"][0]["envFrom"]
        # The container that waits for the schema connects to the same database, so it needs the same CA.
        for container in containers(pod):
            assert OPTIONS["extraEnv"][0] in container["env"], component
            assert OPTIONS["extraVolumeMounts"][0] in container["volumeMounts"], component


def test_common_labels_are_on_all_objects_and_pods_and_select_none(render) -> None:
    manifests = render(commonLabels={"cost-center": "42"})
    for each in manifests:
        assert each["metadata"]["labels"]["cost-center"] == "42", each["metadata"]["name"]
        assert "cost-center" not in json.dumps(each["spec"].get("selector", {})) if "spec" in each else True
    for name, pod in pods(manifests).items():
        assert pod["metadata"]["labels"]["cost-center"] == "42", name


def test_an_overridden_name_is_the_name_of_all_objects(render) -> None:
    manifests = render(**{"global": {"sentiment": {"fullnameOverride": "shop"}}})
    assert {each["metadata"]["name"].partition("-")[0] for each in manifests} == {"shop"}
    settings = named(manifests, "ConfigMap", "shop-settings")["data"]
    assert settings["SENTIMENT_MLFLOW_TRACKING_URI"] == "http://shop-mlflow:5000"


def test_extra_objects_are_rendered_as_templates(render) -> None:
    metadata = {"name": "{{ .Release.Name }}-extra"}
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ include \"sentiment.fullname\" . }}-text'}"
    manifests = render(extraObjects=[{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, text])
    assert {"sentiment-extra", "sentiment-text"} <= {each["metadata"]["name"] for each in manifests}


def test_existing_service_accounts_can_be_used(render) -> None:
    account = {"serviceAccount": {"create": False, "name": "existing"}}
    manifests = render(api=account, mlflow=account, jobs=account, insights={"enabled": True, **account})
    assert not [each for each in manifests if each["kind"] == "ServiceAccount"]
    names = {pod["spec"]["serviceAccountName"] for pod in pods(manifests).values()}
    assert names == {"existing", "sentiment-worker"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"api": {"extraEnv": [{"name": "SENTIMENT_BUCKET", "value": "b"}]}}, "api.extraEnv sets SENTIMENT_BUCKET"),
        ({"mlflow": {"extraEnv": [{"name": "MLFLOW_BACKEND_STORE_URI", "value": "b"}]}}, "which this chart sets"),
        ({"jobs": {"extraEnv": [{"name": "A", "value": "b"}, {"name": "A", "value": "c"}]}}, "sets A twice"),
        ({"jobs": {"extraEnv": [{"value": "b"}]}}, "name"),
        ({"api": {"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}}, "choose another name"),
        ({"api": {"serviceAccount": {"create": False}}}, "api.serviceAccount.name to an existing"),
        ({"commonLabels": {"app.kubernetes.io/name": "other"}}, "commonLabels sets the label"),
        ({"api": {"podLabels": {"sentiment/track": "green"}}}, "api.podLabels sets the label"),
        ({"extraObjects": [{"kind": "ConfigMap"}]}, "extraObjects"),
        ({"global": {"sentiment": {"fullnameOverride": "Shop_"}}}, "fullnameOverride"),
    ],
)
def test_invalid_options_are_rejected(render, values, told) -> None:
    with pytest.raises(HelmError, match=told):
        render(**values)
