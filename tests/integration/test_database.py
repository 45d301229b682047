"""The schema: how it is created, its documentation, its privileges, and the values that it rejects."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import psycopg2
import pytest
from alembic.script import ScriptDirectory

from demo.schema import dump
from sentiment_core.database import migrations, schema
from sentiment_core.database.connection import connect
from sentiment_core.database.planner import without_nested_loops
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, IdsTooLong, SchemaOutdated
from sentiment_core.feedback.correction import Correction
from sentiment_core.feedback.store import FeedbackStore
from sentiment_core.ledger import verification
from sentiment_core.ledger.rollup_rebuild import rebuild_stale_rollups
from sentiment_core.ledger.source_contracts import current_contract, has_files, store_contract
from sentiment_core.settings import Settings

REVISIONS = [script.revision for script in ScriptDirectory.from_config(migrations.migrations()).walk_revisions()]


def execute(url: str, statement: str, *parameters: object) -> list[tuple]:
    with connect(url) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


def test_the_dump_in_the_repository_is_the_migrated_schema(stack, empty_database, checkout) -> None:
    migrations.upgrade(empty_database)
    written = (checkout / "sql" / "schema.sql").read_text()
    assert dump(stack.postgres, empty_database) == written, "run `make schema` and look at the difference"


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_older_database_with_rows_is_upgraded(stack, empty_database, checkout, revision) -> None:
    migrations.upgrade(empty_database, revision)
    execute(empty_database, (checkout / f"tests/integration/rows/{revision}.sql").read_text())
    shown = execute(empty_database, "SELECT text, score FROM sentiment.scored_reviews")
    migrations.upgrade(empty_database)
    assert execute(empty_database, "SELECT text, score FROM sentiment.scored_reviews") == shown == [("new", 0.9)]
    with connect(empty_database) as connection:
        assert verification.verify(connection) == []
    execute(empty_database, "DROP TABLE sentiment.review_202611, sentiment.score_202611")
    assert dump(stack.postgres, empty_database) == (checkout / "sql" / "schema.sql").read_text()


@pytest.mark.parametrize("column", ["product_id", "author_id"])
def test_ids_that_no_index_can_hold_stop_an_upgrade_before_it_starts(empty_database, checkout, column) -> None:
    migrations.upgrade(empty_database, "0009")
    execute(empty_database, (checkout / "tests/integration/rows/0009.sql").read_text())
    # Hashes, because an index can hold a longer text if it is compressible.
    long = "(SELECT string_agg(md5(number::text), '') FROM generate_series(1, 90) number)"
    execute(empty_database, f"UPDATE sentiment.review SET {column} = {long} WHERE source_file_id = 2")
    with pytest.raises(IdsTooLong, match=r"1 stored reviews, such as line 2 of incoming/s/a\.csv"):
        migrations.upgrade(empty_database)
    assert schema.schema_status(empty_database).found == "0009"
    (shorten,) = re.findall(
        r"```sql\n(UPDATE sentiment\.review .*?)```", (checkout / "docs/deploy.md").read_text(), re.DOTALL
    )
    execute(empty_database, shorten)
    migrations.upgrade(empty_database)
    with connect(empty_database) as connection:
        assert rebuild_stale_rollups(connection, Settings(database_url=empty_database))
    found = execute(empty_database, f"SELECT {column} FROM sentiment.scored_reviews")
    assert [len(each) for (each,) in found] == [132]


def test_an_id_of_the_greatest_accepted_length_is_indexed(empty_database, checkout) -> None:
    migrations.upgrade(empty_database, "0009")
    execute(empty_database, (checkout / "tests/integration/rows/0009.sql").read_text())
    long = "(SELECT left(string_agg(md5(number::text), ''), 2600) FROM generate_series(1, 90) number)"
    execute(empty_database, f"UPDATE sentiment.review SET product_id = {long}, author_id = {long}")
    migrations.upgrade(empty_database)
    with connect(empty_database) as connection:
        rebuild_stale_rollups(connection, Settings(database_url=empty_database))
    assert execute(empty_database, "SELECT length(product_id) FROM sentiment.product_sentiment") == [(2600,)]


def test_an_upgrade_that_waits_for_a_load_does_not_deadlock_with_queries_of_the_views(empty_database) -> None:
    migrations.upgrade(empty_database, "0009")

    def wait_for_waiting(sessions: int) -> None:
        waiting = """
            SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE datname = current_database() AND locktype = 'relation' AND NOT granted
        """
        deadline = time.monotonic() + 30
        while execute(empty_database, waiting) != [(sessions,)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    with connect(empty_database) as load, ThreadPoolExecutor(2) as pool:
        with load, load.cursor() as cursor:
            cursor.execute("LOCK TABLE sentiment.review IN ROW EXCLUSIVE MODE")
            upgrade = pool.submit(migrations.upgrade, empty_database)
            wait_for_waiting(1)
            reader = pool.submit(execute, empty_database, "SELECT count(*) FROM sentiment.daily_sentiment")
            wait_for_waiting(2)
            cursor.execute("LOCK TABLE sentiment.score IN ROW EXCLUSIVE MODE")
        upgrade.result(timeout=30)
        assert reader.result(timeout=30) == [(0,)]
    assert schema.schema_status(empty_database).current


def test_reviews_and_scores_are_joined_month_by_month_and_a_mean_score_reads_no_review(empty_database) -> None:
    migrations.upgrade(empty_database)
    assert execute(empty_database, "SHOW enable_partitionwise_join") == [("on",)]
    execute(empty_database, "SELECT sentiment.ensure_month('2026-11-01')")
    plan = str(execute(empty_database, "EXPLAIN SELECT avg(score) FROM sentiment.scored_reviews"))
    assert ("score_202611" in plan, "review" in plan) == (True, False)


def test_nested_loops_are_planned_again_after_a_statement_without_them(database_url) -> None:
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        with without_nested_loops(cursor):
            cursor.execute("SHOW enable_nestloop")
            assert cursor.fetchone() == ("off",)
        cursor.execute("SHOW enable_nestloop")
        assert cursor.fetchone() == ("on",)


def test_upgrades_are_idempotent_and_can_run_concurrently(empty_database) -> None:
    assert not schema.schema_status(empty_database).current
    with pytest.raises(SchemaOutdated, match="at none, this release needs"):
        schema.wait_for_schema(empty_database, 0)
    failures: list[BaseException] = []

    def upgrade() -> None:
        try:
            migrations.upgrade(empty_database)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert schema.wait_for_schema(empty_database, 1).current


def test_the_previous_release_works_on_a_newer_schema_and_does_not_change_it(empty_database) -> None:
    migrations.upgrade(empty_database)
    needed = schema.schema_status(empty_database).needed
    execute(empty_database, "UPDATE sentiment.schema_version SET version_num = '9999'")
    found = schema.wait_for_schema(empty_database, 0)
    assert (found.found, found.current, found.ahead) == ("9999", True, True)
    migrations.upgrade(empty_database)
    assert schema.schema_status(empty_database) == ("9999", needed)


def test_the_required_revision_is_the_head_of_the_migrations(empty_database) -> None:
    head = ScriptDirectory.from_config(migrations.migrations()).get_current_head()
    assert schema.schema_status(empty_database).needed == head


def test_a_database_without_a_schema_has_no_revision_and_is_not_current(empty_database) -> None:
    status = schema.schema_status(empty_database)
    assert (status.found, status.current, status.ahead) == (None, False, False)
    assert status.needed == schema.required_revision()


@pytest.mark.parametrize(
    ("found", "current", "ahead"),
    [(None, False, False), ("0002", False, False), ("0003", True, False), ("0010", True, True)],
)
def test_a_schema_is_current_from_the_needed_revision_on(found, current, ahead) -> None:
    status = schema.SchemaStatus(found, "0003")
    assert (status.current, status.ahead) == (current, ahead)


def test_a_refusal_for_another_reason_than_a_missing_table_is_an_error(database_url) -> None:
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sentiment.schema_version RENAME COLUMN version_num TO other")
    with pytest.raises(DatabaseRefused, match="version_num"):
        schema.schema_status(database_url)


def test_waiting_for_the_schema_ends_when_another_process_has_upgraded_it(empty_database) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(schema.wait_for_schema, empty_database, 30)
        migrations.upgrade(empty_database)
        assert waiting.result(timeout=30) == schema.schema_status(empty_database)


def test_waiting_for_the_schema_ends_with_the_reason(empty_database) -> None:
    with pytest.raises(SchemaOutdated, match="none"):
        schema.wait_for_schema(empty_database, 0.05)
    away = "postgresql://nobody@127.0.0.1:9/nothing"
    with pytest.raises(DatabaseUnavailable):
        schema.wait_for_schema(away, 0.05)
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        schema.wait_for_schema(away, 60, if_reachable=True)
    assert time.monotonic() - began < 30


def test_every_column_of_every_view_is_commented(database_url) -> None:
    assert (
        execute(
            database_url,
            """
            SELECT class.relname, attname FROM pg_attribute
            JOIN pg_class class ON class.oid = attrelid
            WHERE relnamespace = 'sentiment'::regnamespace AND relkind = 'v' AND attnum > 0
                AND (col_description(attrelid, attnum) IS NULL OR obj_description(class.oid) IS NULL)
            """,
        )
        == []
    )


def test_every_table_is_commented(database_url) -> None:
    found = execute(
        database_url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'sentiment'::regnamespace AND relkind IN ('r', 'p')"
        " AND obj_description(oid) IS NULL",
    )
    assert found == [("schema_version",)]


def test_a_month_is_created_once_even_concurrently(database_url) -> None:
    def make() -> None:
        execute(database_url, "SELECT sentiment.ensure_month('2024-02-29')")

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert execute(
        database_url,
        "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE relname LIKE '%202402' ORDER BY 1",
    ) == [("review_202402",), ("score_202402",)]


def test_a_row_outside_the_existing_months_is_rejected(database_url) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation, match="no partition"), psycopg2.connect(database_url) as raw:
        raw.cursor().execute(
            "INSERT INTO sentiment.review (day, source_file_id, line, batch_id, text)"
            " VALUES ('1999-01-01', 1, 2, 1, 'x')"
        )


def test_a_reader_sees_the_views_and_changes_nothing(members) -> None:
    assert execute(members["ann"], "SELECT count(*) FROM sentiment.scored_reviews") == [(0,)]
    for refused in (
        "DELETE FROM sentiment.review",
        "SELECT * FROM sentiment.erasure",
        "SELECT sentiment.ensure_month('2026-01-01')",
    ):
        with pytest.raises(DatabaseRefused, match="permission denied"):
            execute(members["ann"], refused)


def test_a_writer_loads_but_cannot_change_the_schema(members, drops_as) -> None:
    assert drops_as(members["wes"]).drop("dt=2026-11-16/a.csv", "review\nfine\n").rows_scored == 1
    with pytest.raises(DatabaseRefused, match="must be owner"):
        execute(members["wes"], "DROP TABLE sentiment.score")


def test_a_writer_sets_a_contract_and_a_reader_only_shows_it(members) -> None:
    semicolon = contract_of({"delimiter": ";"}, "a test")
    with connect(members["wes"]) as connection, connection, connection.cursor() as cursor:
        assert store_contract(cursor, "shop", semicolon, "", "wes") == 1
        assert not has_files(cursor, "shop")
    with connect(members["ann"]) as connection, connection, connection.cursor() as cursor:
        assert current_contract(cursor, "shop").contract == semicolon
    with (
        pytest.raises(DatabaseRefused, match="permission denied"),
        connect(members["ann"]) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        store_contract(cursor, "shop", semicolon, "", "ann")


def test_a_service_without_its_role_starts(members, sentiment) -> None:
    """A first installation grants the role after its pods have started. The two must not wait for each other."""
    stranger = members["eve"]
    refused = sentiment("db", "status", "--wait", "60", SENTIMENT_DATABASE_URL=stranger)
    assert (refused.returncode, "permission denied" in refused.stderr) == (1, True)
    passed = sentiment("db", "status", "--wait", "60", "--if-reachable", SENTIMENT_DATABASE_URL=stranger)
    assert (passed.returncode, "permission denied" in passed.stderr) == (0, True)


def test_the_service_stores_corrections_and_waits_for_the_schema_and_reads_no_text(members) -> None:
    correction = Correction(uuid4(), "fine", "positive", None, None, datetime.now(UTC))
    store = FeedbackStore(members["sam"])
    store.check()
    assert store.write([correction]) == store.write([correction]) == set()
    assert schema.wait_for_schema(members["sam"], 0).current
    for refused in (
        "SELECT text FROM sentiment.feedback",
        "SELECT * FROM sentiment.scored_reviews",
        "UPDATE sentiment.feedback SET text = ''",
    ):
        with pytest.raises(DatabaseRefused, match="permission denied"):
            execute(members["sam"], refused)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (
            "INSERT INTO sentiment.scoring_batch (source_file_id, model_id, kind, rows_in, rows_scored, rows_rejected,"
            " rows_duplicate, run_id, code_version, started_at) VALUES (1, 1, 'load', 3, 1, 1, 0, '', '', now())",
            "every_row_has_one_outcome",
        ),
        ("UPDATE sentiment.source_file SET status = 'rejected' WHERE source_file_id = 1", "rejected_has_reason"),
        ("UPDATE sentiment.rejected_row SET raw = NULL", "only_erased_rows_lose_their_bytes"),
        ("UPDATE sentiment.source_file SET status = 'loaded', sha256 = sha256('2')", "source_file_content"),
    ],
)
def test_constraints_reject_invalid_rows(database_url, checkout, statement, constraint) -> None:
    execute(database_url, (checkout / f"tests/integration/rows/{REVISIONS[0]}.sql").read_text())
    with pytest.raises(DatabaseRefused, match=constraint):
        execute(database_url, statement)
