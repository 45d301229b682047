"""Alerts and dashboards query metrics that the service exposes."""

import json
import re
import shutil

import pytest
import yaml

from api.observability.metrics import ServiceMetrics
from tests.chart.helm import CHART

# PromQL keywords and functions in the expressions.
FUNCTIONS = {"absent", "sum", "rate", "max", "count", "by", "increase", "histogram_quantile"}


def rules():
    return [rule for group in yaml.safe_load((CHART / "rules.yaml").read_text())["groups"] for rule in group["rules"]]


def dashboards():
    return {path: json.loads(path.read_text()) for path in (CHART / "dashboards").glob("*.json")}


def expressions():
    asked = {rule["alert"]: rule["expr"] for rule in rules()}
    for path, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            asked |= {f"{path.name} {panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    return asked


def test_every_metric_and_label_that_is_asked_for_is_exposed() -> None:
    families = list(ServiceMetrics(hourly_price_usd=1).registry.collect())
    names = {family.name for family in families}
    names |= {f"{family.name}_total" for family in families if family.type == "counter"}
    names |= {f"{family.name}_bucket" for family in families if family.type == "histogram"}
    labels = {"le", "method", "endpoint", "code", "outcome", "prediction", "name", "version", "digest", "source"}
    assert len(expressions()) >= 10
    for where, expression in expressions().items():
        words = set(re.findall(r"[a-z_]{2,}", re.sub(r'"[^"]*"|\[[^]]*\]', "", expression)))
        assert words - FUNCTIONS - labels <= names, where
        assert words & names, where


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_a_dashboard_has_one_identity_and_its_panels_do_not_overlap() -> None:
    assert len({dashboard["uid"] for dashboard in dashboards().values()}) == len(dashboards()) > 0
    for dashboard in dashboards().values():
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids)
        places = [
            (x, y)
            for panel in dashboard["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(set(places)) == len(places)
        assert max(x for x, _ in places) < 24


def test_prometheus_reads_the_rules_and_they_alert_when_they_should(run, tmp_path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on the path (Debian: prometheus)")
    run(promtool, "check", "rules", CHART / "rules.yaml")
    cases = tmp_path / "cases.yaml"
    cases.write_text(yaml.safe_dump({"rule_files": [str(CHART / "rules.yaml")], "tests": list(map(case, CASES))}))
    run(promtool, "test", "rules", cases)


# Series, minute, and the alerts that must fire then.
IDLE = {"app_requests_in_progress": "0x60"}
CASES = [
    ({}, 10, {"SentimentApiNotScraped"}),
    (IDLE, 10, set()),
    (
        IDLE | {"app_request_count_total": "0+60x60", 'app_problem_count_total{code="internal_error"}': "0+6x60"},
        20,
        {"SentimentApiFails"},
    ),
    (
        IDLE | {"app_request_count_total": "0+6000x60", 'app_problem_count_total{code="internal_error"}': "0+6x60"},
        20,
        set(),
    ),
    (IDLE | {'app_problem_count_total{code="overloaded"}': "0+6x60"}, 20, {"SentimentApiOverloaded"}),
    (IDLE | {"model_registry_reachable": "0x60"}, 30, {"SentimentRegistryUnreachable"}),
    (
        IDLE | {'model_info{digest="a",pod="1"}': "1x60", 'model_info{digest="b",pod="2"}': "1x60"},
        30,
        {"SentimentModelsDiffer"},
    ),
    (IDLE | {'feedback_count_total{outcome="lost"}': "0x10 5x60"}, 12, {"SentimentCorrectionsLost"}),
]


def case(given):
    series, minute, firing = given
    by_name = {rule["alert"]: rule for rule in rules()}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": alerts(rule, name in firing, series)}
            for name, rule in by_name.items()
        ],
    }


def alerts(rule, fires, series):
    if not fires:
        return []
    labels = dict(rule["labels"])
    if rule["alert"] == "SentimentCorrectionsLost":
        labels["outcome"] = "lost"
    return [{"exp_labels": labels, "exp_annotations": rule["annotations"]}]
