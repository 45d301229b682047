"""The demo's Airflow settings, and the modules of training, which each task of `retrain` would import by itself."""

import importlib
import runpy
import sys

from demo.airflow import CONFIG

__all__: list[str] = []

if "scheduler" in sys.argv:
    for name in (
        "sentiment_core.drift.mlflow_run",
        "sentiment_core.promotion.challenge",
        "sentiment_core.training.from_snapshot",
        "sentiment_core.training.learning_curve",
        "sentiment_core.training.mlflow_run",
    ):
        importlib.import_module(name)

runpy.run_path(str(CONFIG / "airflow_local_settings.py"))
