"""Alerts and dashboards query metrics that exist, alert when they should, and lead to a section of the runbook."""

import json
import re
import shutil

import pytest
import yaml

from api.observability.metrics import ServiceMetrics
from sentiment_core.ledger.metrics import FIGURES
from tests.chart.helm import CHART, REVISION, HelmError, named
from tests.chart.test_network import AIRFLOW as AIRFLOW_POD
from tests.chart.test_network import DATABASE, S3, allows

# PromQL keywords and functions in the expressions.
FUNCTIONS = "absent sum rate max min count by on and or increase histogram_quantile time vector floor hour offset topk"
LABELS = "le method endpoint code outcome prediction name version digest source status table age measure"
LEDGER = {*FIGURES, "sentiment_database_up", "sentiment_ledger_findings", "sentiment_ledger_verified_timestamp_seconds"}
# What Airflow pushes to Prometheus; `test_dashboards.py` has Airflow's own code push them.
AIRFLOW = {
    "airflow_scheduler_heartbeat_total",
    "airflow_scheduler_dagruns_running",
    "airflow_executor_running_tasks",
    "airflow_executor_queued_tasks",
    "airflow_dag_processing_import_errors",
}


def groups():
    return yaml.safe_load((CHART / "rules.yaml").read_text())["groups"]


def rules():
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def recorded():
    return {rule["record"]: rule["expr"] for group in groups() for rule in group["rules"] if "record" in rule}


def dashboards():
    return {path: json.loads(path.read_text()) for path in (CHART / "dashboards").glob("*.json")}


def panels():
    """Return the targets of all panels by dashboard, panel and letter."""
    return {
        f"{path.stem} {panel['title']} {target['refId']}": target
        for path, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }


def expressions():
    asked = {rule["alert"]: rule["expr"] for rule in rules()} | recorded()
    return asked | {where: target["expr"] for where, target in panels().items() if "expr" in target}


def test_every_metric_and_label_that_is_asked_for_is_exposed() -> None:
    families = list(ServiceMetrics(hourly_price_usd=1).registry.collect())
    names = {family.name for family in families}
    names |= {f"{family.name}_total" for family in families if family.type == "counter"}
    names |= {
        f"{family.name}_{end}" for family in families if family.type == "histogram" for end in ("bucket", "count")
    }
    names |= LEDGER | AIRFLOW | set(recorded())
    assert len(expressions()) >= 50
    for where, expression in expressions().items():
        words = set(
            re.findall(r"[a-z][a-z_:0-9]+", re.sub(r'"[^"]*"|\[[^]]*\]|offset \w+|\b[0-9][0-9.e]*', "", expression))
        )
        assert words - {*FUNCTIONS.split(), *LABELS.split()} <= names, where
        assert words & names, where


def test_every_alert_says_what_it_means_and_leads_to_a_section_of_the_runbook(checkout) -> None:
    headings = re.findall(r"^### (\w+)$", (checkout / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in rules())
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_the_links_to_the_runbook_can_point_to_a_web_server(render) -> None:
    docs = "https://git.example.com/reviews/-/blob/main"
    manifests = render(monitoring={"rules": {"enabled": True, "docsUrl": docs}})
    [created] = [each for each in manifests if each["kind"] == "PrometheusRule"]
    alerts = [rule for group in created["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(alerts) == len(rules())
    assert all(rule["annotations"]["runbook_url"].startswith(f"{docs}/docs/runbook.md#") for rule in alerts)


def test_the_figures_of_the_database_are_read_by_a_user_who_can_only_read(render) -> None:
    manifests = render("eks", monitoring={"database": {"enabled": True, "verifyEveryHours": 6}})
    pod = named(manifests, "Deployment", "sentiment-metrics")["spec"]["template"]
    [container] = pod["spec"]["containers"]
    assert container["image"] == f"sentiment-api:{REVISION}"
    assert container["command"][4:6] == ["sentiment", "metrics"]
    assert container["command"][-2:] == ["--verify-every", "6"]
    [variable] = container["env"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "sentiment", "key": "monitor-database-url"}
    own = pod["metadata"]["labels"]
    assert allows(manifests, "out", own, DATABASE, 5432)
    assert not allows(manifests, "out", own, S3, 443)
    assert not allows(manifests, "in", own, AIRFLOW_POD, 9187)
    [source] = named(manifests, "NetworkPolicy", "sentiment-metrics")["spec"]["ingress"][0]["from"]
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


def test_airflow_pushes_the_same_metrics_in_the_cluster_and_in_compose(render, checkout) -> None:
    url = "http://prometheus-operated.monitoring:9090/api/v1/otlp/v1/metrics"
    manifests = render(monitoring={"airflow": {"otlpEndpoint": url}})
    settings = named(manifests, "ConfigMap", "sentiment-airflow-settings")["data"]
    composed = yaml.safe_load((checkout / "docker-compose.yaml").read_text())["services"]["airflow-scheduler"]
    pushed = {name: value for name, value in composed["environment"].items() if "OTEL" in name or "METRICS" in name}
    assert len(pushed) >= 5
    assert {name: settings[name] for name in pushed} == pushed | {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": url}
    assert not [name for name in named(render(), "ConfigMap", "sentiment-airflow-settings")["data"] if "OTEL" in name]


def test_the_data_source_has_no_password_and_needs_an_address(render) -> None:
    source = {"enabled": True, "address": "db.example.com:5432"}
    created = named(render(monitoring={"dataSource": source}), "ConfigMap", "sentiment-data-source")
    assert created["metadata"]["labels"]["grafana_datasource"] == "1"
    [written] = yaml.safe_load(created["data"]["sentiment.yaml"])["datasources"]
    assert written["url"] == "db.example.com:5432"
    assert written["secureJsonData"] == {"password": "$MONITOR_PASSWORD"}
    with pytest.raises(HelmError, match=r"monitoring\.dataSource\.address is missing"):
        render(monitoring={"dataSource": {"enabled": True}})


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


@pytest.mark.parametrize("long", [False, True])
def test_prometheus_reads_the_rules_and_they_alert_when_they_should(run, tmp_path, long) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on the path (Debian: prometheus)")
    run(promtool, "check", "rules", CHART / "rules.yaml")
    cases = tmp_path / "cases.yaml"
    content = {
        "rule_files": [str(CHART / "rules.yaml")],
        "evaluation_interval": "10m" if long else "1m",
        "tests": [case(given) for given in CASES if is_long(given) == long],
    }
    cases.write_text(yaml.safe_dump(content))
    run(promtool, "test", "rules", cases)


def test_the_rules_of_a_release_read_its_series_alone_and_name_it(run, render, tmp_path) -> None:
    spec = named(render(monitoring={"rules": {"enabled": True}}), "PrometheusRule", "sentiment-api")["spec"]
    scope = {"namespace": "reviews", "release": "sentiment"}
    for rule in (rule for group in spec["groups"] for rule in group["rules"]):
        assert scope.items() <= rule["labels"].items()
        series = re.findall(r"\b(?:app|model|feedback|sentiment)_[a-z0-9_]+(?!=)|sentiment:[a-z0-9_:]+", rule["expr"])
        assert len(series) == rule["expr"].count('namespace="reviews",release="sentiment"'), rule["expr"]
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on the path (Debian: prometheus)")
    rules_file, cases = tmp_path / "rules.yaml", tmp_path / "cases.yaml"
    rules_file.write_text(yaml.safe_dump(spec))
    expected = {"SentimentApiOverloaded": {"sentiment"}, "SentimentApiNotScraped": {"other"}}

    def case_of(release):
        labels = f'namespace="reviews",release="{release}"'
        series = {f"app_requests_in_progress{{{labels}}}": "0x60"}
        series[f'app_problem_count_total{{code="overloaded",{labels}}}'] = "0+6x60"
        checks = []
        for name, firing in expected.items():
            (rule,) = (rule for group in spec["groups"] for rule in group["rules"] if rule.get("alert") == name)
            found = (
                [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}] if release in firing else []
            )
            checks.append({"eval_time": "20m", "alertname": name, "exp_alerts": found})
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "alert_rule_test": checks,
        }

    content = {"rule_files": [str(rules_file)], "tests": [case_of("sentiment"), case_of("other")]}
    cases.write_text(yaml.safe_dump(content))
    run(promtool, "test", "rules", cases)


# Series, minute, and the alerts that must fire then, with the labels that they take from a series.
IDLE = {"app_requests_in_progress": "0x4000", "sentiment_newest_planned_day_timestamp_seconds": "-86400x4000"}
REQUESTS, FAILURES = (f'app_{name}_count_total{{endpoint="/predict"}}' for name in ("request", "failure"))
TIMED = 'app_request_latency_seconds_count{endpoint="/predict"}'
QUICK = 'app_request_latency_seconds_bucket{endpoint="/predict",le="0.1"}'
MET, MISSED = (f'sentiment_deadline_files{{outcome="{outcome}"}}' for outcome in ("met", "missed"))
WAITING = 'sentiment_unscored_files{source="web"}'
DROP_DAYS = 'sentiment_drop_days{source="web"}'
# The newest midnight is three days before the tests begin.
SILENT = IDLE | {'sentiment_newest_day_timestamp_seconds{source="web"}': f"{-3 * 86400}x4000"}
REJECTED, SCORED = (
    f'sentiment_newest_day_rows{{source="web",outcome="{outcome}"}}' for outcome in ("rejected", "scored")
)
FINDINGS_A, FINDINGS_B = (f'sentiment_ledger_findings{{check="{check}"}}' for check in "ab")
VERIFIED = "sentiment_ledger_verified_timestamp_seconds"
# Planned on the eighth day, so that no deadline is missed.
WEEK = {"app_requests_in_progress": "0x6000", "sentiment_newest_planned_day_timestamp_seconds": f"{7 * 86400}x6000"}
NEWEST, BEFORE = (f'sentiment_month_bytes{{table="review",age="{age}"}}' for age in "01")
CASES = [
    ({}, 10, {"SentimentApiNotScraped": {}}),
    (IDLE, 10, {}),
    (
        IDLE | {"app_request_count_total": "0+60x60", 'app_problem_count_total{code="internal_error"}': "0+6x60"},
        20,
        {"SentimentApiFails": {}},
    ),
    (
        IDLE | {"app_request_count_total": "0+6000x60", 'app_problem_count_total{code="internal_error"}': "0+6x60"},
        20,
        {},
    ),
    (IDLE | {'app_problem_count_total{code="overloaded"}': "0+6x60"}, 20, {"SentimentApiOverloaded": {}}),
    (IDLE | {"model_registry_reachable": "0x60"}, 30, {"SentimentRegistryUnreachable": {}}),
    (IDLE | {'model_reload_count_total{outcome="refused"}': "0x10 1+1x60"}, 20, {"SentimentReloadFails": {}}),
    (IDLE | {'model_reload_count_total{outcome="loaded"}': "0x10 1+1x60"}, 20, {}),
    (
        IDLE | {'model_info{digest="a",pod="1"}': "1x60", 'model_info{digest="b",pod="2"}': "1x60"},
        30,
        {"SentimentModelsDiffer": {}},
    ),
    (
        IDLE | {'feedback_count_total{outcome="lost"}': "0x10 5x60"},
        12,
        {"SentimentCorrectionsLost": {"outcome": "lost"}},
    ),
    # 2 % of the requests fail: more than 14.4 times the budget. The fast alert ends soon after the failures do.
    (
        IDLE | {REQUESTS: "0+600x200", FAILURES: "0+12x200"},
        70,
        {"SentimentAvailabilityFastBurn": {}, "SentimentAvailabilitySlowBurn": {}},
    ),
    (IDLE | {REQUESTS: "0+600x200", FAILURES: "0+12x60 720x200"}, 80, {"SentimentAvailabilitySlowBurn": {}}),
    # 0.5 % fail: too little for the fast alert. 0.08 % fail: within the budget.
    (IDLE | {REQUESTS: "0+600x3000", FAILURES: "0+3x3000"}, 1500, {"SentimentAvailabilitySlowBurn": {}}),
    (IDLE | {REQUESTS: "0+600x3000", FAILURES: "0+0.5x3000"}, 1500, {}),
    # Six requests an hour are too few for a ratio.
    (IDLE | {REQUESTS: "0+0.1x200", FAILURES: "0+0.01x200"}, 70, {}),
    (
        IDLE | {TIMED: "0+600x200", QUICK: "0+480x200"},
        70,
        {"SentimentLatencyFastBurn": {}, "SentimentLatencySlowBurn": {}},
    ),
    (IDLE | {TIMED: "0+600x3000", QUICK: "0+570x3000"}, 1500, {"SentimentLatencySlowBurn": {}}),
    (IDLE | {TIMED: "0+600x3000", QUICK: "0+597x3000"}, 1500, {}),
    # The tests begin at 00:00 UTC, so minute 350 is 05:50 and minute 370 is 06:10.
    (IDLE | {WAITING: "1x400"}, 350, {}),
    (IDLE | {WAITING: "1x400"}, 370, {"SentimentDeadlineMissed": {}}),
    (IDLE | {WAITING: "1x365 0x100"}, 380, {}),
    # On the third day no run has been planned since the first.
    (IDLE, 2880 + 350, {}),
    (IDLE, 2880 + 380, {"SentimentDeadlineMissed": {}}),
    (IDLE | {MET: "97x200", MISSED: "3x200"}, 100, {"SentimentDeadlineSlowBurn": {}}),
    (IDLE | {MET: "997x200", MISSED: "3x200"}, 100, {}),
    # Two days without a drop are over at 06:00.
    (SILENT | {DROP_DAYS: "14x400"}, 355, {}),
    (SILENT | {DROP_DAYS: "14x400"}, 365, {"SentimentSourceSilent": {"source": "web"}}),
    (SILENT | {DROP_DAYS: "2x400"}, 365, {}),
    (IDLE | {REJECTED: "6x60", SCORED: "94x60"}, 10, {"SentimentRowsRejected": {"source": "web"}}),
    (IDLE | {REJECTED: "6x60", SCORED: "9x60"}, 10, {}),
    (
        IDLE | {'sentiment_newest_day_files{source="web",status="rejected"}': "1x60"},
        10,
        {"SentimentFileRejected": {"source": "web"}},
    ),
    (IDLE | {FINDINGS_A: "0x60", FINDINGS_B: "2x60"}, 10, {"SentimentLedgerInconsistent": {}}),
    (IDLE | {FINDINGS_A: "0x60"}, 10, {}),
    (IDLE | {VERIFIED: "-250000x60"}, 30, {}),
    (IDLE | {VERIFIED: "-259000x60"}, 30, {"SentimentLedgerUnverified": {}}),
    (IDLE | {"sentiment_drifted": "1x60"}, 10, {"SentimentDrift": {}}),
    (IDLE | {"sentiment_drifted": "0x60"}, 10, {}),
    (IDLE | {"sentiment_database_up": "0x60"}, 20, {"SentimentDatabaseUnread": {}}),
    (IDLE | {"sentiment_database_up": "1x60"}, 20, {}),
    (WEEK | {"sentiment_database_bytes": "2e9x5000 4e9x200"}, 170 * 60, {"SentimentDatabaseGrows": {}}),
    (WEEK | {"sentiment_database_bytes": "2e9+1e5x5200"}, 170 * 60, {}),
    (IDLE | {NEWEST: "5e9x90", BEFORE: "2e9x90"}, 80, {"SentimentPartitionGrows": {"table": "review"}}),
    (IDLE | {NEWEST: "3e9x90", BEFORE: "2e9x90"}, 80, {}),
]


def is_long(given):
    """Return whether a case takes days. Such cases have a sample every two minutes, others every minute."""
    return given[1] > 1000


def case(given):
    series, minute, firing = given
    by_name = {rule["alert"]: rule for rule in rules()}
    assert firing.keys() <= by_name.keys()
    return {
        "interval": "2m" if is_long(given) else "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{minute}m",
                "alertname": name,
                "exp_alerts": [alert(rule, firing[name])] if name in firing else [],
            }
            for name, rule in by_name.items()
        ],
    }


def alert(rule, labels):
    annotations = rule["annotations"]
    for label, value in labels.items():
        annotations = {name: text.replace("{{ $labels." + label + " }}", value) for name, text in annotations.items()}
    return {"exp_labels": rule["labels"] | labels, "exp_annotations": annotations}


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    assert set().union(*(firing for _, _, firing in CASES)) == {rule["alert"] for rule in rules()}
