"""Prometheus metrics of what only PostgreSQL knows: files, rows, deadlines, drift, sizes, verification."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sentiment_core.database.connection import Connection, connect
from sentiment_core.errors import SentimentError
from sentiment_core.ledger import verification

_log = logging.getLogger(__name__)

# Scrapes in this time share one read, so that several Prometheus servers cost the database no more than one.
SHARED_FOR_S: Final = 15
# A scrape ends before Prometheus' default timeout of 10 seconds.
STATEMENT_TIMEOUT_MS: Final = 8_000


class Figure(NamedTuple):
    """A metric: its description, its labels, and the query whose columns are the labels and the value."""

    help: str
    labels: tuple[str, ...]
    query: str


class LedgerMetrics(Collector):
    """Reads the figures from the database at each scrape. The user needs only the role `sentiment_reader`.

    A database that does not answer makes `sentiment_database_up` 0 and is no error of the scrape.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._read_at = float("-inf")
        self._verified: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        """Yield the families for a scrape. They are at most `SHARED_FOR_S` seconds old."""
        with self._lock:
            if time.monotonic() - self._read_at > SHARED_FOR_S:
                self._families = self._read()
                self._read_at = time.monotonic()
            yield from self._families
            yield from self._verified

    def describe(self) -> Iterator[Metric]:
        """Yield nothing, because registering the collector must not query the database."""
        return iter(())

    def verify(self) -> None:
        """Run `sentiment db verify` and keep its result for the next scrapes. This reads every stored row.

        If the database fails, the last result stays, and its age shows in
        `sentiment_ledger_verified_timestamp_seconds`.
        """
        try:
            with connect(self._url, "sentiment metrics") as connection:
                findings = verification.verify(connection)
        except SentimentError as error:
            _log.warning("The ledger was not verified: %s", error)
            return
        for finding in findings:
            _log.error("Broken: %s: file %s: %s", finding.check, finding.source_file_id, finding.detail)
        broken = GaugeMetricFamily(
            "sentiment_ledger_findings", "Violations that the last verification found, by check.", labels=["check"]
        )
        for check in verification.CHECKS:
            broken.add_metric([check], sum(finding.check == check for finding in findings))
        at = GaugeMetricFamily(
            "sentiment_ledger_verified_timestamp_seconds", "Time of the last verification.", value=time.time()
        )
        with self._lock:
            self._verified = [broken, at]

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily("sentiment_database_up", "1 if the database answered the last scrape.")
        try:
            with connect(self._url, "sentiment metrics") as connection:
                families = list(read(connection))
        except SentimentError as error:
            _log.warning("No figures: %s", error)
            families = []
        up.add_metric([], bool(families))
        return [up, *families]


def read(connection: Connection) -> Iterator[Metric]:
    """Yield the families of `FIGURES`, read in one read-only transaction with a time limit."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", (str(STATEMENT_TIMEOUT_MS),))
        for name, figure in FIGURES.items():
            family = GaugeMetricFamily(name, figure.help, labels=figure.labels)
            cursor.execute(figure.query)
            for *labels, value in cursor:
                family.add_metric(list(map(str, labels)), float(value))
            yield family


_TODAY = "(now() AT TIME ZONE 'UTC')::date"
_MIDNIGHT = "extract(epoch FROM {}::timestamp)"  # of a day, in UTC

# A file is due at 06:00 UTC of the day after its day, or after its upload, whichever is later.
_DUE = f"""
    SELECT f.source, f.status,
        (greatest(f.day, (f.last_modified AT TIME ZONE 'UTC')::date) + 1 + time '06:00') AT TIME ZONE 'UTC' AS due_at,
        least(f.finished_at, (
            SELECT min(b.finished_at) FROM sentiment.scoring_batch b
            WHERE b.source_file_id = f.source_file_id AND b.kind = 'load')) AS finished_at
    FROM sentiment.source_file f
    WHERE f.day >= {_TODAY} - 28
"""  # noqa: S608 -- constants

_NEWEST_DAY = "SELECT source, max(day) AS day FROM sentiment.source_file WHERE status <> 'seen' GROUP BY source"

FIGURES: Final = {
    "sentiment_database_bytes": Figure("Size of the database.", (), "SELECT pg_database_size(current_database())"),
    "sentiment_table_bytes": Figure(
        "Size of each table with its indexes, all partitions together.",
        ("table",),
        """
        SELECT coalesce(parent.relname, t.relname), sum(pg_total_relation_size(t.oid))
        FROM pg_class t
        LEFT JOIN pg_inherits i ON i.inhrelid = t.oid
        LEFT JOIN pg_class parent ON parent.oid = i.inhparent
        WHERE t.relnamespace = 'sentiment'::regnamespace AND t.relkind = 'r'
        GROUP BY 1
        """,
    ),
    "sentiment_month_bytes": Figure(
        "Size of the partitions of a month. `age` is 0 for the newest month that has rows, 1 for the month before, 2.",
        ("table", "age"),
        """
        SELECT * FROM (
            SELECT parent.relname, row_number() OVER (PARTITION BY parent.relname ORDER BY t.relname DESC) - 1 AS age,
                pg_total_relation_size(t.oid)
            FROM pg_class parent
            JOIN pg_inherits i ON i.inhparent = parent.oid
            JOIN pg_class t ON t.oid = i.inhrelid
            WHERE parent.relnamespace = 'sentiment'::regnamespace AND parent.relkind = 'p'
                AND t.relkind = 'r' AND pg_relation_size(t.oid) > 0) month
        WHERE age <= 2
        """,
    ),
    "sentiment_files": Figure(
        "Object versions whose day is one of the last 28, by source and status.",
        ("source", "status"),
        f"SELECT source, status, count(*) FROM sentiment.source_file WHERE day >= {_TODAY} - 28 GROUP BY 1, 2",  # noqa: S608
    ),
    "sentiment_unscored_files": Figure(
        "Files of past days that no run has finished, by source.",
        ("source",),
        f"""
        SELECT source, count(*) FILTER (WHERE status = 'seen' AND day < {_TODAY})
        FROM sentiment.source_file GROUP BY source
        """,  # noqa: S608
    ),
    "sentiment_oldest_unscored_timestamp_seconds": Figure(
        "Upload time of the oldest file of a past day that no run has finished. Absent if there is none.",
        (),
        f"""
        SELECT extract(epoch FROM min(last_modified)) FROM sentiment.source_file
        WHERE status = 'seen' AND day < {_TODAY} HAVING count(*) > 0
        """,  # noqa: S608
    ),
    "sentiment_newest_planned_day_timestamp_seconds": Figure(
        "Midnight (UTC) of the newest day that a run has planned.",
        (),
        f"SELECT {_MIDNIGHT.format('max(day)')} FROM sentiment.scoring_run HAVING count(*) > 0",  # noqa: S608
    ),
    "sentiment_deadline_files": Figure(
        "Files of the last 28 days that were due, by whether they were scored by 06:00 UTC after their day or upload.",
        ("outcome",),
        f"""
        SELECT outcome, count(finished) FROM (VALUES ('met'), ('missed')) AS possible (outcome)
        LEFT JOIN (
            SELECT CASE WHEN finished_at <= due_at THEN 'met' ELSE 'missed' END AS outcome, due_at AS finished
            FROM ({_DUE}) file WHERE due_at <= now()) due USING (outcome)
        GROUP BY outcome
        """,  # noqa: S608
    ),
    "sentiment_newest_day_timestamp_seconds": Figure(
        "Midnight (UTC) of the newest day with a finished file, by source.",
        ("source",),
        f"SELECT source, {_MIDNIGHT.format('day')} FROM ({_NEWEST_DAY}) newest",  # noqa: S608
    ),
    "sentiment_drop_days": Figure(
        "Days with a finished file among the 14 days that end with the source's newest day, by source.",
        ("source",),
        f"""
        SELECT source, count(DISTINCT f.day)
        FROM sentiment.source_file f JOIN ({_NEWEST_DAY}) newest USING (source)
        WHERE f.day > newest.day - 14 AND f.day <= newest.day AND f.status <> 'seen' GROUP BY source
        """,  # noqa: S608
    ),
    "sentiment_newest_day_files": Figure(
        "Files of the source's newest day, by source and status.",
        ("source", "status"),
        f"""
        SELECT source, status, count(*)
        FROM sentiment.source_file f JOIN ({_NEWEST_DAY}) newest USING (source, day) GROUP BY source, status
        """,  # noqa: S608
    ),
    "sentiment_newest_day_rows": Figure(
        "Rows of the files of the source's newest day, by source and outcome.",
        ("source", "outcome"),
        f"""
        WITH batch AS (
            SELECT DISTINCT ON (b.source_file_id) source, rows_scored, rows_rejected, rows_duplicate
            FROM sentiment.source_file f
            JOIN ({_NEWEST_DAY}) newest USING (source, day)
            JOIN sentiment.scoring_batch b ON b.source_file_id = f.source_file_id AND b.kind IN ('load', 'replace')
            ORDER BY b.source_file_id, b.batch_id DESC)
        SELECT source, outcome, sum(rows)
        FROM batch, LATERAL (VALUES ('scored', rows_scored), ('rejected', rows_rejected), ('duplicate', rows_duplicate))
            AS counted (outcome, rows)
        GROUP BY source, outcome
        """,  # noqa: S608
    ),
    "sentiment_drifted": Figure(
        "1 if the newest measured day has drifted, 0 if not.",
        (),
        """
        SELECT drifted::int FROM sentiment.drift_report WHERE product_id IS NULL
        ORDER BY day DESC, made_at DESC LIMIT 1
        """,
    ),
    "sentiment_drift_psi": Figure(
        "Population stability index of the newest measured day, by measure: score, labels, length.",
        ("measure",),
        """
        SELECT measure, psi FROM (
            SELECT score_psi, label_psi, length_psi FROM sentiment.drift_history WHERE product_id IS NULL
            ORDER BY day DESC, made_at DESC LIMIT 1) newest,
            LATERAL (VALUES ('score', score_psi), ('labels', label_psi), ('length', length_psi)) AS each (measure, psi)
        WHERE psi IS NOT NULL
        """,
    ),
}
