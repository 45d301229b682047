"""Corrections while PostgreSQL is down, crashes, freezes, or does not confirm a commit: each is stored once."""

import itertools
import signal
import threading
from collections.abc import Iterator

import pytest

from sentiment_core.database.connection import connect
from tests.api.conftest import Service, start
from tests.faults.postgres_proxy import PostgresProxy
from tests.faults.test_database_killed import kill

__all__ = ["start"]

DIGEST = "ab" * 32


@pytest.fixture
def postgres_proxy(database_url: str) -> Iterator[PostgresProxy]:
    with PostgresProxy(database_url) as proxy:
        yield proxy


@pytest.fixture
def proxied(start, postgres_proxy: PostgresProxy) -> Service:
    """A service with a small queue that reaches the database through the proxy."""
    service = start(DATABASE_URL=postgres_proxy.url, FEEDBACK_QUEUE="8").wait_ready()
    wait_state(service, "ok")
    return service


def send(service: Service, text: str):
    return service.post("/feedback", {"text": text, "label": "negative", "score": 0.9, "model_digest": DIGEST})


def wait_state(service: Service, state: str) -> None:
    service.wait(lambda: service.get("/readyz").json()["feedback"]["state"] == state)


def stored(url: str) -> list[str]:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT text FROM sentiment.feedback ORDER BY feedback_id")
        return [text for (text,) in cursor]


def wait_stored(service: Service, count: int) -> None:
    service.wait(lambda: service.metric('feedback_count_total{outcome="stored"}') == count)


def test_corrections_sent_while_the_server_is_killed_and_restarted_are_stored_once(start, own_server, own_url) -> None:
    service = start(DATABASE_URL=own_url).wait_ready()
    wait_state(service, "ok")
    accepted: list[str] = []
    enough = threading.Event()

    def keep_sending() -> None:
        for number in itertools.count():
            text = f"correction {number}"
            if send(service, text).status == 202:
                accepted.append(text)
            if enough.wait(0.005):
                return

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        for _ in range(2):
            seen = len(stored(own_url))
            service.wait(lambda seen=seen: len(stored(own_url)) > seen)
            kill(own_server)
            wait_state(service, "unavailable")
            assert service.post("/predict", {"text": "good"}).status == 200
            waiting = len(accepted)
            service.wait(lambda waiting=waiting: len(accepted) > waiting + 20)
            own_server.postgres.start()
            wait_state(service, "ok")
    finally:
        enough.set()
        sender.join()
    wait_stored(service, len(accepted))
    assert stored(own_url) == accepted
    assert service.metric('feedback_count_total{outcome="lost"}') == 0


def test_a_commit_with_a_lost_response_stores_nothing_twice(proxied, postgres_proxy, database_url) -> None:
    postgres_proxy.cut_commits(2)
    texts = [f"correction {number}" for number in range(5)]
    for text in texts:
        assert send(proxied, text).status == 202
    wait_stored(proxied, 5)
    assert postgres_proxy.cut == 2
    assert stored(database_url) == texts


def test_a_session_terminated_during_a_write_loses_nothing(proxied, database_url) -> None:
    with connect(database_url) as holder, connect(database_url) as watcher:
        holder.cursor().execute("LOCK TABLE sentiment.feedback IN EXCLUSIVE MODE")
        watcher.autocommit = True
        cursor = watcher.cursor()

        def ended() -> int:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'sentiment feedback' AND wait_event_type = 'Lock'"
            )
            return cursor.rowcount

        assert send(proxied, "interrupted").status == 202
        proxied.wait(ended)
        wait_state(proxied, "unavailable")
        holder.rollback()
    wait_stored(proxied, 1)
    assert stored(database_url) == ["interrupted"]


def test_a_full_queue_rejects_and_accepts_again_when_the_database_is_back(
    proxied, postgres_proxy, database_url
) -> None:
    postgres_proxy.hold()
    answers = [send(proxied, f"correction {number}") for number in range(10)]
    assert [answer.status for answer in answers] == [202] * 8 + [503] * 2
    assert answers[-1].code == "feedback_queue_full"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert proxied.post("/predict", {"text": "good"}).status == 200
    assert proxied.metric("feedback_queue_length") == 8
    postgres_proxy.release()
    wait_stored(proxied, 8)
    assert send(proxied, "after").status == 202
    wait_stored(proxied, 9)
    assert stored(database_url) == [*(f"correction {number}" for number in range(8)), "after"]
    assert proxied.metric('feedback_count_total{outcome="refused"}') == 2


def test_a_queue_is_also_limited_in_bytes_but_always_accepts_one_correction(
    start, postgres_proxy, database_url
) -> None:
    service = start(DATABASE_URL=postgres_proxy.url, FEEDBACK_QUEUE_BYTES="30000").wait_ready()
    wait_state(service, "ok")
    postgres_proxy.hold()
    texts = [letter * 100_000 for letter in "ab"]
    assert [send(service, text).status for text in texts] == [202, 503]
    assert service.metric("feedback_queue_bytes") >= 100_000
    postgres_proxy.release()
    wait_stored(service, 1)
    assert [send(service, text).status for text in ("x" * 10_000, "y" * 10_000)] == [202, 202]
    wait_stored(service, 3)
    assert [text[0] for text in stored(database_url)] == ["a", "x", "y"]


def test_a_service_started_before_its_database_stores_when_it_is_available(start, own_server, own_url) -> None:
    kill(own_server)
    service = start(DATABASE_URL=own_url).wait_ready()
    wait_state(service, "unavailable")
    assert send(service, "early").status == 202
    own_server.postgres.start()
    wait_stored(service, 1)
    assert stored(own_url) == ["early"]


def test_a_database_that_recovers_during_shutdown_gets_the_queued_corrections(
    proxied, postgres_proxy, database_url
) -> None:
    postgres_proxy.hold()
    for number in range(8):
        assert send(proxied, f"correction {number}").status == 202
    proxied.process.send_signal(signal.SIGTERM)
    proxied.wait(lambda: [line for line in proxied.log() if line["event"] == "stopping"])
    postgres_proxy.release()
    assert proxied.stop() == 0
    assert stored(database_url) == [f"correction {number}" for number in range(8)]


def test_a_frozen_database_does_not_prevent_shutdown(start, postgres_proxy, database_url) -> None:
    service = start(DATABASE_URL=postgres_proxy.url, FEEDBACK_FLUSH_S="0.5").wait_ready()
    wait_state(service, "ok")
    postgres_proxy.hold()
    for number in range(3):
        assert send(service, f"correction {number}").status == 202
    assert service.stop() == 0
    (event,) = (line for line in service.log() if line["event"] == "corrections lost")
    assert event["count"] == 3
    assert stored(database_url) == []


def test_corrections_not_stored_at_shutdown_are_reported_as_lost(start, own_server, own_url) -> None:
    service = start(DATABASE_URL=own_url, FEEDBACK_FLUSH_S="0.5").wait_ready()
    wait_state(service, "ok")
    kill(own_server)
    for number in range(3):
        assert send(service, f"xyzzy {number}").status == 202
    assert service.stop() == 0
    own_server.postgres.start()
    (event,) = (line for line in service.log() if line["event"] == "corrections lost")
    assert (event["level"], event["count"]) == ("error", 3)
    assert "xyzzy" not in service.log_path.read_text()
    assert stored(own_url) == []
