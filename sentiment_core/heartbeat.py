"""Check whether an Airflow program of this container is alive: `python -m sentiment_core.heartbeat SchedulerJob`.

The check queries Airflow's database. `airflow jobs check` imports all of Airflow each time, which takes seconds of CPU.
"""

import os
import socket
import sys
from contextlib import closing, suppress

import psycopg2

_STATEMENT = """SELECT FROM job WHERE job_type = %s AND hostname = ANY(%s) AND state = 'running'
AND latest_heartbeat > now() - interval '60 seconds'"""


def _hosts() -> list[str]:
    """Return the names under which Airflow may have stored this host: its name, its full name, its address."""
    name = socket.gethostname()
    names = [name, socket.getfqdn()]
    with suppress(OSError):
        names.append(socket.gethostbyname(name))
    return names


def is_beating(job_type: str, url: str) -> bool:
    """Return whether a job of this type and host has sent a heartbeat within the last minute.

    Raises `psycopg2.OperationalError` when the database does not respond.
    """
    with (
        closing(psycopg2.connect(url.replace("+psycopg2", "", 1), connect_timeout=5)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(_STATEMENT, (job_type, _hosts()))
        return cursor.fetchone() is not None


def main(job_type: str) -> int:
    """Return the exit status: 0 if the job is alive, or if the database does not respond: a restart would not help."""
    try:
        return int(not is_beating(job_type, os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]))
    except psycopg2.OperationalError as error:
        sys.stderr.write(f"The database does not respond, so nothing is known about {job_type}: {error}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
