"""The model that MLflow loads scores as the scorer does, row by row."""

import pandas as pd
import pytest

from sentiment_core.model.bundle import STARTER
from sentiment_core.model.scorer import LABELS
from sentiment_core.pyfunc import PyfuncModel, _load_pyfunc
from sentiment_core.settings import settings
from tests.starter import starter_scorer

TEXTS = ["I love it, works very well", "awful, a waste of money", "nan bread", "ünï 💛"]
MISSING = [None, float("nan"), pd.NA, pd.NaT, "", " \n\u2003", "nan", "NaN", "NULL", "\\N", " n/a ", "-"]


@pytest.fixture(scope="module")
def model() -> PyfuncModel:
    return _load_pyfunc(str(STARTER))


def test_each_row_has_the_score_and_the_label_of_its_text(model: PyfuncModel) -> None:
    answer = model.predict(pd.DataFrame({"text": TEXTS, "other": 1}, index=["d", "c", "b", "a"]))
    expected = starter_scorer().score_texts(TEXTS)
    assert answer.columns.tolist() == ["score", "label"]
    assert answer.index.tolist() == ["d", "c", "b", "a"]
    assert answer["score"].tolist() == expected.score.tolist()
    assert answer["label"].tolist() == [LABELS[label] for label in expected.label]
    assert answer["label"].tolist()[:2] == ["positive", "negative"]


@pytest.mark.parametrize("missing", MISSING, ids=repr)
@pytest.mark.parametrize("dtype", ["object", "string", "str"])
def test_a_missing_text_has_no_score_and_no_label(model: PyfuncModel, missing: object, dtype: str) -> None:
    texts = pd.Series(["awful", missing, "I love it"], ["c", "b", "a"], dtype=dtype)
    answer = model.predict(pd.DataFrame({"text": texts}))
    present = model.predict(pd.DataFrame({"text": ["awful", "I love it"]}))
    assert answer.index.tolist() == ["c", "b", "a"]
    assert answer["score"].tolist() == [present["score"][0], None, present["score"][1]]
    assert answer["label"].tolist() == ["negative", None, "positive"]
    assert present["score"].dtype == float


def test_nothing_but_missing_texts_gives_nothing_but_nones(model: PyfuncModel) -> None:
    answer = model.predict(pd.DataFrame({"text": MISSING}, dtype=object))
    assert answer.to_dict("list") == {"score": [None] * len(MISSING), "label": [None] * len(MISSING)}


def test_the_null_words_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_NULL_WORDS", '["keine"]')
    settings.cache_clear()
    try:
        answer = _load_pyfunc(str(STARTER)).predict(pd.DataFrame({"text": ["Keine", "nan"]}))
    finally:
        settings.cache_clear()
    assert answer["label"].tolist()[0] is None
    assert answer["label"].tolist()[1] is not None


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
