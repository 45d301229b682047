"""The model that MLflow loads scores as the scorer does, row by row."""

import pandas as pd
import pytest

from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import LABELS, Scorer
from sentiment_core.pyfunc import PyfuncModel, _load_pyfunc

TEXTS = ["I love it, works very well", "awful, a waste of money", "", "ünï 💛"]


@pytest.fixture(scope="module")
def model() -> PyfuncModel:
    return _load_pyfunc(str(STARTER))


def test_each_row_has_the_score_and_the_label_of_its_text(model: PyfuncModel) -> None:
    answer = model.predict(pd.DataFrame({"text": TEXTS, "other": 1}, index=["d", "c", "b", "a"]))
    expected = Scorer(Bundle.load(STARTER)).score_texts(TEXTS)
    assert answer.columns.tolist() == ["score", "label"]
    assert answer.index.tolist() == ["d", "c", "b", "a"]
    assert answer["score"].tolist() == expected.score.tolist()
    assert answer["label"].tolist() == [LABELS[label] for label in expected.label]
    assert answer["label"].tolist()[:2] == ["positive", "negative"]


def test_a_missing_text_is_scored_as_an_empty_one(model: PyfuncModel) -> None:
    missing, empty = (model.predict(pd.DataFrame({"text": texts})) for texts in ([None, float("nan"), pd.NA], [""] * 3))
    pd.testing.assert_frame_equal(missing, empty)


def test_a_value_that_is_no_text_is_scored_as_its_text(model: PyfuncModel) -> None:
    pd.testing.assert_frame_equal(
        model.predict(pd.DataFrame({"text": [5, 1.5]}, dtype=object)),
        model.predict(pd.DataFrame({"text": ["5", "1.5"]})),
    )


def test_no_rows_give_no_rows(model: PyfuncModel) -> None:
    assert model.predict(pd.DataFrame({"text": pd.Series([], dtype=object)})).shape == (0, 2)


def test_a_frame_without_the_column_is_an_error_that_names_it(model: PyfuncModel) -> None:
    with pytest.raises(KeyError, match="text"):
        model.predict(pd.DataFrame({"review": ["fine"]}))
