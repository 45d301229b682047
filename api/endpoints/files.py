"""`POST /predict/file`: scores a whole file, read as a drop is read. Nothing of it is stored."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import orjson
from aiohttp import web

from api.contract.errors import AnswerTooSlow, FieldUnknown, Overloaded, ValueInvalid
from api.contract.schemas import (
    MAX_NAME,
    FileColumn,
    FileRejection,
    FileResponse,
    FileResult,
    Prediction,
    shown,
)
from api.contract.settings import ServiceSettings
from api.endpoints.model_selection import ModelSelection
from api.http.bodies import OCTETS, TABLES, BodyReader, content_type
from api.http.responses import ApiResponse
from api.models.provider import ServedModel
from api.models.scoring import language_of, prediction_of, scored_of
from sentiment_core.loading.score_content import ScoredContent, score_content

# One thread for all files, so that the event loop competes with one thread only.
_THREAD = ThreadPoolExecutor(1, "files")
_PARAMETERS = ("name", "text_column")
_RECORDED_AT_ONCE = 250  # predictions; other requests are answered between two parts


class _Scored(NamedTuple):
    answer: bytes
    predictions: list[tuple[str, Prediction]]  # each with its text


class FileEndpoint:
    """Score files from requests."""

    def __init__(self, bodies: BodyReader, selection: ModelSelection, settings: ServiceSettings) -> None:
        self._bodies = bodies
        self._selection = selection
        self._settings = settings
        # The limit of the body is that of the expanded file too: both are in memory.
        self._reading = settings.model_copy(update={"max_expanded_bytes": settings.max_file_bytes})
        self._running = 0

    async def predict_file(self, request: web.BaseRequest) -> ApiResponse:
        """Score the rows of a file, and name those that are rejected."""
        media = content_type(request, *TABLES, OCTETS)
        name, text_column = _parameters(request, media)
        if self._running >= self._settings.max_files:
            raise Overloaded(limit=self._settings.max_files, things="files in progress")
        self._running += 1
        try:
            content = await self._bodies.read(request, self._settings.max_file_bytes)
            scored = await self._score(self._selection.model_for(request), content, name, text_column)
        finally:
            self._running -= 1
        for first in range(0, len(scored.predictions), _RECORDED_AT_ONCE):
            for text, prediction in scored.predictions[first : first + _RECORDED_AT_ONCE]:
                self._selection.record(text, prediction)
            await asyncio.sleep(0)
        return ApiResponse(scored.answer)

    async def _score(self, model: ServedModel, content: bytes, name: str, text_column: str | None) -> _Scored:
        reading = self._reading
        if text_column is not None:
            reading = reading.model_copy(update={"text_columns": (text_column,)})
        stop = threading.Event()

        def work() -> _Scored:
            rows = self._settings.max_file_rows
            return _scored(model, name, score_content(content, name, model.scorer, reading, rows, stop.is_set))

        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                return await asyncio.get_running_loop().run_in_executor(_THREAD, work)
        except TimeoutError:
            raise AnswerTooSlow(seconds=self._settings.request_timeout_s) from None
        finally:
            stop.set()


def _parameters(request: web.BaseRequest, media: str) -> tuple[str, str | None]:
    """Return the name of the file and that of its text column, if the caller names one."""
    query = request.query
    for parameter in query:
        if parameter not in _PARAMETERS:
            raise FieldUnknown(field=shown(parameter), known=", ".join(_PARAMETERS))
        values = query.getall(parameter)
        if len(values) > 1 or not 0 < len(values[0]) <= MAX_NAME or not values[0].isprintable():
            why = f"it must be one name of 1 to {MAX_NAME} printable characters"
            raise ValueInvalid(field=parameter, why=why)
    return query.get("name", TABLES.get(media, "file.csv")), query.get("text_column")


def _scored(model: ServedModel, name: str, found: ScoredContent) -> _Scored:
    columns: list[FileColumn] = [{"name": column.name, "meaning": column.meaning} for column in found.columns]
    results: list[FileResult] = []
    predictions: list[tuple[str, Prediction]] = []
    for row in found.rows:
        language = language_of(model, row.detected, row.language)
        scored = scored_of(row.scored, language)
        results.append({"line": row.line, "cells": row.cells, "text": row.text, **scored})
        predictions.append((row.text, prediction_of(model, row.scored, language)))
    rejected: list[FileRejection] = [
        {
            "line": row.line,
            "code": str(row.code),
            "reason": row.reason,
            "row": (row.raw or b"").decode("utf-8", "backslashreplace"),
        }
        for row in found.rejected
    ]
    answer: FileResponse = {
        "name": name,
        "columns": columns,
        "warnings": found.warnings,
        "results": results,
        "rejected": rejected,
        "model": model.identity,
    }
    return _Scored(orjson.dumps(answer), predictions)
