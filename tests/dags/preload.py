"""Imports and builds what the code that tests run in Airflow needs: once, before the forks."""
# ruff: noqa: E402 -- the collection of garbage is off before the imports

import asyncio
import gc
import importlib
import tempfile
import threading

gc.disable()  # the imports create millions of objects, which would be scanned again and again

import httpx
import mlflow.pyfunc
import sqlalchemy.orm
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk.execution_time.supervisor import in_process_api_server
from matplotlib.figure import Figure

from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.png import png_of

for module in (
    "airflow.api_fastapi.execution_api.app",
    "airflow.api_fastapi.execution_api.routes",
    "airflow.dag_processing.collection",
    "airflow.dag_processing.dagbag",
    "airflow.models.dagrun",
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
S3Hook(aws_conn_id=None, region_name="us-east-1").get_conn()  # finds Airflow's providers, and the files of the stack
figure = Figure(layout="constrained")
figure.add_subplot().set_title("the first text loads the fonts")
png_of(figure)
with tempfile.TemporaryDirectory() as folder:  # the first call lists all installed packages
    mlflow.pyfunc.save_model(f"{folder}/model", loader_module="sentiment_core.pyfunc", pip_requirements=[])
assert threading.active_count() == 1, "a fork would copy the locks of other threads, held or not"
gc.freeze()  # keeps the first collection in a fork from copying every page
gc.enable()
