"""Active learning: export the reviews that a model is least certain about, and import their labels as training data.

The method is uncertainty sampling (D. Lewis and W. Gale, SIGIR 1994).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name

from sentiment_core.database.connection import Connection
from sentiment_core.datasets.collection import SNAPSHOTS, collect_file
from sentiment_core.datasets.labelled_csv import LabelCode
from sentiment_core.datasets.snapshot import Row
from sentiment_core.drops.contract import KNOWN_COLUMNS
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage, storage_errors
from sentiment_core.errors import LabelSourceInvalid
from sentiment_core.settings import Settings

if TYPE_CHECKING:
    from sentiment_core.params import Params


class Uncertain(NamedTuple):
    """A stored review with a label of low probability."""

    day: date
    review_id: str | None
    product_id: str | None
    author_id: str | None
    rating: float | None
    language: str | None
    text: str
    score: float
    model_digest: str
    group: str | None  # value of a group column that the drop contract does not define


class Imported(NamedTuple):
    """Counts of the rows of an imported file by outcome; `uri` is None if no row has a label."""

    uri: str | None
    new: bool
    rows: int
    labelled: int
    unlabelled: int
    duplicates: int
    rejected: dict[str, int]


def least_certain(
    cursor: Cursor, source: str, since: date, until: date, product: str | None, each: int, group_column: str
) -> list[Uncertain]:
    """Return the `each` reviews of a source whose most probable label is least probable, for each day and product.

    Equal texts of one day and product are returned once. Within a day and product, the least certain review comes
    first. A score near 0.5 is no measure of certainty: a model of three labels gives it to a clearly neutral text.
    """
    cursor.execute(
        """
        SELECT day, review_id, product_id, author_id, rating, language, text, score, model_digest,
               extra ->> %(group)s
        FROM (SELECT *, row_number() OVER (PARTITION BY day, product_id
                                           ORDER BY greatest(positive, neutral, negative),
                                                    source_file_id, line) AS place
              FROM (SELECT DISTINCT ON (day, product_id, text) *
                    FROM sentiment.scored_reviews
                    WHERE source = %(source)s AND day BETWEEN %(since)s AND %(until)s
                      AND (%(product)s::text IS NULL OR product_id = %(product)s)
                    ORDER BY day, product_id, text, source_file_id, line) different) ranked
        WHERE place <= %(each)s
        ORDER BY day, product_id, place
        """,
        {"source": source, "since": since, "until": until, "product": product, "each": each, "group": group_column},
    )
    return [Uncertain(*fields) for fields in cursor]


def to_label(reviews: Iterable[Uncertain], settings: Settings, params: "Params") -> Iterator[Sequence[object]]:
    """Yield the rows of a CSV file to be labelled, header first. The last column is the label column and is empty."""
    group = params.snapshot.group_column
    other = group not in KNOWN_COLUMNS
    known = ("review_id", "product_id", "author_id", "rating", "language", settings.text_columns[0])
    yield (*known, "score", "model_digest", "day", *[group] * other, params.data.label_column)
    for review in reviews:
        yield (*review[1:-1], review.day, *[review.group] * other, "")


def import_labels(
    connection: Connection, storage: Storage, rules: Rules, params: "Params", drop: Drop, source: str
) -> Imported:
    """Store the labelled rows of a file below the training prefix, where the next snapshot collects them.

    Rows without a label and rows that violate the contract are counted and not stored. The object's name contains the
    SHA-256 of its content, so the same labels are stored only once.

    Raises `FileRejected` when the file cannot be read or has too many rejected rows, `LabelSourceInvalid` when the
    source contains a slash, starts with `dt=` or is the folder of snapshots, and the storage errors.
    """
    if "/" in source or f"{source}/" == SNAPSHOTS or source.startswith("dt="):
        raise LabelSourceInvalid(source=source)
    with connection, connection.cursor() as cursor:
        collected = collect_file(cursor, storage, drop, source, rules, params)
    file = collected.file
    counts = Counter({code: len(lines) for code, lines in file.rejected.items()})
    unlabelled = counts.pop(LabelCode.MISSING_LABEL, 0)
    uri, new = _store(storage, rules.settings, params, source, file.rows) if file.rows else (None, False)
    return Imported(uri, new, file.read, len(file.rows), unlabelled, collected.duplicates, dict(counts))


def _store(
    storage: Storage, settings: Settings, params: "Params", source: str, rows: Sequence[Row]
) -> tuple[str, bool]:
    content = _csv_of(rows, settings, params)
    folder = f"{settings.training_prefix}{source}/" if source else settings.training_prefix
    key = f"{folder}labels-{sha256(content).hexdigest()[:16]}.csv"
    uri = f"s3://{settings.bucket}/{key}"
    with storage_errors(uri):
        if any(found.key == key for found in storage.list(settings.bucket, key)):
            return uri, False
        storage.s3.put_object(Bucket=settings.bucket, Key=key, Body=content)
    return uri, True


def _csv_of(rows: Sequence[Row], settings: Settings, params: "Params") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    group = params.snapshot.group_column
    writer.writerow(
        ["review_id", "author_id", group, "rating", "language", settings.text_columns[0], params.data.label_column]
    )
    for row in rows:
        writer.writerow([row.review_id, row.author_id, row.group, row.rating, row.language, row.text, row.label])
    return file.getvalue().encode()
