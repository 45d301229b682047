"""The tour of the running stack: schema, model, example files, a backfill of their days, and the results."""

import json
import sysconfig
from datetime import date
from pathlib import Path
from typing import Any

import urllib3

from demo.display import Display
from demo.environment import CHECKOUT, base
from demo.errors import TourFailed
from demo.object_store import BUCKETS
from demo.processes import Program
from demo.rated_reviews import rated_files
from demo.stack import Stack
from demo.steps import Step
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.drops.storage import storage_errors
from sentiment_core.errors import BundleTooOld, ModelUnknown
from sentiment_core.ledger.source_contracts import current_contract, store_contract
from sentiment_core.model.bundle import STARTER
from sentiment_core.registry.registered_model import RegisteredModel

DAG = "score_reviews"
INCOMING = CHECKOUT / "examples" / "incoming"
PRESETS = CHECKOUT / "examples" / "presets"  # exports of products; a folder's name is its source and its preset
RUNS_MAY_TAKE_S = 900
RAW_SHOWN = 60

TITLES = {
    "postgres": "PostgreSQL",
    "object_store": "S3 (SeaweedFS)",
    "mlflow": "MLflow",
    "airflow": "Airflow",
    "api": "API",
    "insights": "Insights page",
    "schema": "Database schema",
    "contracts": "Contracts of sources",
    "model": "Starter model in MLflow",
    "files": "Example files in S3",
    "dag": f"DAG {DAG}",
    "backfill": "Backfill by Airflow",
    "serving": "Model in the API",
}
DAILY = """SELECT day, source, reviews, positive, neutral, negative, mean_score
FROM sentiment.daily_sentiment ORDER BY day, source"""
QUARANTINE = """SELECT day, key, line, code, reason, raw
FROM sentiment.quarantine WHERE NOT resolved ORDER BY day, key, line LIMIT 30"""
REVIEW = "The kettle is quiet, quick and looks lovely. I would buy it again."


class Tour:
    """Run the tour on a stack that is starting, and report to the display."""

    def __init__(self, stack: Stack, display: Display) -> None:
        self._stack = stack
        self._display = display
        self._registry = RegisteredModel(stack.mlflow.url, cache=stack.state / "models")

    def steps(self) -> list[Step]:
        """Return the steps, for `Stack.start`."""
        return [
            Step("schema", ("postgres",), self._upgrade),
            Step("contracts", ("schema",), self._declare),
            Step("model", ("schema", "mlflow"), self._register),
            Step("files", ("object_store",), self._upload),
            Step("dag", ("airflow",), self._unpause),
            Step("backfill", ("contracts", "model", "files", "dag"), self._backfill),
            Step("serving", ("api", "model"), self._serve),
        ]

    def show(self) -> None:
        """Show the results. Raises `TourFailed` when there are none."""
        daily = self._query(DAILY)
        self._display.table(DAILY, ("day", "source", "reviews", "positive", "neutral", "negative", "mean score"), daily)
        rejected = [(*row[:-1], _readable(row[-1])) for row in self._query(QUARANTINE)]
        columns = ("day", "key", "line", "code", "reason", "raw")
        self._display.table(QUARANTINE, columns, rejected)
        self._predict()
        if not daily or not rejected:
            raise TourFailed(why="the tables of scored or of rejected rows are empty")

    def _upgrade(self) -> str:
        migrations.upgrade(self._stack.postgres.url())
        self._stack.postgres.create_reader()
        return "is current"

    def _declare(self) -> str:
        """Set the contract of each source with a preset, as `sentiment source set SOURCE --preset NAME` does."""
        names = sorted(folder.name for folder in PRESETS.iterdir())
        with connect(self._stack.postgres.url()) as connection, connection, connection.cursor() as cursor:
            for name in names:
                contract = contract_of({"preset": name}, f"preset {name!r}")
                if current_contract(cursor, name).contract != contract:
                    store_contract(cursor, name, contract, "example of the demo", "demo")
        return f"preset {', '.join(names)}"

    def _register(self) -> str:
        """Make the starter model the champion if this release can read no champion.

        A newer champion stays unchanged.
        """
        try:
            version, digest = self._registry.resolve(None)
            self._registry.fetch(version)
        except (ModelUnknown, BundleTooOld):
            self._stack.workspace.supervisor.run(self._registration())
            version, digest = self._registry.resolve(None)
        return f"champion is version {version}, digest {digest[:12]}"

    def _registration(self) -> Program:
        """Return the command that registers the model.

        It runs as a separate program because MLflow's client uses 200 MB.
        """
        sentiment = str(Path(sysconfig.get_path("scripts")) / "sentiment")
        return Program(
            name="register",
            command=(sentiment, "registry", "register", str(STARTER), "--champion"),
            environment=base(self._stack.state) | self._stack.env(),
            ready_within_s=180,
            needs=(self._stack.mlflow.name,),
        )

    def _upload(self) -> str:
        with storage_errors(f"s3://{BUCKETS[0]}/incoming/"):
            files, fresh = self._upload_missing(self._stack.object_store.client())
        return f"{files} in s3://{BUCKETS[0]}/incoming/, {fresh} of them new"

    def _upload_missing(self, store: Any) -> tuple[int, int]:
        pages = store.get_paginator("list_objects_v2").paginate(Bucket=BUCKETS[0], Prefix="incoming/")
        there = {item["Key"] for page in pages for item in page.get("Contents", ())}
        files = {
            f"incoming/{path.relative_to(folder)}": path
            for folder in (INCOMING, PRESETS)
            for path in sorted(folder.rglob("*.*"))
        }
        composed = rated_files()
        for key in files.keys() - there:
            store.upload_file(str(files[key]), BUCKETS[0], key)
        for key in composed.keys() - there:
            store.put_object(Bucket=BUCKETS[0], Key=key, Body=composed[key])
        return len(files | composed), len((files | composed).keys() - there)

    def _unpause(self) -> str:
        client = self._stack.airflow.client()
        client.wait_for_dag(DAG, 120)
        client.unpause(DAG)
        return f"is on; {self._stack.airflow.url}/dags/{DAG}"

    def _backfill(self) -> str:
        client = self._stack.airflow.client()
        days = example_days()
        # Run one day after another, so that the same files are detected as duplicates each time.
        backfill = client.backfill(DAG, days[0], days[-1], reprocess="completed", max_active_runs=1)
        empty = not self._query("SELECT FROM sentiment.score LIMIT 1")
        first_row = ""
        for _ in range(RUNS_MAY_TAKE_S * 2):
            runs = client.runs_of(backfill)
            if empty and not first_row and self._query("SELECT FROM sentiment.score LIMIT 1"):
                first_row = f"; first row {self._display.elapsed_s:.0f} s after the start"
            self._display.note("backfill", ", ".join(f"{day} {run.state}" for day, run in runs.items()))
            if len(runs) == len(days) and all(run.ended for run in runs.values()):
                break
            self._stack.pause(0.5)
        for run in runs.values():
            client.require_success(DAG, run)
        return f"{days[0]} to {days[-1]}, {len(runs)} days done{first_row}"

    def _serve(self) -> str:
        for _ in range(120):
            if self._stack.api.ready():
                return "is served"
            self._stack.pause(0.25)
        raise TourFailed(why=f"the API at {self._stack.api.url} has no model after 30 s")

    def _predict(self) -> None:
        url = f"{self._stack.api.url}/predict"
        body = json.dumps({"text": REVIEW})
        answer = urllib3.request("POST", url, body=body, headers={"Content-Type": "application/json"}, timeout=30)
        self._display.say()
        self._display.say(f"curl {url} -H 'Content-Type: application/json' -d '{body}'", style="bold cyan")
        self._display.say(json.dumps(answer.json(), ensure_ascii=False))
        if answer.status != 200:
            raise TourFailed(why=f"the API answered {answer.status} to a prediction")

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        with connect(self._stack.postgres.url()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


def example_days() -> list[date]:
    """Return the days of the example files, in ascending order."""
    return sorted({date.fromisoformat(path.name.removeprefix("dt=")) for path in INCOMING.glob("**/dt=*")})


def _readable(raw: memoryview | None) -> str | None:
    if raw is None:
        return None
    text = " ".join(bytes(raw).decode("utf-8", "backslashreplace").split())
    return text if len(text) <= RAW_SHOWN else f"{text[:RAW_SHOWN]}…"
