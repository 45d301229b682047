"""The report of a training's features counts what training does, and contains no review."""

import json

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.params import Params
from sentiment_core.training.feature_report import EXAMPLES, feature_report
from sentiment_core.training.train import fit

TEXTS = ["The ride is smooth.", "The ride is not smooth.", "Smooth and quiet", "The chain is rusty"] * 3
LABELS_OF_TEXTS = [LABELS.index(name) for name in ("positive", "negative", "positive", "negative")] * 3


def reviews(texts: list[str] = TEXTS) -> LabelledReviews:
    return LabelledReviews(texts, np.array(LABELS_OF_TEXTS[: len(texts)], np.int8), texts)


def test_the_report_counts_the_ngrams_that_training_keeps() -> None:
    params = Params.load().model
    report = feature_report(reviews(), params)
    assert report["ngrams"]["kept"] == len(fit(reviews(), params).ngrams_)
    assert sum(report["ngrams"]["kept_by_texts"].values()) == report["ngrams"]["kept"]
    assert report["tokens"]["total"] == 3 * (5 + 6 + 3 + 4)
    assert (report["texts"], report["labels"]) == (12, {"negative": 6, "positive": 6})
    assert report == feature_report(reviews(), params)
    assert not [text for text in TEXTS if text in json.dumps(report)]


def test_the_examples_show_negated_tokens_and_how_many_ngrams_are_kept() -> None:
    examples = feature_report(reviews(), Params.load().model)["examples"]
    assert [each["text"] for each in examples] == list(EXAMPLES)
    assert {"does", "not", "not_work"} <= set(examples[1]["tokens"])
    assert 0 < examples[0]["kept"] < examples[0]["ngrams"]


def test_texts_without_a_frequent_ngram_keep_none_and_fail_in_training() -> None:
    few = reviews(["One two three", "Four five six"])
    params = Params.load().model
    assert feature_report(few, params)["ngrams"]["kept"] == 0
    with pytest.raises(TrainingDataInvalid):
        fit(few, params)
