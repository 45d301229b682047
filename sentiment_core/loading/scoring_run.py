"""A scoring run: plan a day's files in groups, process each group, and summarise. PostgreSQL stores the plan."""

import heapq
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from psycopg2.extras import execute_values

from sentiment_core.database.connection import Connection, database_errors
from sentiment_core.drops.contract import NO_DROPS
from sentiment_core.drops.drop import parse_day
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import DayInvalid, FilesRejected, RunIncomplete, TransientError
from sentiment_core.ledger import source_files
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.ledger.rollup_rebuild import rebuild_stale_rollups
from sentiment_core.loading.loader import Loader, LoadOutcome, LoadStatus
from sentiment_core.loading.progress import Progress
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.settings import Settings

log = logging.getLogger(__name__)

SHOWN_FILES = 10  # maximum number of files listed in an error
FILE_BYTES = 500_000  # fixed cost of a file, as the number of bytes loaded in the same time


class RunPlan(NamedTuple):
    """The plan of a run. Its model is resolved only once, at planning time."""

    run_id: str
    day: date
    model_id: int
    version: int
    champion: bool
    replace: bool
    arrivals: bool = False  # the run scores files as they arrive, so it completes no day


class RunSummary(NamedTuple):
    """The outcomes of a run's files, and the row counts of the batches of this run."""

    files: dict[str, int]  # ledger status -> files; "skipped": files of the day that this model had already scored
    rows_in: int
    rows_scored: int
    rows_rejected: int
    rows_duplicate: int


def finished_day(text: str) -> date:
    """Parse a day that is over in UTC. Raises `DayInvalid` when the text is not such a day."""
    day = parse_day(text)
    if day is None:
        raise DayInvalid(day=text, why="it is not a date of the form YYYY-MM-DD")
    if day >= datetime.now(UTC).date():
        raise DayInvalid(day=text, why="it has not ended yet (days are UTC), so later drops would be missed")
    return day


def yesterday() -> date:
    """Return the last day that is over in UTC."""
    return datetime.now(UTC).date() - timedelta(days=1)


def plan_run(
    connection: Connection, storage: Storage, settings: Settings, plan: RunPlan, include_earlier: bool
) -> list[int]:
    """List the bucket, register new files, select the day's files and return the ids of their groups.

    With `include_earlier`, files of earlier days that have not been read yet are selected too. Planning a run again
    replaces its previous plan. Stale rollups are rebuilt first. Raises `StorageUnavailable` and `StorageRefused`.
    """
    rebuild_stale_rollups(connection, settings)
    _register(connection, storage, settings)
    with connection, connection.cursor() as cursor:
        values = work_left_values(settings.bucket, plan.day, plan.day, plan.model_id, plan.champion, plan.replace)
        cursor.execute(SELECT_FILES, values | {"include_earlier": include_earlier})
        return store_plan(cursor, settings, plan, cursor.fetchall())


def work_left_values(
    bucket: str, since: date, until: date, model_id: int | None, champion: bool, replace: bool
) -> dict[str, object]:
    """Return the parameters of `WORK_LEFT`. A model without an id has scored nothing yet."""
    return {
        "bucket": bucket,
        "since": since,
        "until": until,
        "model_id": model_id,
        "champion": champion,
        "replace": replace,
    }


def plan_arrivals(connection: Connection, storage: Storage, settings: Settings, plan: RunPlan) -> list[int]:
    """List the bucket, register new files, select those that were never read, and return the ids of their groups.

    The files are of any day up to the day of the plan. A plan without files is not stored, because most polls find
    none. Raises `StorageUnavailable` and `StorageRefused`.
    """
    _register(connection, storage, settings)
    with connection, connection.cursor() as cursor:
        cursor.execute(SELECT_UNREAD, {"day": plan.day, "bucket": settings.bucket})
        files = cursor.fetchall()
        return store_plan(cursor, settings, plan, files) if files else []


def _register(connection: Connection, storage: Storage, settings: Settings) -> None:
    with connection, connection.cursor() as cursor:
        drops = storage.list(settings.bucket, settings.incoming_prefix)
        source_files.register(cursor, drops, settings.incoming_prefix)


def store_plan(cursor: Cursor, settings: Settings, plan: RunPlan, files: Iterable[tuple[int, int]]) -> list[int]:
    """Replace the plan of a run by these files (id, bytes) in groups. Return the ids of the groups."""
    groups = balanced(
        ((source_file_id, size + FILE_BYTES) for source_file_id, size in files),
        settings.group_bytes,
        settings.max_groups,
    )
    cursor.execute("DELETE FROM sentiment.scoring_run WHERE run_id = %s", (plan.run_id,))
    cursor.execute(
        "INSERT INTO sentiment.scoring_run (run_id, day, model_id, version, champion, replace, arrivals)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        plan,
    )
    execute_values(
        cursor,
        "INSERT INTO sentiment.planned_file (run_id, group_id, source_file_id) VALUES %s",
        ((plan.run_id, group_id, file_id) for group_id, files in enumerate(groups) for file_id in files),
    )
    return list(range(len(groups)))


def balanced(files: Iterable[tuple[int, int]], group_bytes: int, max_groups: int) -> list[list[int]]:
    """Distribute files (id, bytes) over at most `max_groups` groups of about `group_bytes` each.

    The largest file comes first, and each file goes into the lightest group (LPT; R. Graham, SIAM J. Appl. Math. 17(2),
    1969). Within a group, files are ordered by id, so that they load in the order in which they were seen.
    """
    files = sorted(files, key=lambda file: file[1], reverse=True)
    total = sum(size for _, size in files)
    count = min(len(files), max_groups, -(-total // group_bytes) or 1)
    lightest = [(0, group) for group in range(count)]
    groups: list[list[int]] = [[] for _ in range(count)]
    for file_id, size in files:
        weight, group = lightest[0]
        groups[group].append(file_id)
        heapq.heapreplace(lightest, (weight + size, group))
    return [sorted(group) for group in groups if group]  # files of size 0 weigh nothing and can leave groups empty


def get_plan(connection: Connection, run_id: str) -> RunPlan:
    """Return the plan of a run. Raises `RunIncomplete` when the run was not planned."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_id, day, model_id, version, champion, replace, arrivals FROM sentiment.scoring_run"
            " WHERE run_id = %s",
            (run_id,),
        )
        row = cursor.fetchone()
    if row is None:
        raise RunIncomplete(run_id=run_id, why="the database contains no plan for it")
    return RunPlan(*row)


def score_group(
    connection: Connection,
    storage: Storage,
    settings: Settings,
    plan: RunPlan,
    model: ScoringModel,
    group_id: int,
    report: Callable[[LoadOutcome], None],
    progress: Progress | None = None,
) -> None:
    """Bring each file of a group to its final state. A transient failure of one file does not block the others.

    Raises the first `TransientError` after all other files are done.
    """
    loader = Loader(connection, storage, model, settings, plan.run_id, progress)
    rescorer = Rescorer(connection, model, settings, plan.run_id)

    def score(source_file_id: int) -> LoadOutcome:
        outcome = loader.load(source_file_id, plan.replace)
        if outcome.status is LoadStatus.SKIPPED:
            outcome = rescorer.rescore(source_file_id, make_current=plan.champion)
        return outcome

    process_group(connection, plan.run_id, group_id, score, report)


def process_group(
    connection: Connection,
    run_id: str,
    group_id: int,
    work: Callable[[int], LoadOutcome],
    report: Callable[[LoadOutcome], None],
) -> None:
    """Do the work for each file of a group, and report its outcome.

    Raises the first `TransientError` after all other files are done.
    """
    files = planned_files(connection, run_id, group_id)
    failed: TransientError | None = None
    for source_file_id in files:
        start = time.perf_counter()
        try:
            with database_errors():
                report(work(source_file_id)._replace(seconds=time.perf_counter() - start))
        except TransientError as error:
            log.warning("File %s: %s", source_file_id, error)
            failed = failed or error
    if failed is not None:
        raise failed


def planned_files(connection: Connection, run_id: str, group_id: int) -> list[int]:
    """Return the ids of a group's files, in the order in which they are loaded."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_file_id FROM sentiment.planned_file WHERE run_id = %s AND group_id = %s"
            " ORDER BY source_file_id",
            (run_id, group_id),
        )
        return [int(source_file_id) for (source_file_id,) in cursor]


def planned_days(connection: Connection, run_id: str) -> list[date]:
    """Return the day of a run and the days of all its planned files, which may be earlier."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT day FROM sentiment.scoring_run WHERE run_id = %(run)s UNION"
            " SELECT day FROM sentiment.planned_file JOIN sentiment.source_file USING (source_file_id)"
            " WHERE run_id = %(run)s ORDER BY day",
            {"run": run_id},
        )
        return [day for (day,) in cursor]


def rejected_rows(connection: Connection, run_id: str) -> list[tuple[str, str, int]]:
    """Return source, code and number of the rows that batches of a run have rejected, most rows first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT source, code, count(*) FROM sentiment.scoring_batch batch"
            " JOIN sentiment.rejected_row USING (source_file_id, batch_id)"
            " JOIN sentiment.source_file USING (source_file_id)"
            " WHERE run_id = %s GROUP BY source, code ORDER BY count(*) DESC, source, code",
            (run_id,),
        )
        return cursor.fetchall()


def rejected_files(connection: Connection, run_id: str) -> list[tuple[str, str, str]]:
    """Return key, code and reason of each rejected file of a run, without objects that are no drops."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, reject_code, reject_reason FROM sentiment.planned_file"
            " JOIN sentiment.source_file USING (source_file_id)"
            " WHERE run_id = %s AND status = 'rejected' AND reject_code <> ALL (%s) ORDER BY key",
            (run_id, list(NO_DROPS)),
        )
        return cursor.fetchall()


def require_good_files(connection: Connection, run_id: str) -> None:
    """Raise `FilesRejected` when a file of a run was rejected. Objects that are no drops do not count."""
    bad = [key for key, _, _ in rejected_files(connection, run_id)]
    if bad:
        more = f" and {len(bad) - SHOWN_FILES} more" if len(bad) > SHOWN_FILES else ""
        raise FilesRejected(run_id=run_id, count=len(bad), files=", ".join(bad[:SHOWN_FILES]) + more)


def summarise(connection: Connection, run_id: str) -> RunSummary:
    """Summarise a run. Raises `RunIncomplete` when a planned file has not reached its final state."""
    with connection, connection.cursor() as cursor:
        files = _file_states(cursor, run_id)
        cursor.execute(
            "SELECT coalesce(sum(rows_in), 0), coalesce(sum(rows_scored), 0), coalesce(sum(rows_rejected), 0),"
            " coalesce(sum(rows_duplicate), 0) FROM sentiment.scoring_batch WHERE run_id = %s",
            (run_id,),
        )
        rows = cursor.fetchone()
    return RunSummary(files, *map(int, rows or ()))


def _file_states(cursor: Cursor, run_id: str) -> dict[str, int]:
    cursor.execute(STATES, (run_id,))
    states = dict(cursor.fetchall())
    unfinished = states.get("unfinished", 0)
    if unfinished:
        raise RunIncomplete(run_id=run_id, why=f"{unfinished} of its {sum(states.values())} files are unfinished")
    cursor.execute(SKIPPED, (run_id,))
    ((skipped,),) = cursor.fetchall()
    return states | ({"skipped": skipped} if skipped else {})


# Condition on `sentiment.source_file file`: files of some days with work left for a model. A champion also selects
# files that show another model's scores. `work_left_values` returns the parameters. A backfill's preview uses both.
WORK_LEFT = """
    file.bucket = %(bucket)s AND file.day BETWEEN %(since)s AND %(until)s AND (
        file.status = 'seen'
        OR (file.status = 'rejected' AND %(replace)s)
        OR (file.status = 'duplicate' AND %(replace)s AND EXISTS (
            SELECT FROM sentiment.source_file original
            WHERE original.source_file_id = file.duplicate_of AND original.source <> file.source))
        OR (file.status = 'loaded' AND (
            %(replace)s
            OR (%(champion)s AND file.current_model_id IS DISTINCT FROM %(model_id)s)
            OR NOT EXISTS (SELECT FROM sentiment.scoring_batch batch
                           WHERE batch.source_file_id = file.source_file_id AND batch.model_id = %(model_id)s))
            AND EXISTS (SELECT FROM sentiment.live_file live WHERE live.source_file_id = file.source_file_id)))
"""

SELECT_FILES = f"""
    SELECT file.source_file_id, file.size FROM sentiment.source_file file
    WHERE ({WORK_LEFT}) OR (
        %(include_earlier)s AND file.bucket = %(bucket)s AND file.status = 'seen' AND file.day < %(since)s)
"""  # noqa: S608 - constants

# The files of any day up to the plan's that were never read.
SELECT_UNREAD = """
    SELECT source_file_id, size FROM sentiment.source_file
    WHERE bucket = %(bucket)s AND status = 'seen' AND day <= %(day)s
"""

STATES = """
    SELECT CASE WHEN file.status = 'seen' OR file.status = 'loaded' AND NOT EXISTS (
                    SELECT FROM sentiment.scoring_batch batch
                    WHERE batch.source_file_id = file.source_file_id AND batch.model_id = run.model_id)
                THEN 'unfinished' ELSE file.status END AS state, count(*)
    FROM sentiment.scoring_run run
    JOIN sentiment.planned_file USING (run_id)
    JOIN sentiment.source_file file USING (source_file_id)
    WHERE run_id = %s
    GROUP BY state
"""

SKIPPED = """
    SELECT count(*) FROM sentiment.scoring_run run
    JOIN sentiment.source_file file USING (day)
    JOIN sentiment.live_file USING (source_file_id)
    WHERE run_id = %s AND NOT EXISTS (
        SELECT FROM sentiment.planned_file planned
        WHERE planned.run_id = run.run_id AND planned.source_file_id = file.source_file_id)
"""
