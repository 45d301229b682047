"""Loaded by each Airflow process at its start. Processes that fork import the modules that their children need.

The scheduler's workers fork to run tasks, and the DAG processor forks to parse DAG files. The children inherit these
modules and need not import them, which would take longer than their work. No kernel is called here, because Numba's
threads do not survive a fork.
"""

import gc
import importlib
import sys

__all__: list[str] = []

TASKS_NEED = (
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.sdk.execution_time.task_runner",
    "numba",
    "psycopg2",
    "sentiment_core.loading.loader",
    "sentiment_core.ledger.models",
    "sentiment_core.registry.registered_model",
    "sentiment_core.loading.scoring_run",
    "sentiment_core.model.scorer",
)

# Startup creates millions of long-lived objects. Repeated garbage-collection scans of them would take a tenth of the
# time.
gc.set_threshold(50_000)

if {"scheduler", "dag-processor"} & set(sys.argv):
    for name in TASKS_NEED:
        importlib.import_module(name)

# After this point only files of dags/ and plugins/ are imported. No bytecode is written next to them.
sys.dont_write_bytecode = True
