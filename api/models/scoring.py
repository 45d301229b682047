"""Texts in, predictions out, each request by one model from beginning to end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from api.contract.errors import TextInvalid
from api.contract.problems import problem
from api.contract.schemas import BatchError, BatchResponse, Explanation, Prediction, PredictRequest, validate
from api.contract.text_limit import TextLimit
from api.models.provider import ServedModel
from sentiment_core import scorer
from sentiment_core.errors import SentimentError

# Below it scoring takes less time than handing the work to a thread; above it the event loop must not wait for it.
INLINE_CHARACTERS = 20_000
INLINE_TEXTS = 200
# One thread, whatever the number of large requests: the event loop's would get its share of the processor only.
_THREAD = ThreadPoolExecutor(1, "large requests")
INLINE_EXPLAINED = 2_000
Result = TypeVar("Result")

_SENTIMENT: dict[str, Any] = {"negative": 0, "neutral": None, "positive": 1}


def plain_text(payload: object, longest: int) -> str | None:
    """Return the text of the usual request, which has nothing else and is short; None for all others.

    Those, good or bad, go through the whole validation, which costs as much as scoring does.
    """
    if type(payload) is dict and len(payload) == 1:
        text = payload.get("text")
        if type(text) is str and 0 < len(text) <= longest and not text.isspace():
            return text
    return None


def predict_plain(model: ServedModel, text: str) -> Prediction:
    """Return the prediction of a text that is known to be short and not blank."""
    try:
        score, label = model.scorer.score_text(text)
    except UnicodeEncodeError:
        raise TextInvalid(field="text") from None
    return _prediction(model, label, score)


async def predict(model: ServedModel, request: PredictRequest, limit: TextLimit) -> Prediction:
    """Return the prediction of one text; raises `TextTooLong`."""
    text, truncated = limit.allowed(request.text)
    if len(text) <= (INLINE_EXPLAINED if request.explain else INLINE_CHARACTERS):
        answer = _predict(model, text, request.explain)
    else:
        answer = await _in_thread(_predict, model, text, request.explain)
    answer["truncated"] = truncated
    return answer


async def predict_batch(model: ServedModel, texts: list[Any], limit: TextLimit) -> BatchResponse:
    """Return the predictions of all texts that can be scored, and what is wrong with the others."""
    if len(texts) <= INLINE_TEXTS and sum(len(text) for text in texts if isinstance(text, str)) <= INLINE_CHARACTERS:
        return _predict_batch(model, texts, limit)
    return await _in_thread(_predict_batch, model, texts, limit)


async def _in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work, *arguments)


def _predict_batch(model: ServedModel, texts: list[Any], limit: TextLimit) -> BatchResponse:
    accepted: list[str] = []
    places: list[tuple[int, bool]] = []  # of each accepted text: its index, and whether it was cut
    errors: list[BatchError] = []
    for index, text in enumerate(texts):
        try:
            part, cut = limit.allowed(text if _is_plain(text) else validate(PredictRequest, {"text": text}).text)
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
    """Tell whether something is a text without fault, at a tenth of what its validation costs."""
    if type(text) is not str or not text or text.isspace():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _predict(model: ServedModel, text: str, explain: bool) -> Prediction:
    if not explain:
        return predict_plain(model, text)
    found = model.scorer.explain(text)
    explanation: Explanation = {
        "bias": found.bias,
        "contributions": [
            {"ngram": part.ngram, "weight": part.weight, "spans": list(part.spans)} for part in found.contributions
        ],
    }
    return {**_prediction(model, found.label, found.score), "explanation": explanation}


def _predict_all(model: ServedModel, texts: list[str]) -> list[Prediction]:
    if not texts:
        return []
    scores = model.scorer.score_texts(texts)
    return [
        _prediction(model, scorer.LABELS[label], score)
        for label, score in zip(scores.label.tolist(), scores.score.tolist(), strict=True)
    ]


def _prediction(model: ServedModel, label: Any, score: float) -> Prediction:
    return {
        "label": label,
        "sentiment": _SENTIMENT[label],
        "score": score,
        "model": model.identity,
        "truncated": False,
    }
