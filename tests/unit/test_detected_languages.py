import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.detected_languages import DetectedLanguage, DetectedLanguages
from sentiment_core.languages.identification import FIRST_BYTES

WORDS = ("der", "Zimmer", "the", "room", "était", "很好", "ок", "&amp;", "\\n", "<br>", "😍", "\0", "word" * 9)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=120).map(" ".join) | st.text(max_size=2 * FIRST_BYTES)


@given(TEXTS)
@example("")
@example("x" * 10 * FIRST_BYTES)
def test_a_single_text_has_exactly_the_language_that_it_has_in_a_column(text: str) -> None:
    column = DetectedLanguages.of(TextColumn.from_texts(["another text", text]))
    assert DetectedLanguage.of(text) == list(column.texts())[1]


def test_the_language_is_that_of_the_text() -> None:
    assert DetectedLanguage.of("Das Zimmer war schmutzig und das Personal sehr unfreundlich").code == "de"
    assert DetectedLanguage.of("12") == (None, None)


def test_columns_of_the_database_have_the_codes_and_nulls() -> None:
    languages = DetectedLanguages.of(TextColumn.from_texts(["It was very good", "12", "Das war sehr gut"]))
    assert languages.codes.values() == [b"en", None, b"de"]
    assert np.isnan(languages.certainty).tolist() == [False, True, False]
    assert languages.take(np.array([2, 1])).names.tolist() == ["de", None]
