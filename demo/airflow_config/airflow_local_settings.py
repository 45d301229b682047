"""Read by each Airflow process at its start: the ones that fork import what their children will need.

Tasks are forked from the scheduler's workers and DAG files are read in forks of the DAG processor. They find these
modules there instead of importing them, which takes longer than their work. No kernel is called here: Numba's threads
would not survive a fork.
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

# Starting makes millions of objects that stay: looking through them again and again takes a tenth of the time.
gc.set_threshold(50_000)

if {"scheduler", "dag-processor"} & set(sys.argv):
    for name in TASKS_NEED:
        importlib.import_module(name)

# From here on nothing but the files of dags/ and plugins/ is left to import: no bytecode is written beside them.
sys.dont_write_bytecode = True
