"""Advisory locks have one place, and the keys that the previous release takes, too."""

import re
from datetime import date
from pathlib import Path

from sentiment_core.database.advisory_locks import AdvisoryLock, lock

# What release 0.1.0 hashes: during a rolling upgrade both releases must wait for each other.
RELEASED = {
    "sentiment.heads": (AdvisoryLock.HEADS,),
    "sentiment.maintenance": (AdvisoryLock.MAINTENANCE,),
    "sentiment.upgrade": (AdvisoryLock.UPGRADE,),
    "sentiment.retrain_request": (AdvisoryLock.RETRAIN_REQUEST,),
    "sentiment.promotion champion": (AdvisoryLock.PROMOTION, "champion"),
    "sentiment.source_contract shop": (AdvisoryLock.CONTRACT, "shop"),
    "sentiment.drivers": (AdvisoryLock.DRIVERS,),
    "sentiment.aspects 2026-11-09": (AdvisoryLock.ASPECTS, date(2026, 11, 9)),
    "sentiment.drift 7 2026-11-09": (AdvisoryLock.DRIFT, 7, date(2026, 11, 9)),
}


def test_locks_have_the_keys_of_the_previous_release(connection) -> None:
    with connection, connection.cursor() as cursor:
        for text, arguments in RELEASED.items():
            lock(cursor, *arguments)
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
                " AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)",
                (text,),
            )
            assert cursor.fetchone() == (1,), text
    assert {name for name, *_ in RELEASED.values()} == set(AdvisoryLock)


def test_a_shared_lock_has_several_holders_and_excludes_exclusive_ones(connection, query) -> None:
    with connection, connection.cursor() as cursor:
        lock(cursor, AdvisoryLock.MAINTENANCE, shared=True)
        cursor.execute("SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchall() == [("ShareLock",)]


def test_no_other_module_takes_an_advisory_lock(checkout: Path) -> None:
    found = [
        path.name
        for path in (checkout / "sentiment_core").rglob("*.py")
        if re.search(r"pg_(try_)?advisory", path.read_text())
    ]
    assert found == ["advisory_locks.py"]
