"""Drift reports in PostgreSQL: measure a day, store and read its reports, and request retraining."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from psycopg2.extras import execute_values

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import Connection
from sentiment_core.drift.observation import observe
from sentiment_core.drift.statistics import Cause, Report, State, compare
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.settings import Settings

TREND_DAYS: Final = 30


class Trend(NamedTuple):
    """Population stability indices of one measured day; `length` is None if too few texts were sampled."""

    day: date
    score: float
    labels: float
    length: float | None


def measure(
    connection: Connection, day: date, model: ScoringModel, settings: Settings, product_id: str | None = None
) -> list[Report]:
    """Compare a day's reviews with the model's reference: all reviews first, then each product with enough rows.

    If `product_id` is given, only that product is compared separately. Nothing is stored.
    """
    found = observe(connection, day, model, settings, product_id)
    return compare(model.scorer.bundle.reference, found.rows, found.products, found.rejections, settings)


def store(connection: Connection, day: date, model_id: int, reports: Sequence[Report]) -> None:
    """Store the reports of a day and model, and replace any earlier ones."""
    with connection, connection.cursor() as cursor:
        # The advisory lock serializes concurrent calls, so the second replaces the reports of the first.
        lock(cursor, AdvisoryLock.DRIFT, model_id, day)
        cursor.execute("DELETE FROM sentiment.drift_report WHERE day = %s AND model_id = %s", (day, model_id))
        execute_values(
            cursor,
            "INSERT INTO sentiment.drift_report (day, model_id, product_id, measures, drifted) VALUES %s",
            [(day, model_id, one.product_id, json.dumps(one.measures), one.drifted) for one in reports],
        )


def stored(connection: Connection, day: date, model_id: int) -> list[Report]:
    """Return the stored reports of a day and model, the whole day first. Empty if the day was not measured."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT product_id, measures FROM sentiment.drift_report WHERE day = %s AND model_id = %s"
            " ORDER BY drift_report_id",
            (day, model_id),
        )
        return [
            Report(product_id, State(measures["state"]), tuple(map(Cause, measures["causes"])), measures)
            for product_id, measures in cursor
        ]


def trend(connection: Connection, day: date, model_id: int) -> list[Trend]:
    """Return the days measured with the model in the `TREND_DAYS` days that end with `day`, earliest first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, score_psi, label_psi, length_psi FROM sentiment.drift_history"
            " JOIN sentiment.model ON digest = model_digest"
            " WHERE model_id = %s AND product_id IS NULL AND score_psi IS NOT NULL"
            " AND day > %s::date - %s AND day <= %s"
            " ORDER BY day",
            (model_id, day, TREND_DAYS, day),
        )
        return [Trend(*row) for row in cursor]


def request_retraining(
    connection: Connection, day: date, model_id: int, causes: Sequence[Cause], requested_by: str, settings: Settings
) -> str:
    """Return the run id of the Airflow run that retrains because of a day's drift.

    The first drift creates a retraining request. Any drift within `drift_retrain_every_d` days after it, of any model,
    gets the run id of the same request. Starting the run is therefore idempotent, because Airflow allows only one run
    with a given id.
    """
    with connection, connection.cursor() as cursor:
        lock(cursor, AdvisoryLock.RETRAIN_REQUEST)
        cursor.execute(
            "SELECT retrain_request_id FROM sentiment.retrain_request"
            " WHERE requested_at > clock_timestamp() - make_interval(days => %s)"
            " ORDER BY requested_at DESC LIMIT 1",
            (settings.drift_retrain_every_d,),
        )
        found = cursor.fetchone()
        if found is None:
            cursor.execute(
                "INSERT INTO sentiment.retrain_request (model_id, day, causes, requested_by) VALUES (%s, %s, %s, %s)"
                " RETURNING retrain_request_id",
                (model_id, day, list(causes), requested_by),
            )
            found = cursor.fetchone()
        return f"drift__{found[0]}"  # type: ignore[index]
