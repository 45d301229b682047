"""Report the progress of a load, whose rows are invisible to others until its transaction commits."""

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from typing import Protocol

import psycopg2

from sentiment_core.database.connection import Connection
from sentiment_core.errors import SentimentError
from sentiment_core.ledger.source_files import SourceFile

log = logging.getLogger(__name__)

PERIOD_S = 2.0  # seconds between two reports and before the first, so that a quick load makes none


class Progress(Protocol):
    """Receives the progress of a load, in the writer thread."""

    def report(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Report the stored bytes read and the rows written so far."""

    def done(self, file: SourceFile) -> None:
        """Report that the load ended, with or without success."""


class NoProgress:
    """Discards all progress reports."""

    def report(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Do nothing."""

    def done(self, file: SourceFile) -> None:
        """Do nothing."""


class StoredProgress:
    """Writes progress to `load_progress`, through a second connection that is opened only for a slow load.

    If that connection cannot be opened or a statement fails, the load continues without further reports.
    """

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection]], run_id: str) -> None:
        self._connect = connect
        self._run_id = run_id
        self._worker = f"{socket.gethostname()} {os.getpid()}"
        self._opened = ExitStack()
        self._connection: Connection | None = None
        self._file_id: int | None = None
        self._next_s = 0.0
        self._started_at = datetime.now(UTC)

    def report(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        """Write the progress, at most once every `PERIOD_S` seconds."""
        now = time.monotonic()
        if file.source_file_id != self._file_id:
            self._file_id, self._next_s, self._started_at = file.source_file_id, now + PERIOD_S, datetime.now(UTC)
        if now < self._next_s:
            return
        self._next_s = now + PERIOD_S
        self._execute(
            "INSERT INTO sentiment.load_progress (source_file_id, run_id, worker, bytes_read, rows_written, started_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (source_file_id) DO UPDATE SET run_id = excluded.run_id,"
            " worker = excluded.worker, bytes_read = excluded.bytes_read, rows_written = excluded.rows_written,"
            " started_at = excluded.started_at, updated_at = clock_timestamp()",
            file.source_file_id,
            self._run_id,
            self._worker,
            bytes_read,
            rows,
            self._started_at,
        )

    def done(self, file: SourceFile) -> None:
        """Delete the progress and close the connection. A load that committed has already deleted its progress."""
        if self._connection is not None:
            self._execute("DELETE FROM sentiment.load_progress WHERE source_file_id = %s", file.source_file_id)
        self._close()

    def _execute(self, statement: str, *parameters: object) -> None:
        try:
            if self._connection is None:
                self._connection = self._opened.enter_context(self._connect())
            with self._connection, self._connection.cursor() as cursor:
                cursor.execute(statement, parameters)
        except (SentimentError, psycopg2.Error) as error:
            log.warning("The progress of file %s cannot be stored: %s", self._file_id, error)
            self._next_s = float("inf")

    def _close(self) -> None:
        self._connection, self._file_id = None, None
        self._opened.close()
