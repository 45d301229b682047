"""What the pages get from Airflow: the user, the user's permissions, the database address and the signing key."""

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from airflow.models import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import HTTPException, Request

from sentiment_plugin.host import READ_DAG, Host
from sentiment_plugin.problems import Problem

DATABASE_CONNECTION = "sentiment_db"

# Airflow's check first validates the token, from the header or the UI's cookie, and then the user's permissions.
may_read = requires_access_dag("GET", param_dag_id=READ_DAG)


def identify(request: Request, user: GetUserDep) -> str:
    """Return the user's name, and keep the user for `may_start`."""
    request.state.airflow_user = user
    return user.get_name()


def may_start(request: Request, dag_id: str) -> bool:
    """Return whether the user may start runs of the DAG. It is the check of Airflow's own API."""
    try:
        requires_access_dag("POST", DagAccessEntity.RUN, dag_id)(request, request.state.airflow_user)
    except HTTPException as error:
        if error.status_code != 403:
            raise
        return False
    return True


def database_url() -> str:
    """Return the URI of the Airflow connection `sentiment_db`."""
    try:
        return Connection.get_connection_from_secrets(DATABASE_CONNECTION).get_uri()
    except AirflowNotFoundException as error:
        raise Problem(
            503, f"The Airflow connection {DATABASE_CONNECTION} does not exist. Add it under Admin, Connections."
        ) from error


def secret() -> str:
    """Return the key that Airflow's API servers share."""
    return conf.get_mandatory_value("api", "secret_key")


AIRFLOW = Host(may_read, identify, may_start, database_url, secret)
