"""The demo's Airflow settings, with kill points in all tasks. Tasks are forked from the scheduler.

Tasks are retried after one second, because the delay between two tries is not under test.
"""

import os
import runpy
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from demo.airflow import CONFIG

__all__ = ["task_policy"]

runpy.run_path(str(CONFIG / "airflow_local_settings.py"))

if "scheduler" in sys.argv:
    from tests.crash import points

    points.install(Path(os.environ[points.FOLDER]))


def task_policy(task: Any) -> None:
    """Shorten the delay before the next try of a task."""
    task.retry_delay = timedelta(seconds=1)
    task.retry_exponential_backoff = 0
