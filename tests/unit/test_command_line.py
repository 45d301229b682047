"""The command line as a whole: what it lists, and what it costs to ask."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sentiment_core.cli.common import command_run_id, find_drops, open_storage, print_outcome
from sentiment_core.cli.drift import drift
from sentiment_core.cli.erase import erase
from sentiment_core.cli.experiment import experiment
from sentiment_core.cli.expire import expire
from sentiment_core.cli.group import VERBS, main
from sentiment_core.cli.label import label
from sentiment_core.cli.load import load
from sentiment_core.cli.metrics_table import print_metrics
from sentiment_core.cli.quarantine import quarantine
from sentiment_core.cli.registry import registry
from sentiment_core.cli.rescore import rescore
from sentiment_core.cli.score import score
from sentiment_core.cli.snapshot import snapshot
from sentiment_core.errors import ObjectMissing
from sentiment_core.loading.loader import LoadOutcome, LoadStatus
from sentiment_core.settings import Settings
from sentiment_core.settings import settings as settings_of_process

# What a verb may import when it runs, and `--help` must not.
HEAVY = {"airflow", "alembic", "boto3", "mlflow", "numba", "numpy", "pandas", "psycopg2", "pydantic", "rich", "sklearn"}
HELP = """
import json, sys
from sentiment_core.cli import main
try:
    main(["--help"])
except SystemExit:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
# What every installation has is imported once, before the forks: it takes longer than the rest.
ALONE = """
import os
import boto3, numba, psycopg2, pydantic_settings, rich.console
from sentiment_core.cli.group import VERBS, main
for verb in VERBS:
    child = os.fork()
    if not child:
        main([verb, "--help"])
    _, status = os.waitpid(child, 0)
    assert status == 0, verb
"""
MISSING = """
import sys
sys.modules["psycopg2"] = None  # as if it were not installed
from sentiment_core.cli import main
main(sys.argv[1:])
"""


def test_help_lists_every_verb_and_imports_none() -> None:
    lines = subprocess.check_output([sys.executable, "-c", HELP], text=True).splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("  ") and line.strip()}
    assert set(VERBS) <= listed
    assert not HEAVY & set(json.loads(lines[-1]))


def test_each_verb_imports_what_it_needs_when_it_runs_alone() -> None:
    """Most tests call verbs in their own process, where other code has imported almost everything."""
    ran = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_a_verb_names_the_package_that_it_needs() -> None:
    ran = subprocess.run([sys.executable, "-c", MISSING, "load", "x.csv"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "`sentiment load` needs psycopg2, which is not installed" in ran.stderr


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_a_module_of_its_own(name: str) -> None:
    module, _, attribute = VERBS[name].target.partition(":")
    assert attribute == name
    assert module in (f"sentiment_core.cli.{name}", f"{name}.command")


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (drift, ["--day", "16.11.2026"], "'--day': '16.11.2026' does not match the format '%Y-%m-%d'"),
        (erase, ["review"], "Missing argument 'REVIEW_ID'"),
        (expire, [], "Missing option '--before'"),
        (experiment, ["nonsense", __file__], "'nonsense' is not one of 'baseline', 'algorithms'"),
        (experiment, ["baseline"], "Missing argument 'CSV...'"),
        (label, ["export", "--since", "2026-11-16"], "Missing option '--out'"),
        (label, ["import", "/no/such/file"], "'/no/such/file' does not exist"),
        (load, [], "Missing argument 'PATH_OR_S3_URI...'"),
        (quarantine, ["list", "--code", "nonsense"], "'nonsense' is not one of 'column_count'"),
        (quarantine, ["list", "--limit", "0"], "0 is not in the range x>=1"),
        (quarantine, ["show", "first"], "'first' is not a valid integer"),
        (rescore, ["--since", "2026-11-16"], "Missing option '--until'"),
        (score, [__file__], "Missing option '--out'"),
        (score, [__file__, "--out", "x.csv", "--threads", "0"], "0 is not in the range x>=1"),
        (snapshot, ["show"], "Missing argument 'ID'"),
        (registry, ["promote", "1"], "--evaluate CSV"),
        (registry, ["promote", "1", "--force"], "--reason WHY"),
        (registry, ["promote", "0", "--force", "--reason", "x"], "0 is not in the range x>=1"),
        (registry, ["rollback", "--reason", " "], "--reason WHY"),
        (registry, ["rollback", "--reason", "x" * 1001], "1001 characters"),
        (registry, ["register", "/no/such/folder"], "'/no/such/folder' does not exist"),
    ],
)
def test_a_wrong_argument_is_a_usage_error_that_names_it(
    command: click.Command, arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Run `sentiment` in this process with changed settings."""

    def run(*arguments: object, **settings: str) -> Result:
        for name, value in settings.items():
            monkeypatch.setenv(f"SENTIMENT_{name.upper()}", value)
        settings_of_process.cache_clear()
        return CliRunner().invoke(main, list(map(str, arguments)))

    yield run
    settings_of_process.cache_clear()


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["db", "status"], {"database_url": "postgresql://x@127.0.0.1:9/x"}, "database is unavailable"),
        (["db", "status"], {"database_url": "mysql://x/y"}, "SENTIMENT_DATABASE_URL"),
        (["registry", "list"], {"mlflow_tracking_uri": "http://127.0.0.1:9"}, "did not answer"),
        (
            ["registry", "first-model", "--wait", 0.05],
            {"mlflow_tracking_uri": "http://127.0.0.1:9"},
            "did not answer",
        ),
        (["experiment", "semi-supervised", __file__], {}, "--unlabelled FILE"),
        (["expire", "--before", "2026-13"], {}, "YYYY-MM"),
        (["validate", "/no/such/file.csv"], {}, "/no/such/file.csv does not exist"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_1(
    invoke: Callable[..., Result], arguments: list[str], settings: dict[str, str], message: str
) -> None:
    result = invoke(*arguments, **settings)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr


def test_the_drops_of_a_path_are_the_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("review\nfine\n")
    storage = open_storage(Settings(), [str(path)])  # no credentials of S3 are needed
    assert [drop.uri for drop in find_drops(storage, str(path))] == [str(path)]
    with pytest.raises(ObjectMissing, match="does not exist"):
        find_drops(storage, str(tmp_path / "b.csv"))


def test_the_run_of_a_command_is_named_by_its_verb_and_time() -> None:
    verb, started, process = command_run_id("load").split("__")
    assert verb == "load"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()) < 5
    assert process.isdigit()


def test_the_outcome_of_a_file_is_printed_with_its_counts_or_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(LoadOutcome(1, "a.csv", LoadStatus.LOADED, 1234, 1200, 30, 4))
    print_outcome(LoadOutcome(2, "b.csv", LoadStatus.SKIPPED, reason="it is loaded"))
    assert capsys.readouterr().out.splitlines() == [
        "loaded    a.csv: 1,234 rows, 1,200 scored, 30 rejected, 4 duplicate",
        "skipped   b.csv",
        "          it is loaded",
    ]


def test_metrics_are_printed_as_a_table_or_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = {"accuracy": 0.87654, "rows_read": 3, "interval": (0.25, 0.75), "test": {"f1": 0.5}}
    print_metrics(metrics, "A title", as_json=True)
    assert json.loads(capsys.readouterr().out) == metrics | {"interval": [0.25, 0.75]}
    print_metrics(metrics, "A title", as_json=False)
    shown = capsys.readouterr().out
    for words in ("A title", "0.8765", "rows read", "0.2500, 0.7500", "f1: 0.5000"):
        assert words in shown
