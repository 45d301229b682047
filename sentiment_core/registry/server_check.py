"""What an MLflow server supports of the calls that this project makes. All calls only read."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from sentiment_core.errors import RegistryRefused, RegistryUnsupported
from sentiment_core.registry.names import CHAMPION, LEAST_MLFLOW
from sentiment_core.registry.rest_client import TrackingServer

Outcome = Literal["passed", "limited", "failed"]


class ServerCheck(NamedTuple):
    """One ability of a server. `limited` means that something else takes its place."""

    name: str
    outcome: Outcome
    detail: str


def check_server(server: TrackingServer, model: str) -> list[ServerCheck]:
    """Return what the server can do. Raises `RegistryUnavailable` when it does not answer."""
    return list(_checks(server, model))


def _checks(server: TrackingServer, model: str) -> Iterator[ServerCheck]:
    version = server.version()
    yield ServerCheck("server", "passed", f"MLflow {version}" if version else "it does not say its release")
    runs = _required("runs", lambda: server.get("experiments/search", max_results="1"))
    yield runs
    if runs.outcome == "failed":
        return  # each other call would fail for the same reason
    yield _required("registered models", lambda: server.get("registered-models/search", max_results="1"))
    yield _required("aliases", lambda: server.get("registered-models/alias", name=model, alias=CHAMPION))
    yield _required("datasets of runs", lambda: server.post("runs/log-inputs"))
    yield _logged_models(server)
    yield _served_artifacts(server)


def _required(name: str, call: Callable[[], Any]) -> ServerCheck:
    """Check a call that registration or tracking needs. An answer that only refuses these arguments passes."""
    try:
        call()
    except RegistryUnsupported:
        return ServerCheck(name, "failed", f"the server lacks them; MLflow {LEAST_MLFLOW} or newer has them")
    except RegistryRefused as refusal:
        if refusal.details["status"] in (401, 403):
            return ServerCheck(name, "failed", f"{refusal.details['why']}. {_CREDENTIALS}")
        if not refusal.details.get("error_code"):
            return ServerCheck(name, "failed", f"{refusal.details['why']}; is this the address of an MLflow server?")
    return ServerCheck(name, "passed", "supported")


_CREDENTIALS = "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"


def _logged_models(server: TrackingServer) -> ServerCheck:
    try:
        server.post("logged-models/search", experiment_ids=["0"], max_results=1)
    except RegistryUnsupported:
        return ServerCheck("logged models", "limited", "the server has none (MLflow 2), so models belong to runs")
    except RegistryRefused as refusal:
        if refusal.details["status"] in (401, 403):
            return ServerCheck("logged models", "limited", str(refusal.details["why"]))
    return ServerCheck("logged models", "passed", "supported")


def _served_artifacts(server: TrackingServer) -> ServerCheck:
    try:
        server.folders("")
    except RegistryRefused:
        why = "the server does not serve model files; reading them needs the extra `registry` and access to their store"
        return ServerCheck("model files", "limited", why)
    return ServerCheck("model files", "passed", "served by the server")
