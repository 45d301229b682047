"""Connect `sentiment_core` to Airflow: connections, a run's params and day, and the only mapping of errors."""

import difflib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import Asset, AssetAlias, Connection, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from sentiment_core.database.connection import Connection as DatabaseConnection
from sentiment_core.database.connection import connect as connect_to
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import DayInvalid, RunConfInvalid, SettingMissing, TerminalError
from sentiment_core.loading.scoring_run import finished_day, yesterday
from sentiment_core.promotion.alias_moves import reconcile
from sentiment_core.registry.names import CHALLENGER, CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

AWS_CONNECTION = "aws_default"
DATABASE_CONNECTION = "sentiment_db"

# Each day is a partition of this asset. An event means that reviews of the day were scored.
SCORED_REVIEWS = Asset("scored_reviews")

# An event for each move of the champion. Only `announce_moves` emits them, so no move has two.
CHAMPION_MODEL = Asset("champion_model")
# The outlet through which it emits as many events as there are moves without one.
CHAMPION_MOVES = AssetAlias("champion_model_moves")
# An event means that a task that can move the champion has ended. It starts `announce_moves`.
CHAMPION_DECIDED = Asset("champion_decided")

PROGRAM_ERRORS = (AssertionError, AttributeError, ImportError, NameError, TypeError)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def fail_without_retry_if_terminal(task: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make a terminal error, or an error of the program, fail the task immediately. Airflow retries all others."""

    @wraps(task)
    def mapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return task(*args, **kwargs)
        except TerminalError as error:
            raise AirflowFailException(str(error)) from error
        except PROGRAM_ERRORS as error:
            log.exception("An error of the program, which a retry cannot remove")
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error

    return mapped


@contextmanager
def connect() -> Iterator[DatabaseConnection]:
    """Open a connection to the database of the Airflow connection `sentiment_db`."""
    with connect_to(Connection.get(DATABASE_CONNECTION).get_uri(), application="airflow") as connection:
        yield connection


@cache
def storage() -> Storage:
    """Return the object store of the Airflow connection `aws_default`.

    A task has one client, because each new client reads a megabyte of descriptions of S3's interface.
    """
    return Storage(S3Hook(AWS_CONNECTION).get_conn())


def registry() -> RegisteredModel:
    """Return the model registry that the settings name."""
    config = settings()
    if config.mlflow_tracking_uri is None:
        raise SettingMissing(name="SENTIMENT_MLFLOW_TRACKING_URI", why="runs load their model from the registry")
    return RegisteredModel(config.mlflow_tracking_uri, config.model_name, config.model_cache)


def reconcile_history(connection: DatabaseConnection, models: RegisteredModel) -> None:
    """Reconcile the alias history with the registry.

    Log the entries that were interrupted or moved outside of the history.
    """
    for alias in (CHAMPION, CHALLENGER):
        for move in reconcile(connection, models, alias):
            log.warning(
                "History: %s version %s, %s: %s", alias, move.to_version, move.state, move.detail or move.reason
            )


def run_params() -> Any:
    """Return the params of the current run. Raises `RunConfInvalid` for a key of its conf that is no param.

    Airflow accepts such keys: a misspelt `day` would have no effect, and the run would score yesterday.
    """
    context = get_current_context()
    known = sorted(context["dag"].params)
    for key in context["dag_run"].conf or {}:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            nearest = f" (did you mean {near[0]}?)" if near else ""
            raise RunConfInvalid(key=repr(key), nearest=nearest, known=", ".join(known))
    return context["params"]


def run_day(dag_run: Any, params: Any) -> date:
    """Return the day of a run, for every way to start it. Raises `DayInvalid` for a day that is not over.

    The order of precedence is: the partition key, then `day`, then a logical date at midnight UTC, then yesterday. The
    partition key comes first so that a filled `day` cannot turn a backfill of many days into one of a single day. The
    trigger form in the UI turns a date into a logical date at midnight UTC.
    """
    if dag_run.partition_key:
        return finished_day(dag_run.partition_key)
    if params.get("day"):
        return finished_day(params["day"])
    at: datetime | None = dag_run.logical_date
    if at is not None and at.astimezone(UTC).time() == time.min:
        return finished_day(at.astimezone(UTC).date().isoformat())
    if dag_run.run_type == "backfill":
        raise DayInvalid(day=str(at), why="a backfill's run must have a partition key")
    return yesterday()
