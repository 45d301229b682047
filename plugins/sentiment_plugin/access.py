"""What the pages get from Airflow: the permission check and the database address."""

from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import HTTPException

DATABASE_CONNECTION = "sentiment_db"

# Airflow's check first validates the token, from the header or the UI's cookie, and then the user's permissions.
may_read_scores = requires_access_dag("GET", param_dag_id="score_reviews")


def database_url() -> str:
    """Return the URI of the Airflow connection `sentiment_db`."""
    try:
        return Connection.get_connection_from_secrets(DATABASE_CONNECTION).get_uri()
    except AirflowNotFoundException as error:
        raise HTTPException(
            503, f"The Airflow connection {DATABASE_CONNECTION} does not exist. Add it under Admin, Connections."
        ) from error
