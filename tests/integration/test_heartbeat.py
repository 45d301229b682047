"""The probe of Airflow's programs, on a table as Airflow keeps it."""

import socket

import pytest

from sentiment_core import heartbeat
from sentiment_core.database.connection import connect

TABLE = "CREATE TABLE job (job_type text, hostname text, state text, latest_heartbeat timestamptz)"
ROW = "INSERT INTO job VALUES (%s, %s, %s, now() - make_interval(secs => %s))"


@pytest.fixture
def jobs(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a database with this host's scheduler, and with jobs that prove nothing about it."""
    url = empty_database.replace("postgresql://", "postgresql+psycopg2://", 1)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
    here = socket.gethostname()
    with connect(empty_database) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute(ROW, ("SchedulerJob", here, "running", 5))
        cursor.execute(ROW, ("DagProcessorJob", here, "running", 70))
        cursor.execute(ROW, ("DagProcessorJob", "another-pod", "running", 5))
        cursor.execute(ROW, ("TriggererJob", here, "failed", 5))
        connection.commit()
    return url


def test_only_a_job_of_this_host_that_runs_and_beats_is_alive(jobs: str) -> None:
    statuses = {job: heartbeat.main(job) for job in ("SchedulerJob", "DagProcessorJob", "TriggererJob")}
    assert statuses == {"SchedulerJob": 0, "DagProcessorJob": 1, "TriggererJob": 1}


def test_a_triggerer_that_is_known_by_its_address_is_found(jobs: str, empty_database: str) -> None:
    with connect(empty_database) as connection, connection.cursor() as cursor:
        cursor.execute(ROW, ("TriggererJob", socket.gethostbyname(socket.gethostname()), "running", 5))
        connection.commit()
    assert heartbeat.is_beating("TriggererJob", jobs)


def test_a_database_that_is_away_restarts_nothing(
    jobs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://u:p@127.0.0.1:1/airflow")
    assert heartbeat.main("SchedulerJob") == 0
    assert "nothing is known about SchedulerJob" in capsys.readouterr().err
