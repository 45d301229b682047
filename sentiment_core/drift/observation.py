"""Counts of a day's stored reviews, in the bins of a reference.

PostgreSQL counts the scores and labels of all rows and returns a few thousand counts, regardless of the number of rows.
Texts are read from a sample of bounded size. The sample consists of the rows with the smallest hash of source file id
and line, so the same day always gives the same sample.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.database.connection import Connection
from sentiment_core.drift.statistics import Observed, Rejections, TextCounts
from sentiment_core.drops.contract import NO_DROPS
from sentiment_core.labels import LABELS
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.model.drift_reference import MAX_EXAMINED_CHARACTERS, Reference
from sentiment_core.settings import Settings

MAX_PRODUCTS: Final = 100  # per day: the products with the most rows
_FETCHED: Final = 200  # texts per fetch
_ONE_BIN: Final = (0.5,)  # bin edges used without a reference


class Day(NamedTuple):
    """Counts of a day's reviews scored by a model: all reviews, reviews by product, and rejections."""

    rows: Observed
    products: dict[str, Observed]
    rejections: Rejections


class _Sample(NamedTuple):
    products: NDArray[Any]  # (n,), product ids or None
    lengths: NDArray[np.int64]  # (n,), characters
    unknown: NDArray[np.float64]  # (n,), fractions of unknown n-grams


def observe(
    connection: Connection, day: date, model: ScoringModel, settings: Settings, product_id: str | None = None
) -> Day:
    """Count the live reviews of a day that the model has scored, in one consistent snapshot of the database.

    Products with enough rows are also counted separately, largest first. If `product_id` is given, only that product is
    counted separately, regardless of its number of rows.
    """
    reference = model.scorer.bundle.reference
    with _at_one_moment(connection) as cursor:
        chosen = {"day": day, "model_id": model.model_id}
        products = [] if product_id is None else [product_id]
        if reference and product_id is None:
            products = _large_products(cursor, chosen, settings)
        counted = _count_scores(cursor, chosen, products, reference)
        rejections = _rejections(cursor, day)
        sample = _sample(connection, chosen, model, settings.drift_sample_rows) if reference else None
    rows = {name: _observed(name, counts, reference, sample) for name, counts in counted.items()}
    return Day(rows.pop(None), {name: rows[name] for name in products if name in rows}, rejections)


@contextmanager
def _at_one_moment(connection: Connection) -> Iterator[Cursor]:
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield cursor


def _large_products(cursor: Cursor, chosen: Mapping[str, Any], settings: Settings) -> list[str]:
    cursor.execute(_PRODUCTS, {**chosen, "least": settings.drift_least_rows, "most": MAX_PRODUCTS})
    return [product_id for (product_id,) in cursor]


class _Counts(NamedTuple):
    scores: NDArray[np.int64]
    labels: dict[str, int]


def _count_scores(
    cursor: Cursor, chosen: Mapping[str, Any], products: Sequence[str], reference: Reference | None
) -> dict[str | None, _Counts]:
    """Return the counts of each product, keyed by product id, and the counts of all rows under the key None."""
    edges = reference.scores.edges if reference else _ONE_BIN
    names: list[str | None] = [None, *products]
    found = {name: _Counts(np.zeros(len(edges) + 1, np.int64), dict.fromkeys(LABELS, 0)) for name in names}
    cursor.execute(_SCORES, {**chosen, "products": list(products), "edges": list(edges)})
    for product_id, label, place, rows in cursor:
        for name in {None, product_id}:
            found[name].scores[place] += rows
            found[name].labels[label] += rows
    return found


def _sample(connection: Connection, chosen: Mapping[str, Any], model: ScoringModel, rows: int) -> _Sample:
    products: list[str | None] = []
    lengths: list[int] = []
    unknown = [np.empty(0)]
    with connection.cursor("sample") as cursor:
        cursor.execute(_SAMPLE, {**chosen, "sampled": rows, "examined": MAX_EXAMINED_CHARACTERS})
        while fetched := cursor.fetchmany(_FETCHED):
            products += [product_id for product_id, _, _ in fetched]
            lengths += [length for _, length, _ in fetched]
            unknown.append(model.scorer.unknown_shares(TextColumn.from_texts([text for _, _, text in fetched])))
    return _Sample(np.array(products, object), np.array(lengths, np.int64), np.concatenate(unknown))


def _observed(name: str | None, counts: _Counts, reference: Reference | None, sample: _Sample | None) -> Observed:
    texts = None
    if reference and sample:
        mine = np.full(len(sample.lengths), True) if name is None else sample.products == name
        lengths, unknown = sample.lengths[mine], sample.unknown[mine]
        texts = TextCounts(
            rows=len(lengths),
            lengths=reference.lengths.count(lengths),
            length_mean=float(lengths.mean()) if len(lengths) else 0.0,
            unknown=reference.unknown.count(unknown),
            unknown_mean=float(unknown.mean()) if len(unknown) else 0.0,
        )
    return Observed(int(counts.scores.sum()), counts.scores, counts.labels, texts)


def _rejections(cursor: Cursor, day: date) -> Rejections:
    cursor.execute(_REJECTED, {"day": day, "no_drops": list(NO_DROPS)})
    ((rows_in, rows_rejected, files_rejected),) = cursor.fetchall()
    return Rejections(int(rows_in), int(rows_rejected), int(files_rejected))


# The reviews that the views show, scored by this model, whether or not it is the current model of their files.
_SCORED = """
    FROM sentiment.score s
    JOIN sentiment.live_file USING (source_file_id)
    JOIN sentiment.review r USING (day, source_file_id, line)
    LEFT JOIN sentiment.review_head h ON h.review_key = r.review_key
    WHERE s.day = %(day)s AND r.day = %(day)s AND s.model_id = %(model_id)s
        AND (r.review_key IS NULL OR (h.source_file_id = r.source_file_id AND h.line = r.line))
"""

_PRODUCTS = f"""
    SELECT r.product_id {_SCORED} AND r.product_id IS NOT NULL
    GROUP BY r.product_id HAVING count(*) >= %(least)s
    ORDER BY count(*) DESC, r.product_id LIMIT %(most)s
"""

_SCORES = f"""
    SELECT CASE WHEN r.product_id = ANY (%(products)s) THEN r.product_id END AS product, s.label::text,
        width_bucket(s.score::double precision, %(edges)s::double precision[]) AS place, count(*)
    {_SCORED}
    GROUP BY product, s.label, place
"""

_SAMPLE = f"""
    SELECT r.product_id, char_length(r.text), left(r.text, %(examined)s)
    FROM (
        SELECT s.day, s.source_file_id, s.line {_SCORED}
        ORDER BY hashint8extended(s.source_file_id, s.line), s.source_file_id, s.line
        LIMIT %(sampled)s
    ) sampled
    JOIN sentiment.review r USING (day, source_file_id, line)
    WHERE r.day = %(day)s
"""  # noqa: S608

# A replaced load counts through the batch that replaced it. Rows ingested by a replay and erased rows do not count.
_REJECTED = """
    SELECT coalesce(sum(batch.rows_in), 0), coalesce(sum(rejected.rows), 0),
        count(*) FILTER (WHERE file.status = 'rejected' AND file.reject_code <> ALL (%(no_drops)s))
    FROM sentiment.source_file file
    LEFT JOIN sentiment.live_file live USING (source_file_id)
    LEFT JOIN LATERAL (
        SELECT rows_in FROM sentiment.scoring_batch
        WHERE source_file_id = live.source_file_id AND kind IN ('load', 'replace')
        ORDER BY batch_id DESC LIMIT 1
    ) batch ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS rows FROM sentiment.rejected_row
        WHERE source_file_id = live.source_file_id AND resolved_by IS NULL AND code <> 'erased'
    ) rejected ON true
    WHERE file.day = %(day)s
"""
