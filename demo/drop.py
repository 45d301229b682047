"""Drop a user's file into the running demo, have Airflow score it, and show the result."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.card import Card
from demo.tour import DAG
from sentiment_core.database.connection import connect
from sentiment_core.drops.storage import s3_client, storage_errors
from sentiment_core.loading.scoring_run import yesterday

ROWS_SHOWN = 10
OUTCOME = """SELECT status, coalesce(reject_reason, 'the same bytes as ' || duplicate_of_key,
    format('%%s rows, %%s scored, %%s rejected, %%s duplicate', rows_in, rows_scored, rows_rejected, rows_duplicate))
FROM sentiment.load_history WHERE bucket = %s AND key = %s ORDER BY first_seen_at DESC, finished_at DESC LIMIT 1"""
SCORED = """SELECT line, label, round(score::numeric, 4), left(text, 70)
FROM sentiment.scored_reviews WHERE bucket = %s AND key = %s ORDER BY line LIMIT %s"""
REJECTED = """SELECT line, code, reason FROM sentiment.quarantine
WHERE bucket = %s AND key = %s ORDER BY line LIMIT %s"""


def drop(card: Card, file: Path) -> bool:
    """Upload the file as one of yesterday's drops, run the DAG for that day, and show the file's rows.

    Return whether the file was loaded, or is a duplicate of a loaded file.
    """
    console = Console(highlight=False)
    os.environ.update(card.environment)
    bucket = card.environment["SENTIMENT_BUCKET"]
    day = yesterday().isoformat()
    key = f"incoming/demo/dt={day}/{file.name}"
    with console.status(f"Uploading to s3://{bucket}/{key}"), storage_errors(f"s3://{bucket}/{key}"):
        s3_client(card.environment["SENTIMENT_S3_ENDPOINT_URL"]).upload_file(str(file), bucket, key)
    console.print(f"Dropped as s3://{bucket}/{key}")
    began = time.monotonic()
    with console.status(f"Airflow scores {day}"):
        client = card.airflow()
        client.require_success(DAG, client.ended(DAG, client.trigger(DAG, day)))
    console.print(f"Airflow's run for {day} took {time.monotonic() - began:.1f} s")
    return _show(console, card.environment, bucket, key)


def _show(console: Console, environment: Mapping[str, str], bucket: str, key: str) -> bool:
    with connect(environment["SENTIMENT_DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(OUTCOME, (bucket, key))
        status, outcome = cursor.fetchone() or ("missing", "Airflow's run did not see the file")
        console.print(f"{status}: {outcome}", soft_wrap=True)
        cursor.execute(SCORED, (bucket, key, ROWS_SHOWN))
        _table(console, ("line", "label", "score", "text"), cursor.fetchall())
        cursor.execute(REJECTED, (bucket, key, ROWS_SHOWN))
        _table(console, ("line", "code", "reason"), cursor.fetchall())
    return bool(status in ("loaded", "duplicate"))


def _table(console: Console, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        table = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row))
        console.print(table)
