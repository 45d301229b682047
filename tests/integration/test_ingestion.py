"""Ingestion of one file's rows into a batch in PostgreSQL, and the lookup of its stored rows for duplicates."""

import io
import itertools
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sentiment_core.drops.csv_records import Dialect, RecordBlock, read_records
from sentiment_core.drops.deduplication import Deduplicator, review_key
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.source_contract import Rules
from sentiment_core.errors import FileRejected
from sentiment_core.ledger import erasure, source_files
from sentiment_core.ledger.erasure import Erasures
from sentiment_core.ledger.models import ScoringModel, open_model
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading import ingestion as parts_of_ingestion
from sentiment_core.loading.batch_writer import BatchWriter
from sentiment_core.loading.ingestion import Ingestion, clock, first_in_parts
from sentiment_core.loading.stored_reviews import StoredReviews
from sentiment_core.settings import Settings
from tests.starter import starter_scorer

BLOCK_BYTES = 60
FILE = (
    "review_id,review,rating\n"
    "r1,I love it,5\nr2,awful,1\nr3,,2\n"
    "r1,I love it,5\nr2,another text,1\nr4,fine,x\n"
    ",no id,\n,no id,\n"
)


@pytest.fixture
def model(connection) -> ScoringModel:
    return open_model(connection, starter_scorer())


@pytest.fixture
def source_file(connection, settings: Settings):
    """Register a file in the ledger, with the month of its day."""

    def register(key: str) -> SourceFile:
        drop = Drop(settings.bucket, f"incoming/{key}", key, "v1", datetime(2026, 11, 16, tzinfo=UTC), 1)
        with connection, connection.cursor() as cursor:
            source_files.register(cursor, [drop], settings.incoming_prefix)
            source_file_id = source_files.find(cursor, drop)
        source_files.ensure_month(connection, source_file_id)
        with connection, connection.cursor() as cursor:
            return source_files.get(cursor, source_file_id)

    return register


@pytest.fixture
def ingestion(connection, model, settings):
    """Return an ingestion of a file, in the open transaction of the connection."""

    def open_(file: SourceFile, settings: Settings = settings) -> Ingestion:
        with connection.cursor() as cursor:
            erasures = Erasures.read(cursor, settings, file.source)
        writer = BatchWriter(connection, file, model, "load", "a test")
        return Ingestion(writer, Rules(settings), erasures, Deduplicator(StoredReviews(connection, file)))

    return open_


def blocks(data: str = FILE) -> Iterator[RecordBlock]:
    return read_records(io.BytesIO(data.encode()), Dialect(), BLOCK_BYTES, 1000, "the file")


def test_rows_of_all_blocks_are_stored_rejected_or_counted_as_duplicates(
    connection, ingestion, source_file, query
) -> None:
    work = ingestion(source_file("shop/dt=2026-11-16/a.csv"))
    rejected = [[(row.line, row.code) for row in work.store(rows)] for rows in work.score(work.check(blocks()))]
    # The second block repeats ids of the first. Only the stored rows show that r1 is a duplicate and r2 a conflict.
    assert len(rejected) == 2
    assert sorted(itertools.chain(*rejected)) == [
        (4, "missing_text"),
        (6, "conflicting_review_id"),
        (7, "invalid_rating"),
    ]
    assert (work.writer.scored, work.writer.duplicates) == (4, 1)
    stored = query("SELECT line, review_id, text, rating FROM sentiment.review ORDER BY line")
    assert stored == [
        (2, "r1", "I love it", 5.0),
        (3, "r2", "awful", 1.0),
        (8, None, "no id", None),
        (9, None, "no id", None),
    ]
    labels = dict(query("SELECT line, label::text FROM sentiment.score"))
    assert (labels[2], labels[3], len(labels)) == ("positive", "negative", 4)
    assert set(work.writer.seconds) == {"validate", "identify", "score", "write"}


def test_the_scores_are_those_of_the_model(ingestion, source_file, model) -> None:
    work = ingestion(source_file("a.csv"))
    (rows,) = work.score(work.check(blocks("review\nI love it\nawful\n")))
    assert rows.scores.score.tolist() == model.scorer.score_texts(["I love it", "awful"]).score.tolist()
    assert (rows.header, rows.rejected) == (b"review", [])


def test_the_first_block_in_parts_has_the_same_outcome(ingestion, source_file, query, monkeypatch) -> None:
    monkeypatch.setattr(parts_of_ingestion, "PART_BYTES", 6)
    work = ingestion(source_file("shop/dt=2026-11-16/a.csv"))
    parts = list(first_in_parts(work.check(blocks())))
    assert [part.batch.line.tolist() for part in parts] == [[2], [3], [5, 6, 8, 9]]
    assert [[row.line for row in part.rejected] for part in parts] == [[4], [], [7]]
    rejected = [row.line for rows in work.score(parts) for row in work.store(rows)]
    assert sorted(rejected) == [4, 6, 7]
    assert (work.writer.scored, work.writer.duplicates) == (4, 1)
    assert query("SELECT line FROM sentiment.review ORDER BY line") == [(2,), (3,), (8,), (9,)]


def test_the_key_of_a_review_includes_the_source_of_the_file(ingestion, source_file) -> None:
    (rows,) = ingestion(source_file("shop/dt=2026-11-16/a.csv")).check(blocks("review_id,review\nr1,fine\n"))
    assert rows.keys.value(0) == review_key("shop", "r1")


def test_a_file_without_a_text_column_is_rejected_before_a_row_is_scored(ingestion, source_file) -> None:
    with pytest.raises(FileRejected, match="has no text column"):
        next(ingestion(source_file("a.csv")).check(blocks("words\nfine\n")))


def test_an_erased_review_is_rejected_without_its_bytes(connection, ingestion, source_file, settings, query) -> None:
    keyed = Settings(**(settings.model_dump(exclude_unset=True) | {"erasure_key": "a secret of enough characters"}))
    erasure.erase(connection, keyed, "review", "shop", "r2")
    work = ingestion(source_file("shop/dt=2026-11-16/a.csv"), keyed)
    (rows,) = work.score(work.check(blocks("review_id,review\nr1,fine\nr2,awful\n")))
    assert [(row.line, row.code, row.raw) for row in work.store(rows)] == [(3, "erased", None)]
    assert query("SELECT review_id FROM sentiment.review") == [("r1",)]
    # Another source's review with the same id is another review.
    elsewhere = ingestion(source_file("app/dt=2026-11-16/a.csv"), keyed)
    (rows,) = elsewhere.score(elsewhere.check(blocks("review_id,review\nr2,awful\n")))
    assert rows.batch.size == 1


def test_stored_rows_are_found_by_key_in_their_own_file_only(connection, ingestion, source_file) -> None:
    first, second = source_file("shop/dt=2026-11-16/a.csv"), source_file("shop/dt=2026-11-17/b.csv")
    work = ingestion(first)
    data = 'review_id,product_id,review,rating,more\nr1,p1,"fine, really",4,x\nr2,,dull,,\n'
    for rows in work.score(work.check(blocks(data))):
        work.store(rows)
    keys = [review_key("shop", name) for name in ("r1", "r2", "r9")]
    found = StoredReviews(connection, first)(keys)
    assert set(found) == set(keys[:2])
    review = found[keys[0]]
    assert (review.review_id, review.product_id, review.text, review.rating) == ("r1", "p1", "fine, really", 4.0)
    assert review.extra == {"more": "x"}
    assert found[keys[1]].rating is None
    assert StoredReviews(connection, second)(keys) == {}
    connection.rollback()
    assert StoredReviews(connection, first)(keys) == {}


def test_the_time_of_a_stage_is_added_up_even_if_it_fails() -> None:
    seconds: defaultdict[str, float] = defaultdict(float)
    with clock(seconds, "read"):
        pass
    once = seconds["read"]
    with pytest.raises(ValueError, match="broken"), clock(seconds, "read"):
        raise ValueError("broken")
    assert seconds["read"] > once > 0
