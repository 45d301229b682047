"""Plan, process and summarise a day, with the object store's own listing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.errors import FilesRejected, RunIncomplete
from sentiment_core.ledger import verification
from sentiment_core.ledger.complete_days import changed_by_arrivals, complete
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.loading.loader import LoadOutcome
from sentiment_core.loading.scoring_run import (
    FILE_BYTES,
    RunPlan,
    get_plan,
    plan_arrivals,
    plan_run,
    planned_days,
    rejected_files,
    rejected_rows,
    require_good_files,
    score_group,
    summarise,
)

DAY = date(2026, 11, 16)
FILE = "review_id,review\nr1,fine\nr2,awful\n"


class Runs:
    """Run days with a model, as the DAG's tasks do."""

    def __init__(self, drops, settings) -> None:
        self.drops = drops
        self.settings = settings

    def plan(
        self, run_id: str, model: ScoringModel, day: date = DAY, *, champion=True, replace=False, late=False
    ) -> list[int]:
        plan = RunPlan(run_id, day, model.model_id, 1, champion, replace)
        return plan_run(self.drops.connection, self.drops.storage, self.settings, plan, late)

    def arrivals(self, run_id: str, day: date = DAY) -> list[LoadOutcome]:
        """Score what has arrived up to a day, as the DAG `score_arrivals` does."""
        drops, outcomes = self.drops, []
        plan = RunPlan(run_id, day, drops.model.model_id, 1, champion=True, replace=False, arrivals=True)
        for group in plan_arrivals(drops.connection, drops.storage, self.settings, plan):
            score_group(drops.connection, drops.storage, self.settings, plan, drops.model, group, outcomes.append)
        return outcomes

    def run(self, run_id: str, model: ScoringModel | None = None, day: date = DAY, **options) -> list[LoadOutcome]:
        model = model or self.drops.model
        outcomes: list[LoadOutcome] = []
        for group in self.plan(run_id, model, day, **options):
            plan = get_plan(self.drops.connection, run_id)
            score_group(self.drops.connection, self.drops.storage, self.settings, plan, model, group, outcomes.append)
        summarise(self.drops.connection, run_id)
        assert verification.verify(self.drops.connection) == []
        return outcomes


@pytest.fixture
def runs(drops, settings) -> Runs:
    return Runs(drops, settings)


def test_a_run_loads_only_its_day(runs, drops, query) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    drops.put("shop/dt=2026-11-17/b.csv", "review\nlater\n")
    assert [outcome.status for outcome in runs.run("one")] == ["loaded"]
    assert query("SELECT key, status FROM sentiment.source_file ORDER BY key") == [
        ("incoming/shop/dt=2026-11-16/a.csv", "loaded"),
        ("incoming/shop/dt=2026-11-17/b.csv", "seen"),
    ]
    assert summarise(drops.connection, "one") == ({"loaded": 1}, 2, 2, 0, 0)


def test_files_of_one_listing_are_registered_in_key_order(runs, drops, query) -> None:
    keys = [f"incoming/shop/dt=2026-11-16/{name}.csv" for name in ("B", "a", "b", "c", "d", "é")]
    for number, key in enumerate(keys):
        drops.put(key.removeprefix("incoming/"), f"review\nof file {number}\n")
    runs.plan("one", drops.model)
    assert query("SELECT array_agg(key ORDER BY source_file_id) FROM sentiment.source_file") == [(keys,)]


def test_a_run_with_replace_loads_duplicates_of_another_source(runs, drops, query) -> None:
    drops.put("shop-a/dt=2026-11-16/a.csv", FILE)
    runs.run("one")
    drops.put("shop-b/dt=2026-11-16/b.csv", FILE)
    runs.plan("two", drops.model)
    # As release 0.2.0 and earlier did.
    query(
        "UPDATE sentiment.source_file SET status = 'duplicate', duplicate_of = 1, finished_at = now(), sha256 ="
        " (SELECT sha256 FROM sentiment.source_file WHERE source_file_id = 1) WHERE source_file_id = 2"
    )
    assert runs.run("three") == []
    assert [outcome.status for outcome in runs.run("four", replace=True)] == ["replaced", "loaded"]
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(4,)]
    assert [outcome.status for outcome in runs.run("five", replace=True)] == ["replaced", "replaced"]


def test_a_day_run_twice_adds_nothing(runs, drops) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    drops.put("shop/dt=2026-11-16/orders.csv", "id\n1\n")
    assert sorted(outcome.status for outcome in runs.run("one")) == ["loaded", "rejected"]
    assert runs.run("two") == []
    assert summarise(drops.connection, "two") == ({"skipped": 1}, 0, 0, 0, 0)


def test_the_nightly_run_loads_late_files(runs, drops) -> None:
    drops.put("shop/dt=2026-11-10/late.csv", FILE)
    assert runs.run("a backfill") == []
    assert [outcome.status for outcome in runs.run("nightly", late=True)] == ["loaded"]


def test_scores_of_two_models_are_stored_side_by_side(runs, drops, query, other_model) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    runs.run("one")
    before = query("SELECT text, score FROM sentiment.scored_reviews ORDER BY text")
    drops.s3.delete_object(Bucket=drops.settings.bucket, Key="incoming/shop/dt=2026-11-16/a.csv")
    (outcome,) = runs.run("challenger", other_model, champion=False)
    assert outcome[2:7] == ("rescored", 2, 2, 0, 0)
    assert query("SELECT text, score FROM sentiment.scored_reviews ORDER BY text") == before
    assert query("SELECT count(*) FROM sentiment.score") == [(4,)]
    assert runs.run("again", other_model, champion=False) == []


def test_the_views_follow_the_champion_including_a_rollback(runs, drops, query, other_model) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    runs.run("one")
    runs.run("new champion", other_model)
    shown = "SELECT DISTINCT model_digest FROM sentiment.scored_reviews"
    assert query(shown) == [(other_model.scorer.bundle.digest,)]
    (outcome,) = runs.run("rolled back")
    assert (outcome.status, outcome.reason) == ("skipped", "the views show this model's scores again")
    assert query(shown) == [(drops.model.scorer.bundle.digest,)]


def test_a_run_names_its_day_and_the_days_of_late_files(runs, drops) -> None:
    drops.put("shop/dt=2026-11-14/late.csv", FILE)
    runs.run("nightly", late=True)
    assert planned_days(drops.connection, "nightly") == [date(2026, 11, 14), DAY]
    runs.run("nothing to do")
    assert planned_days(drops.connection, "nothing to do") == [DAY]


def test_replace_scores_a_file_again_once_per_run(runs, drops, query) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    runs.run("one")
    assert [outcome.status for outcome in runs.run("two", replace=True)] == ["replaced"]
    plan = get_plan(drops.connection, "two")
    retried: list[LoadOutcome] = []
    score_group(drops.connection, drops.storage, runs.settings, plan, drops.model, 0, retried.append)
    assert [outcome.status for outcome in retried] == ["skipped"]
    assert query("SELECT kind FROM sentiment.scoring_batch ORDER BY batch_id") == [("load",), ("replace",)]


def test_a_bad_file_does_not_stop_its_group(runs, drops) -> None:
    drops.put("shop/dt=2026-11-16/1-broken.csv", "id\n1\n")
    drops.put("shop/dt=2026-11-16/2-good.csv", FILE)
    drops.put("shop/dt=2026-11-16/3-marker/", "")
    assert sorted(outcome.status for outcome in runs.run("one")) == ["loaded", "rejected", "rejected"]


def test_on_bad_file_fail_raises_after_all_other_files_are_loaded(runs, drops, query) -> None:
    drops.put("shop/dt=2026-11-16/1-broken.csv", "id\n1\n")
    drops.put("shop/dt=2026-11-16/2-good.csv", FILE)
    drops.put("shop/dt=2026-11-16/3-marker/", "")
    runs.run("one")
    with pytest.raises(
        FilesRejected, match=r"1 of its files could not be read: incoming/shop/dt=2026-11-16/1-broken.csv"
    ):
        require_good_files(drops.connection, "one")
    ((key, code, reason),) = rejected_files(drops.connection, "one")
    assert (key, code) == ("incoming/shop/dt=2026-11-16/1-broken.csv", "no_text_column")
    assert "has no text column" in reason
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(2,)]


def test_a_run_with_good_files_only_is_good(runs, drops) -> None:
    drops.put("shop/dt=2026-11-16/good.csv", FILE)
    runs.run("one")
    require_good_files(drops.connection, "one")


def test_a_run_with_unfinished_files_has_no_summary(runs, drops) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    runs.plan("one", drops.model)
    with pytest.raises(RunIncomplete, match="1 of its 1 files are unfinished"):
        summarise(drops.connection, "one")


def test_a_file_deleted_between_plan_and_load_is_rejected_as_object_gone(runs, drops, query) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    runs.plan("one", drops.model)
    drops.s3.delete_object(Bucket=drops.settings.bucket, Key="incoming/shop/dt=2026-11-16/a.csv")
    plan = get_plan(drops.connection, "one")
    score_group(drops.connection, drops.storage, runs.settings, plan, drops.model, 0, lambda _: None)
    assert query("SELECT status, reject_code FROM sentiment.source_file") == [("rejected", "object_gone")]
    assert summarise(drops.connection, "one").files == {"rejected": 1}


def test_many_files_are_planned_in_few_balanced_groups(runs, drops, query) -> None:
    for number in range(30):
        drops.put(f"shop/dt=2026-11-16/{number}.csv", f"review\n{'x' * number * 100}\n")
    runs.settings = runs.settings.model_copy(update={"group_bytes": 10_000, "max_groups": 4})
    assert runs.plan("one", drops.model) == [0, 1, 2, 3]
    sizes = query(
        "SELECT sum(size) FROM sentiment.planned_file JOIN sentiment.source_file USING (source_file_id)"
        " GROUP BY group_id"
    )
    assert max(sizes)[0] - min(sizes)[0] < 3000


def test_many_small_files_are_grouped_by_count(runs, drops, query) -> None:
    for number in range(8):
        drops.put(f"shop/dt=2026-11-16/{number}.csv", f"review\n{number}\n")
    runs.settings = runs.settings.model_copy(update={"group_bytes": 2 * FILE_BYTES + 1000})
    assert runs.plan("one", drops.model) == [0, 1, 2, 3]
    assert query("SELECT count(*) FROM sentiment.planned_file GROUP BY group_id") == [(2,)] * 4


def test_a_bucket_with_versions_is_listed_and_read_by_version(runs, drops, query) -> None:
    drops.s3.put_bucket_versioning(Bucket=drops.settings.bucket, VersioningConfiguration={"Status": "Enabled"})
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    runs.plan("one", drops.model)
    drops.put("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,newer\n")
    plan = get_plan(drops.connection, "one")
    outcomes: list[LoadOutcome] = []
    score_group(drops.connection, drops.storage, runs.settings, plan, drops.model, 0, outcomes.append)
    assert [outcome.rows_scored for outcome in outcomes] == [2]
    assert query("SELECT version_id = version_token FROM sentiment.source_file") == [(True,)]
    runs.run("two")
    assert query("SELECT text FROM sentiment.scored_reviews") == [("newer",)]


def test_arrivals_are_the_unread_files_of_any_day_up_to_today(runs, drops, query, other_model) -> None:
    drops.put("shop/dt=2026-11-16/scored.csv", FILE)
    runs.run("nightly", other_model)
    drops.put("shop/dt=2026-11-10/late.csv", "review\nlate\n")
    drops.put("shop/dt=2026-11-16/today.csv", "review\ntoday\n")
    drops.put("shop/dt=2026-11-17/tomorrow.csv", "review\ntomorrow\n")
    outcomes = runs.arrivals("arrivals")
    assert [(outcome.uri.rpartition("/")[2], outcome.status) for outcome in outcomes] == [
        ("late.csv", "loaded"),
        ("today.csv", "loaded"),
    ]
    assert all(outcome.seconds > 0 for outcome in outcomes)
    assert get_plan(drops.connection, "arrivals").arrivals
    assert runs.arrivals("a repeated message") == []
    assert query("SELECT run_id FROM sentiment.scoring_run ORDER BY run_id") == [("arrivals",), ("nightly",)]


def test_two_schedulers_that_plan_the_same_arrivals_load_each_file_once(runs, drops, settings, query) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", FILE)
    plans = [RunPlan(name, DAY, drops.model.model_id, 1, True, False, arrivals=True) for name in ("one", "two")]
    for plan in plans:
        assert plan_arrivals(drops.connection, drops.storage, settings, plan) == [0], "neither has loaded the file yet"
    outcomes: list[LoadOutcome] = []

    def score(plan: RunPlan) -> None:
        with connect(settings.require_database_url()) as connection:
            score_group(connection, drops.storage, settings, plan, drops.model, 0, outcomes.append)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(score, plans))
    assert sorted(outcome.status for outcome in outcomes) == ["loaded", "skipped"]
    assert query("SELECT kind, rows_scored FROM sentiment.scoring_batch") == [("load", 2)]
    assert verification.verify(drops.connection) == []


def test_the_nightly_run_completes_days_and_publishes_those_that_arrivals_changed(runs, drops, query) -> None:
    earlier, connection = date(2026, 11, 14), drops.connection
    complete(connection, [earlier])
    drops.put("shop/dt=2026-11-14/late.csv", FILE)
    drops.put("shop/dt=2026-11-16/bad.csv", "id\n1\n")
    drops.put("shop/dt=2026-11-17/early.csv", "review\nnext\n")
    runs.arrivals("arrivals", date(2026, 11, 17))
    days = "SELECT day, complete, files, files_to_read FROM sentiment.scored_days ORDER BY day"
    assert query(days) == [(earlier, True, 1, 0), (DAY, False, 1, 0), (date(2026, 11, 17), False, 1, 0)]
    assert changed_by_arrivals(connection, DAY) == [earlier, DAY], "17 November is not over for the run of the 16th"
    runs.run("nightly", late=True)
    complete(connection, changed_by_arrivals(connection, DAY))
    assert changed_by_arrivals(connection, DAY) == []
    assert query(days)[1] == (DAY, True, 1, 0)


def test_a_run_names_the_rows_that_it_rejected_by_source_and_code(runs, drops) -> None:
    drops.put("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,\nr2,\nr3,fine\n")
    drops.put("mail/dt=2026-11-16/b.csv", "review_id,review\nr1,\nr2,fine\n")
    runs.run("one")
    assert rejected_rows(drops.connection, "one") == [("shop", "missing_text", 2), ("mail", "missing_text", 1)]
    assert rejected_rows(drops.connection, "another") == []
