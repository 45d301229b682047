"""The store of corrections: each is stored once, unchanged, even if it is written again."""

import os
import socket
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable, SchemaOutdated
from sentiment_core.feedback.correction import Correction
from sentiment_core.feedback.store import FeedbackStore

MOMENT = datetime(2026, 11, 16, 12, 30, tzinfo=UTC)
STORED = "SELECT feedback_key, text, label::text, score, model_digest, received_at FROM sentiment.feedback"


def correction(text: str, score: float | None = 0.25, digest: str | None = "a" * 64) -> Correction:
    return Correction(uuid4(), text, "negative", score, digest, MOMENT)


@pytest.fixture
def store(database_url: str) -> FeedbackStore:
    return FeedbackStore(database_url)


def stored(query) -> list[Correction]:
    rows = query(f"{STORED} ORDER BY feedback_id")
    return [Correction(UUID(key), *fields) for key, *fields in rows]


def test_a_correction_is_stored_as_it_was_sent(store, query) -> None:
    sent = [
        correction("ünïcödé 💛, 'quotes' and %s \\ \"\n\t"),
        correction("no score", None, None),
        correction("tiny", 1e-320),
        correction("exact", 0.1234567890123456),
        correction("long " * 200_000, 1.0),
    ]
    assert store.write(sent) == set()
    assert stored(query) == sent


def test_a_correction_written_twice_is_stored_once(store, query) -> None:
    first, second, third = (correction(name) for name in ("first", "second", "third"))
    for batch in ([first, second], [first, second], [second, third]):
        assert store.write(batch) == set()
    assert stored(query) == [first, second, third]


def test_equal_corrections_of_two_users_are_both_stored(store, query) -> None:
    store.write([correction("the same"), correction("the same")])
    assert query("SELECT count(*) FROM sentiment.feedback") == [(2,)]


def test_a_correction_that_the_database_rejects_does_not_affect_the_others(store, query) -> None:
    query("ALTER TABLE sentiment.feedback ADD CONSTRAINT no_poison CHECK (text <> 'poison')")
    sent = [correction("poison" if number in {3, 7} else f"good {number}") for number in range(10)]
    assert store.write(sent) == {sent[3].key, sent[7].key}
    assert sorted(stored(query)) == sorted(one for one in sent if one.text != "poison")


def test_an_outdated_schema_is_distinguished_from_an_unavailable_database(empty_database, unused_port) -> None:
    old, away = FeedbackStore(empty_database), FeedbackStore(f"postgresql://127.0.0.1:{unused_port}/sentiment")
    for _ in range(2):
        for attempt in (old.check, lambda: old.write([correction("kept by the caller")])):
            with pytest.raises(SchemaOutdated, match="a revision before 0003, this release needs 0003"):
                attempt()
        migrations.upgrade(empty_database, "0002")
    with pytest.raises(DatabaseUnavailable):
        away.check()
    migrations.upgrade(empty_database)
    old.check()
    assert old.write([correction("now")]) == set()


@pytest.fixture
def unused_port(stack) -> int:
    return stack.workspace.port("nothing listens here")


def test_a_vanished_server_is_detected_by_missing_acknowledgements(database_url) -> None:
    for unanswered_s, kept_ms in ((3, 3_000), (None, 0)):
        with (
            connect(database_url, unanswered_s=unanswered_s) as connection,
            socket.socket(fileno=os.dup(connection.fileno())) as wire,
        ):
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == kept_ms


def test_no_error_quotes_a_correction(store, query) -> None:
    query("ALTER TABLE sentiment.feedback ADD COLUMN more text NOT NULL DEFAULT 'x'")
    query("ALTER TABLE sentiment.feedback ALTER COLUMN more DROP DEFAULT")
    with pytest.raises(DatabaseRefused) as refused:
        store.write([correction("xyzzy")])
    assert "23502" in str(refused.value)
    assert "xyzzy" not in str(refused.value)


def test_the_insert_privilege_suffices(stack, database_url, query) -> None:
    query(
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fay') THEN
                CREATE ROLE fay LOGIN PASSWORD 'fay';
            END IF;
        END $$
        """
    )
    query("GRANT USAGE ON SCHEMA sentiment TO fay")
    name = database_url.rpartition("/")[2]
    url = f"postgresql://fay:fay@127.0.0.1:{stack.postgres.port}/{name}"
    least = FeedbackStore(url)
    sent = correction("as fay")
    with pytest.raises(DatabaseRefused, match="permission denied"):
        least.write([sent])
    query("GRANT INSERT, SELECT (feedback_key) ON sentiment.feedback TO fay")
    least.check()
    assert least.write([sent]) == least.write([sent]) == set()
    assert stored(query) == [sent]
    with pytest.raises(DatabaseRefused, match="permission denied"), connect(url) as connection:
        connection.cursor().execute("SELECT text FROM sentiment.feedback")
