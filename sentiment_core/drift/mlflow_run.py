"""Log a day's drift as an MLflow run: figures as metrics, plot and page as artifacts."""

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sentiment_core.drift import page
from sentiment_core.drift.report_store import Trend
from sentiment_core.drift.statistics import Cause, Report
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.rest_client import TrackingServer

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "monitor_drift"
_DAY_TAG: Final = "day"


def log_run(tracking_uri: str, reports: Sequence[Report], trend: Sequence[Trend], day: date, digest: str) -> str:
    """Log a day's reports and return the URL of their MLflow run. A day and model logged again reuses its run.

    Raises `RegistryUnavailable` when the tracking server fails, and `RegistryRefused` when it rejects a call.
    """
    from sentiment_core.registry.mlflow_client import answering, experiment_id  # noqa: PLC0415 -- a DAG must be parsed without MLflow

    with answering(tracking_uri) as client:
        experiment = experiment_id(client, EXPERIMENT)
        run_id = _run(client, experiment, day, digest)
        for cause in Cause:
            effect = reports[0].measures.get(cause, {}).get("effect")
            if effect is not None:
                client.log_metric(run_id, f"{cause}_effect", effect)
        client.log_metric(run_id, "reviews", reports[0].measures["rows"])
        client.log_metric(run_id, "drifted_products", sum(one.drifted for one in reports[1:]))
        client.set_tag(run_id, "drifted", str(reports[0].drifted).lower())
        client.set_tag(run_id, "state", reports[0].state)
        with tempfile.TemporaryDirectory() as scratch:
            for path in page.write(reports, trend, day, digest, Path(scratch)):
                client.log_artifact(run_id, str(path))
        client.set_terminated(run_id)
    return f"{TrackingServer(tracking_uri).uri}/#/experiments/{experiment}/runs/{run_id}/artifacts"


def _run(client: "MlflowClient", experiment: str, day: date, digest: str) -> str:
    tags = {_DAY_TAG: day.isoformat(), DIGEST_TAG: digest}
    wanted = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    found = client.search_runs([experiment], wanted, max_results=1)
    run = found[0] if found else client.create_run(experiment, run_name=f"monitor_drift {day}", tags=tags)
    return str(run.info.run_id)
