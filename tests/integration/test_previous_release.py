"""A rolling upgrade migrates first. The previous release must work on the new schema until its last pod has ended."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment_core.ledger import verification
from sentiment_core.ledger.rollup_rebuild import rebuild_stale_rollups

# The tests of the previous release that run its queries: loads, runs, replays, erasures, corrections and promotions.
FILES = ("loading", "run", "quarantine", "retention", "claims", "feedback", "promotion")
# Parts of the names of those tests that together send every statement of the release that tests of these files send,
# by PostgreSQL's log. All the tests would take twice as long.
TESTS = (
    *("long_load", "replacing_reads", "repeated_id", "history_tells", "ledger_names"),
    *(
        "loads_its_day",
        "names_its_day",
        "views_follow",
        "another_model",
        "replace_scores",
        "few_balanced",
        "bad_file_fails",
    ),
    *("replay_is_done", "replay_takes", "replayed_row", "chosen_from", "rejected_whole_is", "erased", "expired"),
    *("killed_worker", "race_with", "correction", "database_refuses"),
    *(
        "nothing_is_promoted",
        "first_model_once",
        "floors_decide",
        "stored_reviews",
        "at_once",
        "alias",
        "moves_in_mlflow",
    ),
    *("rollback_restores", "history_view"),
)
LEAST = 40  # fewer tests mean that the release has other names
# Renames a column that the previous release writes. A migration must not do this before a later release.
BREAKING = """
from alembic import op
revision, down_revision = "9999", {newest!r}

def upgrade() -> None:
    op.execute("ALTER TABLE sentiment.feedback RENAME COLUMN label TO verdict")
"""


def git(checkout: Path, *arguments: str) -> str:
    """Return the output of git, or an empty string if it fails."""
    return subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=False).stdout.strip()


def previous_release(checkout: Path) -> str:
    """Return the commit of the last release that does not have the newest migration.

    If no tag names one, return the last commit without that migration that set the version.
    """
    newest = max(path.name for path in (checkout / "sql" / "versions").glob("[0-9]*.sql"))
    migration = f"sql/versions/{newest}"
    tag = git(checkout, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^")
    set_version = ("log", "--format=%H", "-G^__version__", "--", "sentiment_core/__init__.py")
    for release in (tag, *git(checkout, *set_version).splitlines()):
        if release and not git(checkout, "ls-tree", release, migration):
            return release
    raise AssertionError(f"no release lacks {migration}")


@pytest.fixture(scope="module")
def previous(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The previous release, migrated with the current migrations."""
    if git(checkout, "rev-parse", "--is-shallow-repository") != "false":
        pytest.skip("the previous release is not available: this is not a git clone, or its history is missing")
    folder = tmp_path_factory.mktemp("previous")
    archive = ["git", "archive", "--output", str(folder / "release.tar"), previous_release(checkout)]
    subprocess.run(archive, cwd=checkout, check=True, timeout=60)
    subprocess.run(["tar", "-xf", "release.tar"], cwd=folder, check=True, timeout=60)
    for path in (checkout / "sql" / "versions").glob("[0-9]*"):
        (folder / "sql" / "versions" / path.name).write_bytes(path.read_bytes())
    return folder


def run(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with the packages of a folder.

    The kernels of that release are compiled here, with fewer optimizations: only its queries matter.
    """
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_OPT": "1"} | variables
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_tests(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the integration tests of the release in a folder."""
    return run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


def test_the_previous_release_works_on_this_schema(previous) -> None:
    imported = run(previous, "-c", "import sentiment_core; print(sentiment_core.__file__)")
    assert Path(imported.stdout.strip()).is_relative_to(previous), "the tests import another release"
    chosen = f"({' or '.join(TESTS)}) and not commands"
    done = run_tests(previous, "-k", chosen, *(f"tests/integration/test_{name}.py" for name in FILES))
    assert done.returncode == 0, (
        f"the previous release fails on this schema:\n{done.stdout[-8000:]}{done.stderr[-2000:]}"
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= LEAST


def test_the_previous_release_hides_superseded_files_of_two_sources(previous, drops, query, settings) -> None:
    """It does not know that two sources may have the same bytes. A trigger corrects which files are live."""
    variables = {
        "SENTIMENT_DATABASE_URL": settings.require_database_url(),
        "SENTIMENT_BUCKET": settings.bucket,
        "SENTIMENT_S3_ENDPOINT_URL": str(settings.s3_endpoint_url),
    }

    def load_with_the_previous_release(key: str, data: str) -> None:
        drops.put(key, data)
        program = "from sentiment_core.cli.group import main; main()"
        uri = f"s3://{settings.bucket}/incoming/{key}"
        done = run(previous, "-c", program, "load", "--json", uri, **variables)
        assert json.loads(done.stdout)[0]["status"] == "loaded", done.stderr
        assert verification.verify(drops.connection) == []

    shop_a, shop_b = "shop-a/dt=2026-11-16/r.csv", "shop-b/dt=2026-11-16/r.csv"
    drops.drop("shop-a/dt=2026-11-15/r.csv", "review_id,review\nr1,earlier\n")
    for key in (shop_a, shop_b):
        drops.drop(key, "review_id,review\nr1,old\n,old too\n")
    shown = "SELECT source, text FROM sentiment.scored_reviews ORDER BY source, text"
    load_with_the_previous_release(shop_a, "review\nnew\n")
    of_shop_a = [("shop-a", "earlier"), ("shop-a", "new")]
    assert query(shown) == [*of_shop_a, ("shop-b", "old"), ("shop-b", "old too")]
    load_with_the_previous_release(shop_b, "review\nnewer\n")
    assert query(shown) == [*of_shop_a, ("shop-b", "newer")]
    # It does not keep the rollups. The views add up the rows until the rebuild.
    sums = "SELECT source, sum(reviews) FROM sentiment.daily_sentiment GROUP BY source ORDER BY source"
    assert query(sums) == [("shop-a", 2), ("shop-b", 1)]
    assert rebuild_stale_rollups(drops.connection, settings)
    assert query(sums) == [("shop-a", 2), ("shop-b", 1)]
    load_with_the_previous_release("shop-b/dt=2026-11-17/r.csv", "review_id,review\nr1,older\nr2,another\n")
    drops.drop("shop-b/dt=2026-11-18/r.csv", "review_id,review\nr1,newest\n")
    assert rebuild_stale_rollups(drops.connection, settings)
    assert verification.verify(drops.connection) == []
    assert query(sums) == [("shop-a", 2), ("shop-b", 3)]


def test_a_breaking_migration_is_detected(previous) -> None:
    versions = previous / "sql" / "versions"
    newest = max(path.name for path in versions.glob("[0-9]*.py"))[:4]
    breaking = versions / "9999_breaking.py"
    breaking.write_text(BREAKING.format(newest=newest))
    try:
        done = run_tests(previous, "-x", "tests/integration/test_feedback.py")
    finally:
        breaking.unlink()
    assert done.returncode == 1
    assert 'column "label" of relation "feedback" does not exist' in done.stdout
