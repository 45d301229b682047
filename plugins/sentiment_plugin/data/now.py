"""Read what happens now: loads under way, what waits, and how fast rows were stored in the last hour."""

from datetime import datetime
from typing import NamedTuple

from sentiment_plugin.data.complete_days import Backlog, backlog
from sentiment_plugin.database import reading

MOST_LOADS = 100
STALLED_S = 60  # a load reports every 2 s; without a report for this long it was probably killed
MOST_RECENT = 5000  # batches that the figures of the last hour can count


class Load(NamedTuple):
    """A load under way. Seconds are since its start, and since its last report."""

    source_file_id: int
    key: str
    source: str
    size: int
    bytes_read: int
    rows: int
    run_id: str
    worker: str
    started_at: datetime
    reported_s: float
    silent_s: float

    @property
    def stalled(self) -> bool:
        """Whether the load has stopped reporting."""
        return self.silent_s > STALLED_S

    @property
    def ratio(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self.bytes_read / self.size) if self.size else 1.0

    @property
    def rows_per_s(self) -> float:
        """Rows per second since the start."""
        return self.rows / self.reported_s if self.reported_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the file is read, at the rate since the start. None before anything was read."""
        if not self.bytes_read:
            return None
        return max(0.0, self.reported_s / self.bytes_read * (self.size - self.bytes_read) - self.silent_s)


class Waiting(NamedTuple):
    """Files that no run has read. `oldest` is the drop time of the oldest, and `age_s` its age in seconds."""

    files: int
    bytes: int
    oldest_id: int | None
    oldest_key: str | None
    oldest: datetime | None
    age_s: float | None


class Recent(NamedTuple):
    """The batches of the last hour. `busy_s` is the sum of their durations, so rates are those of one worker."""

    batches: int
    rows: int
    busy_s: float
    last_at: datetime | None

    @property
    def rows_per_s(self) -> float | None:
        """Rows per second of one worker."""
        return self.rows / self.busy_s if self.busy_s else None


class Status(NamedTuple):
    """What happens now. `at` is the time of the database."""

    at: datetime
    loads: list[Load]
    waiting: Waiting
    recent: Recent
    backlog: Backlog

    @property
    def rows_per_s(self) -> float:
        """Rows per second of all loads under way that still report."""
        return sum(load.rows_per_s for load in self.loads if not load.stalled)


LOADS = """
    SELECT source_file_id, key, source, size, bytes_read, rows_written, run_id, worker, started_at,
           extract(epoch FROM updated_at - started_at)::float, extract(epoch FROM clock_timestamp() - updated_at)::float
    FROM sentiment.loads_under_way ORDER BY started_at LIMIT %s
"""
WAITING = """
    SELECT count(*), coalesce(sum(size), 0)::bigint,
           (array_agg(source_file_id ORDER BY last_modified))[1], (array_agg(key ORDER BY last_modified))[1],
           min(last_modified), extract(epoch FROM now() - min(last_modified))::float
    FROM sentiment.source_file WHERE status = 'seen'
"""
RECENT = """
    SELECT count(*), coalesce(sum(rows_in), 0)::bigint,
           coalesce(sum(extract(epoch FROM finished_at - started_at)), 0)::float, max(finished_at)
    FROM (SELECT rows_in, started_at, finished_at FROM sentiment.scoring_batch ORDER BY batch_id DESC LIMIT %s) latest
    WHERE finished_at > now() - interval '1 hour'
"""


def read(url: str) -> Status:
    """Return what happens now. Raises the errors of `reading`."""
    with reading(url) as cursor:
        cursor.execute(LOADS, (MOST_LOADS,))
        loads = [Load(*row) for row in cursor]
        cursor.execute(WAITING)
        (waiting,) = cursor.fetchall()
        cursor.execute(RECENT, (MOST_RECENT,))
        (recent,) = cursor.fetchall()
        cursor.execute("SELECT now()")
        ((at,),) = cursor.fetchall()
        behind = backlog(cursor)
    return Status(at, loads, Waiting(*waiting), Recent(*recent), behind)
