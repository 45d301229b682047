"""Every verb that needs a server, called in this process: its exit code, its output and its JSON."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sentiment_core.cli.common import choose_model
from sentiment_core.cli.db import db
from sentiment_core.cli.drift import drift
from sentiment_core.cli.erase import erase
from sentiment_core.cli.expire import expire
from sentiment_core.cli.label import label
from sentiment_core.cli.load import load
from sentiment_core.cli.quarantine import quarantine
from sentiment_core.cli.registry import registry
from sentiment_core.cli.rescore import rescore
from sentiment_core.cli.snapshot import snapshot
from sentiment_core.database.schema import required_revision
from sentiment_core.errors import (
    MonthInvalid,
    SchemaOutdated,
    SentimentError,
    SettingMissing,
    SnapshotMissing,
)
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.settings import settings as settings_of_process
from tests.unit.conftest import generated_reviews

FILE = "review_id,review,rating\nr1,I love it,5\nr2,awful,1\nr3,,2\nr4,fine,x\n"
DAY = "2026-11-16"

Invoke = Callable[..., Result]


@pytest.fixture
def configure(settings, monkeypatch) -> Iterator[Callable[..., None]]:
    """Set settings of this process; those of the test's database and bucket are set already."""

    def change(**changed: str) -> None:
        for name, value in changed.items():
            monkeypatch.setenv(f"SENTIMENT_{name.upper()}", value)
        settings_of_process.cache_clear()

    change(
        database_url=settings.require_database_url(),
        bucket=settings.bucket,
        s3_endpoint_url=str(settings.s3_endpoint_url),
        model_cache=str(settings.model_cache),
    )
    monkeypatch.setenv("COLUMNS", "200")
    yield change
    settings_of_process.cache_clear()


@pytest.fixture
def invoke(configure) -> Invoke:
    """Run a command with arguments. An error of the project is raised, as the group of all verbs expects it."""

    def run(command: click.Command, *arguments: object) -> Result:
        result = CliRunner().invoke(command, list(map(str, arguments)))
        if isinstance(result.exception, SentimentError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    return run


@pytest.fixture
def loaded(drops) -> None:
    """A file with two good rows and two rejected ones."""
    drops.drop(f"shop/dt={DAY}/a.csv", FILE)


def lines(result: Result) -> list[str]:
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_db_upgrades_a_database_and_tells_its_revision(invoke, configure, empty_database) -> None:
    configure(database_url=empty_database)
    revision = required_revision()
    with pytest.raises(SchemaOutdated, match="none"):
        invoke(db, "status")
    assert json.loads(invoke(db, "status", "--json").stdout) == {"found": None, "needed": revision, "current": False}
    upgraded = invoke(db, "upgrade")
    assert (upgraded.exit_code, f"revision {revision}" in upgraded.stdout) == (0, True)
    assert json.loads(invoke(db, "upgrade", "--json").stdout) == {"revision": revision}
    current = invoke(db, "status", "--wait", 1)
    assert (current.exit_code, f"revision {revision}" in current.stdout) == (0, True)


def test_db_verify_fails_with_each_finding(invoke, loaded, query) -> None:
    assert invoke(db, "verify").exit_code == 0
    assert json.loads(invoke(db, "verify", "--json").stdout) == []
    query("UPDATE sentiment.scoring_batch SET rows_in = rows_in + 1, rows_rejected = rows_rejected + 1")
    broken = invoke(db, "verify")
    assert (broken.exit_code, "Broken: " in broken.stdout) == (1, True)
    findings = json.loads(invoke(db, "verify", "--json").stdout)
    assert [finding["source_file_id"] for finding in findings] == [1] * len(broken.stdout.splitlines())


def test_load_fails_if_a_file_is_rejected_and_loads_the_others(invoke, query, tmp_path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(FILE)
    bad.write_text("words\nfine\n")
    done = invoke(load, good, bad)
    assert done.exit_code == 1
    assert lines(done)[0] == f"loaded {good}: 4 rows, 2 scored, 2 rejected, 0 duplicate"
    assert lines(done)[1] == f"rejected {bad}"
    assert "has no text column" in lines(done)[2]
    again = invoke(load, "--json", good)
    (outcome,) = json.loads(again.stdout)
    assert (again.exit_code, outcome["status"], outcome["reason"]) == (0, "skipped", "it is loaded")
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(2,)]


def test_load_loads_every_file_below_a_local_folder_as_below_an_s3_prefix(invoke, query, tmp_path) -> None:
    for name in ("shop/dt=2026-11-16/a.csv", "app/dt=2026-11-17/.hidden/b.csv"):
        path = tmp_path / "incoming" / name
        path.parent.mkdir(parents=True)
        path.write_text(FILE)
    (tmp_path / "incoming/shop/_SUCCESS").touch()
    done = invoke(load, "--json", tmp_path)
    assert done.exit_code == 0, "a marker is no drop"
    assert [each["status"] for each in json.loads(done.stdout)] == ["loaded", "rejected", "loaded"]
    assert query("SELECT source, day::text FROM sentiment.source_file WHERE status = 'loaded' ORDER BY source") == [
        ("app", "2026-11-17"),
        ("shop", "2026-11-16"),
    ]
    again = invoke(load, "--json", tmp_path / "incoming/shop")
    assert [each["status"] for each in json.loads(again.stdout)] == ["skipped", "skipped"]
    (tmp_path / "empty").mkdir()
    nothing = invoke(load, tmp_path / "empty")
    assert (nothing.exit_code, nothing.stdout) == (0, f"There is no file below {tmp_path / 'empty'}.\n")


def test_load_replaces_every_object_below_an_s3_prefix(invoke, drops, loaded) -> None:
    drops.put("shop/dt=2026-11-17/b.csv", FILE)
    drops.put("app/dt=2026-11-17/c.csv", FILE)
    done = invoke(load, "--json", "--replace", f"s3://{drops.settings.bucket}/incoming/shop/")
    assert [each["status"] for each in json.loads(done.stdout)] == ["replaced", "duplicate"]


def test_load_without_a_registry_scores_with_the_bundle_that_is_named(invoke, other_bundle, query, tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(FILE)
    other_bundle.save(tmp_path / "other")
    assert invoke(load, "--model", tmp_path / "other", path).exit_code == 0
    assert query("SELECT DISTINCT model_digest FROM sentiment.scored_reviews") == [(other_bundle.digest,)]


def test_quarantine_lists_shows_and_replays_rejected_rows(invoke, configure, loaded, query) -> None:
    listed = invoke(quarantine, "list")
    assert "2 of 2 entries" in listed.stdout
    assert any(line.startswith("1 5 invalid_rating") for line in lines(listed)), listed.stdout
    assert json.loads(invoke(quarantine, "list", "--json", "--limit", 1).stdout)["total"] == 2
    assert json.loads(invoke(quarantine, "list", "--json", "--since", "2026-11-17").stdout)["total"] == 0
    shown = invoke(quarantine, "show", 1, 5)
    assert shown.stdout.splitlines()[1] == "r4,fine,x"
    nothing = invoke(quarantine, "show", 1, 2)
    assert (nothing.exit_code, "file 1, line 2" in nothing.stderr) == (1, True)
    unchanged = invoke(quarantine, "replay", 1)
    assert (unchanged.exit_code, "none of its 2 rejected rows" in unchanged.stdout) == (1, True)
    configure(bad_values="null")
    replayed = invoke(quarantine, "replay", "--code", "invalid_rating", "--json")
    assert (replayed.exit_code, json.loads(replayed.stdout)[0]["rows_scored"]) == (0, 1)
    assert query("SELECT rating FROM sentiment.scored_reviews WHERE review_id = 'r4'") == [(None,)]
    assert json.loads(invoke(quarantine, "show", "1", "5", "--json").stdout)[0]["resolved_by"] is not None
    empty = invoke(quarantine, "replay", "--source", "nobody", "--json")
    assert (empty.exit_code, empty.stdout) == (0, "[]\n")


def test_rescore_scores_the_files_of_its_days_with_the_bundle(invoke, loaded, other_bundle, query, tmp_path) -> None:
    other_bundle.save(tmp_path / "other")
    options = ("--model", tmp_path / "other", "--since", DAY, "--until", DAY)
    done = invoke(rescore, *options, "--json")
    assert [(each["status"], each["rows_scored"]) for each in json.loads(done.stdout)] == [("rescored", 2)]
    assert query("SELECT count(DISTINCT model_id) FROM sentiment.score") == [(2,)]
    assert query("SELECT DISTINCT model_digest FROM sentiment.scored_reviews") != [(other_bundle.digest,)]
    assert invoke(rescore, *options, "--make-current").exit_code == 0
    assert query("SELECT DISTINCT model_digest FROM sentiment.scored_reviews") == [(other_bundle.digest,)]
    nothing = invoke(rescore, "--since", "2020-01-01", "--until", "2020-01-02")
    assert (nothing.exit_code, "No file" in nothing.stdout) == (0, True)


def test_erase_removes_a_review_and_needs_the_secret(invoke, configure, loaded, query) -> None:
    with pytest.raises(SettingMissing, match="SENTIMENT_ERASURE_KEY"):
        invoke(erase, "review", "r1", "--source", "shop", "--database-only")
    configure(erasure_key="a secret")
    elsewhere = invoke(erase, "review", "r1", "--database-only", "--json")
    assert json.loads(elsewhere.stdout)["other_sources"] == ["shop"]
    assert query("SELECT count(*) FROM sentiment.review") == [(2,)]
    done = invoke(erase, "review", "r1", "--source", "shop")
    assert (done.exit_code, "1 stored reviews" in done.stdout) == (0, True)
    assert query("SELECT review_id FROM sentiment.review") == [("r2",)]
    assert invoke(erase, "author", "nobody", "--database-only").exit_code == 0


def test_expire_lists_the_months_before_it_drops_them(invoke, drops, query) -> None:
    drops.drop("dt=2026-08-31/a.csv", "review\nold\n")
    drops.drop(f"dt={DAY}/b.csv", "review\nnew\n")
    listed = invoke(expire, "--before", "2026-10", "--dry-run")
    assert (listed.exit_code, listed.stdout[:7]) == (0, "2026-08")
    assert query("SELECT count(*) FROM sentiment.review") == [(2,)]
    assert "1 reviews of 1 files" in invoke(expire, "--before", "2026-10").stdout
    assert query("SELECT text FROM sentiment.review") == [("new",)]
    assert json.loads(invoke(expire, "--before", "2026-10", "--json").stdout) == {"months": [], "dropped": []}
    with pytest.raises(MonthInvalid, match="YYYY-MM"):
        invoke(expire, "--before", "2026-13")


def test_label_exports_reviews_and_imports_their_labels(invoke, loaded, tmp_path) -> None:
    out = tmp_path / "to-label.csv"
    exported = invoke(label, "export", "--since", DAY, "--source", "shop", "--out", out)
    assert exported.stdout.startswith("2 reviews")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, value in zip(rows, ("positive", "dunno"), strict=True):
        row["sentiment"] = value
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    imported = invoke(label, "import", out, "--source", "shop")
    assert imported.exit_code == 1, "one of the labels is unknown"
    assert "1 of 2 rows" in imported.stdout
    assert "s3://" in imported.stdout
    assert "unknown_label" in imported.stdout
    assert invoke(label, "export", "--since", "2020-01-01", "--out", out, "--json").stdout == '{"reviews": 0}\n'


def test_snapshot_creates_lists_and_shows(invoke, drops) -> None:
    assert "no snapshot" in invoke(snapshot, "list").stdout
    with pytest.raises(SnapshotMissing, match="'0000'"):
        invoke(snapshot, "show", "0000")
    rows = generated_reviews(300)
    text = "review_id,product_id,review,sentiment\n" + "".join(
        f'x{number},p{number % 50},"{row["review"]}",{row["sentiment"]}\n' for number, row in enumerate(rows)
    )
    drops.s3.put_object(Bucket=drops.settings.bucket, Key="training/shop/a.csv", Body=text.encode())
    made = invoke(snapshot, "create", "--json")
    told = json.loads(made.stdout)
    assert made.exit_code == int(not all(each["passed"] for each in told["checks"]))
    assert told["new"] is True
    again = invoke(snapshot, "create")
    assert told["uri"] in again.stdout.splitlines()[0]
    assert told["id"][:12] in invoke(snapshot, "list").stdout
    shown = invoke(snapshot, "show", told["id"])
    assert f"training/shop/a.csv: {len(rows):,} of {len(rows):,} rows used" in shown.stdout


def test_drift_of_a_day_with_few_reviews_is_not_judged(invoke, loaded, query, tmp_path) -> None:
    shown = invoke(drift, "--day", DAY, "--out", tmp_path / "out")
    assert (shown.exit_code, "All reviews (2 reviews): Too few reviews to compare." in shown.stdout) == (0, True)
    assert str(tmp_path / "out" / "drift.html") in shown.stdout
    (report,) = json.loads(invoke(drift, "--day", DAY, "--json").stdout)["reports"]
    assert (report["product"], report["rows"], report["drifted"]) == (None, 2, False)
    assert query("SELECT count(*) FROM sentiment.drift_report") == [(0,)]


def test_registry_registers_the_first_model_and_shows_its_history(invoke, configure, mlflow_uri) -> None:
    name = f"model-{time.time_ns()}"
    configure(mlflow_tracking_uri=mlflow_uri, model_name=name)
    assert "No version" in invoke(registry, "list").stdout
    assert invoke(registry, "history", "--json").stdout == "[]\n"
    digest = Bundle.load(STARTER).digest
    first = invoke(registry, "first-model")
    assert first.stdout == f"{name} version 1, digest {digest[:12]}, is the champion.\n"
    assert f"1 champion {digest[:12]}" in "\n".join(lines(invoke(registry, "list")))
    (row,) = json.loads(invoke(registry, "history", "--json", "--alias", "champion").stdout)
    assert (row["kind"], row["to_version"], row["reason"]) == ("set", 1, "the first champion")
    assert (
        json.loads(invoke(registry, "promote", 1, "--force", "--reason", "a test", "--json").stdout)["moved"] is False
    )


def test_the_bundle_that_is_named_is_chosen_before_the_starter(connection, settings, other_bundle, tmp_path) -> None:
    plain = settings.model_copy(update={"mlflow_tracking_uri": None})
    starter, other = Bundle.load(STARTER).digest, other_bundle.digest
    other_bundle.save(tmp_path / "other")

    def chosen(config, bundle=None) -> tuple[str, bool]:
        found = choose_model(connection, config, bundle)
        return found.model.scorer.bundle.digest, found.champion

    assert chosen(plain) == (starter, True)
    assert chosen(plain, tmp_path / "other") == (other, False)
    assert chosen(plain.model_copy(update={"bundle": tmp_path / "other"})) == (other, True)
    # A bundle that is named needs no registry.
    assert chosen(settings, Path(STARTER)) == (starter, False)
    with pytest.raises(SettingMissing, match="SENTIMENT_MLFLOW_TRACKING_URI"):
        choose_model(connection, plain, None, "1")
