"""A replay run: plan the chosen files in groups, and replay or read again each file. PostgreSQL stores the plan."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from sentiment_core.database.connection import Connection
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import ReplayInvalid
from sentiment_core.ledger import source_files
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.ledger.quarantine import QuarantineFilter, files_to_replay
from sentiment_core.loading.loader import Loader, LoadOutcome
from sentiment_core.loading.progress import Progress
from sentiment_core.loading.replay import Replayer
from sentiment_core.loading.scoring_run import RunPlan, process_group, store_plan, yesterday
from sentiment_core.settings import Settings


class ReplaySummary(NamedTuple):
    """The files that a replay run planned, the files of which it loaded rows, and the row counts of its batches."""

    files: int
    loaded: int
    rows_scored: int
    rows_duplicate: int


def plan_replay(connection: Connection, settings: Settings, plan: RunPlan, choice: QuarantineFilter) -> list[int]:
    """Select files, store them as the run's plan, and return the ids of their groups.

    Files with unresolved entries in the quarantine are selected. If the plan replaces, the files of `choice` are
    selected instead, with or without entries. The plan's day is set to the first day of the files, but not to a day
    that is not over. Planning a run again replaces its previous plan. Raises `ReplayInvalid`.
    """
    if plan.replace:
        chosen: Sequence[int] = choice.files
        if not chosen:
            raise ReplayInvalid(why="`replace` reads whole files again, so `files` must name them")
    else:
        chosen = [file.source_file_id for file in files_to_replay(connection, choice)]
    found = _files(connection, [*chosen, *choice.files])
    if unknown := sorted(set(choice.files) - found.keys()):
        raise ReplayInvalid(why=f"the ledger has no file {', '.join(map(str, unknown))}")
    day = min([yesterday(), *(found[source_file_id][1] for source_file_id in chosen)])
    files = [(source_file_id, found[source_file_id][0]) for source_file_id in chosen]
    with connection, connection.cursor() as cursor:
        return store_plan(cursor, settings, plan._replace(day=day), files)


def replay_group(
    connection: Connection,
    storage: Storage,
    settings: Settings,
    plan: RunPlan,
    model: ScoringModel,
    group_id: int,
    report: Callable[[LoadOutcome], None],
    progress: Progress | None = None,
) -> None:
    """Replay the rejected rows of each file of a group. If the plan replaces, read the files again instead.

    A file that was rejected as a whole is always read again. A transient failure of one file does not block the
    others. Raises the first `TransientError` after all other files are done.
    """
    loader = Loader(connection, storage, model, settings, plan.run_id, progress)
    replayer = Replayer(connection, model, settings, plan.run_id)

    def replay(source_file_id: int) -> LoadOutcome:
        with connection, connection.cursor() as cursor:
            whole = source_files.get(cursor, source_file_id).status == "rejected"
        if plan.replace or whole:
            return loader.load(source_file_id, replace=True)
        return replayer.replay(source_file_id)

    process_group(connection, plan.run_id, group_id, replay, report)


def summarise_replay(connection: Connection, run_id: str) -> ReplaySummary:
    """Summarise a replay run."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM sentiment.planned_file WHERE run_id = %(run)s),"
            " count(DISTINCT source_file_id), coalesce(sum(rows_scored), 0), coalesce(sum(rows_duplicate), 0)"
            " FROM sentiment.scoring_batch WHERE run_id = %(run)s AND kind <> 'rescore'",
            {"run": run_id},
        )
        return ReplaySummary(*map(int, cursor.fetchone() or ()))


def _files(connection: Connection, chosen: Sequence[int]) -> dict[int, tuple[int, date]]:
    """Return size and day of files by their id."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_file_id, size, day FROM sentiment.source_file WHERE source_file_id = ANY (%s)",
            (list(chosen),),
        )
        return {source_file_id: (size, day) for source_file_id, size, day in cursor}
