"""What the tasks of several DAGs share."""

import logging

from sentiment_core.loading.loader import LoadOutcome

log = logging.getLogger(__name__)


def report(outcome: LoadOutcome) -> None:
    """Log the outcome of a file to the task's log. A rejected file, and each warning about a file, is a warning."""
    level = logging.WARNING if outcome.status in ("rejected", "kept") else logging.INFO
    log.log(
        level,
        "%s: %s%s (%s rows: %s scored, %s rejected, %s duplicate)",
        outcome.uri,
        outcome.status,
        f", {outcome.reason}" if outcome.reason else "",
        outcome.rows_in,
        outcome.rows_scored,
        outcome.rows_rejected,
        outcome.rows_duplicate,
    )
    for warning in outcome.warnings:
        log.warning("%s: %s", outcome.uri, warning)
