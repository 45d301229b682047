"""MLflow's client, whose errors become those of the registry."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException

from sentiment_core.errors import RegistryRefused, RegistryUnavailable
from sentiment_core.registry.artifacts import without_secrets
from sentiment_core.registry.rest_client import TRY_AGAIN, TrackingServer


@contextmanager
def answering(tracking_uri: str) -> Iterator[MlflowClient]:
    """Give MLflow's client of a server; what it raises becomes `RegistryUnavailable` or `RegistryRefused`."""
    try:
        yield MlflowClient(tracking_uri, registry_uri=tracking_uri)
    except MlflowException as error:
        status, why = error.get_http_status_code(), error.message
        raise _error(tracking_uri, status, why) from error
    except RequestException as error:  # of files, whose answers MLflow does not translate
        status = 503 if error.response is None else error.response.status_code
        raise _error(tracking_uri, status, f"{type(error).__name__}, status {status}") from error


def experiment_id(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment, which is made when it is not there."""
    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException:
            known = client.get_experiment_by_name(name)  # another made it at the same moment
            if known is None:
                raise
    return str(known.experiment_id)


def _error(tracking_uri: str, status: int, why: str) -> RegistryUnavailable | RegistryRefused:
    uri, why = TrackingServer(tracking_uri).uri, without_secrets(why)
    if status >= 500 or status in TRY_AGAIN:
        return RegistryUnavailable(uri=uri, why=why)
    return RegistryRefused(uri=uri, why=why, status=status)
