"""The MLflow runs of measured days, which have the plots of their drift. Reads MLflow by plain HTTP calls."""

from datetime import date
from typing import Final

from sentiment_core.errors import RegistryRefused
from sentiment_core.registry.names import DIGEST_TAG
from sentiment_core.registry.rest_client import TrackingServer

EXPERIMENT: Final = "monitor_drift"
DAY_TAG: Final = "day"
_NEWEST: Final = 100


def plots_address(server_uri: str, experiment: str, run_id: str) -> str:
    """Return the URL of a run's plots in MLflow's UI."""
    return f"{server_uri}/#/experiments/{experiment}/runs/{run_id}/artifacts"


def plots_of_days(tracking_uri: str, digest: str) -> dict[date, str]:
    """Return the URL of the plots of each of the last measured days of a model, at most 100, newest first.

    Raises `RegistryUnavailable` when the tracking server fails, and `RegistryRefused` when it rejects a call.
    """
    server = TrackingServer(tracking_uri)
    try:
        found = server.get("experiments/get-by-name", experiment_name=EXPERIMENT)["experiment"]
    except RegistryRefused as refusal:
        if refusal.details.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    experiment = str(found["experiment_id"])
    answer = server.post(
        "runs/search",
        experiment_ids=[experiment],
        filter=f"tags.{DIGEST_TAG} = '{digest}'",
        order_by=[f"tags.{DAY_TAG} DESC"],
        max_results=_NEWEST,
    )
    plots = {}
    for run in answer.get("runs", []):
        tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
        day = date.fromisoformat(tags[DAY_TAG])
        plots[day] = plots_address(server.uri, experiment, run["info"]["run_id"])
    return plots
