"""The language of short texts that were written for these tests."""
# ruff: noqa: RUF001 (characters that look alike are the subject)

import numpy as np
import pytest

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.languages import codes, identification, scripts, table, table_build
from sentiment_core.text.tokenizer import hash_tokens

SENTENCES = {
    "en": "The room was clean and the people at the desk were very kind to us.",
    "de": "Das Zimmer war sauber und die Leute am Empfang waren sehr nett zu uns.",
    "fr": "La chambre était propre et les gens à la réception étaient très gentils avec nous.",
    "es": "La habitación estaba limpia y la gente de la recepción fue muy amable con nosotros.",
    "nl": "De kamer was schoon en de mensen aan de balie waren erg aardig voor ons.",
    "ru": "Номер был чистый, и люди на стойке были очень добры к нам.",
    "ja": "部屋はきれいで、受付の人たちはとても親切でした。",
    "zh": "房间很干净，前台的人对我们非常友好。",
    "ko": "방은 깨끗했고 프런트 직원들은 아주 친절했어요.",
    "th": "ห้องสะอาดและพนักงานต้อนรับใจดีกับเรามาก",
}


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items())
def test_a_sentence_is_identified(code: str, sentence: str) -> None:
    found, certainty = identification.identify_text(sentence)
    assert found == code
    assert certainty >= identification.CERTAIN_ENOUGH


@pytest.mark.parametrize("text", ["", "5/5", "😍", "10 - 12 !!"])
def test_a_text_without_letters_is_undetermined(text: str) -> None:
    assert identification.identify_text(text) == (codes.UNDETERMINED, 0.0)


def test_tokenized_texts_give_the_same_languages() -> None:
    texts = TextColumn.from_texts(list(SENTENCES.values()))
    expected = identification.identify(texts, threads=2)
    for ours, theirs in zip(
        identification.identify_tokens(texts, hash_tokens(texts, table.TEXT_RECIPE)), expected, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_every_listed_language_has_a_code() -> None:
    assert set(table_build.listed_words()) <= set(codes.WORD_CODES)
    assert len(codes.WORD_CODES) <= table.COLUMNS
    assert 1 + len(codes.SCRIPTS) == scripts.SCRIPT_COUNT
