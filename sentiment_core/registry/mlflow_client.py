"""MLflow's client, with its errors translated to registry errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from requests.exceptions import RequestException

from sentiment_core.errors import RegistryRefused, RegistryUnavailable
from sentiment_core.registry.artifacts import redact
from sentiment_core.registry.rest_client import RETRYABLE_STATUSES, TrackingServer

_BODY: Final = "Response body:"
_ALREADY_EXISTS: Final[str] = ErrorCode.Name(RESOURCE_ALREADY_EXISTS)


@contextmanager
def mlflow_client(tracking_uri: str) -> Iterator[MlflowClient]:
    """Yield MLflow's client for a tracking server, and translate its errors.

    Raises `RegistryUnavailable` when the server cannot be reached, fails or asks for a retry, and `RegistryRefused` for
    any other error.
    """
    try:
        yield MlflowClient(tracking_uri, registry_uri=tracking_uri)
    except MlflowException as error:
        status, why = error.get_http_status_code(), error.message
        raise _error(tracking_uri, status, why) from error
    except RequestException as error:  # from artifact requests: MLflow does not translate their errors
        status = 503 if error.response is None else error.response.status_code
        raise _error(tracking_uri, status, f"{type(error).__name__}, status {status}") from error


def already_exists(error: MlflowException) -> bool:
    """Return whether a call failed because what it creates exists."""
    return bool(error.error_code == _ALREADY_EXISTS)


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment. Create the experiment if it does not exist."""
    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            if not already_exists(error):
                raise
            known = client.get_experiment_by_name(name)  # another process created it concurrently
            if known is None:
                raise
    return str(known.experiment_id)


def _without_page(why: str) -> str:
    """Return MLflow's message without the HTML page that a server or proxy answered."""
    message, _, body = why.partition(_BODY)
    return message.rstrip(". ") if body.lstrip("'\" \n").startswith("<") else why


def _error(tracking_uri: str, status: int, why: str) -> RegistryUnavailable | RegistryRefused:
    uri, why = TrackingServer(tracking_uri).uri, redact(_without_page(why))
    if status >= 500 or status in RETRYABLE_STATUSES:
        return RegistryUnavailable(uri=uri, why=why)
    return RegistryRefused(uri=uri, why=why, status=status)
