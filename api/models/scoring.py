"""Predictions for texts; one model scores a whole request."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from api.contract.errors import AnswerTooSlow
from api.contract.problems import problem
from api.contract.schemas import (
    BatchError,
    BatchResponse,
    Explanation,
    Language,
    Part,
    Prediction,
    PredictRequest,
    Scored,
    validate,
)
from api.contract.text_limit import TextLimit
from api.models.provider import ServedModel
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drops.contract import primary_language
from sentiment_core.errors import SentimentError
from sentiment_core.languages.detected_languages import DetectedLanguage, DetectedLanguages
from sentiment_core.model.scorer import TextScore

# Up to here scoring takes less time than passing the work to a thread. Longer work must not block the event loop.
INLINE_CHARACTERS = 20_000
INLINE_TEXTS = 200
# One thread for all large requests, so that the event loop competes with one thread only.
_THREAD = ThreadPoolExecutor(1, "large requests")
INLINE_EXPLAINED = 2_000
Result = TypeVar("Result")

_SENTIMENT: dict[str, Any] = {"negative": 0, "neutral": None, "positive": 1}


class Predictor:
    """Make predictions: short work on the event loop, the rest in a thread and within a time."""

    def __init__(self, limit: TextLimit, timeout_s: float) -> None:
        self._limit = limit
        self._timeout_s = timeout_s

    async def predict(self, model: ServedModel, text: str, explain: bool) -> Prediction:
        """Return the prediction of one text. Raises `TextEmpty`, `TextTooLong` and `AnswerTooSlow`."""
        self._limit.require_text(text)
        truncated = False
        if len(text) > self._limit.characters:
            text, truncated = self._limit.allowed(text)
        if len(text) <= (INLINE_EXPLAINED if explain else INLINE_CHARACTERS):
            prediction = _predict(model, text, explain)
        else:
            prediction = await self._in_thread(_predict, model, text, explain)
        prediction["truncated"] = truncated
        return prediction

    async def predict_batch(self, model: ServedModel, texts: list[Any]) -> BatchResponse:
        """Return the predictions of all valid texts, and the errors of the others. Raises `AnswerTooSlow`."""
        characters = sum(len(text) for text in texts if isinstance(text, str))
        if len(texts) <= INLINE_TEXTS and characters <= INLINE_CHARACTERS:
            return _predict_batch(model, texts, self._limit)
        return await self._in_thread(_predict_batch, model, texts, self._limit)

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(_THREAD, work, *arguments)
        except TimeoutError:
            raise AnswerTooSlow(seconds=self._timeout_s) from None


def _predict_batch(model: ServedModel, texts: list[Any], limit: TextLimit) -> BatchResponse:
    accepted: list[str] = []
    places: list[tuple[int, bool]] = []  # per accepted text: its index, and whether it was truncated
    errors: list[BatchError] = []
    for index, text in enumerate(texts):
        try:
            given = text if _is_plain(text) else validate(PredictRequest, {"text": text}).text
            limit.require_text(given)
            part, cut = limit.allowed(given)
        except SentimentError as error:
            errors.append({"index": index, "code": error.code, "message": problem(error)["detail"]})
        else:
            accepted.append(part)
            places.append((index, cut))
    results: list[Prediction | None] = [None] * len(texts)
    for (index, cut), prediction in zip(places, _predict_all(model, accepted), strict=True):
        prediction["truncated"] = cut
        results[index] = prediction
    return {"results": results, "errors": errors}


def _is_plain(text: object) -> bool:
    """Tell whether something is a valid text, at a tenth of the cost of the full validation."""
    if type(text) is not str or not text or text.isspace():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _predict(model: ServedModel, text: str, explain: bool) -> Prediction:
    if not explain:
        return prediction_of(model, model.scorer.score_text(text), _language(model, text))
    found = model.scorer.explain(text)
    parts: list[Part] = [
        {"label": part.label, "score": part.score, "start": part.start, "end": part.end} for part in found.parts
    ]
    explanation: Explanation = {
        "bias": found.bias,
        "parts": parts,
        "contributions": [
            {"ngram": part.ngram, "weight": part.weight, "spans": list(part.spans)} for part in found.contributions
        ],
    }
    return {**prediction_of(model, found.scored, _language(model, text)), "explanation": explanation}


def _predict_all(model: ServedModel, texts: list[str]) -> list[Prediction]:
    if not texts:
        return []
    column = TextColumn.from_texts(texts)
    found = zip(model.scorer.score(column).texts(), DetectedLanguages.of(column).texts(), strict=True)
    return [prediction_of(model, scored, language_of(model, detected)) for scored, detected in found]


def _language(model: ServedModel, text: str) -> Language:
    return language_of(model, DetectedLanguage.of(text))


def language_of(model: ServedModel, detected: DetectedLanguage, given: str | None = None) -> Language:
    """Return the language of a text. Its standing is that of the language that the caller has given, if any."""
    language = detected.code if given is None else primary_language(given)
    standing = None if language is None else model.scorer.bundle.manifest.standing(language)
    return {"detected": detected.code, "certainty": detected.certainty, "standing": standing}


def scored_of(scored: TextScore, language: Language) -> Scored:
    """Return what a model says of a text."""
    label: Any = scored.label
    probabilities: Any = scored.probabilities
    return {
        "label": label,
        "sentiment": _SENTIMENT[label],
        "score": scored.score,
        "probabilities": probabilities,
        "unfamiliar": scored.unfamiliar,
        "mixed": scored.mixed,
        "language": language,
    }


def prediction_of(model: ServedModel, scored: TextScore, language: Language) -> Prediction:
    """Return the prediction of a text that was scored whole."""
    said: Any = scored_of(scored, language)
    said["model"] = model.identity
    said["truncated"] = False
    prediction: Prediction = said
    return prediction
