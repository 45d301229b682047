"""Loading: an S3 object to committed rows with every check enabled, compared with bare `COPY` of the resulting rows.

The references copy the finished rows from memory in COPY's binary format: once into the same tables with the same
indexes, and once into a single table without any index. All three commit to one PostgreSQL with its default durability.
Before each turn the tables are emptied and a checkpoint is made. A second comparison is of several files of short
reviews, also in processor time of the server, which other programs disturb less. Then those reviews are rescored from
their stored text, and scored in memory. Smaller files compare the load of each form of file with that of a CSV with the
same rows.
"""

import csv
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from pyarrow import parquet

from benchmarks.harness import Reviews, argument_parser, interleaved, labelled_reviews, report
from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import Connection, connect
from sentiment_core.drops.storage import Storage
from sentiment_core.ledger import rollups, source_files, verification
from sentiment_core.ledger.models import ScoringModel, ensure_model, open_model
from sentiment_core.loading.loader import Loader
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.loading.rescoring_run import RescoringWorker, Selection
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings

GOALS = {"load_vs_copy": "≥ 0.5", "load_vs_heap": "≥ 0.25", "load_vs_copy_short": "≥ 0.4"}
ROWS = 200_000
ROWS_OF_FORMS = 20_000
SHORT_FILES = 12
ROWS_OF_SHORT_FILES = 16_000
SHORT_CHARACTERS = 100
KEY = "incoming/shop/dt=2026-11-16/reviews.csv"
# The demo's server stores text gzipped and decompresses it for each reader, on the measured processor. S3 does not. The
# server does not compress objects that are labelled as compressed.
STORED_UNCHANGED = {"ContentType": "application/zstd"}
COLUMNS = ("review_id", "product_id", "author_id", "rating", "reviewed_at", "language", "review")
TABLES = ("review", "score", "review_head", "daily_rollup", "language_rollup", "product_rollup")
HEAP = """
    SELECT review.*, score.model_id, score.batch_id AS scored_by, score.score, score.label, score.out_of_language,
        score.neutral, score.unfamiliar, score.mixed
    FROM sentiment.review JOIN sentiment.score USING (day, source_file_id, line)
"""


def rows_of(reviews: Reviews, numbers: Iterable[int]) -> Iterator[tuple[object, ...]]:
    """Yield rows with the columns of `COLUMNS`: the given reviews in a cycle, under new ids."""
    start = datetime(2026, 11, 15, tzinfo=UTC)
    for row in numbers:
        at = row % len(reviews.texts)
        written_at = (start + timedelta(seconds=row / 4)).isoformat()
        yield f"r{row}", f"p{reviews.groups[at]}", f"u{row % 9973}", 1 + row % 5, written_at, "en", reviews.texts[at]


def csv_of(rows: Iterable[tuple[object, ...]]) -> bytes:
    """Return a CSV of rows."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return written.getvalue().encode()


def forms_of(reviews: Reviews, rows: int) -> dict[str, bytes]:
    """Return the same rows in each form, by the name of the file."""
    found = csv_of(rows_of(reviews, range(rows)))
    table = [dict(zip(COLUMNS, row, strict=True)) for row in rows_of(reviews, range(rows))]
    columnar, archive, book = io.BytesIO(), io.BytesIO(), io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(table), columnar)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as members:
        members.writestr("reviews.csv", found)
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in (COLUMNS, *(row.values() for row in table)):
        # XML cannot have control characters, and a text that begins with `=` would be a formula.
        texts = [ILLEGAL_CHARACTERS_RE.sub(" ", cell).lstrip("=") if isinstance(cell, str) else cell for cell in row]
        sheet.append(texts)
    workbook.save(book)
    return {
        "forms.csv": found,
        "utf16.csv": found.decode().encode("utf-16"),
        "forms.jsonl": b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in table),
        "forms.parquet": columnar.getvalue(),
        "forms.xlsx": book.getvalue(),
        "forms.zip": archive.getvalue(),
    }


class Bench:
    """Files of the ledger, loaded again in each turn, and the resulting rows."""

    def __init__(self, connection: Connection, storage: Storage, settings: Settings) -> None:
        self.connection = connection
        self.storage = storage
        self.settings = settings
        self.loader = Loader(
            connection, storage, open_model(connection, Scorer(Bundle.load(STARTER))), settings, "benchmark"
        )
        self.source_file_id = self.register(KEY)

    def register(self, key: str) -> int:
        """Enter an object in the ledger, and return the id of its file."""
        with self.connection, self.connection.cursor() as cursor:
            drop = self.storage.find(f"s3://{self.settings.bucket}/{key}")
            source_files.register(cursor, [drop], self.settings.incoming_prefix)
            return source_files.find(cursor, drop)

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

    def load(self, source_file_id: int | None = None) -> None:
        """Load the file, or another one."""
        outcome = self.loader.load(source_file_id or self.source_file_id)
        assert outcome.status == "loaded", outcome
        assert outcome.rows_rejected == 0, outcome

    def seconds_by_stage(self) -> dict[str, float]:
        """Return the seconds of each stage, summed over the loaded files."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, sum(value::float) FROM sentiment.scoring_batch, jsonb_each_text(timings) GROUP BY 1"
            )
            return dict(cursor.fetchall())

    def finished_rows(self) -> dict[str, bytes]:
        """Return the loaded rows of each table in COPY's format, and all of them as one table."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE heap AS {HEAP} WITH NO DATA")
        return {table: self.copied(f"TABLE sentiment.{table}") for table in TABLES} | {"heap": self.copied(HEAP)}

    def server_seconds(self) -> float:
        """Return the processor time of the server's process for this connection so far; 0 if it cannot be read."""
        stat = Path(f"/proc/{self.connection.info.backend_pid}/stat")
        if not stat.exists():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def copied(self, query: str) -> bytes:
        """Return the rows of a query in COPY's format."""
        out = io.BytesIO()
        with self.connection, self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", out)
        return out.getvalue()

    def copy(self, rows: dict[str, bytes]) -> None:
        """COPY rows into the tables, in one transaction. The rollups are among them, so that no trigger has work."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, 'kept', true)", (rollups.KEPT,))
            for table, data in rows.items():
                cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", io.BytesIO(data), 1 << 20)


def main() -> None:
    """Run the benchmark and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--short-files", type=int, default=SHORT_FILES, help="number of files of short reviews")
    options = parser.parse_args()
    reviews = labelled_reviews(options.quick)
    rows, few, short = (2_000, 200, 300) if options.quick else (ROWS, ROWS_OF_FORMS, ROWS_OF_SHORT_FILES)
    rounds = 1 if options.quick else 5
    data = csv_of(rows_of(reviews, range(rows)))
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), ("postgres", "object_store")) as stack:
        migrations.upgrade(stack.postgres.url())
        settings = Settings(bucket="reviews", s3_endpoint_url=stack.object_store.endpoint)
        stack.object_store.client().put_object(Bucket="reviews", Key=KEY, Body=data, **STORED_UNCHANGED)
        with connect(stack.postgres.url("sentiment", "postgres")) as connection:
            bench = Bench(connection, Storage(stack.object_store.client()), settings)
            figures, ratios = measure(bench, rows, rounds)
            of_short = measure_short(bench, reviews, options.short_files, short, rounds)
            for found, into in zip(of_short, (figures, ratios), strict=True):
                into.update(found)
            figures |= measure_rescoring(bench, reviews, options.short_files * short, rounds)
            figures |= measure_forms(bench, forms_of(reviews, few), few, rounds)
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


def measure_short(
    bench: Bench, reviews: Reviews, count: int, rows: int, rounds: int
) -> tuple[dict[str, Any], dict[str, float]]:
    """Time the load of several files of short reviews, one after another, and COPY of the same rows."""
    short = reviews._replace(texts=[text[:SHORT_CHARACTERS] for text in reviews.texts])
    files = []
    for number in range(count):
        key = KEY.replace("reviews.csv", f"short-{number}.csv")
        data = csv_of(rows_of(short, range(number * rows, (number + 1) * rows)))
        bench.storage.s3.put_object(Bucket=bench.settings.bucket, Key=key, Body=data, **STORED_UNCHANGED)
        files.append(bench.register(key))

    server: dict[str, list[float]] = {"load": [], "copy": []}

    def load() -> None:
        start = bench.server_seconds()
        for source_file_id in files:
            bench.load(source_file_id)
        server["load"].append(bench.server_seconds() - start)

    def copy() -> None:
        start = bench.server_seconds()
        bench.copy(finished)
        server["copy"].append(bench.server_seconds() - start)

    bench.empty()
    load()
    assert verification.verify(bench.connection) == []
    spent = bench.seconds_by_stage()
    finished = {f"sentiment.{table}": bench.copied(f"TABLE sentiment.{table}") for table in TABLES}
    seconds = interleaved({"load": load, "copy": copy}, rounds, before=bench.empty)
    stored = count * rows
    figures = {f"short reviews, {name} (µs/row)": each.best / stored * 1e6 for name, each in seconds.items()}
    figures |= {
        f"short reviews, server's part of {name} (µs/row)": min(each) / stored * 1e6 for name, each in server.items()
    }
    figures |= {f"short reviews, {stage} of the load (µs/row)": total / stored * 1e6 for stage, total in spent.items()}
    return figures, {"load_vs_copy_short": seconds["copy"].best / seconds["load"].best}


def measure_rescoring(bench: Bench, reviews: Reviews, rows: int, rounds: int) -> dict[str, float]:
    """Time a worker of the DAG `rescore` on the loaded short reviews, and the scoring of the same texts in memory."""
    texts = [reviews.texts[row % len(reviews.texts)][:SHORT_CHARACTERS] for row in range(rows)]
    scorer = bench.loader.model.scorer
    bench.empty()
    for number in range(SHORT_FILES):
        bench.load(bench.register(KEY.replace("reviews.csv", f"short-{number}.csv")))
    digests = iter(range(100))

    def rescore() -> None:
        # The same model under another number, which has scored nothing.
        model_id = ensure_model(bench.connection, f"{next(digests):064x}", "benchmark")
        rescorer = Rescorer(bench.connection, ScoringModel(model_id, scorer), bench.settings, "benchmark")
        worker = RescoringWorker(rescorer, Selection.of(None, None), make_current=False)
        worker.run(lambda outcome: scored.append(outcome.rows_scored))
        assert sum(scored) == rows, scored
        scored.clear()

    scored: list[int] = []
    seconds = interleaved(
        {"rescore": rescore, "scoring in memory": partial(scorer.score_texts, texts)},
        rounds,
        before=partial(bench.execute, "CHECKPOINT"),
    )
    return {f"short reviews, {name} (rows/s)": rows / each.best for name, each in seconds.items()}


def measure_forms(bench: Bench, forms: dict[str, bytes], rows: int, rounds: int) -> dict[str, float]:
    """Time the load of the same rows in each form in turn."""
    runs = {}
    for name, data in forms.items():
        key = KEY.replace("reviews.csv", name)
        bench.storage.s3.put_object(Bucket=bench.settings.bucket, Key=key, Body=data, **STORED_UNCHANGED)
        runs[name] = partial(bench.load, bench.register(key))
    seconds = interleaved(runs, rounds, before=bench.empty)
    return {f"{name} of {rows:,} rows (rows/s)": rows / each.best for name, each in seconds.items()}


if __name__ == "__main__":
    main()
