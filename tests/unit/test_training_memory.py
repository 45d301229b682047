"""A training that would not fit into the allowed memory fails before it starts, and says what it needs."""

import re

import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.params import Params
from sentiment_core.settings import settings
from sentiment_core.training.memory import MEGABYTE, require_memory
from sentiment_core.training.train import cross_validate


@pytest.fixture(autouse=True)
def no_other_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what this process holds, because that depends on the tests that ran in it before."""
    monkeypatch.setattr("sentiment_core.training.memory._resident", lambda: 0)


def needed(reviews: LabelledReviews, unlabelled: list[str], params: Params, **changes: int) -> int:
    """Return the megabytes that the error names."""
    with pytest.raises(TrainingDataInvalid, match="SENTIMENT_TRAINING_MEMORY_MB allows 1 MB") as raised:
        require_memory(reviews, unlabelled, params.model.model_copy(update=changes), MEGABYTE)
    found = re.search(r"would need about ([\d,]+) MB", str(raised.value))
    assert found
    return int(found[1].replace(",", ""))


def test_the_estimate_grows_with_rows_text_and_ngrams(reviews: LabelledReviews, params: Params) -> None:
    usual = needed(reviews, [], params)
    assert needed(reviews, [], params, features=2_000_000) > usual + 300
    assert needed(reviews, ["a long text " * 1_000_000], params) > usual + 10
    assert needed(reviews, ["a"] * 100_000, params) >= usual + 14


def test_less_memory_for_counting_is_left_with_more_text(reviews: LabelledReviews, params: Params) -> None:
    limit = 4096 * MEGABYTE
    alone = require_memory(reviews, [], params.model, limit)
    assert alone - require_memory(reviews, ["a" * 10_000_000], params.model, limit) > 10_000_000


def test_a_training_that_does_not_fit_fails_before_it_starts(
    reviews: LabelledReviews, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = settings().model_copy(update={"training_memory_mb": 512})
    monkeypatch.setattr("sentiment_core.training.train.settings", lambda: small)
    monkeypatch.setattr("sentiment_core.training.train.group_folds", pytest.fail)
    large = params.changed({"model": {"features": 3_000_000}})
    with pytest.raises(TrainingDataInvalid, match="512 MB"):
        cross_validate(reviews, large)
