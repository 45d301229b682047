"""Texts in, predictions out, each request by one model from beginning to end."""

import asyncio
from typing import Any

from api.model import ServedModel
from api.problems import problem
from api.schemas import BatchError, BatchResponse, Explanation, Prediction, PredictRequest, validate
from api.texts import TextLimit
from sentiment_core import scorer
from sentiment_core.errors import SentimentError, TextInvalid

# Below it scoring takes less time than handing the work to a thread; above it the event loop must not wait for it.
INLINE_CHARACTERS = 20_000
INLINE_EXPLAINED = 2_000
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
        answer = await asyncio.to_thread(_predict, model, text, request.explain)
    answer["truncated"] = truncated
    return answer


async def predict_batch(model: ServedModel, texts: list[Any], limit: TextLimit) -> BatchResponse:
    """Return the predictions of all texts that can be scored, and what is wrong with the others."""
    good: dict[int, str] = {}
    truncated: set[int] = set()
    errors: list[BatchError] = []
    for index, text in enumerate(texts):
        try:
            good[index], cut = limit.allowed(validate(PredictRequest, {"text": text}).text)
            if cut:
                truncated.add(index)
        except SentimentError as error:
            errors.append({"index": index, "code": error.code, "message": problem(error)["detail"]})
    accepted = list(good.values())
    if sum(map(len, accepted)) <= INLINE_CHARACTERS:
        predictions = _predict_all(model, accepted)
    else:
        predictions = await asyncio.to_thread(_predict_all, model, accepted)
    results: list[Prediction | None] = [None] * len(texts)
    for index, prediction in zip(good, predictions, strict=True):
        prediction["truncated"] = index in truncated
        results[index] = prediction
    return {"results": results, "errors": errors}


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
