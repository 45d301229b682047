"""Loading at scale: one file of gigabytes, a day of many small files, and a listing of very many objects.

Each part runs in a separate process, from the object store to committed rows, and reports its rate and its peak memory.
`--only` selects from `big`, `small` and `listed`.
"""

import csv
import io
import itertools
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.harness import Reviews, arguments, labelled_reviews, measured, report
from benchmarks.load import COLUMNS, STORED_UNCHANGED, rows_of
from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.ledger import verification

SIZES = {"big": 5_000_000_000, "small": 10_000, "listed": 100_000}  # bytes, files, objects
QUICK_SIZES = {"big": 3_000_000, "small": 20, "listed": 100}
ROWS_OF_A_SMALL_FILE = 5
DAY = "2026-11-16"

# The work of a run's tasks, one group after another.
RUN = f"""
import sys
from datetime import date
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.database.connection import connect
from sentiment_core.ledger.models import open_model
from sentiment_core.loading.scoring_run import RunPlan, get_plan, plan_run, score_group, summarise
from sentiment_core.settings import settings
from sentiment_core.drops.storage import Storage, s3_client
config = settings()
storage = Storage(s3_client(config.s3_endpoint_url))
with connect(config.require_database_url()) as connection:
    model = open_model(connection, Scorer(Bundle.load(STARTER)))
    plan = RunPlan("benchmark", date.fromisoformat("{DAY}"), model.model_id, 1, True, False)
    groups = plan_run(connection, storage, config, plan, include_earlier=False)
    if sys.argv[1] == "load":
        for group in groups:
            score_group(connection, storage, config, plan, model, group, lambda outcome: None)
        summarise(connection, "benchmark")
"""


def write_big(path: Path, reviews: Reviews, size: int) -> int:
    """Write a CSV of about the given number of bytes, and return its number of rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        rows = 0
        for rows, fields in enumerate(rows_of(reviews, itertools.count()), 1):
            writer.writerow(fields)
            if rows % 1000 == 0 and file.tell() >= size:
                break
        return rows


def small_files(reviews: Reviews, files: int) -> Iterator[tuple[str, bytes]]:
    """Yield keys and bodies of small files of one day."""
    for number in range(files):
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(COLUMNS)
        first = number * ROWS_OF_A_SMALL_FILE
        writer.writerows(rows_of(reviews, range(first, first + ROWS_OF_A_SMALL_FILE)))
        yield f"incoming/shop/dt={DAY}/{number:06}.csv", written.getvalue().encode()


class Scale:
    """The stack, and the measurements on it."""

    def __init__(self, stack: Stack, reviews: Reviews, folder: Path) -> None:
        self.reviews = reviews
        self.folder = folder
        self.s3 = stack.object_store.client()
        self.environment = stack.env() | {"SENTIMENT_MLFLOW_TRACKING_URI": ""}

    def big(self, size: int) -> dict[str, Any]:
        """Load one large file with the command line."""
        path = self.folder / "big.csv"
        rows = write_big(path, self.reviews, size)
        size = path.stat().st_size
        self.s3.upload_file(str(path), "reviews", f"incoming/shop/dt={DAY}/big.csv", ExtraArgs=STORED_UNCHANGED)
        path.unlink()
        load = [
            str(Path(sys.executable).with_name("sentiment")),
            "load",
            f"s3://reviews/incoming/shop/dt={DAY}/big.csv",
        ]
        seconds, memory = measured(load, self.environment)
        return {
            "big file (GB)": size / 1e9,
            "big file (rows)": rows,
            "big file (rows/s)": rows / seconds,
            "big file, peak memory (MB)": memory,
        }

    def small(self, files: int) -> dict[str, Any]:
        """Plan and load a day of small files, in one process."""
        self._put(small_files(self.reviews, files))
        seconds, memory = measured([sys.executable, "-c", RUN, "load"], self.environment)
        return {
            "small files": files,
            "small files (ms each)": seconds / files * 1000,
            "small files, peak memory (MB)": memory,
        }

    def listed(self, objects: int) -> dict[str, Any]:
        """List, record and plan very many objects."""
        self._put((f"incoming/shop/dt={DAY}/listed/{number:06}.csv", b"review\nfine\n") for number in range(objects))
        seconds, memory = measured([sys.executable, "-c", RUN, "plan"], self.environment)
        return {"listed objects": objects, "listed objects (s)": seconds, "listed objects, peak memory (MB)": memory}

    def _put(self, objects: Iterator[tuple[str, bytes]]) -> None:
        def put(item: tuple[str, bytes]) -> None:
            self.s3.put_object(Bucket="reviews", Key=item[0], Body=item[1], **STORED_UNCHANGED)

        with ThreadPoolExecutor(8) as pool:
            # In batches, because the pool would otherwise create all bodies first.
            while portion := list(itertools.islice(objects, 1000)):
                list(pool.map(put, portion))


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    figures: dict[str, Any] = {"reviews": reviews.name}
    for name, size in (QUICK_SIZES if options.quick else SIZES).items():
        if options.only and not options.quick and not re.search(options.only, name):
            continue
        with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), ("postgres", "object_store")) as stack:
            migrations.upgrade(stack.postgres.url())
            measure: Callable[[int], dict[str, Any]] = getattr(Scale(stack, reviews, Path(folder)), name)
            figures |= measure(size)
            with connect(stack.postgres.url()) as connection:
                assert verification.verify(connection) == []
    report(figures, {}, {}, options.json)


if __name__ == "__main__":
    main()
