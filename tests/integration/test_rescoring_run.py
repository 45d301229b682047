"""Several workers rescore the files of a range of days, with one ledger as their only list of work."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import connect
from sentiment_core.errors import ClaimHeld, RescoreInvalid, TransientError
from sentiment_core.ledger import verification
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.loading.loader import LoadOutcome, LoadStatus
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.loading.rescoring_run import (
    RescoringWorker,
    Selection,
    Work,
    remaining_work,
    require_files,
    rescored_rows,
)

ALL = Selection.of(None, None)
Worker = Callable[..., RescoringWorker]


@pytest.fixture
def worker(settings) -> Iterator[Worker]:
    """Make a worker with its own connection, as each task has."""
    with ExitStack() as opened:

        def make(model: ScoringModel, selection: Selection = ALL, **options: Any) -> RescoringWorker:
            connection = opened.enter_context(connect(settings.require_database_url()))
            changed = settings.model_copy(update={"lock_timeout_s": options.pop("lock_timeout_s", 5.0)})
            run_id = options.pop("run_id", "run")
            return RescoringWorker(Rescorer(connection, model, changed, run_id), selection, **options)

        yield make


@pytest.fixture
def cursor(settings) -> Iterator[Cursor]:
    """A cursor that sees each commit."""
    with connect(settings.require_database_url()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def load_days(drops, days: int = 6, rows: int = 3) -> None:
    for day in range(1, days + 1):
        lines = "".join(f"{day}-{row},fine {day} {row}\n" for row in range(rows))
        drops.drop(f"shop/dt=2026-11-{day:02}/a.csv", "review_id,review\n" + lines)


def run(worker: RescoringWorker, **options: Any) -> list[LoadOutcome]:
    outcomes: list[LoadOutcome] = []
    worker.run(outcomes.append, **options)
    return outcomes


def test_two_workers_share_the_files_and_no_row_is_doubled(drops, cursor, worker, other_model, query) -> None:
    load_days(drops, days=12)
    found: list[list[LoadOutcome]] = [[], []]
    workers = [worker(other_model, make_current=True) for _ in found]
    threads = [Thread(target=lambda number=number: found[number].extend(run(workers[number]))) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rescored = [outcome.source_file_id for each in found for outcome in each if outcome.rows_scored]
    assert sorted(rescored) == list(range(1, 13))
    assert query("SELECT count(*), count(DISTINCT model_id) FROM sentiment.score") == [(72, 2)]
    assert query("SELECT DISTINCT model_digest FROM sentiment.scored_reviews") == [(other_model.scorer.bundle.digest,)]
    assert rescored_rows(cursor, "run") == (12, 36)
    assert verification.verify(drops.connection) == []


def test_a_run_that_stopped_continues_with_the_files_that_are_left(drops, cursor, worker, other_model) -> None:
    load_days(drops)

    def stop(outcome: LoadOutcome) -> None:
        if outcome.source_file_id == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker(other_model, make_current=False).run(stop)
    assert remaining_work(cursor, ALL, other_model.model_id, make_current=False) == Work(4, 12, 4)
    outcomes = run(worker(other_model, make_current=False))
    assert [outcome.source_file_id for outcome in outcomes] == [4, 3, 2, 1], "the newest day first"
    assert remaining_work(cursor, ALL, other_model.model_id, make_current=False) == Work(0, 0, 0)
    assert run(worker(other_model, make_current=False)) == []


def test_only_the_chosen_days_and_sources_are_rescored(drops, cursor, worker, other_model) -> None:
    load_days(drops)
    drops.drop("app/dt=2026-11-03/b.csv", "review\nfine\n")
    chosen = Selection.of("2026-11-02", "2026-11-03", ["shop"])
    require_files(cursor, chosen)
    assert remaining_work(cursor, chosen, None, make_current=False) == Work(2, 6, 2)
    assert [outcome.source_file_id for outcome in run(worker(other_model, chosen, make_current=False))] == [3, 2]


def test_a_file_in_use_is_left_to_its_user_or_waited_for(drops, worker, other_model, settings) -> None:
    load_days(drops, days=2)
    with connect(settings.require_database_url()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM sentiment.source_file WHERE source_file_id = 2 FOR NO KEY UPDATE")
        assert [each.source_file_id for each in run(worker(other_model, make_current=False))] == [1]
        with pytest.raises(ClaimHeld):
            run(worker(other_model, make_current=False, lock_timeout_s=0.1), wait=True)
    assert [each.source_file_id for each in run(worker(other_model, make_current=False), wait=True)] == [2]


def test_a_file_that_fails_for_now_does_not_stop_the_others(drops, worker, other_model, settings, caplog) -> None:
    load_days(drops, days=3)
    with connect(settings.require_database_url()) as connection, connection, connection.cursor() as cursor:
        lock(cursor, AdvisoryLock.HEADS)
        with pytest.raises(TransientError):
            run(worker(other_model, make_current=True, lock_timeout_s=0.1))
    assert [record.args[0] for record in caplog.records if record.args] == [3, 2, 1]
    assert len(run(worker(other_model, make_current=True))) == 3


def test_only_work_that_is_left_is_counted_and_done(drops, cursor, worker, other_model, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\n1,fine\n2,\n3,awful\n")
    run(worker(other_model, make_current=False))
    drops.load("shop/dt=2026-11-16/a.csv", replace=True)
    for expected in ([LoadStatus.SKIPPED], []):
        outcomes = run(worker(other_model, make_current=False))
        assert [each.status for each in outcomes] == expected, "the scores of the other model were kept"
    assert remaining_work(cursor, ALL, other_model.model_id, make_current=True) == Work(1, 2, 1)
    (shown,) = run(worker(other_model, make_current=True))
    assert shown.reason == "the views show this model's scores again"
    assert remaining_work(cursor, ALL, drops.model.model_id, make_current=False) == Work(0, 0, 0)
    assert query("SELECT kind, rows_scored FROM sentiment.scoring_batch ORDER BY batch_id") == [
        ("load", 2),
        ("rescore", 2),
        ("replace", 2),
        ("rescore", 0),
    ]


def test_a_superseded_file_is_not_rescored(drops, worker, other_model) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review\nold\n")
    drops.drop("shop/dt=2026-11-16/a.csv", "review\nnew\n")
    assert [each.source_file_id for each in run(worker(other_model, make_current=True))] == [2]


@pytest.mark.parametrize(
    ("since", "until", "sources", "sentence"),
    [
        ("2026-11-17", "2026-11-16", [], "its first day, 2026-11-17, is after its last day, 2026-11-16"),
        ("yesterday", None, [], "'yesterday' is not a day of the form YYYY-MM-DD"),
        ("2016-11-27", "2026-11-15", [], "loaded files have days from 2026-11-16 to 2026-11-16"),
        (None, None, ["shop", "shp"], "the ledger has no source 'shp'"),
    ],
)
def test_a_selection_without_files_is_refused_with_its_reason(drops, cursor, since, until, sources, sentence) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review\nfine\n")
    with pytest.raises(RescoreInvalid, match=sentence):
        require_files(cursor, Selection.of(since, until, sources))


def test_an_empty_ledger_is_named(drops, cursor) -> None:
    with pytest.raises(RescoreInvalid, match="no file has been loaded yet"):
        require_files(cursor, ALL)
