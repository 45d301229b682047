"""Which addresses pods can reach and which peers can reach them, by the Kubernetes rules for network policies."""

from ipaddress import ip_address, ip_network

import pytest

from tests.chart.helm import pods

AIRFLOW = {"tier": "airflow", "release": "sentiment", "component": "scheduler"}
DATABASE, S3, API_SERVER, POD_IDENTITY, STRANGER = "10.0.7.7", "52.218.1.1", "172.20.0.1", "169.254.170.23", "8.8.8.8"
RULE_TO = {"to": [{"ipBlock": {"cidr": "8.8.8.0/24"}}], "ports": [{"port": 9999, "protocol": "TCP"}]}
RULE_FROM = {"from": [{"ipBlock": {"cidr": "8.8.8.0/24"}}], "ports": [{"port": 5000, "protocol": "TCP"}]}


def labels(manifests) -> dict[str, dict[str, str]]:
    """Return the labels of the pods by component. The labels of one Airflow pod represent all of Airflow's pods."""
    found = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["metadata"]["labels"]
        for pod in pods(manifests).values()
    }
    return found | {"airflow": AIRFLOW}


def selects(selector, pod) -> bool:
    matches = selector.get("matchLabels", {}).items() <= pod.items()
    return matches and all(
        {"In": pod.get(each["key"]) in each["values"]}[each["operator"]]
        for each in selector.get("matchExpressions", [])
    )


def allows(manifests, direction, pod, peer, port) -> bool:
    """Return whether any policy allows this pod and this peer (a pod's labels or an address) to use this port."""
    side, ends = ("ingress", "from") if direction == "in" else ("egress", "to")
    for policy in (each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"):
        if side.title() not in policy["policyTypes"] or not selects(policy["podSelector"], pod):
            continue
        for rule in policy.get(side, []):
            assert rule.get(ends), "a rule without an end allows everybody"
            assert rule.get("ports"), "a rule without a port allows everything"
            if any(_is(end, peer) for end in rule[ends]) and any(
                each["port"] <= port <= each.get("endPort", each["port"]) for each in rule["ports"]
            ):
                return True
    return False


def _is(end, peer) -> bool:
    if isinstance(peer, str):
        return "ipBlock" in end and ip_address(peer) in ip_network(end["ipBlock"]["cidr"])
    return "podSelector" in end and "namespaceSelector" not in end and selects(end["podSelector"], peer)


@pytest.fixture
def network(render):
    manifests = render("eks", insights={"enabled": True})
    known = labels(manifests)

    def may(direction, pod, peer, port):
        return allows(manifests, direction, known[pod], known.get(peer, peer), port)

    return may


def test_everything_is_denied_at_first(render) -> None:
    deny = next(
        each for each in render() if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "sentiment-deny"
    )
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    ("pod", "peer", "port"),
    [
        ("api", DATABASE, 5432),
        ("insights", DATABASE, 5432),
        ("mlflow", DATABASE, 5432),
        ("mlflow", S3, 443),
        ("mlflow", POD_IDENTITY, 80),
        ("migrate", DATABASE, 5432),
        ("first-model", DATABASE, 5432),
        ("airflow", DATABASE, 5432),
        ("airflow", S3, 443),
        ("airflow", POD_IDENTITY, 80),
        ("airflow", API_SERVER, 443),
        ("tests", DATABASE, 5432),
        ("tests", S3, 443),
    ],
)
def test_what_is_outside_is_reached_by_who_needs_it(network, pod, peer, port) -> None:
    assert network("out", pod, peer, port)


@pytest.mark.parametrize(
    ("client", "server", "port"),
    [
        ("api", "mlflow", 5000),
        ("first-model", "mlflow", 5000),
        ("airflow", "mlflow", 5000),
        ("tests", "mlflow", 5000),
        ("tests", "api", 8080),
        ("airflow", "airflow", 8080),
        ("airflow", "airflow", 8793),
        ("airflow", "airflow", 8794),
    ],
)
def test_parts_that_talk_are_let_on_both_sides(network, client, server, port) -> None:
    assert network("out", client, server, port)
    assert network("in", server, client, port)


@pytest.mark.parametrize(
    ("pod", "peer", "port"),
    [
        ("api", S3, 443),
        ("insights", S3, 443),
        ("insights", "mlflow", 5000),
        ("insights", "api", 8080),
        ("insights", API_SERVER, 443),
        ("insights", STRANGER, 80),
        ("api", POD_IDENTITY, 80),
        ("api", STRANGER, 80),
        ("migrate", STRANGER, 80),
        ("airflow", STRANGER, 80),
        ("mlflow", API_SERVER, 80),
        ("api", "airflow", 8080),
    ],
)
def test_what_a_part_does_not_need_it_does_not_reach(network, pod, peer, port) -> None:
    assert not network("out", pod, peer, port)


@pytest.mark.parametrize(
    ("pod", "peer", "port"),
    [
        ("mlflow", DATABASE, 5000),
        ("mlflow", "migrate", 5000),
        ("api", "airflow", 8081),
        ("api", STRANGER, 8080),
        ("insights", STRANGER, 8090),
        ("insights", "airflow", 8090),
        ("airflow", "api", 8080),
        ("migrate", DATABASE, 80),
    ],
)
def test_who_has_no_business_there_is_not_let_in(network, pod, peer, port) -> None:
    assert not network("in", pod, peer, port)


def test_in_the_trial_cluster_the_parts_reach_its_database_and_its_s3_server(render) -> None:
    manifests = render("dev", networkPolicy={"enabled": True})
    known = labels(manifests)
    for client in ("api", "mlflow", "migrate", "first-model", "airflow", "tests"):
        assert allows(manifests, "out", known[client], known["postgres"], 5432), client
        assert allows(manifests, "in", known["postgres"], known[client], 5432), client
    for client in ("mlflow", "airflow", "tests"):
        assert allows(manifests, "out", known[client], known["object-store"], 8333), client
        assert allows(manifests, "in", known["object-store"], known[client], 8333), client
    assert not allows(manifests, "out", known["mlflow"], DATABASE, 5432)


@pytest.mark.parametrize(
    ("values", "direction", "pod", "peer", "port"),
    [
        ({"settings": {"SENTIMENT_ALERTS": '["smtp:a@example.com"]'}}, "out", "airflow", STRANGER, 587),
        ({"airflow": {"config": {"smtp": {"smtp_host": "mail", "smtp_port": 465}}}}, "out", "airflow", STRANGER, 465),
        ({"airflow": {"apiServer": {"apiServerConfig": "AUTH_TYPE = 4"}}}, "out", "airflow", STRANGER, 443),
        ({"airflow": {"pgbouncer": {"enabled": True, "configSecretName": "p"}}}, "out", "airflow", "airflow", 6543),
        ({"airflow": {"pgbouncer": {"enabled": True, "configSecretName": "p"}}}, "in", "airflow", "migrate", 6543),
        ({"airflow": {"pgbouncer": {"enabled": True, "configSecretName": "p"}}}, "out", "migrate", "airflow", 6543),
        ({"airflow": {"statsd": {"enabled": True}}}, "in", "airflow", "airflow", 9125),
        ({"networkPolicy": {"extraEgress": {"api": [RULE_TO]}}}, "out", "api", STRANGER, 9999),
        ({"networkPolicy": {"extraEgress": {"jobs": [RULE_TO]}}}, "out", "migrate", STRANGER, 9999),
        ({"networkPolicy": {"extraEgress": {"airflow": [RULE_TO]}}}, "out", "airflow", STRANGER, 9999),
        ({"networkPolicy": {"extraEgress": {"all": [RULE_TO]}}}, "out", "mlflow", STRANGER, 9999),
        ({"networkPolicy": {"extraIngress": {"mlflow": [RULE_FROM]}}}, "in", "mlflow", STRANGER, 5000),
    ],
)
def test_what_a_value_turns_on_is_allowed_by_the_same_value(render, values, direction, pod, peer, port) -> None:
    def may(manifests):
        known = labels(manifests) | {"airflow": AIRFLOW | {"component": "pgbouncer"}}
        return allows(manifests, direction, known[pod], known.get(peer, peer), port)

    only_inside = {
        "objectStore": {"cidrs": ["10.1.0.0/16"], "port": 443},
        "kubernetesApi": {"cidrs": ["10.2.0.0/16"], "port": 443},
    }
    policy = {"networkPolicy": only_inside | values.get("networkPolicy", {})}
    assert not may(render(networkPolicy=only_inside))
    assert may(render(**{**values, **policy}))


def test_an_additional_rule_is_of_its_component_alone(render) -> None:
    manifests = render(networkPolicy={"extraEgress": {"api": [RULE_TO]}})
    known = labels(manifests)
    assert not any(
        allows(manifests, "out", known[pod], STRANGER, 9999) for pod in ("mlflow", "migrate", "airflow", "tests")
    )
