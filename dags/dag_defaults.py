"""What the tasks of all DAGs have in common."""

from datetime import timedelta
from typing import Any

from alerting import alert_failure

OWNER = "sentiment"


def task_defaults(*, retries: int, retry_delay_s: int, hours: int) -> dict[str, Any]:
    """Return the `default_args` of a DAG: owner, retries with increasing delays, a time limit, and the alert.

    Terminal errors and programming errors are never retried (`fail_without_retry_if_terminal`). A task that runs
    longer than `hours` hangs: it fails and is retried.
    """
    return {
        "owner": OWNER,
        "retries": retries,
        "retry_delay": timedelta(seconds=retry_delay_s),
        "retry_exponential_backoff": True,
        "execution_timeout": timedelta(hours=hours),
        "on_failure_callback": alert_failure,
    }
