"""Latency from a file's drop to its visible rows, by the DAG `score_arrivals` under the LocalExecutor.

`poll` lets the DAG poll every 30 seconds, `queue` starts it by messages of an SQS server (moto). Files are dropped one
by one at random times, and then 30 files at the same time. `--only` selects from `poll` and `queue`.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel

DAG = "score_arrivals"
BUCKET = "reviews"
BURST = 30
SETTLE_S = 20  # of the first run, which loads the model


class Drops:
    """Drops files, and measures the time until their rows are visible."""

    def __init__(self, stack: Stack, queue: Any) -> None:
        self._stack = stack
        self._queue = queue
        self._s3 = stack.object_store.client()
        self._at: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def drop(self, name: str) -> None:
        """Drop a file for today. With a queue, send the message that S3 would send."""
        key = f"incoming/shop/dt={datetime.now(UTC).date()}/{name}.csv"
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=f"review\nfile {name} is good\n".encode())
        self._at[key] = time.monotonic()
        if self._queue:
            record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}}}
            self._queue.send_message(MessageBody=json.dumps({"Records": [record]}))

    def look(self) -> int:
        """Note the files whose rows have become visible. Return the number of files that are not visible yet."""
        with connect(self._stack.postgres.url()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT key FROM sentiment.scored_reviews")
            visible = {key for (key,) in cursor}
        now = time.monotonic()
        for key in visible.intersection(self._at):
            self.seconds[key] = now - self._at.pop(key)
        return len(self._at)

    def wait(self, seconds: float = 0, *, all_visible: bool = False) -> None:
        """Poll the views for some seconds, or until all files are visible."""
        deadline = time.monotonic() + (600 if all_visible else seconds)
        while self.look() if all_visible else time.monotonic() < deadline:
            assert time.monotonic() < deadline, "files are not visible after ten minutes"
            time.sleep(0.25)
            self.look()


def measured(overrides: Mapping[str, str], queue: Any, files: int) -> dict[str, Any]:
    """Start the stack, drop the files, and return the latencies in seconds and the number of runs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), ("mlflow", "airflow"), airflow_overrides=overrides) as stack,
    ):
        migrations.upgrade(stack.postgres.url())
        os.environ |= stack.object_store.environment()
        registry = RegisteredModel(stack.mlflow.url, cache=Path(folder) / "models")
        registry.set_alias("champion", registry.register(STARTER))
        client = stack.airflow.client()
        client.wait_for_dag(DAG, 120)
        client.unpause(DAG)
        drops = Drops(stack, queue)
        drops.drop("first")
        drops.wait(all_visible=True)
        drops.wait(SETTLE_S)
        drops.seconds.clear()
        chance = random.Random(20)
        for number in range(files):
            drops.drop(f"single-{number}")
            drops.wait(chance.uniform(2, 22))
        drops.wait(all_visible=True)
        single, drops.seconds = sorted(drops.seconds.values()), {}
        for number in range(BURST):
            drops.drop(f"burst-{number}")
        drops.wait(all_visible=True)
        burst = sorted(drops.seconds.values())
        runs = client.get(f"/dags/{DAG}/dagRuns", limit=1)["total_entries"]
    return {"single": _summary(single), "burst": _summary(burst), "runs": runs}


def _summary(seconds: list[float]) -> dict[str, float]:
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return {"files": len(seconds), "p50": statistics.median(seconds), "p95": p95, "max": seconds[-1]}


def main(arguments: list[str]) -> None:
    """Measure both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("poll", "queue"))
    parser.add_argument("--files", type=int, default=40, help="files that are dropped one by one")
    options = parser.parse_args(arguments)
    print(f"{'way':<7}{'drops':<8}{'files':>6}{'p50 s':>8}{'p95 s':>8}{'max s':>8}")
    for way in ("poll", "queue") if options.only is None else (options.only,):
        found = _by_poll(options.files) if way == "poll" else _by_queue(options.files)
        for kind in ("single", "burst"):
            row = found[kind]
            print(f"{way:<7}{kind:<8}{row['files']:>6}{row['p50']:>8.1f}{row['p95']:>8.1f}{row['max']:>8.1f}")
        print(f"{way:<7}runs of the DAG: {found['runs']}")


def _by_poll(files: int) -> dict[str, Any]:
    return measured({}, None, files)


def _by_queue(files: int) -> dict[str, Any]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    access = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    queue = boto3.resource("sqs", endpoint_url=endpoint, **access).create_queue(QueueName="arrivals")
    overrides = {
        "SENTIMENT_ARRIVALS_QUEUE": queue.url,
        "SENTIMENT_ARRIVALS_EVERY_S": "0",
        "AWS_ENDPOINT_URL_SQS": endpoint,
    }
    try:
        return measured(overrides, queue, files)
    finally:
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
