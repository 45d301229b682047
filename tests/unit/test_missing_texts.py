"""A text is missing by the same rule outside of files as in them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn, packed_words
from sentiment_core.columnar.missing_texts import MissingTexts
from sentiment_core.settings import Settings

WORDS = Settings().null_words
SPACES = " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2003\u3000\u200b\ufeff"
NEARLY = st.tuples(
    st.text(SPACES, max_size=3),
    st.sampled_from([*WORDS, *map(str.lower, WORDS), *map(str.upper, WORDS), "nan!", "N / A", "\u212aull", "nonE", ""]),
    st.text(SPACES, max_size=3),
).map("".join)


def test_none_blanks_and_null_words_are_missing() -> None:
    missing = MissingTexts(WORDS)
    for text in (None, "", " \u2003\n", "nan", "NaN", "NULL", "\\N", " n/a ", "-", "None"):
        assert text in missing, text
    for text in ("no", "nan bread is good", "0", "--", "a"):
        assert text not in missing, text
    assert "" in MissingTexts(())
    assert "nan" not in MissingTexts(())


@given(st.one_of(NEARLY, st.text(max_size=12)))
def test_a_file_has_the_same_rule(text: str) -> None:
    column = TextColumn.from_texts([text]).trimmed().without(packed_words(WORDS))
    encodable = text.encode("utf-8", "replace").decode()  # a column has no lone surrogates
    assert (encodable in MissingTexts(WORDS)) == bool(np.any(column.null))
