"""The advisory locks of the schema `sentiment`, in the order in which a transaction may take several.

A lock is named by a text; PostgreSQL hashes it to the 64-bit key. Texts must not change: during a rolling upgrade the
previous release takes the same locks. Every lock ends with its transaction, so a killed worker holds none, and a pooler
in transaction mode can be used. The function `sentiment.ensure_month` of the schema takes one more,
`sentiment.ensure_month`, in a transaction of its own.
"""

from enum import StrEnum
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class, spelt small by psycopg2


class AdvisoryLock(StrEnum):
    """A lock, in locking order: a transaction that holds one takes only locks that come after it."""

    UPGRADE = "sentiment.upgrade"  # one migration of the schema at a time
    MAINTENANCE = "sentiment.maintenance"  # shared by loads; exclusive for an expiry or erasure
    HEADS = "sentiment.heads"  # one transaction at a time decides what the views show
    DRIFT = "sentiment.drift"  # of a model id and a day: the drift reports of one day
    DRIVERS = "sentiment.drivers"  # one replacement of kept drivers at a time
    ASPECTS = "sentiment.aspects"  # of a day: one replacement of its kept aspects at a time
    RETRAIN_REQUEST = "sentiment.retrain_request"  # one retraining request per period
    PROMOTION = "sentiment.promotion"  # of an alias: one move at a time
    CONTRACT = "sentiment.source_contract"  # of a source: one change of its contract at a time


EXCLUSIVE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_SHARED: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"


def lock(cursor: Cursor, name: AdvisoryLock, *parts: object, shared: bool = False) -> None:
    """Wait for a lock and hold it until the transaction ends.

    `parts` make it the lock of one thing, such as an alias. Raises `psycopg2.errors.LockNotAvailable` after the
    transaction's `lock_timeout`.
    """
    cursor.execute(_SHARED if shared else EXCLUSIVE, (" ".join((name, *map(str, parts))),))
