"""Two tracks of the service: the routing of requests while a release is tried out, and during its rollback."""

import json

import pytest

from tests.chart.helm import named

NEW = "f" * 40
INGRESS = {"ingress": {"enabled": True}, "gateway": {"enabled": True, "parentRefs": [{"name": "internal"}]}}


def tracks(blue: int | None, green: int | None) -> dict[str, object]:
    """Return the values of both tracks by their weights. None disables a track. The green track has a newer image."""
    return {
        "api": {
            **INGRESS,
            "tracks": {
                "blue": {"enabled": blue is not None, "weight": blue or 0},
                "green": {"enabled": green is not None, "weight": green or 0, "image": {"tag": NEW}},
            },
        }
    }


def shares(manifests) -> tuple[dict[str, int], dict[str, int]]:
    """Return the weights configured in the load balancer and the gateway, by Service."""
    ingress = named(manifests, "Ingress", "sentiment-api")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    backend = path["backend"]["service"]
    assert backend["port"] == {"name": "use-annotation"}
    action = ingress["metadata"]["annotations"][f"alb.ingress.kubernetes.io/actions.{backend['name']}"]
    groups = json.loads(action)["forwardConfig"]["targetGroups"]
    (rule,) = named(manifests, "HTTPRoute", "sentiment-api")["spec"]["rules"]
    return (
        {group["serviceName"]: group["weight"] for group in groups},
        {backend["name"]: backend["weight"] for backend in rule["backendRefs"]},
    )


@pytest.mark.parametrize(
    ("blue", "green", "main"),
    [(100, None, "blue"), (100, 0, "blue"), (90, 10, "blue"), (0, 100, "green"), (None, 100, "green")],
)
def test_the_requests_go_where_the_weights_say(render, blue, green, main) -> None:
    manifests = render(**tracks(blue, green))
    weights = {"blue": blue, "green": green}
    expected = {f"sentiment-api-{name}": weight for name, weight in weights.items() if weight is not None}
    assert shares(manifests) == (expected, expected)
    for name in weights:
        exists = f"sentiment-api-{name}" in expected
        for kind in ("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"):
            found = [
                each
                for each in manifests
                if (each["kind"], each["metadata"]["name"]) == (kind, f"sentiment-api-{name}")
            ]
            assert len(found) == exists, kind
    assert named(manifests, "Service", "sentiment-api")["spec"]["selector"]["sentiment/track"] == main


def test_each_service_reaches_the_pods_of_its_track_and_no_others(render) -> None:
    manifests = render(**tracks(90, 10))
    labels = {
        name: named(manifests, "Deployment", f"sentiment-api-{name}")["spec"]["template"]["metadata"]["labels"]
        for name in ("blue", "green")
    }
    for name in labels:
        selector = named(manifests, "Service", f"sentiment-api-{name}")["spec"]["selector"].items()
        assert [track for track in labels if selector <= labels[track].items()] == [name]


def test_a_new_release_in_one_track_leaves_the_pods_of_the_other(render) -> None:
    before, after = render(**tracks(100, None)), render(**tracks(90, 10))
    same = [named(each, "Deployment", "sentiment-api-blue") for each in (before, after)]
    assert same[0] == same[1]
    image = named(after, "Deployment", "sentiment-api-green")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"sentiment-api:{NEW}"


def test_a_track_by_digest_takes_no_tag_of_the_other(render) -> None:
    digest = f"sha256:{'1' * 64}"
    values = tracks(90, 10)
    values["api"]["tracks"]["green"]["image"] = {"digest": digest}  # type: ignore[index]
    spec = named(render(**values), "Deployment", "sentiment-api-green")["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == f"sentiment-api@{digest}"


def test_the_autoscaler_uses_cpu_and_optionally_requests_in_progress(render) -> None:
    def metrics(**autoscaling):
        scaler = named(render(api={"autoscaling": autoscaling}), "HorizontalPodAutoscaler", "sentiment-api-blue")
        return {each["type"]: each for each in scaler["spec"]["metrics"]}

    assert set(metrics()) == {"Resource"}
    both = metrics(requestsInProgress=32)
    assert both["Pods"]["pods"] == {
        "metric": {"name": "app_requests_in_progress"},
        "target": {"type": "AverageValue", "averageValue": "32"},
    }
    assert both["Resource"]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}


def test_a_number_of_pods_is_set_only_where_no_autoscaler_sets_it(render) -> None:
    assert "replicas" not in named(render(), "Deployment", "sentiment-api-blue")["spec"]
    fixed = render(api={"autoscaling": {"enabled": False}})
    assert named(fixed, "Deployment", "sentiment-api-blue")["spec"]["replicas"] == 2
    assert not any(each["kind"] == "HorizontalPodAutoscaler" for each in fixed)


def test_the_balancer_lets_go_of_a_pod_while_it_still_serves(render) -> None:
    manifests = render("eks")
    annotations = named(manifests, "Ingress", "sentiment-api")["metadata"]["annotations"]
    (api,) = named(manifests, "Deployment", "sentiment-api-blue")["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in api["env"]}
    delay = annotations["alb.ingress.kubernetes.io/target-group-attributes"].rpartition("=")[2]
    assert int(delay) <= int(variables["SENTIMENT_API_DRAIN_S"])
    interval = int(annotations["alb.ingress.kubernetes.io/healthcheck-interval-seconds"])
    unhealthy = int(annotations["alb.ingress.kubernetes.io/unhealthy-threshold-count"])
    assert interval * unhealthy < int(variables["SENTIMENT_API_DRAIN_S"])
    # An ALB closes idle connections after 60 s. A service that closes them earlier loses requests.
    assert int(variables["SENTIMENT_KEEPALIVE_S"]) > 60
    assert variables["SENTIMENT_FORWARDED_HOPS"] == "1"
