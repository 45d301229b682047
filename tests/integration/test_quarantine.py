"""Rejected rows are shown, and replayed once the contract or the settings accept them."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from sentiment_core.database.connection import connect
from sentiment_core.drops.contract import RejectCode
from sentiment_core.errors import ClaimHeld, ReplayInvalid
from sentiment_core.ledger import verification
from sentiment_core.ledger.quarantine import FileToReplay, QuarantineFilter, entries, files_to_replay
from sentiment_core.loading.loader import Loader, LoadOutcome, LoadStatus
from sentiment_core.loading.replay import Replayer
from sentiment_core.loading.replay_run import plan_replay, replay_group, summarise_replay
from sentiment_core.loading.scoring_run import RunPlan, yesterday

KEY = "shop/dt=2026-11-16/a.csv"
FILE = (
    "review_id,review,rating,country\n"
    'r1,fine,5,GB\nr2,"a much longer\ntext ""than"" ten",4,IE\nr3,bad rating,five,GB\nr4,,3,GB\nr1,other,1,GB\n'
)


@pytest.fixture
def replay(drops):
    """Replay the file with changed settings, and verify that all promises still hold."""

    def run(model=None, **changed: object) -> LoadOutcome:
        drops.runs += 1
        settings = drops.settings.model_copy(update=changed)
        replayer = Replayer(drops.connection, model or drops.model, settings, f"test run {drops.runs}")
        outcome = replayer.replay(1)
        assert verification.verify(drops.connection) == []
        return outcome

    return run


def test_a_replay_reads_a_guessed_column_as_the_load_did(drops, query, replay) -> None:
    drops.drop(KEY, "review,review_date\nfine,21.05.2014\nlonger than ten,22.05.2014\n", max_text_bytes=10)
    assert replay().status == "replayed"
    assert query("SELECT line, reviewed_at, extra FROM sentiment.review ORDER BY line") == [
        (2, None, {"review_date": "21.05.2014"}),
        (3, None, {"review_date": "22.05.2014"}),
    ]


def test_each_quarantined_row_is_read_alone(drops, query, replay) -> None:
    rows = 'review,rating\nfine,5\n"stray and long,5\n"other and long,4\nshort,3\n"closed" one,2\n'
    drops.drop(KEY, rows, max_text_bytes=12)
    assert query("SELECT line, code FROM sentiment.quarantine ORDER BY line") == [
        (3, "text_too_long"),
        (4, "text_too_long"),
    ]
    assert replay().status == "replayed"
    stored = query("SELECT line, text FROM sentiment.review ORDER BY line")
    assert stored[1:3] == [(3, '"stray and long'), (4, '"other and long')]


def test_a_replay_loads_rows_that_now_satisfy_the_contract_and_names_its_batch(drops, query, replay) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    assert query("SELECT line, code FROM sentiment.quarantine ORDER BY line") == [
        (3, "text_too_long"), (5, "invalid_rating"), (6, "missing_text"), (7, "conflicting_review_id"),
    ]  # fmt: skip
    outcome = replay()
    assert (outcome.status, *outcome[3:7]) == (LoadStatus.REPLAYED, 4, 1, 3, 0)
    (taken,) = query(
        "SELECT review_id, text, rating, extra, line, batch_id, language_detected, unfamiliar, mixed"
        " FROM sentiment.scored_reviews WHERE review_id = 'r2'"
    )
    assert taken[6:] == ("en", False, False)
    assert taken[:5] == ("r2", 'a much longer\ntext "than" ten', 4.0, {"country": "IE"}, 3)
    assert query("SELECT line, resolved_by FROM sentiment.quarantine WHERE resolved") == [(3, taken[5])]
    assert query("SELECT kind FROM sentiment.scoring_batch WHERE batch_id = %s", taken[5]) == [("replay",)]


def test_a_second_replay_loads_nothing(drops, query, replay) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    assert replay(bad_values="null").rows_scored == 2
    again = replay(bad_values="null")
    assert (again.status, again.reason) == (LoadStatus.SKIPPED, "none of its 2 rejected rows satisfies the contract")
    assert query("SELECT nulled, rating FROM sentiment.scored_reviews WHERE review_id = 'r3'") == [
        ({"rating": "five"}, None)
    ]
    assert query("SELECT count(*) FROM sentiment.review") == [(3,)]


def test_concurrent_replays_load_each_row_once(drops, query, settings) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    start = threading.Barrier(4)

    def work(number: int) -> LoadStatus:
        with connect(settings.require_database_url()) as connection:
            replayer = Replayer(connection, drops.model, settings, f"race {number}")
            start.wait()
            return replayer.replay(1).status

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == ["replayed", "skipped", "skipped", "skipped"]
    assert query("SELECT count(*) FROM sentiment.review") == [(2,)]
    assert verification.verify(drops.connection) == []


def test_a_replayed_row_with_a_stored_id_is_a_duplicate_if_equal_and_a_conflict_otherwise(drops, query, replay) -> None:
    drops.drop(KEY, "review_id,review\nr1,fine\nr2,dull\nr1,fine\nr2,dull,\n")
    query("UPDATE sentiment.rejected_row SET raw = 'r2,dull'")
    outcome = replay()
    assert (outcome.status, *outcome[3:7]) == (LoadStatus.REPLAYED, 1, 0, 0, 1)
    assert query("SELECT line, resolved FROM sentiment.quarantine") == [(5, True)]


def test_a_replay_by_another_model_scores_the_whole_file_with_it(drops, query, replay, other_model) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    outcome = replay(other_model)
    assert outcome.rows_scored == 1
    digest = other_model.scorer.bundle.digest
    assert query("SELECT DISTINCT model_digest FROM sentiment.scored_reviews") == [(digest,)]
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(2,)]


def test_a_resolved_row_without_its_batch_is_found_by_verify(drops, query, replay) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    replay()
    query("UPDATE sentiment.rejected_row SET resolved_by = NULL")
    (finding,) = verification.verify(drops.connection)
    assert (finding.check, finding.detail[:6]) == ("replayed rows name the batch that loaded them", "0 rows")


def test_replacing_a_file_discards_its_replays(drops, query, replay) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    replay()
    drops.load(KEY, replace=True, max_text_bytes=10)
    assert query("SELECT count(*) FROM sentiment.quarantine WHERE NOT resolved") == [(4,)]
    assert replay().rows_scored == 1


def test_rows_of_many_blocks_keep_their_lines(drops, query, replay) -> None:
    rows = "".join(f'r{row},"text\n{row}",{"x" if row % 2 else 5}\n' for row in range(5000))
    drops.drop(KEY, f"review_id,review,rating\n{rows}", block_bytes=10_000)
    assert replay(bad_values="null").rows_scored == 2500
    assert query("SELECT count(*) FROM sentiment.review WHERE line <> 2 * substr(review_id, 2)::int + 2") == [(0,)]


def test_a_file_rejected_as_a_whole_is_replayed_from_the_bucket(drops, query) -> None:
    drops.drop(KEY, "words\nfine\n")
    assert files_to_replay(drops.connection, QuarantineFilter(code="no_text_column")) == [FileToReplay(1, whole=True)]
    settings = drops.settings.model_copy(update={"text_columns": ("words",)})
    loader = Loader(drops.connection, drops.storage, drops.model, settings, "replay")
    assert loader.load(1, replace=True).status is LoadStatus.LOADED
    assert entries(drops.connection, QuarantineFilter()) == ([], 0)


def test_the_quarantine_can_be_filtered(drops) -> None:
    drops.drop(KEY, FILE)
    drops.drop("app/dt=2026-11-18/b.csv", 'review\n""\n')
    drops.drop("app/dt=2026-11-19/c.csv", "words\nx\n")

    def chosen(**choice: object) -> list[tuple[int, int | None]]:
        return [
            (entry.source_file_id, entry.line) for entry in entries(drops.connection, QuarantineFilter(**choice))[0]
        ]

    assert chosen(source="app") == [(2, 2), (3, None)]
    assert chosen(code=RejectCode.MISSING_TEXT) == [(1, 6), (2, 2)]
    assert chosen(since="2026-11-18", until="2026-11-18") == [(2, 2)]
    assert chosen(files=[1], code=RejectCode.INVALID_RATING) == [(1, 5)]
    found, total = entries(drops.connection, QuarantineFilter(), limit=2)
    assert (len(found), total) == (2, 5)


def test_an_entry_has_the_bytes_of_its_row_and_a_whole_file_has_no_line(drops, query) -> None:
    drops.drop(KEY, FILE)
    drops.drop("shop/dt=2026-11-17/b.csv", "words\nfine\n")
    found, total = entries(drops.connection, QuarantineFilter())
    assert (total, len(found)) == (4, 4)
    first, *_, whole = found
    assert first == (
        1, f"incoming/{KEY}", date(2026, 11, 16), 5, "invalid_rating", first.reason, b"r3,bad rating,five,GB", None,
    )  # fmt: skip
    assert (whole.source_file_id, whole.line, whole.code, whole.raw) == (2, None, "no_text_column", None)


def test_resolved_entries_are_shown_on_request_and_never_replayed_again(drops, query, replay) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    replay()
    (batch,) = query("SELECT max(batch_id) FROM sentiment.scoring_batch")
    assert [entry.line for entry in entries(drops.connection, QuarantineFilter())[0]] == [5, 6, 7]
    found, total = entries(drops.connection, QuarantineFilter(resolved=True))
    assert [(entry.line, entry.resolved_by) for entry in found] == [(3, *batch), (5, None), (6, None), (7, None)]
    assert total == 4
    assert files_to_replay(drops.connection, QuarantineFilter(code="text_too_long", resolved=True)) == []
    assert files_to_replay(drops.connection, QuarantineFilter(code="missing_text")) == [FileToReplay(1, whole=False)]


def test_files_are_replayed_oldest_first_once_each_and_erased_rows_never(drops, query) -> None:
    for day in (16, 17, 18):
        drops.drop(f"shop/dt=2026-11-{day}/a.csv", f'review\n{day}\n""\n""\n')
    query("UPDATE sentiment.rejected_row SET code = 'erased' WHERE source_file_id = 2")
    first, third = FileToReplay(1, whole=False), FileToReplay(3, whole=False)
    assert files_to_replay(drops.connection, QuarantineFilter()) == [first, third]
    assert files_to_replay(drops.connection, QuarantineFilter(files=[3, 2])) == [third]
    assert files_to_replay(drops.connection, QuarantineFilter(until=date(2026, 11, 16))) == [first]


def test_the_commands_list_show_and_replay(drops, sentiment, query) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    drops.drop("shop/dt=2026-11-16/b.csv", "words\nfine\n")
    listed = json.loads(sentiment("quarantine", "list", "--json", "--code", "missing_text").stdout)
    assert (listed["total"], listed["entries"][0]["line"], listed["entries"][0]["raw"]) == (1, 6, "r4,,3,GB")
    whole = sentiment("quarantine", "list", COLUMNS="40").stdout
    assert "text_too_long" in whole
    reasons = [entry.reason for entry in entries(drops.connection, QuarantineFilter(), 10)[0]]
    assert max(map(len, reasons)) > 60
    assert [reason for reason in reasons if reason not in whole] == []
    assert f"incoming/{KEY}" in whole
    shown = sentiment("quarantine", "show", "1", "3").stdout
    assert 'r2,"a much longer\ntext ""than"" ten",4,IE' in shown
    missing = sentiment("quarantine", "show", "1", "99")
    assert (missing.returncode, "no entry for file 1, line 99" in missing.stderr) == (1, True)

    replayed = sentiment("quarantine", "replay", "--json", SENTIMENT_TEXT_COLUMNS='["review", "words"]')
    assert replayed.returncode == 0, replayed.stderr
    outcomes = json.loads(replayed.stdout)
    assert [(outcome["status"], outcome["rows_scored"]) for outcome in outcomes] == [("replayed", 1), ("loaded", 1)]
    assert query("SELECT count(*) FROM sentiment.scored_reviews") == [(3,)]
    assert verification.verify(drops.connection) == []
    nothing = sentiment("quarantine", "replay", "1")
    assert (nothing.returncode, "none of its 3 rejected rows satisfies the contract" in nothing.stdout) == (1, True)


def test_validate_reports_what_a_load_would_do_and_writes_nothing(drops, sentiment, query, tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(FILE + "r1,fine,5,GB\n")
    done = sentiment("validate", "--json", str(path), SENTIMENT_BLOCK_BYTES="60", SENTIMENT_DATABASE_URL="")
    assert done.returncode == 1
    (verdict,) = json.loads(done.stdout)
    assert (verdict["text_column"], verdict["extra_columns"]) == ("review", ["country"])
    assert (verdict["rows_in"], verdict["rows_good"], verdict["rows_duplicate"]) == (6, 2, 1)
    assert {code: faults["lines"] for code, faults in verdict["rejected"].items()} == {
        "invalid_rating": [5], "missing_text": [6], "conflicting_review_id": [7],
    }  # fmt: skip
    drops.put(KEY, FILE + "r1,fine,5,GB\n")
    in_store = sentiment("validate", f"s3://{drops.settings.bucket}/incoming/{KEY}")
    assert "has faults" in in_store.stdout
    assert "line 7: review_id r1 also occurs in an earlier row" in in_store.stdout
    assert query("SELECT count(*) FROM sentiment.source_file") == [(0,)]
    outcome = drops.load(KEY)
    assert list(outcome[3:7]) == [verdict["rows_in"], verdict["rows_good"], 3, verdict["rows_duplicate"]]


@pytest.mark.parametrize(
    ("data", "ratio", "code", "words"),
    [
        ("words\nfine\n", "1", 1, "no_text_column"),
        ('review\n""\nfine\n', "0.4", 1, "too_many_rejected: 1 of 2 rows of"),
        ("review\nfine\n", "0", 0, "good"),
    ],
)
def test_validate_reports_by_exit_code(sentiment, tmp_path, data, ratio, code, words) -> None:
    path = tmp_path / "a.csv"
    path.write_text(data)
    done = sentiment("validate", str(path), SENTIMENT_MAX_REJECTED_RATIO=ratio)
    assert (done.returncode, words in done.stdout) == (code, True), done.stdout + done.stderr


def run_replay(drops, choice: QuarantineFilter, run_id: str, *, replace: bool = False, **changed) -> list[str]:
    """Plan a replay run, do the work of its groups, and return the outcomes of its files."""
    settings = drops.settings.model_copy(update=changed)
    plan = RunPlan(run_id, yesterday(), drops.model.model_id, 1, champion=True, replace=replace)
    outcomes: list[LoadOutcome] = []
    for group in plan_replay(drops.connection, settings, plan, choice):
        replay_group(drops.connection, drops.storage, settings, plan, drops.model, group, outcomes.append)
    assert verification.verify(drops.connection) == []
    return [str(outcome.status) for outcome in outcomes]


def test_a_replay_run_loads_rows_and_whole_files_and_repeating_it_loads_nothing(drops, query) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    drops.drop("shop/dt=2026-11-17/b.csv", "words\nfine\n")
    drops.drop("app/dt=2026-11-17/c.csv", "review,rating\nfine,many\n")
    accepted = {"text_columns": ("review", "words")}
    choice = QuarantineFilter(source="shop")
    assert run_replay(drops, choice, "first", **accepted) == ["replayed", "loaded"]
    assert summarise_replay(drops.connection, "first") == (2, 2, 2, 0)
    assert query("SELECT day FROM sentiment.scoring_run WHERE run_id = 'first'") == [(date(2026, 11, 16),)]
    assert run_replay(drops, choice, "second", **accepted) == ["skipped"]
    assert summarise_replay(drops.connection, "second") == (1, 0, 0, 0)


def test_a_replay_run_reads_chosen_files_again_once(drops, query) -> None:
    drops.drop(KEY, FILE)
    rows = query("SELECT line, text, score FROM sentiment.scored_reviews ORDER BY line")
    chosen = QuarantineFilter(files=(1,))
    assert run_replay(drops, chosen, "again", replace=True) == ["replaced"]
    plan = RunPlan("again", yesterday(), drops.model.model_id, 1, champion=True, replace=True)
    outcomes: list[LoadOutcome] = []
    replay_group(drops.connection, drops.storage, drops.settings, plan, drops.model, 0, outcomes.append)
    assert [str(outcome.status) for outcome in outcomes] == ["skipped"], "a retried task does not replace twice"
    assert query("SELECT line, text, score FROM sentiment.scored_reviews ORDER BY line") == rows


def test_a_replay_run_of_unknown_or_unnamed_files_is_refused_before_it_starts(drops, query) -> None:
    with pytest.raises(ReplayInvalid, match="the ledger has no file 7, 8"):
        run_replay(drops, QuarantineFilter(files=(8, 7)), "wrong")
    with pytest.raises(ReplayInvalid, match="`files` must name them"):
        run_replay(drops, QuarantineFilter(), "wrong", replace=True)
    assert query("SELECT count(*) FROM sentiment.scoring_run") == [(0,)]


def test_a_replay_of_a_file_that_a_run_is_loading_is_retried_and_the_other_files_are_replayed(
    drops, query, settings
) -> None:
    drops.drop(KEY, FILE, max_text_bytes=10)
    drops.drop("shop/dt=2026-11-17/b.csv", FILE.replace("r2", "q2"), max_text_bytes=10)
    with connect(settings.require_database_url()) as loading, loading, loading.cursor() as cursor:
        cursor.execute("SELECT FROM sentiment.source_file WHERE source_file_id = 1 FOR NO KEY UPDATE")
        with pytest.raises(ClaimHeld):
            run_replay(drops, QuarantineFilter(), "held", lock_timeout_s=0.1)
    assert query("SELECT source_file_id, kind FROM sentiment.scoring_batch WHERE run_id = 'held'") == [(2, "replay")]
    assert run_replay(drops, QuarantineFilter(), "held") == ["replayed", "skipped"]
