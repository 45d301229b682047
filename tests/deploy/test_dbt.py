"""The dbt package of sql/dbt builds and tests the views of a database with the example drops."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sentiment_core.database.connection import connect
from tests.deploy.conftest import Run
from tests.example_database import recent_copy

Dbt = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def database(stack: Any, example_database: Any) -> str:
    """The URI of a database with recent files, for a user who owns the schema of the models."""
    return str(recent_copy(stack, "recent_dbt").url)


@pytest.fixture
def dbt(run: Run, tool: Callable[[str], str], checkout: Path, database: str, tmp_path: Path) -> Dbt:
    """Run a command of dbt and return the status of each node by its name."""
    url = urlsplit(database)
    environment = os.environ | {
        "PGHOST": str(url.hostname),
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "PGDATABASE": url.path[1:],
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    program, folder = tool("dbt"), checkout / "sql" / "dbt"

    def command(*words: str, results: str = "run_results.json", check: bool = True) -> dict[str, str]:
        options = ("--project-dir", folder, "--profiles-dir", folder)
        run(program, "--no-use-colors", *words, *options, env=environment, check=check)
        found = json.loads((tmp_path / "target" / results).read_text())["results"]
        return {each["unique_id"]: each["status"] for each in found}

    return command


def test_dbt_builds_the_models_and_all_tests_of_the_views_pass(dbt: Dbt, database: str) -> None:
    statuses = dbt("--warn-error", "build")
    assert set(statuses.values()) == {"pass", "success"}
    assert len(statuses) > 70
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sum(reviews), min(mean_score) FROM analytics.product_weeks")
        [(reviews, lowest)] = cursor.fetchall()
    assert (reviews, lowest > 0) == (192, True)


def test_a_view_that_breaks_its_description_fails(dbt: Dbt, database: str) -> None:
    with connect(database) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE sentiment.score SET neutral = 1.5 WHERE score > 0.9")
    statuses = dbt("test", "--select", "source:sentiment.scored_reviews", check=False)
    failed = [name.split(".")[2] for name, status in statuses.items() if status == "fail"]
    assert failed == ["source_between_sentiment_scored_reviews_neutral__0__1"]


def test_freshness_says_when_no_file_was_finished_for_days(dbt: Dbt, database: str) -> None:
    loads = "source.sentiment.sentiment.load_history"
    assert dbt("source", "freshness", results="sources.json", check=False)[loads] in ("pass", "warn")
    with connect(database) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE sentiment.scoring_batch SET finished_at = finished_at - interval '10 days'")
        cursor.execute("UPDATE sentiment.source_file SET finished_at = finished_at - interval '10 days'")
    assert dbt("source", "freshness", results="sources.json", check=False)[loads] == "error"
