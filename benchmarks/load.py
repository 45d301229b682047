"""Loading: an S3 object to committed rows with every check enabled, compared with bare `COPY` of the resulting rows.

The references copy the finished rows from memory in COPY's binary format: once into the same tables with the same
indexes, and once into a single table without any index. All three commit to one PostgreSQL with its default durability.
Before each turn the tables are emptied and a checkpoint is made.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import Reviews, arguments, interleaved, labelled_reviews, report
from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import Connection, connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger import source_files, verification
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.loader import Loader
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.settings import Settings

GOALS = {"load_vs_copy": "≥ 0.5", "load_vs_heap": "≥ 0.25"}
ROWS = 200_000
KEY = "incoming/shop/dt=2026-11-16/reviews.csv"
# The demo's server stores text gzipped and decompresses it for each reader, on the measured processor. S3 does not. The
# server does not compress objects that are labelled as compressed.
STORED_UNCHANGED = {"ContentType": "application/zstd"}
COLUMNS = ("review_id", "product_id", "author_id", "rating", "reviewed_at", "language", "review")
TABLES = ("review", "score", "review_head")
HEAP = """
    SELECT review.*, score.model_id, score.batch_id AS scored_by, score.score, score.label, score.out_of_language
    FROM sentiment.review JOIN sentiment.score USING (day, source_file_id, line)
"""


def rows_of(reviews: Reviews, numbers: Iterable[int]) -> Iterator[tuple[object, ...]]:
    """Yield rows with the columns of `COLUMNS`: the given reviews in a cycle, under new ids."""
    start = datetime(2026, 11, 15, tzinfo=UTC)
    for row in numbers:
        at = row % len(reviews.texts)
        written_at = (start + timedelta(seconds=row / 4)).isoformat()
        yield f"r{row}", f"p{reviews.groups[at]}", f"u{row % 9973}", 1 + row % 5, written_at, "en", reviews.texts[at]


def drop_of(reviews: Reviews, rows: int) -> bytes:
    """Return a CSV with the given number of reviews."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows_of(reviews, range(rows)))
    return written.getvalue().encode()


class Bench:
    """One file of the ledger, loaded again in each turn, and its resulting rows."""

    def __init__(self, connection: Connection, storage: Storage, settings: Settings) -> None:
        self.connection = connection
        self.loader = Loader(connection, storage, open_model(connection, Bundle.load(STARTER)), settings, "benchmark")
        with connection, connection.cursor() as cursor:
            drop = storage.find(f"s3://{settings.bucket}/{KEY}")
            source_files.register(cursor, [drop], settings.incoming_prefix)
            self.source_file_id = source_files.find(cursor, drop)

    def execute(self, *statements: str) -> None:
        """Run statements, each in a separate transaction, as CHECKPOINT and VACUUM require."""
        self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        self.connection.autocommit = False

    def empty(self) -> None:
        """Delete the loaded rows, and write pending data to disk."""
        tables = ", ".join(f"sentiment.{table}" for table in (*TABLES, "scoring_batch", "live_file"))
        self.execute(
            f"TRUNCATE heap, {tables}",
            "UPDATE sentiment.source_file SET status = 'seen', sha256 = NULL, current_model_id = NULL",
            "CHECKPOINT",
        )

    def load(self) -> None:
        """Load the file."""
        outcome = self.loader.load(self.source_file_id)
        assert outcome.status == "loaded", outcome

    def finished_rows(self) -> dict[str, bytes]:
        """Return the loaded rows of each table in COPY's format, and all of them as one table."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE heap AS {HEAP} WITH NO DATA")
        return {table: self._copied(f"TABLE sentiment.{table}") for table in TABLES} | {"heap": self._copied(HEAP)}

    def _copied(self, query: str) -> bytes:
        out = io.BytesIO()
        with self.connection, self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", out)
        return out.getvalue()

    def copy(self, rows: dict[str, bytes]) -> None:
        """COPY rows into the tables, in one transaction."""
        with self.connection, self.connection.cursor() as cursor:
            for table, data in rows.items():
                cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", io.BytesIO(data), 1 << 20)


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    rows = 2_000 if options.quick else ROWS
    data = drop_of(reviews, rows)
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), ("postgres", "object_store")) as stack:
        migrations.upgrade(stack.postgres.url())
        settings = Settings(bucket="reviews", s3_endpoint_url=stack.object_store.endpoint)
        stack.object_store.client().put_object(Bucket="reviews", Key=KEY, Body=data, **STORED_UNCHANGED)
        with connect(stack.postgres.url("sentiment", "postgres")) as connection:
            bench = Bench(connection, Storage(stack.object_store.client()), settings)
            figures, ratios = measure(bench, rows, rounds=1 if options.quick else 5)
    figures = {"reviews": reviews.name, "rows": rows, "file (MB)": len(data) / 1e6} | figures
    report(figures, ratios, GOALS, options.json)


def measure(bench: Bench, rows: int, rounds: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Time the load and its references in turn, each from empty tables."""
    bench.load()
    assert verification.verify(bench.connection) == []
    finished = bench.finished_rows()
    heap = {"heap": finished.pop("heap")}
    same = {f"sentiment.{table}": data for table, data in finished.items()}
    runs = {"load": bench.load, "copy": lambda: bench.copy(same), "heap": lambda: bench.copy(heap)}
    seconds = interleaved(runs, rounds, before=bench.empty)
    figures: dict[str, Any] = {f"{name} (rows/s)": rows / each.best for name, each in seconds.items()}
    return figures, {f"load_vs_{name}": seconds[name].best / seconds["load"].best for name in ("copy", "heap")}


if __name__ == "__main__":
    main()
