"""Promotions, rollbacks and the history, on a real MLflow server and a real PostgreSQL."""

import json
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import psycopg2
import pytest
from mlflow import MlflowClient

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import connect
from sentiment_core.errors import GateRefused, ModelUnknown, RollbackImpossible, VerdictStale
from sentiment_core.model.bundle import STARTER
from sentiment_core.promotion.alias_moves import (
    disagreement,
    history,
    promote,
    reconcile,
    rollback,
    set_challenger,
)
from sentiment_core.promotion.challenge import judge_version
from sentiment_core.promotion.history import (
    NO_TARGET,
    AliasTarget,
    alias_lock,
    insert_move,
    reconcile_history,
    set_state,
    target_of,
)
from sentiment_core.registry.registered_model import RegisteredModel
from tests.contenders import lenient, write_csv

BY = {"actor": "ann", "reason": "a test"}


class Models:
    """A registered model for this test only, and its bundles by name."""

    logged: ClassVar[dict[str, str]] = {}  # the logged model of each digest, because logging it again takes a second

    def __init__(self, uri: str, folder: Path) -> None:
        self.registry = RegisteredModel(uri, f"model-{time.time_ns()}", folder / "cache")
        self.client = MlflowClient(uri, registry_uri=uri)
        self.folder = folder

    def register(self, bundle) -> int:
        if bundle.digest not in self.logged:
            version = self.register_anew(bundle)
            self.logged[bundle.digest] = self.client.get_model_version(self.registry.name, str(version)).source
            return version
        if not self.client.search_registered_models(f"name = '{self.registry.name}'"):
            self.client.create_registered_model(self.registry.name)
        source, tags = self.logged[bundle.digest], {"digest": bundle.digest}
        model_id = source.removeprefix("models:/")
        made = self.client.create_model_version(self.registry.name, source, tags=tags, model_id=model_id)
        return int(made.version)

    def register_anew(self, bundle) -> int:
        """Register a bundle whose files this test can change on the server."""
        bundle.save(self.folder / bundle.digest)
        return self.registry.register(self.folder / bundle.digest)

    def champion(self) -> int | None:
        standing = self.registry.version_of_alias("champion")
        return standing and standing.version

    def tags(self, version: int) -> dict[str, str]:
        return dict(self.client.get_model_version(self.registry.name, str(version)).tags)


@pytest.fixture
def models(mlflow_uri, tmp_path) -> Models:
    return Models(mlflow_uri, tmp_path)


@pytest.fixture
def three(models, starter_like) -> list[int]:
    """Three versions."""
    return [models.register(bundle) for bundle in starter_like]


@pytest.fixture(scope="module")
def starter_like(contenders) -> list:
    return [contenders.champion, contenders.better, contenders.equal]


def rows(connection, *names: str) -> list[tuple]:
    """Return fields of the history, oldest first."""
    return [tuple(getattr(row, name) for name in names) for row in reversed(history(connection))]


def force(connection, models, *versions: int) -> None:
    for version in versions:
        assert promote(connection, models.registry, version, **BY, kind="force").moved


def test_a_better_challenger_is_judged_and_becomes_the_champion(connection, models, contenders) -> None:
    first, second = models.register(contenders.champion), models.register(contenders.better)
    promote(connection, models.registry, first, **BY, kind="set")
    verdict = judge_version(models.registry, str(second), contenders.unseen, lenient(), connection)
    assert verdict.passed, verdict.why
    done = promote(connection, models.registry, second, actor="bob", reason="it is better", verdict=verdict)
    assert (done.moved, done.version, models.champion()) == (True, second, second)
    row = history(connection)[0]
    assert row[1:10] == (
        "champion", "promote", "moved", first, contenders.champion.digest, second, contenders.better.digest,
        "bob", "it is better",
    )  # fmt: skip
    assert row.verdict == json.loads(json.dumps(verdict.as_json()))
    tags = models.tags(second)
    assert tags["gate"] == "passed"
    assert json.loads(tags["gate_verdict"])["checks"]["accuracy better"][0] == "passed"
    assert models.tags(first)["gate"] == "set by hand"


def test_concurrent_challengers_are_all_set_and_the_last_one_stays(database_url, models, three) -> None:
    """The second step of a move often finds that the first step of the other one has settled it."""
    start = threading.Barrier(2)

    def set_often(version: int) -> None:
        with connect(database_url) as mine:
            start.wait(60)
            for _ in range(5):
                set_challenger(mine, models.registry, version, **BY)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(set_often, three[:2]))
    with connect(database_url) as connection:
        moved = [row.to_version for row in history(connection, "challenger") if row.state == "moved"]
        assert set(moved) == set(three[:2])
        assert models.registry.version_of_alias("challenger").version == moved[0]
        assert disagreement(connection, models.registry, "challenger") is None


def test_a_refused_challenger_is_in_the_history_and_the_champion_stays(connection, models, contenders) -> None:
    first, second = models.register(contenders.better), models.register(contenders.champion)
    promote(connection, models.registry, first, **BY, kind="set")
    verdict = judge_version(models.registry, str(second), contenders.unseen, lenient())
    with pytest.raises(GateRefused, match="accuracy better"):
        promote(connection, models.registry, second, **BY, verdict=verdict)
    assert models.champion() == first
    assert rows(connection, "kind", "state", "to_version") == [("set", "moved", first), ("promote", "refused", second)]
    assert models.tags(second)["gate"] == "refused"
    forced = promote(connection, models.registry, second, **BY, verdict=verdict, kind="force")
    assert (forced.moved, models.champion(), models.tags(second)["gate"]) == (True, second, "forced")
    assert not history(connection)[0].verdict["passed"]


def test_nothing_is_promoted_without_a_verdict_and_the_database_sees_to_it(connection, models, three, query) -> None:
    with pytest.raises(GateRefused, match="there is no verdict"):
        promote(connection, models.registry, three[0], **BY)
    assert models.champion() is None
    with pytest.raises(Exception, match="promotion_has_a_passing_verdict"):
        query("UPDATE sentiment.promotion SET state = 'moved'")


def test_without_a_champion_the_floors_decide(connection, models, contenders) -> None:
    version = models.register(contenders.better)
    verdict = judge_version(models.registry, str(version), contenders.unseen, lenient(), connection)
    assert promote(connection, models.registry, version, **BY, verdict=verdict).moved
    assert rows(connection, "from_version", "to_version") == [(None, version)]


def test_a_verdict_of_another_case_moves_nothing(connection, models, contenders, three) -> None:
    force(connection, models, three[0])
    verdict = judge_version(models.registry, str(three[1]), contenders.unseen, lenient())
    with pytest.raises(VerdictStale, match="it is about the model"):
        promote(connection, models.registry, three[2], **BY, verdict=verdict)
    force(connection, models, three[2])
    with pytest.raises(VerdictStale, match="it compares with the champion"):
        promote(connection, models.registry, three[1], **BY, verdict=verdict)
    assert models.champion() == three[2]
    assert len(history(connection)) == 2


def test_a_champion_whose_bundle_is_gone_fails_the_gate_and_can_be_replaced_by_force(
    connection, models, contenders, tmp_path
) -> None:
    three = models.register_anew(contenders.champion), models.register(contenders.better)
    force(connection, models, three[0])
    source = models.client.get_model_version(models.registry.name, str(three[0])).source.removeprefix("models:/")
    (tmp_path / "manifest.json").write_text("gone")
    models.client.log_model_artifact(source, str(tmp_path / "manifest.json"), "data/bundle")
    verdict = judge_version(models.registry, str(three[1]), contenders.unseen, lenient(), connection)
    assert [check.name for check in verdict.failures] == ["champion"]
    with pytest.raises(GateRefused, match="cannot be loaded for the comparison"):
        promote(connection, models.registry, three[1], **BY, verdict=verdict)
    assert models.champion() == three[0]
    assert promote(connection, models.registry, three[1], **BY, verdict=verdict, kind="force").moved
    with pytest.raises(RollbackImpossible, match="is damaged"):
        rollback(connection, models.registry, **BY)


def test_a_version_that_is_not_there_changes_nothing(connection, models, three) -> None:
    for call in (lambda: promote(connection, models.registry, 99, **BY, kind="force"),
                 lambda: judge_version(models.registry, "99", None, lenient())):  # fmt: skip
        with pytest.raises(ModelUnknown):
            call()
    assert (models.champion(), history(connection)) == (None, [])


def test_a_version_that_stands_is_left_alone(connection, models, three) -> None:
    force(connection, models, three[0])
    again = promote(connection, models.registry, three[0], **BY, kind="force")
    assert (again.moved, again.detail) == (False, f"version {three[0]} is already the champion")
    assert len(history(connection)) == 1


def test_a_rollback_restores_the_champion_before_and_a_second_one_does_nothing(connection, models, three) -> None:
    force(connection, models, *three)
    first = rollback(connection, models.registry, actor="eve", reason="complaints")
    assert (first.moved, first.version, models.champion()) == (True, three[1], three[1])
    for _ in range(2):
        again = rollback(connection, models.registry, actor="eve", reason="complaints")
        assert (again.moved, again.version, models.champion()) == (False, three[1], three[1])
        assert "nothing changed" in again.detail
    assert rows(connection, "kind", "from_version", "to_version")[3:] == [("rollback", three[2], three[1])]


def test_a_rollback_passes_over_what_was_rolled_back_from(connection, models, three) -> None:
    one, two, three_ = three
    force(connection, models, one, two)
    rollback(connection, models.registry, **BY)
    force(connection, models, three_)
    assert rollback(connection, models.registry, **BY).version == one
    # A version that was promoted again is good again.
    force(connection, models, two, three_)
    assert rollback(connection, models.registry, **BY).version == two


def test_a_rollback_passes_over_versions_that_are_gone(connection, models, three) -> None:
    force(connection, models, *three)
    models.client.delete_model_version(models.registry.name, str(three[1]))
    assert rollback(connection, models.registry, **BY).version == three[0]
    assert f"version {three[1]} was skipped" in history(connection)[0].detail


def test_a_rollback_without_a_version_before_says_so(connection, models, three) -> None:
    with pytest.raises(RollbackImpossible, match="has no move"):
        rollback(connection, models.registry, **BY)
    force(connection, models, three[0])
    with pytest.raises(RollbackImpossible, match="no earlier good version"):
        rollback(connection, models.registry, **BY)
    assert models.champion() == three[0]


def test_moves_in_mlflow_itself_are_seen_and_entered(connection, models, three) -> None:
    one, two, _ = three
    models.registry.set_alias("champion", one)
    assert "the champion is no version in the history" in str(disagreement(connection, models.registry))
    assert [(row.kind, row.to_version) for row in reconcile(connection, models.registry)] == [("external", one)]
    assert disagreement(connection, models.registry) is None
    assert reconcile(connection, models.registry) == []
    force(connection, models, two)
    models.registry.set_alias("champion", one)
    assert f"the champion is version {two} in the history and version {one} in the registry" in str(
        disagreement(connection, models.registry)
    )
    force(connection, models, three[2])
    assert rows(connection, "kind", "from_version", "to_version") == [
        ("external", None, one), ("force", one, two), ("external", two, one), ("force", one, three[2]),
    ]  # fmt: skip
    # Going back in MLflow also counts as a rollback: version two was given up there.
    assert rollback(connection, models.registry, **BY).version == one


def test_an_alias_that_was_deleted_or_set_to_a_foreign_version_is_entered(connection, models, three) -> None:
    force(connection, models, *three[:2])
    models.client.delete_registered_model_alias(models.registry.name, "champion")
    reconcile(connection, models.registry)
    foreign = models.client.create_model_version(models.registry.name, "s3://elsewhere/model").version
    models.registry.set_alias("champion", int(foreign))
    reconcile(connection, models.registry)
    assert rows(connection, "kind", "to_version")[2:] == [("external", None), ("external", int(foreign))]
    assert history(connection)[0].to_digest is None
    assert rollback(connection, models.registry, **BY).version == three[1]


def test_of_two_promotions_at_once_one_moves_the_alias_and_the_other_is_told(
    settings, connection, models, contenders, three
) -> None:
    force(connection, models, three[0])
    verdicts = {n: judge_version(models.registry, str(n), contenders.unseen, lenient()) for n in three[1:]}
    assert all(verdict.passed for verdict in verdicts.values())
    outcomes = at_once(settings, models, {n: {"verdict": verdict} for n, verdict in verdicts.items()})
    moved, told = sorted((type(outcome).__name__ for outcome in outcomes), key="Move".__ne__)
    assert (moved, told in {"VerdictStale", "PromotionOvertaken"}) == ("Move", True)
    winner = next(outcome.version for outcome in outcomes if not isinstance(outcome, Exception))
    assert models.champion() == winner
    assert [row.to_version for row in history(connection) if row.state == "moved"] == [winner, three[0]]
    assert disagreement(connection, models.registry) is None


def test_two_forced_promotions_at_once_are_done_one_after_the_other(settings, connection, models, three) -> None:
    force(connection, models, three[0])
    outcomes = at_once(settings, models, {n: {"kind": "force"} for n in three[1:]})
    moved = [outcome.version for outcome in outcomes if not isinstance(outcome, Exception)]
    assert {type(outcome).__name__ for outcome in outcomes} <= {"Move", "PromotionOvertaken"}
    chain = [row for row in reversed(history(connection)) if row.state == "moved"]
    assert sorted(row.to_version for row in chain[1:]) == sorted(moved)
    assert [row.from_version for row in chain[1:]] == [row.to_version for row in chain[:-1]]
    assert models.champion() == chain[-1].to_version
    assert not [row for row in history(connection) if row.state == "intended"]


def at_once(settings, models, calls) -> list:
    """Promote several versions in threads that start together. Return what each returned or raised."""
    outcomes: list = []
    start = threading.Barrier(len(calls))

    def work(version: int, arguments: dict) -> None:
        with connect(settings.require_database_url()) as own:
            start.wait()
            try:
                outcomes.append(promote(own, models.registry, version, **BY, **arguments))
            except Exception as error:
                outcomes.append(error)

    threads = [threading.Thread(target=work, args=call) for call in calls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_history_view_tells_who_served_when_and_which_checks_failed(connection, models, contenders, query) -> None:
    first, second = models.register(contenders.better), models.register(contenders.champion)
    force(connection, models, first)
    verdict = judge_version(models.registry, str(second), contenders.unseen, lenient())
    with pytest.raises(GateRefused):
        promote(connection, models.registry, second, **BY, verdict=verdict)
    force(connection, models, second)
    found = query(
        "SELECT to_version, state, serves, failed_checks, served_until = max(moved_at) OVER ()"
        " FROM sentiment.model_history ORDER BY promotion_id"
    )
    assert found == [
        (first, "moved", False, None, True),
        (second, "refused", False, ["accuracy better", "slices"], None),
        (second, "moved", True, None, None),
    ]


def test_stored_reviews_take_part_in_the_verdict(connection, models, contenders, three, drops) -> None:
    texts = "".join(f'"{text}",lamp,4\n' for text in contenders.unseen.texts[:300])
    drops.drop("shop/dt=2026-11-16/a.csv", f"review,product_id,rating\n{texts}")
    drops.drop("shop/dt=2026-11-02/old.csv", "review\nlong ago\n")
    force(connection, models, three[0])
    policy = lenient()

    def shadow(**changed: int):
        chosen = policy.model_copy(update={"shadow": policy.shadow.model_copy(update=changed)})
        verdict = judge_version(models.registry, str(three[1]), contenders.unseen, chosen, connection)
        return {check.name: check for check in verdict.checks if check.name.startswith("shadow")}

    found = shadow(days=1)
    assert "of 300 stored reviews" in found["shadow"].detail
    assert "shadow slices" in found
    assert "of 301 stored reviews" in shadow(days=2)["shadow"].detail
    assert "of 250 stored reviews" in shadow(most_rows=250)["shadow"].detail
    none = shadow(least_rows=302)
    assert (none["shadow"].passed, none["shadow"].detail) == (
        None,
        "the newest 7 days have 301 stored reviews, and the policy requires 302",
    )


def test_the_challenger_alias_has_a_history_of_its_own(connection, models, three) -> None:
    promote(connection, models.registry, three[1], alias="challenger", **BY, kind="set")
    force(connection, models, three[0])
    assert rows(connection, "alias", "to_version") == [("challenger", three[1]), ("champion", three[0])]
    assert [row.alias for row in history(connection, "challenger")] == ["challenger"]
    assert "gate" not in models.tags(three[1])


def test_the_history_is_read_completely(connection) -> None:
    rows = 10_500
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sentiment.promotion (alias, kind, state, actor, reason, verdict)"
            """ SELECT 'champion', 'external', 'moved', 'test', n::text, '{"passed": false}'"""
            " FROM generate_series(1, %s) n",
            (rows,),
        )
    found = history(connection, "champion")
    assert [row.reason for row in found] == [str(number) for number in range(rows, 0, -1)]
    assert found[0].verdict == {"passed": False}
    assert [row.verdict for row in history(connection, verdicts=False)] == [None] * rows
    assert history(connection, ids=[found[3].promotion_id]) == [found[3]]


def test_a_reason_is_needed(connection, models, three) -> None:
    with pytest.raises(Exception, match="promotion_has_a_reason"):
        promote(connection, models.registry, three[0], actor="ann", reason=" ", kind="force")
    assert (models.champion(), history(connection)) == (None, [])


@pytest.fixture
def entered(connection):
    """Insert a row of the history and return its id."""

    def insert(version: int, state="moved", alias="champion", before=NO_TARGET, digest=None) -> int:
        after = AliasTarget(version, digest or f"{version:064x}")
        with alias_lock(connection, alias) as cursor:
            return insert_move(cursor, alias, "force", state, before, after, "ann", "a test", None, "model")

    return insert


def test_the_history_is_limited_to_an_alias_newest_first(connection, entered) -> None:
    ids = [entered(1), entered(2, alias="challenger"), entered(3), entered(4)]
    assert [row.promotion_id for row in history(connection)] == ids[::-1]
    assert [row.to_version for row in history(connection, "champion")] == [4, 3, 1]
    assert history(connection, "nobody") == []


def test_a_row_keeps_both_targets_and_registers_the_digest_as_a_model(connection, entered, query) -> None:
    before = AliasTarget(1, f"{1:064x}")
    entered(1)
    entered(2, before=before)
    row = history(connection)[0]
    assert (row.from_version, row.from_digest, row.to_version, row.to_digest) == (*before, 2, f"{2:064x}")
    assert (row.actor, row.reason, row.verdict, row.detail) == ("ann", "a test", None, "")
    assert query("SELECT digest, name, mlflow_versions FROM sentiment.model ORDER BY model_id") == [
        (f"{1:064x}", "model", [1]), (f"{2:064x}", "model", [2]),
    ]  # fmt: skip


def test_a_new_state_keeps_the_earlier_detail_and_sets_the_time(connection, entered) -> None:
    promotion_id = entered(1, "intended")
    entered(2)
    (untouched, first) = history(connection)
    for state, detail in (("moved", "one"), ("failed", "two"), ("failed", None)):
        with connection, connection.cursor() as cursor:
            set_state(cursor, promotion_id, state, detail)
    (same, last) = history(connection)
    assert (last.state, last.detail) == ("failed", "one; two")
    assert last.asked_at == first.asked_at
    assert last.moved_at > first.moved_at
    assert same == untouched


def test_a_failure_inside_the_lock_rolls_its_rows_back_and_frees_it(connection, entered) -> None:
    def fail(cursor) -> None:
        insert_move(cursor, "champion", "external", "moved", NO_TARGET, NO_TARGET, "ann", "a test", None, "model")
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"), alias_lock(connection, "champion") as cursor:
        fail(cursor)
    assert history(connection) == []
    assert not connection.closed
    assert entered(1) > 0


def test_the_lock_of_an_alias_keeps_out_other_moves_of_this_alias_only(settings, connection) -> None:
    with alias_lock(connection, "champion"), connect(settings.require_database_url()) as other:
        with alias_lock(other, "challenger"):
            pass
        with other, other.cursor() as cursor:
            assert not try_lock(cursor, "champion")
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        assert try_lock(cursor, "champion")


def try_lock(cursor, alias: str) -> bool:
    try:
        cursor.execute("SET LOCAL lock_timeout = '50ms'")
        lock(cursor, AdvisoryLock.PROMOTION, alias)
    except psycopg2.errors.LockNotAvailable:
        return False
    return True


def test_an_interrupted_move_is_settled_by_the_version_that_the_registry_names(
    connection, models, three, entered
) -> None:
    one, two, _ = three

    def settled() -> tuple[AliasTarget, set[int]]:
        with alias_lock(connection, "champion") as cursor:
            return reconcile_history(cursor, models.registry, "champion")

    other_alias = entered(one, "intended", alias="challenger")
    models.registry.set_alias("champion", two)
    overtaken = entered(one, "intended")
    standing, changed = settled()
    assert standing == target_of(models.registry.version_of_alias("champion"))
    assert (standing.version, len(standing.digest or "")) == (two, 64)
    external, failed, untouched = history(connection)
    assert changed == {overtaken, external.promotion_id}
    assert (failed.promotion_id, failed.state) == (overtaken, "failed")
    assert f"version {two}" in failed.detail
    assert (external.kind, external.state, external.actor) == ("external", "moved", "MLflow")
    assert external.to_version == two
    assert (untouched.promotion_id, untouched.state) == (other_alias, "intended")
    assert settled() == (standing, set())

    moved = entered(two, "intended", digest=standing.digest)
    assert settled() == (standing, {moved})
    row = history(connection)[0]
    assert (row.promotion_id, row.state) == (moved, "moved")
    assert row.detail


def test_a_move_of_an_alias_that_names_no_version_failed(connection, models, three, entered) -> None:
    promotion_id = entered(three[0], "intended")
    with alias_lock(connection, "champion") as cursor:
        assert reconcile_history(cursor, models.registry, "champion") == (NO_TARGET, {promotion_id})
    (row,) = history(connection)
    assert (row.state, "no version" in row.detail) == ("failed", True)


@pytest.fixture
def command(sentiment, models):
    """Run `sentiment registry` on this test's database and registered model."""
    environment = {
        "SENTIMENT_MLFLOW_TRACKING_URI": models.registry._tracking_uri,
        "SENTIMENT_MODEL_NAME": models.registry.name,
        "SENTIMENT_MODEL_CACHE": str(models.folder / "cache"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "COLUMNS": "300",
    }

    def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return sentiment("registry", *arguments, **(environment | changed))

    return run


def test_the_commands_judge_promote_roll_back_and_tell(command, models, contenders, tmp_path) -> None:
    unseen = str(write_csv(contenders.unseen, tmp_path / "unseen.csv"))
    first, second = models.register(contenders.champion), models.register(contenders.better)
    contenders.champion.save(tmp_path / "first")
    made = command("register", str(tmp_path / "first"), "--champion")
    assert (made.returncode, "is the champion" in made.stdout) == (0, True), made.stderr
    better = command("promote", str(second), "--evaluate", unseen, "--group", "product")
    assert better.returncode == 0, better.stderr
    assert f"Version {second} is now the champion." in better.stdout
    assert "accuracy better" in better.stdout
    worse = command("promote", str(first), "--evaluate", unseen)
    assert worse.returncode == 1
    assert "the gate refuses it: accuracy better" in worse.stderr
    as_json = command("promote", str(first), "--evaluate", unseen, "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)["verdict"]["passed"]) == (1, False)
    back = json.loads(command("rollback", "--reason", "complaints", "--json").stdout)
    assert (back["moved"], back["version"], models.champion()) == (True, first, first)
    assert "nothing changed" in command("rollback").stdout
    found = json.loads(command("history", "--json").stdout)
    assert [(row["kind"], row["state"]) for row in found] == [
        ("rollback", "moved"), ("promote", "refused"), ("promote", "refused"), ("promote", "moved"), ("set", "moved"),
    ]  # fmt: skip
    assert found[-1]["reason"] == "set by hand"
    shown = command("history").stdout
    assert "complaints" in shown
    assert "failed: accuracy better, slices" in shown


def test_the_commands_force_with_a_reason_only(command, models, three) -> None:
    for arguments in (("promote", "1"), ("promote", "1", "--force"), ("promote", "1", "--force", "--reason", " "),
                      ("promote", "0", "--force", "--reason", "x"), ("rollback", "--reason", ""),
                      ("promote", "1", "--force", "--reason", "x" * 2000)):  # fmt: skip
        done = command(*arguments)
        assert done.returncode == 2, (arguments, done.stdout)
    forced = command("promote", str(three[0]), "--force", "--reason", "the only one", "--json")
    assert (forced.returncode, json.loads(forced.stdout)["moved"]) == (0, True), forced.stderr
    assert models.champion() == three[0]


def test_the_list_tells_when_registry_and_history_disagree(command, models, three) -> None:
    assert command("list").stderr == ""
    models.registry.set_alias("champion", three[1])
    shown = command("list", "--json")
    assert f"version {three[1]} in the registry" in shown.stderr
    assert len(json.loads(shown.stdout)) == 3
    assert command("history").returncode == 0
    assert command("list").stderr == ""
    away = command("list", SENTIMENT_DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert (away.returncode, "cannot be read" in away.stderr) == (0, True)


def test_what_the_commands_cannot_do_is_said_in_a_sentence(command, models, three, tmp_path) -> None:
    (tmp_path / "policy.yaml").write_text("least_rows: 100\n")
    write = tmp_path / "rows.csv"
    write.write_text("review,sentiment\nfine,positive\nbad,negative\n")
    for arguments, changed, words in (
        (("promote", "99", "--force", "--reason", "x"), {}, "There is no model"),
        (("promote", "1", "--evaluate", str(write), "--policy", str(tmp_path / "policy.yaml")), {}, "metrics: Field"),
        (("promote", "1", "--evaluate", str(write)), {}, "2 rows are new to both models"),
        (("rollback",), {}, "cannot be rolled back"),
        (("rollback",), {"SENTIMENT_DATABASE_URL": ""}, "SENTIMENT_DATABASE_URL"),
        (("rollback",), {"SENTIMENT_MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, "did not answer"),
    ):
        done = command(*arguments, **changed)
        assert (done.returncode, words in done.stderr) == (1, True), (arguments, done.stderr)
        assert "Traceback" not in done.stderr
    lagging = command("history", SENTIMENT_MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert (lagging.returncode, "may be out of date" in lagging.stderr) == (0, True)


def test_a_schema_that_is_too_old_is_said(sentiment, models, empty_database, tmp_path) -> None:
    done = sentiment(
        "registry", "register", str(STARTER), "--champion",
        SENTIMENT_DATABASE_URL=empty_database, SENTIMENT_MLFLOW_TRACKING_URI=models.registry._tracking_uri,
        SENTIMENT_MODEL_NAME=models.registry.name, SENTIMENT_MODEL_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert models.champion() is None


def test_a_registry_without_a_champion_gets_its_first_model_once(command, models, connection) -> None:
    first = command("first-model", "--wait", "5")
    assert first.returncode == 0, first.stderr
    assert "version 1, digest" in first.stdout
    assert rows(connection, "kind", "state", "to_version", "reason") == [("set", "moved", 1, "the first champion")]
    again = json.loads(command("first-model", "--json").stdout)
    assert (again["version"], again["moved"]) == (1, False)
    assert len(models.registry.versions()) == len(rows(connection, "kind")) == 1


def test_another_champion_is_no_place_for_a_first_model(command, models, three, connection) -> None:
    force(connection, models, three[1])
    assert json.loads(command("first-model", "--json").stdout)["version"] == three[1]


def test_a_first_model_does_not_wait_for_ever(command) -> None:
    refused = command("first-model", "--wait", "0.1", SENTIMENT_MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert (refused.returncode, "did not answer" in refused.stderr) == (1, True), refused.stderr
