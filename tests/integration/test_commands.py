"""`sentiment db`, `load` and `rescore`, as a user types them. Some tests run the console script in a process."""

import json

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.ledger import source_files


def test_load_accepts_local_files_and_prints_each_outcome(sentiment, sentiment_process, query, examples) -> None:
    files = [str(path) for path in sorted(examples.rglob("*.*"))]
    done = sentiment_process("load", "--json", *files)
    assert done.returncode == 1, "one of the files is rejected"
    outcomes = json.loads(done.stdout)
    assert [outcome["uri"] for outcome in outcomes] == files
    assert sum(outcome["rows_scored"] for outcome in outcomes) == 192
    assert query("SELECT sum(reviews) FROM sentiment.daily_sentiment") == [(192,)]
    again = sentiment("load", *files[:2])
    assert again.returncode == 0
    assert again.stdout.count("skipped") == 2


def test_load_accepts_all_objects_below_an_s3_prefix(sentiment, drops, query) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", "review\nfine\n")
    drops.put("shop/dt=2026-11-17/b.csv", "review\nalso fine\n")
    drops.put("other/dt=2026-11-17/c.csv", "review\nelsewhere\n")
    done = sentiment("load", f"s3://{drops.settings.bucket}/incoming/shop/")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("1 rows, 1 scored") == 2
    assert query("SELECT DISTINCT source FROM sentiment.scored_reviews") == [("shop",)]


def test_an_unavailable_database_fails_only_status_without_if_reachable(sentiment) -> None:
    away = {"SENTIMENT_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    assert sentiment("db", "status", "--wait", "0.1", **away).returncode == 1
    passed = sentiment("db", "status", "--wait", "600", "--if-reachable", **away)
    assert (passed.returncode, "Schema revision unknown" in passed.stderr) == (0, True)


def test_an_outdated_schema_fails_db_status(sentiment, empty_database) -> None:
    waited = sentiment("db", "status", "--wait", "0.1", "--if-reachable", SENTIMENT_DATABASE_URL=empty_database)
    assert (waited.returncode, "at none, this release needs" in waited.stderr) == (1, True)


def test_rescore_adds_a_model_and_shows_it_when_asked(sentiment, drops, query, other_bundle, tmp_path) -> None:
    other_bundle.save(tmp_path / "other")
    for day in (15, 16, 17):
        drops.drop(f"dt=2026-11-{day}/a.csv", f"review\nof the {day}th\n")
    command = ["rescore", "--model", str(tmp_path / "other"), "--since", "2026-11-15", "--until", "2026-11-16"]
    first = json.loads(sentiment(*command, "--json").stdout)
    assert [(outcome["status"], outcome["rows_scored"]) for outcome in first] == [("rescored", 1)] * 2
    starter = drops.model.scorer.bundle.digest
    assert query("SELECT DISTINCT model_digest FROM sentiment.scored_reviews") == [(starter,)]
    assert query("SELECT count(*) FROM sentiment.score") == [(5,)]
    again = sentiment(*command, "--make-current")
    assert again.stdout.count("the views show this model's scores again") == 2
    shown = query("SELECT model_digest, count(*) FROM sentiment.scored_reviews GROUP BY 1 ORDER BY 2")
    assert shown == [(starter, 1), (other_bundle.digest, 2)]
    assert "No file of these days" in sentiment("rescore", "--since", "2020-01-01", "--until", "2020-01-02").stdout
    assert sentiment("db", "verify").returncode == 0


def test_rescore_with_an_unknown_version_names_it(sentiment, settings) -> None:
    days = ["--since", "2026-11-15", "--until", "2026-11-16"]
    unknown = sentiment(
        "rescore", "--model-version", "9999", *days, SENTIMENT_MLFLOW_TRACKING_URI=str(settings.mlflow_tracking_uri)
    )
    assert (unknown.returncode, "There is no model" in unknown.stderr) == (1, True), unknown.stderr
    unset = sentiment("rescore", "--model-version", "1", *days)
    assert (unset.returncode, "SENTIMENT_MLFLOW_TRACKING_URI" in unset.stderr) == (1, True)


def test_a_transient_failure_of_one_file_does_not_stop_the_others(sentiment, drops, query, settings, tmp_path) -> None:
    paths = [tmp_path / f"{name}.csv" for name in "ab"]
    for path in paths:
        path.write_text(f"review\n{path.name}\n")
    assert sentiment("load", str(paths[0])).returncode == 0
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        source_files.claim(cursor, 1, 1)
        done = sentiment("load", "--replace", *map(str, paths), SENTIMENT_LOCK_TIMEOUT_S="0.2")
    assert done.returncode == 1
    assert "Another worker is loading" in done.stderr
    assert "1 scored" in done.stdout
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(2,)]


@pytest.mark.parametrize(
    ("arguments", "changed", "code", "words"),
    [
        (["load"], {}, 2, "Missing argument 'PATH_OR_S3_URI...'"),
        (["load", "/no/such/file.csv"], {}, 1, "/no/such/file.csv does not exist"),
        (["load", "s3://no-such-bucket/a.csv"], {}, 1, "s3://no-such-bucket/a.csv does not exist"),
        (["load", "s3://no-such-bucket/"], {}, 1, "Check the bucket's name"),
        (["load", "--model", "/nowhere", "/dev/null"], {}, 1, "There is no model bundle at /nowhere"),
        (["db", "status"], {"SENTIMENT_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, 1, "database is unavailable"),
        (["nonsense"], {}, 2, "No such command 'nonsense'"),
    ],
)
def test_an_impossible_request_is_explained(sentiment, arguments, changed, code, words) -> None:
    done = sentiment(*arguments, **changed)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_or_wrong_setting_is_named(sentiment, sentiment_process) -> None:
    missing = sentiment_process("db", "status", SENTIMENT_DATABASE_URL="")
    assert (missing.returncode, "SENTIMENT_DATABASE_URL" in missing.stderr) == (1, True), missing.stderr
    for name, value in (
        ("SENTIMENT_BLOCK_BYTES", "many"),
        ("SENTIMENT_DATABASE_URL", "mysql://x/y"),
        ("SENTIMENT_TEXT_COLUMNS", "review"),
    ):
        wrong = sentiment("db", "status", **{name: value})
        assert wrong.returncode == 1
        assert "is wrong" in wrong.stderr
        assert name in wrong.stderr or "text_columns" in wrong.stderr
        assert "Traceback" not in wrong.stderr


def test_db_status_and_verify_report_by_exit_code(sentiment, sentiment_process, empty_database, query, drops) -> None:
    outdated = sentiment("db", "status", SENTIMENT_DATABASE_URL=empty_database)
    assert outdated.returncode == 1
    assert "Run `sentiment db upgrade`" in outdated.stderr
    assert sentiment("db", "upgrade", SENTIMENT_DATABASE_URL=empty_database).returncode == 0
    assert json.loads(sentiment("db", "status", "--json", SENTIMENT_DATABASE_URL=empty_database).stdout)["current"]

    drops.drop("dt=2026-11-16/a.csv", "review_id,review\nr1,fine\nr2,dull\n")
    assert sentiment_process("db", "verify").stdout == "All 17 checks hold.\n"
    query("DELETE FROM sentiment.review WHERE review_id = 'r2'")
    broken = sentiment("db", "verify")
    assert broken.returncode == 1
    assert "Broken: stored rows match the counters of the batches: file 1: 1 rows stored, 2 expected" in broken.stdout
    findings = {finding["check"] for finding in json.loads(sentiment("db", "verify", "--json").stdout)}
    assert findings == {
        "stored rows match the counters of the batches",
        "every score has a stored row",
        "the head of a review id is its newest live row",
        "the sums of days equal those of the rows",
        "the sums of languages equal those of the rows",
    }
    query("UPDATE sentiment.score SET neutral = 0.9, score = 0.9")
    assert "2 scores with an impossible probability of neutral" in sentiment("db", "verify").stdout
