"""Score a file of reviews and write another file: its good rows and all columns, plus the model's results."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, TextColumn
from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import primary_language
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.header import Header
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import RejectedRow, validators
from sentiment_core.errors import OutputUnsupported
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.model.manifest import Manifest
from sentiment_core.model.result_columns import (
    LANGUAGE_COLUMNS,
    REASONS,
    SCORE_COLUMNS,
    arrow_array,
    arrow_type,
    language_values,
    new_names,
    reason_values,
    score_values,
    standings,
)
from sentiment_core.model.scorer import Reasons, Scorer, Scores

NEW_COLUMNS = (*SCORE_COLUMNS, *LANGUAGE_COLUMNS)

ProgressCallback = Callable[[int, int], None]  # bytes of the file read so far, rows scored so far


class ScoredFile(NamedTuple):
    """Row counts of a scored file, and the path of its rejected rows (None if there are none)."""

    rows_in: int
    rows_scored: int
    rejected: dict[str, int]  # rows by reason code
    rejected_path: Path | None


class ScoreColumns(NamedTuple):
    """Rows of the file with the model's results."""

    columns: Sequence[TextColumn]  # the columns of the file
    text: TextColumn
    scores: Scores
    languages: DetectedLanguages
    standing: NDArray[Any]  # of each row's language, None if no language is known
    reasons: Reasons | None


class Sink(Protocol):
    """The output file for scored rows."""

    def write(self, rows: ScoreColumns) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write the remaining data, and close the file."""


def score_file(
    source: Path,
    out: Path,
    scorer: Scorer,
    rules: Rules,
    top: int = 0,
    threads: int = 1,
    progress: ProgressCallback = lambda *_: None,
) -> ScoredFile:
    """Score a file of any form of the drop contract, and write a `.csv` or `.parquet` file.

    With `top`, each row gets up to `top` n-grams with the greatest effect on its score. Rows that break the contract
    are written to `<out>.rejected.csv`. Memory is bounded by one block of the file. A file whose later rows have more
    columns is read again from its start. `out` appears completely or not at all. Raises `FileRejected` when the file
    cannot be read as a whole, and `OutputUnsupported` for any other output format.
    """
    open_sink = _sink_for(out)
    drop = local_drop(source)
    names: list[str] = []

    def attempt() -> ScoredFile:
        rejects = _Rejects(out.with_name(out.name + ".rejected.csv"))
        rows = 0
        with source.open("rb") as stored, _finished(out) as unfinished:
            body = Body(stored, drop, rules.settings.max_expanded_bytes)
            sink: Sink | None = None
            blocks = validators(read_body(body, rules), Header.of_text, rules, drop.uri)
            try:
                for _, validator, block in blocks:
                    if sink is None:
                        _add(names, validator.header.names)
                        sink = open_sink(unfinished, names, new_names(_added(top), names))
                    elif not set(names).issuperset(validator.header.names):
                        _add(names, validator.header.names)
                        for _, later, _ in blocks:
                            _add(names, later.header.names)
                        raise _MoreColumns
                    batch, rejected = validator.validate(block)
                    rejects.write(rejected)
                    fields = {name: field for field, name in enumerate(validator.header.names)}
                    columns = [
                        block.column(batch.record, fields[name]) if name in fields else _empty(batch.size)
                        for name in names
                    ]
                    reasons = scorer.reasons(batch.text, top) if top else None
                    scores = reasons.scores if reasons else scorer.score(batch.text, threads)
                    languages = DetectedLanguages.of(batch.text, threads)
                    standing = _standing(scorer.bundle.manifest, batch.language, languages)
                    sink.write(ScoreColumns(columns, batch.text, scores, languages, standing, reasons))
                    rows += batch.size
                    progress(stored.tell(), rows)
            finally:
                if sink:
                    sink.close()
        return ScoredFile(
            rows + rejects.counts.total(), rows, dict(rejects.counts), rejects.path if rejects.counts else None
        )

    try:
        return attempt()
    except _MoreColumns:
        return attempt()


class _MoreColumns(Exception):  # not an error: the output needs columns that it does not have
    pass


def _add(names: list[str], found: Sequence[str]) -> None:
    names.extend(name for name in found if name not in names)


def _empty(rows: int) -> TextColumn:
    return TextColumn(np.empty(0, np.uint8), np.zeros(rows + 1, np.int64))


def _added(top: int) -> tuple[str, ...]:
    return (*NEW_COLUMNS, REASONS) if top else NEW_COLUMNS


@contextmanager
def _finished(out: Path) -> Iterator[Path]:
    """Yield a temporary path next to `out`. It is renamed to `out` on success and removed after a failure."""
    unfinished = out.with_name(out.name + ".unfinished")
    try:
        yield unfinished
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)


def _sink_for(out: Path) -> Callable[[Path, Sequence[str], Sequence[str]], Sink]:
    if out.suffix == ".csv":
        return _CsvSink
    if out.suffix != ".parquet":
        raise OutputUnsupported(path=out, why="its name must end in .csv or .parquet")
    try:
        import pyarrow  # noqa: F401, ICN001, PLC0415 -- only for this format
    except ImportError as error:
        raise OutputUnsupported(path=out, why="Parquet needs pyarrow. Install it, or write a .csv file") from error
    return _ParquetSink


class _CsvSink:
    def __init__(self, path: Path, names: Sequence[str], new: Sequence[str]) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow([*names, *new])

    def write(self, rows: ScoreColumns) -> None:
        columns: list[Sequence[Any]] = [*(column.texts() for column in rows.columns), *map(_cells, _results(rows))]
        if rows.reasons:
            columns.append([json.dumps(row, ensure_ascii=False) for row in reason_values(rows.text, rows.reasons)])
        self._writer.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._file.close()


class _ParquetSink:
    def __init__(self, path: Path, names: Sequence[str], new: Sequence[str]) -> None:
        import pyarrow as pa  # noqa: PLC0415 -- only for this format
        from pyarrow import parquet  # noqa: PLC0415

        fields = [(name, pa.string()) for name in names]
        fields += zip(new, map(arrow_type, (*NEW_COLUMNS, REASONS)), strict=False)  # the last only if there are reasons
        self._arrow = pa
        self._schema = pa.schema(fields)
        self._file = parquet.ParquetWriter(path, self._schema)

    def write(self, rows: ScoreColumns) -> None:
        columns = [self._strings(column) for column in rows.columns]
        columns += map(arrow_array, NEW_COLUMNS, _results(rows))
        if rows.reasons:
            columns.append(arrow_array(REASONS, reason_values(rows.text, rows.reasons)))
        self._file.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))

    def _strings(self, column: TextColumn) -> Any:
        offsets = column.offsets.astype(np.int32)  # a block is far smaller than 2 GB
        buffers = self._arrow.py_buffer(offsets), self._arrow.py_buffer(np.ascontiguousarray(column.data))
        return self._arrow.StringArray.from_buffers(column.size, *buffers)

    def close(self) -> None:
        self._file.close()


def _results(rows: ScoreColumns) -> list[NDArray[Any]]:
    """Return the values of `NEW_COLUMNS`, each of shape (rows,). NaN means that there is none."""
    return [*score_values(rows.scores), *language_values(rows.languages, rows.standing)]


def _standing(manifest: Manifest, given: BytesColumn, detected: DetectedLanguages) -> NDArray[Any]:
    """Return the standing of each row's language: the one that the file gives, or else the detected one."""
    names = detected.names
    codes, first = given.codes()
    tags = [given.text(row) for row in first.tolist()]
    named = np.array([None if tag is None else primary_language(tag) for tag in tags], object)[codes]
    language = np.where(given.null, names, named) if len(named) else names
    return standings(manifest, language)


def _cells(values: NDArray[Any]) -> list[Any]:
    """Return values as the cells of a CSV file: `true` and `false`, the digits of the number's own precision, or ""."""
    if values.dtype == np.bool_:
        values = np.where(values, "true", "false")
    elif values.dtype == object:
        values = np.where(values == None, "", values)  # noqa: E711 -- of each element
    elif values.dtype == np.float32:
        values = np.where(np.isnan(values), "", values.astype(str))
    cells: list[Any] = values.tolist()
    return cells


class _Rejects:
    """Writes the rows that could not be scored. The first of them creates the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        path.unlink(missing_ok=True)

    def write(self, rows: Sequence[RejectedRow]) -> None:
        if not rows:
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if not self.counts:
                writer.writerow(("line", "code", "reason", "raw"))
            writer.writerows(
                (row.line, row.code, row.reason, (row.raw or b"").decode("utf-8", "backslashreplace")) for row in rows
            )
        self.counts.update(str(row.code) for row in rows)
