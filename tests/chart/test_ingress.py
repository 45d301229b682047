"""Ingress of the service and of MLflow, for the AWS Load Balancer Controller and for any other controller."""

import pytest

from tests.chart.helm import HelmError, named
from tests.chart.test_mlflow import server_variables
from tests.chart.test_network import DATABASE, STRANGER, allows, labels

HOSTS = ["scores.example.org", "scores.example.com"]
STANDARD = {"enabled": True, "controller": "standard", "className": "nginx", "hosts": HOSTS}
LOGIN = {"nginx.ingress.kubernetes.io/auth-url": "https://login.example.org/oauth2/auth"}


def test_any_controller_gets_each_host_and_its_certificate(render) -> None:
    tls = [{"secretName": "scores-tls", "hosts": HOSTS}]
    annotations = {"cert-manager.io/cluster-issuer": "public"}
    manifests = render(api={"ingress": {**STANDARD, "tls": tls, "annotations": annotations}})
    ingress = named(manifests, "Ingress", "sentiment-api")
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == tls
    assert ingress["metadata"]["annotations"] == annotations
    backends = {}
    for rule in ingress["spec"]["rules"]:
        (path,) = rule["http"]["paths"]
        backends[rule["host"]] = path["backend"]["service"]
    assert backends == {host: {"name": "sentiment-api", "port": {"number": 80}} for host in HOSTS}
    (port,) = named(manifests, "Service", "sentiment-api")["spec"]["ports"]
    assert port["port"] == 80


def test_an_ingress_without_class_and_host_is_that_of_the_default_class_for_all_hosts(render) -> None:
    manifests = render(api={"ingress": {"enabled": True, "controller": "standard", "className": ""}})
    ingress = named(manifests, "Ingress", "sentiment-api")
    assert "ingressClassName" not in ingress["spec"]
    assert "annotations" not in ingress["metadata"]
    assert [set(rule) for rule in ingress["spec"]["rules"]] == [{"http"}]


def test_an_alb_forwards_each_host_by_weight(render) -> None:
    ingress = named(render("eks", api={"ingress": {"host": HOSTS[0], "hosts": HOSTS[1:]}}), "Ingress", "sentiment-api")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == HOSTS
    ports = [rule["http"]["paths"][0]["backend"]["service"]["port"] for rule in ingress["spec"]["rules"]]
    assert ports == [{"name": "use-annotation"}] * 2


@pytest.mark.parametrize("controller", ["alb", "standard"])
def test_mlflow_is_reached_and_accepts_the_hosts_of_its_ingress(render, controller) -> None:
    ingress = {"enabled": True, "controller": controller, "hosts": ["mlflow.example.org"], "annotations": LOGIN}
    manifests = render("eks", mlflow={"ingress": ingress})
    variables = server_variables(manifests)
    assert "mlflow.example.org" in variables["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert "https://mlflow.example.org" in variables["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
    written = named(manifests, "Ingress", "sentiment-mlflow")
    assert LOGIN.items() <= written["metadata"]["annotations"].items()
    is_alb = written["metadata"]["annotations"].get("alb.ingress.kubernetes.io/target-type") == "ip"
    assert is_alb == (controller == "alb")
    (rule,) = written["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "sentiment-mlflow", "port": {"name": "http"}}
    pod = labels(manifests)["mlflow"]
    assert allows(manifests, "in", pod, DATABASE, 5000)  # an address of the VPC, as the load balancer's
    assert not allows(manifests, "in", pod, STRANGER, 5000)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"api": {"ingress": STANDARD, "tracks": {"green": {"enabled": True, "weight": 5}}}}, "has no weights"),
        ({"api": {"ingress": {**STANDARD, "tls": [{"secretName": "s", "hosts": ["b.org"]}]}}}, "certificate for b.org"),
        ({"api": {"ingress": {"controller": "nginx"}}}, "controller"),
        ({"api": {"ingress": {"hosts": ["https://a.org"]}}}, "hosts"),
        ({"mlflow": {"ingress": {"enabled": True, "annotations": LOGIN}}}, "mlflow.ingress.hosts is empty"),
        ({"mlflow": {"ingress": {"enabled": True, "hosts": ["a.org"]}}}, "MLflow has no login"),
    ],
)
def test_an_ingress_that_would_not_work_is_rejected(render, values, told) -> None:
    with pytest.raises(HelmError, match=told):
        render(**values)
