"""`sentiment db` and `sentiment load` as one types them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment_core.settings import Settings

SENTIMENT = Path(sys.executable).with_name("sentiment")


@pytest.fixture
def sentiment(settings: Settings):
    """Run the command line against this test's database and bucket, without a registry."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_")} | {
        "SENTIMENT_DATABASE_URL": settings.require_database_url(),
        "SENTIMENT_BUCKET": settings.bucket,
        "SENTIMENT_S3_ENDPOINT_URL": str(settings.s3_endpoint_url),
    }

    def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SENTIMENT), *arguments], env=environment | changed, capture_output=True, text=True, check=False
        )

    return run


def test_load_takes_files_of_the_disk_and_says_what_became_of_each(sentiment, query, examples) -> None:
    files = [str(path) for path in sorted(examples.rglob("*.*"))]
    done = sentiment("load", "--json", *files)
    assert done.returncode == 1, "one of the files is rejected"
    outcomes = json.loads(done.stdout)
    assert [outcome["uri"] for outcome in outcomes] == files
    assert sum(outcome["rows_scored"] for outcome in outcomes) == 192
    assert query("SELECT sum(reviews) FROM sentiment.daily_sentiment") == [(192,)]
    again = sentiment("load", *files[:2])
    assert again.returncode == 0
    assert again.stdout.count("skipped") == 2


def test_load_takes_everything_below_an_s3_prefix(sentiment, drops, query) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", "review\nfine\n")
    drops.put("shop/dt=2026-11-17/b.csv", "review\nalso fine\n")
    drops.put("other/dt=2026-11-17/c.csv", "review\nelsewhere\n")
    done = sentiment("load", f"s3://{drops.settings.bucket}/incoming/shop/")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("1 rows, 1 scored") == 2
    assert query("SELECT DISTINCT source FROM sentiment.scored_reviews") == [("shop",)]


@pytest.mark.parametrize(
    ("arguments", "changed", "code", "words"),
    [
        (["load"], {}, 2, "Missing argument 'PATH_OR_S3_URI...'"),
        (["load", "/no/such/file.csv"], {}, 1, "/no/such/file.csv does not exist"),
        (["load", "s3://no-such-bucket/a.csv"], {}, 1, "s3://no-such-bucket/a.csv does not exist"),
        (["load", "s3://no-such-bucket/"], {}, 1, "Check the bucket's name"),
        (["load", "--model", "/nowhere", "/dev/null"], {}, 1, "There is no model bundle at /nowhere"),
        (["db", "status"], {"SENTIMENT_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, 1, "The database did not do"),
        (["nonsense"], {}, 2, "No such command 'nonsense'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(sentiment, arguments, changed, code, words) -> None:
    done = sentiment(*arguments, **changed)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_missing_or_wrong_is_named(sentiment) -> None:
    missing = sentiment("db", "status", SENTIMENT_DATABASE_URL="")
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


def test_db_status_and_verify_tell_the_truth_by_their_exit_code(sentiment, empty_database, query, drops) -> None:
    outdated = sentiment("db", "status", SENTIMENT_DATABASE_URL=empty_database)
    assert outdated.returncode == 1
    assert "Run `sentiment db upgrade`" in outdated.stderr
    assert sentiment("db", "upgrade", SENTIMENT_DATABASE_URL=empty_database).returncode == 0
    assert json.loads(sentiment("db", "status", "--json", SENTIMENT_DATABASE_URL=empty_database).stdout)["current"]

    drops.drop("dt=2026-11-16/a.csv", "review_id,review\nr1,fine\nr2,dull\n")
    assert sentiment("db", "verify").stdout == "All 8 checks hold.\n"
    query("DELETE FROM sentiment.review WHERE review_id = 'r2'")
    broken = sentiment("db", "verify")
    assert broken.returncode == 1
    assert "Broken: stored rows are what the batches counted: file 1: 1 rows stored, 2 expected" in broken.stdout
    findings = {finding["check"] for finding in json.loads(sentiment("db", "verify", "--json").stdout)}
    assert findings == {
        "stored rows are what the batches counted",
        "every score has its row",
        "the head of a review id is its newest live row",
    }
