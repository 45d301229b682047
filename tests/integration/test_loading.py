"""The result of each row of a file, on a real database and a real object store."""

import gzip
import hashlib
import re
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from backports import zstd

from sentiment_core.database.connection import connect
from sentiment_core.drops.contract import RejectCode
from sentiment_core.ledger import source_files, verification
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading import progress
from sentiment_core.loading.loader import Loader, LoadStatus, load_drop
from sentiment_core.loading.progress import StoredProgress
from sentiment_core.loading.rescoring import Rescorer
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import LABELS, Scorer

SHOWN = "SELECT review_id, text FROM sentiment.scored_reviews ORDER BY review_id, text"


def test_every_example_has_the_documented_outcome(drops, query, examples) -> None:
    table = re.findall(
        r"^\| `([^`]+)` \| (\d+) \| (\d+) \| (.*?) \| (\d+) \| (\w+).* \|$",
        (examples.parent / "README.md").read_text(),
        re.MULTILINE,
    )
    assert len(table) == len([path for path in examples.rglob("*") if path.is_file()])
    for key, rows_in, scored, rejected, duplicate, status in table:
        outcome = drops.drop(key, (examples / key).read_bytes())
        counts = (outcome.rows_in, outcome.rows_scored, outcome.rows_duplicate)
        assert (outcome.status, *counts) == (status, int(rows_in), int(scored), int(duplicate)), key
        found = query("SELECT code, line FROM sentiment.quarantine WHERE key = %s ORDER BY line", f"incoming/{key}")
        listed = re.findall(r"`(\w+)`(?: (\d+))?", rejected)
        assert found == [(code, int(line) if line else None) for code, line in listed], key
    assert query("SELECT day::text, sum(reviews) FROM sentiment.daily_sentiment GROUP BY day ORDER BY day") == [
        ("2026-11-16", 64),
        ("2026-11-17", 64),
        ("2026-11-18", 64),
    ]


def test_a_row_keeps_every_field_and_names_its_model_and_origin(drops, query, settings) -> None:
    drops.drop(
        "shop/dt=2026-11-16/a.csv",
        "review_id,review,rating,reviewed_at,language,product_id,author_id,country\n"
        'r1,"Lovely, ""truly"" lovely.\nI would buy it again.",4.5,2026-11-16T12:00:00+02:00,en-GB,p1,u1,GB\n',
    )
    (row,) = query(
        "SELECT day, source, review_id, product_id, author_id, rating, reviewed_at, language, text, extra,"
        " label, score, out_of_language, model_digest, bucket, key, line FROM sentiment.scored_reviews"
    )
    text = 'Lovely, "truly" lovely.\nI would buy it again.'
    bundle = Bundle.load(STARTER)
    scores = Scorer(bundle).score_texts([text])
    assert row[:10] == (
        date(2026, 11, 16), "shop", "r1", "p1", "u1", 4.5, datetime(2026, 11, 16, 10, tzinfo=UTC), "en-GB", text,
        {"country": "GB"},
    )  # fmt: skip
    assert row[10] == LABELS[scores.label[0]]
    assert row[11] == pytest.approx(scores.score[0], abs=1e-6)
    assert row[12:] == (False, bundle.digest, settings.bucket, "incoming/shop/dt=2026-11-16/a.csv", 2)


def test_the_ledger_names_the_bytes_and_the_run(drops, query) -> None:
    data = b"review\nfine\n"
    drops.drop("dt=2026-11-16/a.csv", data)
    assert query("SELECT sha256, status, size, header FROM sentiment.source_file") == [
        (hashlib.sha256(data).digest(), "loaded", len(data), b"review")
    ]
    assert query("SELECT kind, run_id, rows_in FROM sentiment.load_history") == [("load", "test run 1", 1)]


def test_the_ledger_records_how_each_file_was_read_and_its_warnings(drops, query, other_model) -> None:
    data = "ID;reviewId;Stars;Review Text\n1;1.23457E+17;4,5;fine\n2;r2;five;dull\n"
    outcome = drops.drop("dt=2026-11-16/a.csv", data.encode("utf-16"), bad_values="null")
    reading = {
        "form": "delimited",
        "encoding": "utf-16-le",
        "delimiter": ";",
        "quoting": "rfc4180",
        "line_ends": "lf",
        "text": "Review Text",
        "columns": {"review_id": "reviewId"},
        "contract": 0,
    }
    warnings = [
        "column Stars looks like rating but is kept as it is, because of the value 'five'",
        "column reviewId has ids that a spreadsheet has rounded, such as 1.23457E+17. They are treated as missing. "
        "Export the column as text to keep its values",
    ]
    assert (outcome.rows_scored, outcome.warnings) == (2, tuple(warnings))
    drops.load("dt=2026-11-16/a.csv", replace=True)
    Rescorer(drops.connection, other_model, drops.settings, "a test").rescore(1, make_current=False)
    assert query("SELECT kind, reading, warnings FROM sentiment.load_history ORDER BY batch_id") == [
        ("load", reading, warnings),
        ("replace", reading, warnings),
        ("rescore", None, None),
    ]


def test_warnings_of_later_blocks_are_recorded_once(drops, query) -> None:
    rows = "".join(f"r{row},fine\n" for row in range(500)) + "1E+05,dull\n" * 500
    drops.drop("dt=2026-11-16/a.csv", "review_id,review\n" + rows, block_bytes=5000)
    ((warnings, ids),) = query(
        "SELECT warnings, (SELECT count(DISTINCT review_id) FROM sentiment.review) FROM sentiment.load_history"
    )
    assert ([warning.partition(" has ")[0] for warning in warnings], ids) == (["column review_id"], 500)


@pytest.mark.parametrize(("suffix", "pack"), [(".csv.gz", gzip.compress), (".csv.zst", zstd.compress)])
def test_compressed_files_load_and_are_hashed_as_stored(drops, query, suffix, pack) -> None:
    packed = pack(b"review\nfine\n")
    assert drops.drop(f"dt=2026-11-16/a{suffix}", packed).rows_scored == 1
    assert query("SELECT sha256 FROM sentiment.source_file") == [(hashlib.sha256(packed).digest(),)]


def test_the_review_key_is_what_the_documentation_says(drops, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,fine\n")
    assert query(
        "SELECT uuid_send(review_key) = substr(sha256(convert_to('shop/r1', 'UTF8')), 1, 16) FROM sentiment.review"
    ) == [(True,)]


MARKS = (
    "SELECT text, label::text, score, positive, neutral, negative, unfamiliar, mixed, language_detected,"
    " language_standing FROM sentiment.scored_reviews ORDER BY line"
)


def test_the_views_show_probabilities_marks_and_languages(drops, query, three_label_model, two_label_model) -> None:
    drops.model = three_label_model
    texts = {
        "the good": None,
        "the awful": "en_GB",
        "Das Zimmer war schmutzig und das Personal sehr unfreundlich": None,
        "Le petit déjeuner était très bon, et la chambre était propre": "fr",
        "average the": "de",
        "\U0001f60d": None,
    }
    rows = "".join(f'{language or ""},"{text}"\n' for text, language in texts.items())
    drops.drop("shop/dt=2026-11-16/a.csv", "language,review\n" + rows)
    expected = list(three_label_model.scorer.score_texts(list(texts)).texts())
    shown = query(MARKS)
    for (text, label, score, positive, neutral, negative, unfamiliar, mixed, *_), one in zip(
        shown, expected, strict=True
    ):
        assert (label, unfamiliar, mixed) == (one.label, one.unfamiliar, one.mixed), text
        assert {"negative": negative, "neutral": neutral, "positive": positive} == pytest.approx(one.probabilities)
        assert score == pytest.approx(one.score)
    assert [one.label for one in expected[:2]] == ["positive", "negative"]
    assert [row[6] for row in shown] == [False, False, True, True, False, True]
    assert [row[8:] for row in shown][2:] == [
        ("de", "experimental"),
        ("fr", "unsupported"),
        (shown[4][8], "experimental"),
        (None, None),
    ]
    assert shown[1][9] == "supported"
    certainty = "SELECT language_certainty BETWEEN 0.5 AND 1 FROM sentiment.review WHERE line = %s"
    assert query(certainty, 4) == [(True,)]
    assert query(certainty, 7) == [(None,)]
    assert query(
        "SELECT language, language_standing, reviews, neutral, neutral_ratio, unfamiliar, mixed"
        " FROM sentiment.daily_sentiment_by_language WHERE language IN ('de', 'fr') ORDER BY language"
    ) == [("de", "experimental", 2, 1, Decimal("0.5"), 1, 0), ("fr", "unsupported", 1, 0, 0, 1, 0)]

    Rescorer(drops.connection, two_label_model, drops.settings, "a test").rescore(1, make_current=True)
    assert verification.verify(drops.connection) == []
    for before, (_, _, score, positive, neutral, negative, _, mixed, detected, _) in zip(
        shown, query(MARKS), strict=True
    ):
        assert (positive, neutral, negative, mixed) == (score, None, pytest.approx(1 - score), False)
        assert detected == before[8]


def test_scores_and_rows_of_the_previous_release_have_no_marks(drops, query, three_label_model) -> None:
    drops.model = three_label_model
    drops.drop("dt=2026-11-16/a.csv", "review\nthe good\n")
    query("UPDATE sentiment.score SET neutral = NULL, unfamiliar = NULL, mixed = NULL")
    query("UPDATE sentiment.review SET language_detected = NULL, language_certainty = NULL")
    ((_, _, score, positive, *marks),) = query(MARKS)
    assert (positive, marks) == (score, [None] * 6)


def test_a_review_in_an_unknown_language_is_scored_and_flagged(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "language,review\ncy,da iawn\nen_US,good\n,good too\n")
    assert query("SELECT language, out_of_language FROM sentiment.scored_reviews ORDER BY line") == [
        ("cy", True),
        ("en_US", False),
        (None, False),
    ]


@pytest.mark.parametrize(
    ("key", "data", "code"),
    [
        ("a.csv", b"", RejectCode.EMPTY_FILE),
        ("a.csv", b"review\n", RejectCode.NO_ROWS),
        ("a.csv", b"\n\n", RejectCode.EMPTY_FILE),
        ("a.csv", b"id,amount\n1,2\n", RejectCode.NO_TEXT_COLUMN),
        ("a.csv", "review\nfine\n".encode("utf-16")[:-1], RejectCode.UNSUPPORTED_ENCODING),
        ("a.csv", b"<html>\n", RejectCode.UNSUPPORTED_FORMAT),
        ("_SUCCESS", b"", RejectCode.LEFT_BY_A_TOOL),
        ("dt=0001-01-01/a.csv", b"review\nfine\n", RejectCode.INVALID_DAY),
        ("a.csv.gz", gzip.compress(b"review\n" + b"fine\n" * 100_000)[:-20], RejectCode.DAMAGED_COMPRESSION),
        ("a.csv.gz", gzip.compress(b"review\n" + b"fine\n" * 100_000), RejectCode.EXPANDS_TOO_FAR),
        ("a.csv", b"review\n" + b"x" * 200_000, RejectCode.RECORD_TOO_LARGE),
        ("a.docx", b"PK", RejectCode.UNSUPPORTED_FORMAT),
        ("a folder/", b"", RejectCode.DIRECTORY_MARKER),
        ("a.csv", b"id,review\n1,fine\n2,\n3,\n", RejectCode.TOO_MANY_REJECTED),
        ("a.csv", b"review,caf\xe9\nfine,x\n", RejectCode.UNSUPPORTED_ENCODING),
        ("a.csv.zst", zstd.compress(b"review\n" + b"fine\n" * 100_000), RejectCode.EXPANDS_TOO_FAR),
        ("dt=tomorrow/a.csv", b"review\nfine\n", RejectCode.INVALID_DAY),
        ("ein Ordner/mit Ümlaut +%.csv", b"id\n1\n", RejectCode.NO_TEXT_COLUMN),
    ],
)
def test_an_unreadable_file_is_rejected_with_its_reason(drops, query, key, data, code) -> None:
    limits = {
        "block_bytes": 50_000,
        "max_record_bytes": 100_000,
        "max_expanded_bytes": 250_000,
        "max_rejected_ratio": 0.5,
    }
    if code is RejectCode.DAMAGED_COMPRESSION:
        limits["max_expanded_bytes"] = 1_000_000
    outcome = drops.drop(key, data, **limits)
    assert outcome.status is LoadStatus.REJECTED
    assert query("SELECT status, reject_code FROM sentiment.source_file") == [("rejected", code)]
    assert query("SELECT count(*) FROM sentiment.review") == [(0,)]
    assert query("SELECT line, code, key FROM sentiment.quarantine") == [(None, code, f"incoming/{key}")]
    assert drops.load(key, **limits).status is LoadStatus.SKIPPED


def test_a_rejected_file_is_loaded_after_the_settings_changed(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "words\nfine\n")
    outcome = drops.load("dt=2026-11-16/a.csv", replace=True, text_columns=("words",))
    assert outcome.status is LoadStatus.LOADED
    assert query("SELECT status, reject_code FROM sentiment.source_file") == [("loaded", None)]


def test_bad_values_null_makes_an_invalid_rating_null_and_keeps_its_text(drops, query) -> None:
    outcome = drops.drop("dt=2026-11-16/a.csv", "review,rating\nfine,five\ndull,2\n", bad_values="null")
    assert (outcome.rows_scored, outcome.rows_rejected) == (2, 0)
    assert query("SELECT rating, nulled FROM sentiment.scored_reviews ORDER BY line") == [
        (None, {"rating": "five"}),
        (2.0, None),
    ]


def test_a_replacement_with_too_many_rejected_rows_keeps_the_old_rows(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review\nfine\nso so\n")
    outcome = drops.load("dt=2026-11-16/a.csv", replace=True, max_text_bytes=4, max_rejected_ratio=0.4)
    assert (outcome.status, outcome.reason.split(":")[0]) == (LoadStatus.KEPT, RejectCode.TOO_MANY_REJECTED)
    assert query("SELECT text FROM sentiment.scored_reviews ORDER BY line") == [("fine",), ("so so",)]


# Duplicates within a file


@pytest.mark.parametrize("block_bytes", [60, 1_000_000], ids=["in different blocks", "in one block"])
def test_a_repeated_id_is_a_duplicate_or_a_conflict(drops, query, block_bytes) -> None:
    filler = "".join(f"f{row},filler text number {row},\n" for row in range(20))
    outcome = drops.drop(
        "dt=2026-11-16/a.csv",
        f'review_id,review,rating\nr1,"fine, really",4\n{filler}r1,"fine, really",4.0\nr1,awful,1\n,fine,\n,fine,\n',
        block_bytes=block_bytes,
    )
    assert outcome[3:7] == (25, 23, 1, 1)
    assert query("SELECT line, code, raw FROM sentiment.rejected_row") == [(24, "conflicting_review_id", b"r1,awful,1")]
    assert query("SELECT text FROM sentiment.scored_reviews WHERE review_id = 'r1'") == [("fine, really",)]
    assert query("SELECT count(*) FROM sentiment.scored_reviews WHERE review_id IS NULL") == [(2,)]


# The same file again, and other files


def test_loading_a_file_again_adds_nothing(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review_id,review\nr1,fine\n")
    assert drops.load("dt=2026-11-16/a.csv").status is LoadStatus.SKIPPED
    assert query("SELECT count(*) FROM sentiment.scoring_batch") == [(1,)]


def test_the_same_bytes_under_another_key_are_not_stored_twice(drops, query) -> None:
    data = "review_id,review\nr1,fine\n"
    drops.drop("shop/dt=2026-11-16/a.csv", data)
    assert drops.drop("shop/dt=2026-11-18/b.csv", data).status is LoadStatus.DUPLICATE
    assert query("SELECT count(*) FROM sentiment.review") == [(1,)]
    assert query(
        "SELECT copy.key, original.key FROM sentiment.source_file copy"
        " JOIN sentiment.source_file original ON original.source_file_id = copy.duplicate_of"
    ) == [("incoming/shop/dt=2026-11-18/b.csv", "incoming/shop/dt=2026-11-16/a.csv")]


def test_the_same_bytes_in_another_source_are_other_reviews(drops, query) -> None:
    data = "rating,review\n5,Great\n1,Awful\n"
    for source in ("shop-a", "shop-b"):
        assert drops.drop(f"{source}/dt=2026-11-16/r.csv", data).status is LoadStatus.LOADED
    assert drops.drop("shop-b/dt=2026-11-17/again.csv", data).status is LoadStatus.DUPLICATE
    by_source = "SELECT source, count(*) FROM sentiment.scored_reviews GROUP BY source ORDER BY source"
    assert query(by_source) == [("shop-a", 2), ("shop-b", 2)]
    # The head of each source's key decides, whatever the other source does.
    drops.drop("shop-a/dt=2026-11-16/r.csv", "rating,review\n5,Great\n")
    assert query(by_source) == [("shop-a", 1), ("shop-b", 2)]
    drops.drop("shop-b/dt=2026-11-16/r.csv", "rating,review\n5,Great\n")
    assert query(by_source) == [("shop-a", 1), ("shop-b", 3)]
    drops.drop("shop-b/dt=2026-11-17/again.csv", "rating,review\n2,Less\n")
    assert query(by_source) == [("shop-a", 1), ("shop-b", 2)]


TWINS = "review_id,author_id,review\nr1,u1,first\nr2,u2,\n,u3,second\n"


@pytest.fixture
def duplicate_by_an_earlier_release(drops, query) -> None:
    """A file of shop-b that an earlier release marked as a duplicate of a file of shop-a."""
    drops.drop("shop-a/dt=2026-11-16/r.csv", TWINS)
    drops.put("shop-b/dt=2026-11-17/r.csv", TWINS)
    with drops.connection, drops.connection.cursor() as cursor:
        source_files.register(cursor, drops.storage.list(drops.settings.bucket, "incoming/"), "incoming/")
    query(
        "UPDATE sentiment.source_file SET status = 'duplicate', duplicate_of = 1, finished_at = now(), sha256 ="
        " (SELECT sha256 FROM sentiment.source_file WHERE source_file_id = 1) WHERE source_file_id = 2"
    )
    assert verification.verify(drops.connection) == []


BY_SOURCE = "SELECT source, text FROM sentiment.scored_reviews ORDER BY source, text"


@pytest.mark.usefixtures("duplicate_by_an_earlier_release")
def test_a_duplicate_of_another_source_keeps_the_reviews_that_it_shows(drops, query, other_model) -> None:
    shown = [("shop-a", "first"), ("shop-a", "second")]
    assert drops.load("shop-b/dt=2026-11-17/r.csv").status is LoadStatus.SKIPPED
    drops.drop("shop-a/dt=2026-11-16/r.csv", "review\nnew\n")
    assert query(BY_SOURCE) == [("shop-a", "first"), ("shop-a", "new"), ("shop-a", "second")]
    rescorer = Rescorer(drops.connection, other_model, drops.settings, "a test")
    assert rescorer.rescore(1, make_current=True).rows_scored == 2
    assert rescorer.rescore(2, make_current=True).status is LoadStatus.SKIPPED
    drops.drop("shop-b/dt=2026-11-17/r.csv", "review\nnewer\n")
    assert query(BY_SOURCE) == [("shop-a", "new"), ("shop-b", "newer")]
    assert query("SELECT count(*) FROM sentiment.review WHERE source_file_id = 1") == [(len(shown),)]


@pytest.mark.usefixtures("duplicate_by_an_earlier_release")
def test_replacing_a_duplicate_of_another_source_loads_it_once(drops, query) -> None:
    key = "shop-b/dt=2026-11-17/r.csv"
    outcome = drops.load(key, replace=True)
    assert (outcome.status, outcome.rows_scored) == (LoadStatus.LOADED, 2)
    both = [("shop-a", "first"), ("shop-a", "second"), ("shop-b", "first"), ("shop-b", "second")]
    assert query(BY_SOURCE) == both
    assert drops.load(key, replace=True).status is LoadStatus.REPLACED
    assert query(BY_SOURCE) == both
    drops.drop("shop-a/dt=2026-11-16/r.csv", "review\nnew\n")
    assert query(BY_SOURCE) == [("shop-a", "new"), *both[2:]]


@pytest.mark.usefixtures("duplicate_by_an_earlier_release")
def test_a_duplicate_of_another_source_becomes_one_of_its_own_source(drops, query) -> None:
    assert drops.drop("shop-b/dt=2026-11-18/s.csv", TWINS).status is LoadStatus.LOADED
    assert drops.load("shop-b/dt=2026-11-17/r.csv", replace=True).status is LoadStatus.DUPLICATE
    duplicates = "SELECT source_file_id, duplicate_of FROM sentiment.source_file WHERE status = 'duplicate'"
    assert query(duplicates) == [(2, 3)]
    assert len(query(BY_SOURCE)) == 4


@pytest.mark.usefixtures("duplicate_by_an_earlier_release")
def test_a_duplicate_of_another_source_that_cannot_be_read_stays(drops, query) -> None:
    outcome = drops.load("shop-b/dt=2026-11-17/r.csv", replace=True, text_columns=("words",))
    assert outcome.status is LoadStatus.KEPT
    assert query("SELECT status, duplicate_of FROM sentiment.source_file ORDER BY source_file_id") == [
        ("loaded", None),
        ("duplicate", 1),
    ]


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("DELETE FROM sentiment.live_file WHERE source_file_id = 3", "a loaded file is live if and only if"),
        ("INSERT INTO sentiment.live_file VALUES (1)", "a loaded file is live if and only if"),
        (
            "UPDATE sentiment.source_file SET duplicate_of = 2 WHERE status = 'duplicate'",
            "a duplicate has the bytes of a loaded or expired file",
        ),
        (
            "DROP INDEX sentiment.source_file_content; UPDATE sentiment.source_file SET sha256 ="
            " (SELECT sha256 FROM sentiment.source_file WHERE source_file_id = 1) WHERE source_file_id = 2",
            "a source stores the same bytes once",
        ),
    ],
)
def test_verify_finds_files_that_are_live_or_duplicate_by_mistake(drops, query, change, check) -> None:
    drops.drop("shop-a/dt=2026-11-16/a.csv", "review\nold\n")
    drops.drop("shop-a/dt=2026-11-16/a.csv", "review\nnew\n")
    drops.drop("shop-b/dt=2026-11-16/a.csv", "review\nold\n")
    drops.drop("shop-b/dt=2026-11-16/b.csv", "review\nold\n")
    query(change)
    assert any(finding.check.startswith(check) for finding in verification.verify(drops.connection))


def test_new_bytes_under_a_key_supersede_the_old_rows(drops, query) -> None:
    key = "shop/dt=2026-11-16/a.csv"
    drops.drop(key, "review_id,review\nr1,fine\nr2,dull\n,no id\n")
    drops.drop(key, "review_id,review\nr1,not so fine\nr3,new\n")
    assert query(SHOWN) == [("r1", "not so fine"), ("r3", "new")]
    assert query("SELECT count(*) FROM sentiment.review") == [(5,)]


def test_a_rejected_version_does_not_hide_the_loaded_one(drops, query) -> None:
    key = "shop/dt=2026-11-16/a.csv"
    drops.drop(key, "review_id,review\nr1,fine\n")
    assert drops.drop(key, "broken\n1\n").status is LoadStatus.REJECTED
    assert query(SHOWN) == [("r1", "fine")]


def test_old_bytes_restored_under_their_key_are_shown_again(drops, query) -> None:
    key = "shop/dt=2026-11-16/a.csv"
    first, second = "review_id,review\nr1,first\n", "review_id,review\nr1,second\n"
    drops.drop(key, first)
    drops.drop(key, second)
    assert query(SHOWN) == [("r1", "second")]
    # Without versions, S3 distinguishes two puts of the same bytes only by their second.
    time.sleep(1.1)
    assert drops.drop(key, first).status is LoadStatus.DUPLICATE
    assert query(SHOWN) == [("r1", "first")]


def test_a_hidden_row_is_shown_again_when_the_newer_file_is_superseded(drops, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,from a\n")
    drops.drop("shop/dt=2026-11-17/b.csv", "review_id,review\nr1,from b\nr2,also b\n")
    assert query(SHOWN) == [("r1", "from b"), ("r2", "also b")]
    drops.drop("shop/dt=2026-11-17/b.csv", "review_id,review\nr2,b again\n")
    assert query(SHOWN) == [("r1", "from a"), ("r2", "b again")]


def test_the_newest_file_wins_in_any_order_of_loading(drops, query) -> None:
    for name in ("a", "b", "c"):
        drops.put(f"shop/dt=2026-11-16/{name}.csv", f"review_id,review\nr1,from {name}\n")
    modified = {
        name: drops.storage.find(f"s3://{drops.settings.bucket}/incoming/shop/dt=2026-11-16/{name}.csv").last_modified
        for name in ("a", "b", "c")
    }
    for name in ("c", "a", "b"):
        drops.load(f"shop/dt=2026-11-16/{name}.csv")
    newest = max(modified.values())
    (shown,) = query(SHOWN)
    assert shown[1] in {f"from {name}" for name, at in modified.items() if at == newest}


def test_the_same_id_of_two_sources_is_two_reviews(drops, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,from the shop\n")
    drops.drop("app/dt=2026-11-16/a.csv", "review_id,review\nr1,from the app\n")
    assert query(SHOWN) == [("r1", "from the app"), ("r1", "from the shop")]


def test_a_file_is_loaded_while_another_worker_claims_the_version_that_it_supersedes(drops, query, settings) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review\nfirst\n")
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        source_files.claim(cursor, 1, 1)
        assert drops.drop("dt=2026-11-16/a.csv", "review\nsecond\n", lock_timeout_s=1).status is LoadStatus.LOADED
    assert query("SELECT text FROM sentiment.scored_reviews") == [("second",)]


def test_the_history_has_every_object_with_its_reason(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review\nfirst\n")
    drops.drop("dt=2026-11-16/a.csv", "review\nsecond\n")
    drops.drop("dt=2026-11-16/b.csv", "review\nsecond\n")
    drops.drop("dt=2026-11-16/c.csv", "words\n")
    drops.put("dt=2026-11-16/d.csv", "review\nnew\n")
    drops.put("dt=2999-01-01/e.csv", "review\nnew\n")
    with drops.connection, drops.connection.cursor() as cursor:
        source_files.register(cursor, drops.storage.list(drops.settings.bucket, "incoming/"), "incoming/")
    assert [why for (why,) in query("SELECT why FROM sentiment.load_history ORDER BY key, source_file_id")] == [
        "a newer version of its key took its place",
        "the views show it",
        "the same bytes were loaded from incoming/dt=2026-11-16/a.csv",
        f"s3://{drops.settings.bucket}/incoming/dt=2026-11-16/c.csv has no text column. Its columns are words. Rename "
        "one of them to review, or add its name to SENTIMENT_TEXT_COLUMNS",
        "the next nightly run takes it",
        "its day is not over: the night after it takes it",
    ]


def test_a_daily_full_export_counts_each_review_once_on_the_day_it_was_written(drops, query) -> None:
    rows = [
        "r1,2026-11-01T12:00:00Z,p1,fine\n",
        "r2,2026-11-01T23:30:00-01:00,p1,dull\n",  # in UTC, this is the next day
        "r3,,p1,fair\n",
        "r4,2026-11-03,p2,new\n",
    ]
    header = "review_id,reviewed_at,product_id,review\n"
    drops.drop("shop/dt=2026-11-02/all.csv", header + "".join(rows[:3]))
    drops.drop("shop/dt=2026-11-03/all.csv", header + "".join(rows))
    days = "SELECT {}::text, reviews FROM sentiment.{} ORDER BY 1"
    assert query(days.format("day", "daily_sentiment")) == [("2026-11-03", 4)]
    assert query(days.format("written_day", "daily_sentiment_by_written_day")) == [
        ("2026-11-01", 1),
        ("2026-11-02", 1),
        ("2026-11-03", 2),  # a review without reviewed_at has the day of its file
    ]
    assert query(days.format("product_id || ' ' || written_day", "product_sentiment_by_written_day")) == [
        ("p1 2026-11-01", 1),
        ("p1 2026-11-02", 1),
        ("p1 2026-11-03", 1),
        ("p2 2026-11-03", 1),
    ]
    # An export that equals an earlier one changes nothing. One that lost a review does not remove it.
    assert drops.drop("shop/dt=2026-11-04/all.csv", header + "".join(rows)).status is LoadStatus.DUPLICATE
    drops.drop("shop/dt=2026-11-05/all.csv", header + "".join(rows[1:]))
    assert query(days.format("day", "daily_sentiment")) == [("2026-11-03", 1), ("2026-11-05", 3)]


def test_full_exports_under_one_key_show_the_newest(drops, query) -> None:
    drops.drop("shop/all.csv", "review\nfine\ndull\n")
    drops.drop("shop/all.csv", "review\nfine\nnew\n")
    assert query("SELECT text FROM sentiment.scored_reviews ORDER BY text") == [("fine",), ("new",)]


# Progress


class Blocks:
    """Record the stored progress after each block."""

    def __init__(self, stored: StoredProgress, query) -> None:
        self.stored = stored
        self.query = query
        self.seen: list[tuple] = []

    def report(self, file: SourceFile, bytes_read: int, rows: int) -> None:
        self.stored.report(file, bytes_read, rows)
        self.seen += self.query("SELECT key, percent, rows_written, run_id FROM sentiment.loads_under_way")

    def done(self, file: SourceFile) -> None:
        self.stored.done(file)


def test_a_long_load_reports_its_progress(drops, settings, monkeypatch) -> None:
    monkeypatch.setattr(progress, "PERIOD_S", 0)
    drops.put("dt=2026-11-16/a.csv", "review\n" + "fine\n" * 2000)
    url = settings.require_database_url()
    with connect(url) as other:

        def query(statement: str) -> list[tuple]:
            with other, other.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()

        blocks = Blocks(StoredProgress(lambda: connect(url), "slow"), query)
        small = settings.model_copy(update={"block_bytes": 5000})
        loader = Loader(drops.connection, drops.storage, drops.model, small, "slow", blocks)
        drop = drops.storage.find(f"s3://{settings.bucket}/incoming/dt=2026-11-16/a.csv")
        assert load_drop(loader, drop, replace=False).status is LoadStatus.LOADED
        keys, percents, rows, runs = zip(*blocks.seen, strict=True)
        assert set(keys) == {"incoming/dt=2026-11-16/a.csv"}
        assert set(runs) == {"slow"}
        assert list(rows) == sorted(rows)
        assert rows[-1] == 2000
        assert percents[-1] == 100
        assert query("SELECT * FROM sentiment.loads_under_way") == []


def test_a_load_continues_if_its_progress_cannot_be_stored(drops, settings, monkeypatch, caplog) -> None:
    monkeypatch.setattr(progress, "PERIOD_S", 0)
    drops.put("dt=2026-11-16/a.csv", "review\nfine\n")
    stored = StoredProgress(lambda: connect("postgresql://nobody@127.0.0.1:1/none"), "deaf")
    loader = Loader(drops.connection, drops.storage, drops.model, settings, "deaf", stored)
    drop = drops.storage.find(f"s3://{settings.bucket}/incoming/dt=2026-11-16/a.csv")
    assert load_drop(loader, drop, replace=False).status is LoadStatus.LOADED
    assert "The progress of file 1 cannot be stored" in caplog.text


# Replacing


def test_replacing_reads_the_file_again_and_stores_the_same_rows(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review_id,review,rating\nr1,fine,5\nr2,dull,x\n")
    before = query("SELECT line, text, label, score FROM sentiment.scored_reviews")
    assert drops.load("dt=2026-11-16/a.csv", replace=True).status is LoadStatus.REPLACED
    assert query("SELECT line, text, label, score FROM sentiment.scored_reviews") == before
    assert query("SELECT line FROM sentiment.rejected_row") == [(3,)]
    assert query("SELECT kind FROM sentiment.scoring_batch ORDER BY batch_id") == [("load",), ("replace",)]


def test_replacing_after_a_contract_change_moves_rows_between_outcomes(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review_id,review\nr1,short\nr2,a much longer text\n", max_text_bytes=10)
    assert query(SHOWN) == [("r1", "short")]
    drops.load("dt=2026-11-16/a.csv", replace=True)
    assert query(SHOWN) == [("r1", "short"), ("r2", "a much longer text")]
    drops.load("dt=2026-11-16/a.csv", replace=True, max_text_bytes=10)
    assert query(SHOWN) == [("r1", "short")]


def test_replacing_and_rescoring_take_seconds_with_outdated_statistics(drops, query, other_model) -> None:
    # After a large load PostgreSQL has no statistics yet. Comparing each row with all others would take minutes.
    drops.drop("dt=2026-11-16/a.csv", "review\nfine\n")
    query("ANALYZE sentiment.review, sentiment.score")
    many = "review_id,review\n" + "".join(f"r{row},fine {row}\n" for row in range(20_000))
    drops.drop("dt=2026-11-16/b.csv", many)
    query("SET statement_timeout = '10s'")
    assert drops.load("dt=2026-11-16/b.csv", replace=True).rows_scored == 20_000
    rescorer = Rescorer(drops.connection, other_model, drops.settings, "a test")
    assert rescorer.rescore(2, make_current=False).rows_scored == 20_000


def test_a_file_that_became_unreadable_keeps_its_rows(drops, query) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review_id,review\nr1,fine\n")
    outcome = drops.load("dt=2026-11-16/a.csv", replace=True, text_columns=("words",))
    assert outcome.status is LoadStatus.KEPT
    assert query(SHOWN) == [("r1", "fine")]
