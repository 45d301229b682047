"""Check whether an Airflow program in this container sends heartbeats: `heartbeat.py SchedulerJob`.

The check queries the database. `airflow jobs check` would import all of Airflow each time, which takes seconds of CPU.
"""

import os
import socket
import sys
from contextlib import closing

import psycopg2

STATEMENT = """SELECT FROM job WHERE job_type = %s AND hostname = %s AND state = 'running'
AND latest_heartbeat > now() - interval '60 seconds'"""


def beats(job_type: str) -> bool:
    """Return whether a job of this type and host has sent a heartbeat within the last minute."""
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "", 1)
    with closing(psycopg2.connect(url, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(STATEMENT, (job_type, socket.gethostname()))
        return cursor.fetchone() is not None


if __name__ == "__main__":
    sys.exit(not beats(sys.argv[1]))
