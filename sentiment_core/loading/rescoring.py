"""Rescore stored reviews with another model from their stored text, without reading the object store."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sentiment_core.columnar.columns import BytesColumn, TextColumn
from sentiment_core.database.connection import Connection
from sentiment_core.database.planner import without_nested_loops
from sentiment_core.ledger import source_files
from sentiment_core.ledger.models import ScoringModel
from sentiment_core.ledger.source_files import SourceFile
from sentiment_core.loading.batch_writer import BatchWriter
from sentiment_core.loading.loader import LoadOutcome, LoadStatus
from sentiment_core.settings import Settings

FETCH_ROWS = 2000


class _StoredRows(NamedTuple):
    line: list[int]
    language: list[str | None]
    text: list[str]


class Rescorer:
    """Adds one model's scores to loaded files, for one run, through one connection."""

    def __init__(self, connection: Connection, model: ScoringModel, settings: Settings, run_id: str) -> None:
        self.connection = connection
        self.model = model
        self.settings = settings
        self.run_id = run_id

    def rescore(self, source_file_id: int, make_current: bool) -> LoadOutcome:
        """Score the file's rows that this model has not scored. With `make_current`, the views show its scores.

        Raises `TransientError` (nothing was stored) and `TerminalError`.
        """
        with self.connection, self.connection.cursor() as cursor:
            file = source_files.claim(cursor, source_file_id, self.settings.lock_timeout_s)
            if file.status != "loaded":
                return LoadOutcome(source_file_id, file.drop.uri, LoadStatus.SKIPPED, reason=f"it is {file.status}")
            return self.rescore_claimed(file, make_current)

    def rescore_claimed(self, file: SourceFile, make_current: bool) -> LoadOutcome:
        """Do the same as `rescore`, in the transaction that has claimed the file. The file must be loaded."""
        writer = BatchWriter(self.connection, file, self.model, "rescore", self.run_id)
        for rows in self._missing(file):
            scores = self.model.scorer.score(TextColumn.from_texts(rows.text))
            writer.copy_scores(np.array(rows.line, np.int32), BytesColumn.of_texts(rows.language), scores)
        moved = make_current and file.current_model_id != self.model.model_id
        with self.connection.cursor() as cursor:
            source_files.mark_new_scores(cursor, file, self.model.model_id)
            if moved:
                source_files.show_scores(cursor, file, self.model.model_id)
        if writer.scored or not self._is_known_to_be_complete(file):
            counts = writer.finish(self.settings.code_version)
        if writer.scored:
            return LoadOutcome(file.source_file_id, file.drop.uri, LoadStatus.RESCORED, *counts)
        why = "the views show this model's scores again" if moved else "this model has already scored all its rows"
        return LoadOutcome(file.source_file_id, file.drop.uri, LoadStatus.SKIPPED, reason=why)

    def _is_known_to_be_complete(self, file: SourceFile) -> bool:
        """Return whether the ledger tells that this model has scored all rows, so that no run looks for missing ones.

        If not, a batch without rows records it: for a file without rows, or after a replacement that kept the scores.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(max(batch_id) FILTER (WHERE model_id = %s)"
                " >= max(batch_id) FILTER (WHERE kind <> 'rescore'), false)"
                " FROM sentiment.scoring_batch WHERE source_file_id = %s",
                (self.model.model_id, file.source_file_id),
            )
            return cursor.fetchone() == (True,)

    def _missing(self, file: SourceFile) -> Iterator[_StoredRows]:
        with self.connection.cursor("rows_to_rescore") as cursor:
            with self.connection.cursor() as planner, without_nested_loops(planner):
                cursor.execute(
                    """
                    SELECT line, language, text FROM sentiment.review
                    WHERE (day, source_file_id) = (%(day)s, %(file)s) AND NOT EXISTS (
                        SELECT FROM sentiment.score
                        WHERE score.day = review.day AND score.source_file_id = review.source_file_id
                            AND score.line = review.line AND score.model_id = %(model)s)
                    """,
                    {"day": file.day, "file": file.source_file_id, "model": self.model.model_id},
                )
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield _StoredRows(*map(list, zip(*rows, strict=True)))
