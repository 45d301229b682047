"""Airflow's settings of the demo, with the kill points in all tasks, which are forked from the scheduler.

Tasks are tried again after a second: the wait between two tries is none of what is tested.
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
    """Shorten the wait before the next try of a task."""
    task.retry_delay = timedelta(seconds=1)
    task.retry_exponential_backoff = 0
