"""Read by each Airflow process at its start: the scheduler imports what the tasks will need.

The executor's workers are forked from the scheduler, so each task finds these modules there instead of importing them,
which would take it longer than its work. No kernel is called here: Numba's threads would not survive the fork.
"""

import importlib
import sys

__all__: list[str] = []

TASKS_NEED = (
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.sdk.execution_time.task_runner",
    "numba",
    "psycopg2",
    "sentiment_core.loading",
    "sentiment_core.model",
    "sentiment_core.registry",
    "sentiment_core.run",
    "sentiment_core.scorer",
)

if {"scheduler", "dag-processor"} & set(sys.argv):
    for name in TASKS_NEED:
        importlib.import_module(name)

# From here on nothing but the files of dags/ and plugins/ is left to import: no bytecode is written beside them.
sys.dont_write_bytecode = True
