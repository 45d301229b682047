"""Write one scoring batch: reviews and scores by COPY, rejected rows to the quarantine, and the counts at the end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg2.extras import Json

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.database.connection import Connection
from sentiment_core.database.planner import without_nested_loops
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.reading import Reading
from sentiment_core.drops.validation import RejectedRow, ReviewBatch
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.ledger import rollups, source_files
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading import binary_copy
from sentiment_core.loading.batch_sums import BatchSums
from sentiment_core.loading.binary_copy import copy_rows
from sentiment_core.loading.new_heads import NewHeads
from sentiment_core.model.scorer import LABELS, Scores

LABEL_BYTES = np.frombuffer("".join(LABELS).encode(), np.uint8)
LABEL_LENGTH = np.array([len(label) for label in LABELS], np.int32)
LABEL_START = (np.cumsum(LABEL_LENGTH) - LABEL_LENGTH).astype(np.int64)


class RowCounts(NamedTuple):
    """The number of a batch's rows by outcome. The first field is the sum of the others."""

    rows_in: int
    rows_scored: int
    rows_rejected: int
    rows_duplicate: int


class BatchWriter:
    """One batch in the open transaction: a file's rows, scored by one model. It is visible once the caller commits."""

    def __init__(self, connection: Connection, file: SourceFile, model: ScoringModel, kind: str, run_id: str) -> None:
        self.connection = connection
        self.file = file
        self.model = model
        self.kind = kind
        self.run_id = run_id
        self.started_at = datetime.now(UTC)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.scored = self.duplicates = 0
        self.sums = BatchSums(file)
        self.heads = NewHeads(connection, file)
        self.reject_codes: Counter[RejectCode] = Counter()
        self.reading: Reading | None = None
        self.warnings: dict[str, None] = {}  # in order, each once
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('sentiment.scoring_batch', 'batch_id'))")
            self.batch_id = int(cursor.fetchone()[0])  # type: ignore[index]

    @property
    def rows_in(self) -> int:
        """Return the number of rows so far, with any outcome."""
        return self.scored + self.rejected + self.duplicates

    @property
    def rejected(self) -> int:
        """Return the number of rejected rows in the quarantine so far."""
        return self.reject_codes.total()

    def describe(self, reading: Reading, warnings: Iterable[str]) -> None:
        """Record how a block of the file was read. The first reading counts, and every warning."""
        self.reading = self.reading or reading
        self.warnings.update(dict.fromkeys(warnings))

    def clear(self) -> None:
        """Delete the file's rows, its rejected rows and the scores by this batch's model, before they are rewritten."""
        with self.connection.cursor() as cursor:
            source_files.mark_heads_stale(cursor, self.file.source_file_id, self.file.day)
            rollups.remember_cleared(cursor, self.file.source_file_id, self.file.day)
            here = (self.file.day, self.file.source_file_id)
            cursor.execute("DELETE FROM sentiment.review WHERE (day, source_file_id) = (%s, %s)", here)
            cursor.execute(
                "DELETE FROM sentiment.score WHERE (day, source_file_id) = (%s, %s) AND model_id = %s",
                (*here, self.model.model_id),
            )
            cursor.execute("DELETE FROM sentiment.rejected_row WHERE source_file_id = %s", (self.file.source_file_id,))

    def write(self, batch: ReviewBatch, keys: BytesColumn, languages: DetectedLanguages, scores: Scores) -> None:
        """Write the good rows of one block with their review keys, detected languages and scores."""
        if batch.size:
            self._copy_reviews(batch, keys, languages)
            self.copy_scores(batch.line, batch.language, scores)
            self.sums.add(batch, languages, scores)
            self.heads.add(keys, batch.line)

    def reject(self, rows: Sequence[RejectedRow]) -> None:
        """Write rejected rows to the quarantine and count them."""
        self.count_rejected(rows)
        if not rows:
            return
        copy_rows(
            self.connection,
            "rejected_row",
            {
                "source_file_id": binary_copy.bigint(self.file.source_file_id, len(rows)),
                "line": binary_copy.numbers(np.array([row.line for row in rows], np.int32)),
                "batch_id": binary_copy.bigint(self.batch_id, len(rows)),
                "code": BytesColumn.of_texts([row.code for row in rows]),
                "reason": BytesColumn.of_texts([row.reason for row in rows]),
                "raw": BytesColumn.of([row.raw for row in rows]),
            },
        )

    def count_rejected(self, rows: Sequence[RejectedRow]) -> None:
        """Count rejected rows that are already in the quarantine."""
        self.reject_codes.update(row.code for row in rows)

    def copy_scores(self, line: NDArray[np.int32], language: BytesColumn, scores: Scores) -> None:
        """Write the scores of stored rows."""
        rows = len(line)
        label = BytesColumn(LABEL_BYTES, LABEL_START[scores.label], LABEL_LENGTH[scores.label])
        copy_rows(
            self.connection,
            "score",
            self._place(line)
            | {
                "model_id": binary_copy.smallint(self.model.model_id, rows),
                "score": binary_copy.numbers(scores.score.astype(np.float32)),
                "label": label,
                "out_of_language": binary_copy.numbers(self._out_of_language(language)),
                "neutral": binary_copy.ratios(scores.neutral),
                "unfamiliar": binary_copy.numbers(scores.unfamiliar),
                "mixed": binary_copy.numbers(scores.mixed),
            },
        )
        self.scored += rows

    def _out_of_language(self, language: BytesColumn) -> NDArray[np.bool_]:
        codes, first = language.codes()
        foreign = [self.model.out_of_language(language.text(row)) for row in first.tolist()]
        return np.array(foreign, np.bool_)[codes]

    def finish(self, code_version: str) -> RowCounts:
        """Write the entry of the batch, and return its counts."""
        if self.kind == "replace":
            self._drop_scores_without_row()
        counts = RowCounts(self.rows_in, self.scored, self.rejected, self.duplicates)
        with self.connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO sentiment.scoring_batch
                    (batch_id, source_file_id, model_id, kind, rows_in, rows_scored, rows_rejected, rows_duplicate,
                     run_id, code_version, started_at, timings, reading, warnings)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                """,
                (
                    self.batch_id,
                    self.file.source_file_id,
                    self.model.model_id,
                    self.kind,
                    *counts,
                    self.run_id,
                    code_version,
                    self.started_at,
                    Json({stage: round(seconds, 4) for stage, seconds in self.seconds.items()}),
                    None if self.reading is None else Json(self.reading),
                    None if self.reading is None else list(self.warnings),
                ),
            )
        return counts

    def _place(self, line: NDArray[np.int32]) -> dict[str, BytesColumn]:
        rows = len(line)
        return {
            "day": binary_copy.day(self.file.day, rows),
            "source_file_id": binary_copy.bigint(self.file.source_file_id, rows),
            "line": binary_copy.numbers(line),
            "batch_id": binary_copy.bigint(self.batch_id, rows),
        }

    def _copy_reviews(self, batch: ReviewBatch, keys: BytesColumn, languages: DetectedLanguages) -> None:
        copy_rows(
            self.connection,
            "review",
            self._place(batch.line)
            | {
                "review_key": keys,
                "review_id": batch.review_id,
                "product_id": batch.product_id,
                "author_id": batch.author_id,
                "rating": binary_copy.nullable(batch.rating),
                "reviewed_at": binary_copy.nullable(batch.reviewed_at),
                "language": batch.language,
                "text": binary_copy.texts(batch.text),
                "extra": binary_copy.documents(batch.extra),
                "nulled": binary_copy.documents(batch.nulled),
                "language_detected": languages.codes,
                "language_certainty": binary_copy.ratios(languages.certainty),
            },
        )

    def _drop_scores_without_row(self) -> None:
        """Delete other models' scores of lines that are no longer stored. The text of a stored line is unchanged."""
        with self.connection.cursor() as cursor, without_nested_loops(cursor):
            cursor.execute(
                """
                DELETE FROM sentiment.score
                WHERE (day, source_file_id) = (%(day)s, %(file)s) AND NOT EXISTS (
                    SELECT FROM sentiment.review
                    WHERE review.day = score.day AND review.source_file_id = score.source_file_id
                        AND review.line = score.line)
                """,
                {"day": self.file.day, "file": self.file.source_file_id},
            )
