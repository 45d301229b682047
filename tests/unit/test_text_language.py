from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages.detected_languages import DetectedLanguages
from sentiment_core.languages.identification import FIRST_BYTES
from sentiment_core.languages.single_text import TextLanguage

WORDS = ("der", "Zimmer", "the", "room", "était", "很好", "ок", "&amp;", "\\n", "<br>", "😍", "\0", "word" * 9)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=120).map(" ".join) | st.text(max_size=2 * FIRST_BYTES)
LANGUAGE = TextLanguage()


@given(TEXTS)
@example("")
@example("x" * 10 * FIRST_BYTES)
def test_a_single_text_has_exactly_the_language_that_it_has_in_a_column(text: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return
    column = DetectedLanguages.of(TextColumn.from_texts(["another text", text]))
    assert LANGUAGE(text) == list(column.texts())[1]


def test_the_language_is_that_of_the_text() -> None:
    assert LANGUAGE("Das Zimmer war schmutzig und das Personal sehr unfreundlich").code == "de"
    assert LANGUAGE("12") == (None, None)
