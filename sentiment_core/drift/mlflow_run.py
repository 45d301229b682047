"""Log a day's drift as an MLflow run: figures as metrics, plot and page as artifacts."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from sentiment_core.drift import page
from sentiment_core.drift.report_store import Trend
from sentiment_core.drift.statistics import Cause, Report
from sentiment_core.drift.tracked_days import DAY_TAG, EXPERIMENT, plots_address
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.rest_client import TrackingServer

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log_run(tracking_uri: str, reports: Sequence[Report], trend: Sequence[Trend], day: date, digest: str) -> str:
    """Log a day's reports and return the URL of their MLflow run. A day and model logged again reuses its run.

    Raises `RegistryUnavailable` when the tracking server fails, and `RegistryRefused` when it rejects a call.
    """
    # Imported here, because a DAG file must be parsed without MLflow.
    from sentiment_core.registry.mlflow_client import experiment_id, mlflow_client  # noqa: PLC0415
    from sentiment_core.registry.mlflow_runs import log_files, log_metrics, require_server, set_status  # noqa: PLC0415

    whole, *products = reports
    effects = {cause: whole.measures.get(cause, {}).get("effect") for cause in Cause}
    metrics = {f"{cause}_effect": effect for cause, effect in effects.items() if effect is not None}
    metrics |= {"reviews": whole.measures["rows"], "drifted_products": sum(one.drifted for one in products)}
    require_server(tracking_uri)
    with mlflow_client(tracking_uri) as client:
        experiment = experiment_id(client, EXPERIMENT)
        run_id = _run(client, experiment, day, digest)
        log_metrics(client, run_id, metrics)
        client.set_tag(run_id, "drifted", str(whole.drifted).lower())
        client.set_tag(run_id, "state", whole.state)
        log_files(client, run_id, page.files(reports, trend, day, digest))
    set_status(tracking_uri, run_id, "FINISHED")
    return plots_address(TrackingServer(tracking_uri).uri, experiment, run_id)


def _run(client: "MlflowClient", experiment: str, day: date, digest: str) -> str:
    from sentiment_core.registry.mlflow_runs import find_run  # noqa: PLC0415

    tags = {DAY_TAG: day.isoformat(), DIGEST_TAG: digest}
    run = find_run(client, experiment, tags)
    if run is None:
        run = client.create_run(experiment, run_name=f"monitor_drift {day}", tags=tags)
    return str(run.info.run_id)
