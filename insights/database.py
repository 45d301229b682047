"""Queries of the page: read-only, limited in time and in number, in threads of their own."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- a class with a lowercase name in psycopg2

from insights.errors import Busy, DatabaseDown, QueryRefused, QueryTooSlow
from sentiment_core.database.connection import connect
from sentiment_core.errors import DatabaseRefused, DatabaseUnavailable

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

_QUERY_CANCELED: Final = "57014"
# Requests that wait for each connection at most. The others are rejected, so that nobody waits for long.
_WAITING_PER_CONNECTION: Final = 8


class Database:
    """Run functions on a cursor, each in one read-only transaction, which sees one state of the database."""

    def __init__(self, url: str, statement_timeout_s: float, connections: int) -> None:
        self._url = url
        self._timeout_s = statement_timeout_s
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="query")
        self._most = connections * (1 + _WAITING_PER_CONNECTION)
        self._running = 0

    async def read(self, query: Callable[[Cursor], Answer]) -> Answer:
        """Return what a function reads. Raises `Busy`, `DatabaseDown`, `QueryTooSlow` and `QueryRefused`."""
        if self._running >= self._most:
            raise Busy(waiting=self._running)
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
        finally:
            self._running -= 1

    def close(self) -> None:
        """End the threads after their queries."""
        self._threads.shutdown(cancel_futures=True)

    def _read(self, query: Callable[[Cursor], Answer]) -> Answer:
        try:
            with connect(self._url, "sentiment insights", unanswered_s=2 * self._timeout_s) as connection:
                connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
                with connection, connection.cursor() as cursor:
                    # For this transaction only: a pooler gives the connection to others.
                    limit = str(max(1, round(1000 * self._timeout_s)))
                    cursor.execute("SELECT set_config('statement_timeout', %s, true)", (limit,))
                    return query(cursor)
        except DatabaseUnavailable as error:
            if getattr(error.__cause__, "pgcode", None) == _QUERY_CANCELED:
                raise QueryTooSlow(seconds=self._timeout_s) from error
            log.warning("database unavailable", extra={"detail": str(error)})
            raise DatabaseDown from error
        except DatabaseRefused as error:
            log.error("query refused", extra={"detail": str(error)})  # noqa: TRY400 -- the message is complete
            raise QueryRefused from error
