"""Rebuild of the rollups after a release that does not keep them has loaded files."""

import logging

from sentiment_core.database.connection import Connection
from sentiment_core.errors import LoadsUnderWay
from sentiment_core.ledger import rollups, source_files
from sentiment_core.settings import Settings

log = logging.getLogger(__name__)


def rebuild_stale_rollups(connection: Connection, settings: Settings) -> bool:
    """Compute the rollups again if they are stale, in one transaction. Return whether they are exact now.

    The views are exact without a rebuild, but slow: they aggregate the reviews while the rollups are stale. The call
    blocks loads. It gives up if a load is running for longer than the lock timeout; the next run tries again.
    """
    with connection, connection.cursor() as cursor:
        if not rollups.are_stale(cursor):
            return True
    try:
        with connection, connection.cursor() as cursor:
            source_files.block_loads(cursor, settings.lock_timeout_s)
            rollups.count_all(cursor)
    except LoadsUnderWay:
        log.warning("The rollups are stale. They are rebuilt when no load is running")
        return False
    return True
