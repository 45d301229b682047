"""Imports and builds what the code that tests run in Airflow needs: once, before the forks."""

import asyncio
import gc
import importlib
import tempfile
import threading

import boto3
import httpx
import mlflow.pyfunc
import sqlalchemy.orm
from airflow.sdk.execution_time.supervisor import in_process_api_server

from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer

for module in (
    "airflow.api_fastapi.execution_api.app",
    "airflow.api_fastapi.execution_api.routes",
    "airflow.dag_processing.collection",
    "airflow.dag_processing.dagbag",
    "airflow.models.dagrun",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.standard.operators.python",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.serialization.serialized_objects",
    "matplotlib.backends.backend_agg",
    "sentiment_core.drift.mlflow_run",
    "sentiment_core.evaluation.plots",
    "sentiment_core.loading.replay_run",
    "sentiment_core.loading.scoring_run",
    "sentiment_core.promotion.challenge",
    "sentiment_core.training.from_snapshot",
    "sentiment_core.training.learning_curve",
    "sentiment_core.training.mlflow_run",
    "sklearn.linear_model",
):
    importlib.import_module(module)
sqlalchemy.orm.configure_mappers()


async def first_request() -> None:
    """Make the API that tasks call build its routes. It does so at its first request, which takes 3 s."""
    transport = httpx.ASGITransport(in_process_api_server().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://in-process") as client:
        (await client.get("/health")).raise_for_status()


asyncio.run(first_request())
Scorer(Bundle.load(STARTER)).score_texts(["good"])
boto3.session.Session().client("s3", region_name="us-east-1")
with tempfile.TemporaryDirectory() as folder:  # the first call lists all installed packages
    mlflow.pyfunc.save_model(f"{folder}/model", loader_module="sentiment_core.pyfunc", pip_requirements=[])
assert threading.active_count() == 1, "a fork would copy the locks of other threads, held or not"
gc.freeze()  # keeps the first collection in a fork from copying every page
