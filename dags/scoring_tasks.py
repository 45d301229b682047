"""What the tasks of the DAGs that score reviews share."""

import logging

from airflow.sdk import get_current_context
from alerting import page
from lineage import Lineage
from linked_task import set_lineage, set_link
from wiring import connect, registry, storage

from sentiment_core.database.connection import Connection
from sentiment_core.ledger.models import ScoringModel, open_model
from sentiment_core.loading.loader import LoadOutcome
from sentiment_core.loading.progress import StoredProgress
from sentiment_core.loading.scoring_run import (
    RunPlan,
    RunSummary,
    get_plan,
    planned_files,
    rejected_files,
    rejected_rows,
    require_good_files,
    score_group,
    summarise,
)
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

FILES_LINK = "Files"


def score_files(group_id: int) -> None:
    """Load or rescore each file of a group of this run's plan."""
    with connect() as connection:
        run_plan = get_plan(connection, get_current_context()["run_id"])
        model = fetch_model(connection, run_plan.version)
        progress = StoredProgress(connect, run_plan.run_id)
        set_link(FILES_LINK, files_page(run_plan, planned_files(connection, run_plan.run_id, group_id)))
        outcomes: list[LoadOutcome] = []

        def note(outcome: LoadOutcome) -> None:
            report(outcome)
            outcomes.append(outcome._replace(warnings=()))

        score_group(connection, storage(), settings(), run_plan, model, group_id, note, progress)
        read = [outcome.uri for outcome in outcomes if outcome.rows_in]
        set_lineage(Lineage.of(connection, read, sum(outcome.rows_scored for outcome in outcomes)))


def fetch_model(connection: Connection, version: int) -> ScoringModel:
    """Fetch the bundle of a registered version, and prepare it for scoring."""
    return open_model(connection, Scorer(Bundle.load(registry().fetch(version).path)), version)


def files_page(run_plan: RunPlan, files: list[int]) -> str:
    """Return the URL of the page of a group's only file, or of the list of the day's files."""
    if len(files) == 1:
        return page(f"files/{files[0]}")
    return page("files") if run_plan.arrivals else page("files", day=run_plan.day)


def report(outcome: LoadOutcome) -> None:
    """Log the outcome of a file to the task's log. A rejected file, and each warning about a file, is a warning."""
    level = logging.WARNING if outcome.status in ("rejected", "kept") else logging.INFO
    log.log(
        level,
        "%s: %s%s (%s rows: %s scored, %s rejected, %s duplicate; %.2f s, %s rows/s)",
        outcome.uri,
        outcome.status,
        f", {outcome.reason}" if outcome.reason else "",
        outcome.rows_in,
        outcome.rows_scored,
        outcome.rows_rejected,
        outcome.rows_duplicate,
        outcome.seconds,
        f"{outcome.rows_in / outcome.seconds:,.0f}" if outcome.seconds else "no",
    )
    for warning in outcome.warnings:
        log.warning("%s: %s", outcome.uri, warning)


def summarise_run(connection: Connection, run_id: str) -> RunSummary:
    """Check that every file of the plan has reached its final state, and log the counts and the rejects.

    Raises `RunIncomplete`, and `FilesRejected` if `SENTIMENT_ON_BAD_FILE` is `fail`.
    """
    found = summarise(connection, run_id)
    for key, code, reason in rejected_files(connection, run_id):
        log.warning("Rejected: %s (%s): %s", key, code, reason)
    for source, code, rows in rejected_rows(connection, run_id):
        log.warning("Rejected rows of %s: %s %s", source, rows, code)
    log.info("Files by state: %s", found.files or "no files")
    log.info(
        "Rows: %s in, %s scored, %s rejected, %s duplicate",
        found.rows_in,
        found.rows_scored,
        found.rows_rejected,
        found.rows_duplicate,
    )
    if settings().on_bad_file == "fail":
        require_good_files(connection, run_id)
    return found
