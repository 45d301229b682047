"""Imports what the code that tests run in Airflow needs: once, before the forks."""

import gc
import importlib

import sqlalchemy.orm

for module in (
    "airflow.api_fastapi.execution_api.app",
    "airflow.api_fastapi.execution_api.routes",
    "airflow.dag_processing.collection",
    "airflow.dag_processing.dagbag",
    "airflow.models.dagrun",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.standard.operators.python",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.serialization.serialized_objects",
    "mlflow.pyfunc",
    "sentiment_core.evaluation.plots",
    "sentiment_core.training.from_snapshot",
    "sklearn.linear_model",
):
    importlib.import_module(module)
sqlalchemy.orm.configure_mappers()
gc.freeze()  # keeps the first collection in a fork from copying every page
