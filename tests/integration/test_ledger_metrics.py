"""`sentiment metrics`: figures of the database for Prometheus, as a user who can only read."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from sentiment_core.cli import main
from sentiment_core.cli.metrics import metrics
from sentiment_core.ledger import metrics as ledger_metrics
from sentiment_core.ledger.metrics import FIGURES, LedgerMetrics
from sentiment_core.settings import settings as settings_of_process

Values = dict[tuple[str, ...], float]


def values(exposition: str) -> Values:
    """Return the samples by their name and the values of their labels, in the order of the labels' names."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


@pytest.fixture
def run(monkeypatch) -> Iterator[object]:
    def once(url: str, *options: str) -> str:
        monkeypatch.setenv("SENTIMENT_DATABASE_URL", url)
        settings_of_process.cache_clear()
        done = CliRunner().invoke(main, ["metrics", *options])
        assert done.exit_code == 0, done.output
        return done.stdout

    yield once
    settings_of_process.cache_clear()


@pytest.fixture(scope="module")
def recent(stack, example_database):
    from tests.example_database import recent_copy  # noqa: PLC0415 -- imports the loader

    return recent_copy(stack, "recent_figures")


def test_a_reader_gets_every_figure_of_the_examples(recent, run) -> None:
    exposition = run(recent.reader_url, "--once", "--verify-every", "0")
    found = values(exposition)
    newest = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    assert {name for name, *_ in found} == {*FIGURES, "sentiment_database_up"}
    assert found["sentiment_database_up",] == 1
    expected = {
        ("sentiment_files", "web-shop", "loaded"): 5,
        ("sentiment_files", "web-shop", "rejected"): 1,
        ("sentiment_files", "web-shop", "duplicate"): 1,
        ("sentiment_files", "web-shop", "seen"): 1,
        ("sentiment_files", "app-store", "loaded"): 3,
        ("sentiment_unscored_files", "web-shop"): 1,
        ("sentiment_unscored_files", "app-store"): 0,
        ("sentiment_deadline_files", "met"): 10,
        ("sentiment_deadline_files", "missed"): 1,
        ("sentiment_newest_planned_day_timestamp_seconds",): newest.timestamp(),
        ("sentiment_newest_day_timestamp_seconds", "app-store"): newest.timestamp(),
        ("sentiment_drop_days", "web-shop"): 3,
        ("sentiment_newest_day_files", "web-shop", "rejected"): 1,
        ("sentiment_newest_day_rows", "scored", "web-shop"): 40,
        ("sentiment_newest_day_rows", "rejected", "web-shop"): 1,
        ("sentiment_newest_day_rows", "duplicate", "web-shop"): 1,
        ("sentiment_drifted",): 0,
        ("sentiment_drift_psi", "score"): 0.06,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert found["sentiment_table_bytes", "review"] >= found["sentiment_month_bytes", "0", "review"] > 8192
    assert newest.timestamp() < found["sentiment_oldest_unscored_timestamp_seconds",] < newest.timestamp() + 86_400


def test_a_verification_counts_its_findings_by_check(example_database, recent, run) -> None:
    def findings(url: str) -> Values:
        found = values(run(url, "--once"))
        assert found["sentiment_ledger_verified_timestamp_seconds",] == pytest.approx(
            datetime.now(UTC).timestamp(), abs=60
        )
        return {key: value for key, value in found.items() if key[0] == "sentiment_ledger_findings"}

    assert set(findings(example_database.reader_url).values()) == {0}
    assert findings(recent.reader_url)["sentiment_ledger_findings", "only loaded files have rows"] == 8


def test_a_database_that_does_not_answer_is_a_figure_and_no_error(example_database, run, monkeypatch) -> None:
    found = values(run("postgresql://reader:reader@127.0.0.1:1/none", "--once"))
    assert found == {("sentiment_database_up",): 0}
    monkeypatch.setattr(ledger_metrics, "STATEMENT_TIMEOUT_MS", 1)
    monkeypatch.setitem(FIGURES, "sentiment_slow", ledger_metrics.Figure("", (), "SELECT 1 FROM pg_sleep(1)"))
    assert values(run(example_database.reader_url, "--once", "--verify-every", "0")) == {("sentiment_database_up",): 0}


def test_scrapes_share_a_read_and_a_port_in_use_is_said(example_database, run, monkeypatch) -> None:
    registry = CollectorRegistry()
    collector = LedgerMetrics(example_database.reader_url)
    registry.register(collector)
    reads = []
    monkeypatch.setattr(collector, "_read", lambda: reads.append(1) or [])
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10) as answer:
                assert answer.status == 200
        assert reads == [1]
        monkeypatch.setenv("SENTIMENT_DATABASE_URL", example_database.reader_url)
        settings_of_process.cache_clear()
        refused = CliRunner().invoke(metrics, ["--port", str(server.server_port)])
        assert refused.exit_code == 1
        assert f"Port {server.server_port} of 127.0.0.1 is not available" in refused.output
    finally:
        server.shutdown()
        thread.join()
