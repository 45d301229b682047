"""Retraining from the operator's view: one run of the DAG `retrain` in a running Airflow, with an existing champion.

The benchmark starts the whole demo stack. It first trains a champion on a tenth of the groups and promotes it by force.
Then it puts all reviews into S3. One run collects them, creates a snapshot, validates it, trains with folds and
learning curve, logs everything to MLflow, and lets the gate decide. The reference in the same run is scikit-learn's
TfidfVectorizer and LogisticRegression, fitted once on the same number of texts in memory. The reference has no folds,
no run, and no verification.
"""

import csv
import io
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.harness import Reviews, arguments, labelled_reviews, report
from demo.stack import Stack
from sentiment_core.database import migrations
from sentiment_core.database.connection import connect
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.split import in_test
from sentiment_core.labels import LABELS
from sentiment_core.params import Params
from sentiment_core.promotion.alias_moves import promote
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.training.train import train

DAG: Final = "retrain"
KEY: Final = "training/films/labelled.csv"
GOALS: Final = {"retrain_run_vs_sklearn_fit": "no goal"}


def main() -> None:
    """Run the benchmark and report."""
    options = arguments(__doc__)
    reviews = labelled_reviews(options.quick)
    with tempfile.TemporaryDirectory() as state, Stack(Path(state)) as stack:
        stack.airflow.client().wait_for_dag(DAG, 120)
        migrations.upgrade(stack.postgres.url())
        before = crown_a_tenth(stack, reviews)
        put(stack, reviews)
        run = retrain(stack)
        after = registry(stack).resolve(CHAMPION)[0]
    fit_s = _reference(reviews)
    figures = {
        "reviews": f"{len(reviews.texts):,} of {reviews.name}",
        "retrain: seconds of the DAG run": run["seconds"],
        **{f"retrain: seconds of {name}": seconds for name, seconds in run["tasks"].items()},
        "champion before and after": f"version {before}, version {after}",
        "scikit-learn: seconds of one fit": fit_s,
    }
    report(figures, {"retrain_run_vs_sklearn_fit": run["seconds"] / fit_s}, GOALS, options.json)


def registry(stack: Stack) -> RegisteredModel:
    """Return the registered model of the stack."""
    return RegisteredModel(stack.mlflow.url, "sentiment", stack.state / "models")


def crown_a_tenth(stack: Stack, reviews: Reviews) -> int:
    """Train on a tenth of the groups, all of them training data of the full set, and make the model the champion."""
    mine = ~in_test(reviews.groups, 90)
    labels = np.array([LABELS.index(label) for label in reviews.labels], np.int8)
    tenth = LabelledReviews(reviews.texts, labels, reviews.groups).take(mine)
    models = registry(stack)
    with tempfile.TemporaryDirectory() as folder:
        train(tenth, Params.load(), {}).save(Path(folder))
        version = models.register(Path(folder))
    with connect(stack.postgres.url()) as connection:
        promote(connection, models, version, actor="benchmark", reason="a tenth of the groups", kind="force")
    return version


def put(stack: Stack, reviews: Reviews) -> None:
    """Put all reviews below the training prefix, as one labelled file."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("product_id", "review", "sentiment"))
    writer.writerows(zip(reviews.groups, reviews.texts, reviews.labels, strict=True))
    stack.object_store.client().put_object(Bucket="reviews", Key=KEY, Body=file.getvalue().encode())


def retrain(stack: Stack, **conf: Any) -> dict[str, Any]:
    """Run the DAG. Return its duration in seconds, in total and by task, and the gate's verdict. Raises `RunFailed`."""
    client = stack.airflow.client()
    client.unpause(DAG)
    run = client.trigger(DAG, conf=conf)
    while not client.run(DAG, run.run_id).ended:
        stack.pause(0.5)
    client.require_success(DAG, client.run(DAG, run.run_id))
    path = f"/dags/{DAG}/dagRuns/{run.run_id}"
    tasks = client.get(f"{path}/taskInstances")["task_instances"]
    return {
        "seconds": _seconds(client.get(path)),
        "tasks": dict(_by_start(tasks)),
        "gate": client.get(f"{path}/taskInstances/gate/xcomEntries/return_value")["value"],
    }


def _by_start(tasks: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for task in sorted(tasks, key=lambda task: task["start_date"]):
        yield task["task_id"], _seconds(task)


def _seconds(ran: dict[str, Any]) -> float:
    start, end = (datetime.fromisoformat(ran[name]) for name in ("start_date", "end_date"))
    return (end - start).total_seconds()


def _reference(reviews: Reviews) -> float:
    start = time.perf_counter()
    make_pipeline(TfidfVectorizer(ngram_range=(1, 3)), LogisticRegression()).fit(reviews.texts, reviews.labels)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
