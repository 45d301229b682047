"""The text recipe: the definition of a token, and agreement of the compiled kernel with the readable definition."""
# ruff: noqa: RUF001, RUF005 (characters that look alike are the subject; lists by kind are clearer)

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.text import specification, tokenizer
from sentiment_core.text.token_pipeline import TokenPipeline

# Characters of every class, all of Unicode, and the beginnings of tags, references and URLs.
PIECES = st.sampled_from(
    ["<", ">", "&", ";", "#", "/", "!", ".", ":", "'", "\u2019", " ", "a", "B", "9", "http", "https://", "www.", "br"]
    + [
        "e\u0301",
        "é",
        "ß",
        "İ",
        "ﬁ",
        "한",
        "好",
        "が",
        "ไ",
        "👍🏽",
        "👩\u200d🚀",
        "❤\ufe0f",
        "\u0301",
        "\u00ad",
        "\ufeff",
    ]
    + ["\u200b", "\U000e0041", "\U0010ffff", "eight888", "sixteen1sixteen1", "seventeen17171717", "snake_case_"]
    + ["<br />", "&amp;", "`", "can't", "can`t", "l'\u00e9t\u00e9", "y" * 64, "x" * 1001]
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(PIECES, max_size=12).map("".join))


def folded(string: str) -> list[str]:
    return [token.folded.decode() for token in specification.tokens(string)]


@pytest.mark.parametrize(
    ("string", "tokens"),
    [
        ("Don't STOP, it’s 9/10", ["don't", "stop", ",", "it's", "9", "/", "10"]),
        ("'quoted' rock 'n' roll", ["quoted", "rock", "n", "roll"]),
        ("good<br /><b>film</b>", ["good", "film"]),
        ("1 < 2 and 3 > 2", ["1", "2", "and", "3", "2"]),
        ("Tom &amp; Jerry &#39; AT&T", ["tom", "jerry", "at", "t"]),
        ("see https://a.b/c?d=e(f), or www.x.org now", ["see", "or", "now"]),
        ("Great!! ;) (no, really) \uff1f", ["great", "!", "!", ";", ")", "(", "no", ",", "really", ")", "?"]),
        ('“well-made" ** $5', ['"', "well", "made", '"', "*", "*", "5"]),
        ('<a href="http://x">link</a>', ["link"]),
        ("http is a protocol. www too", ["http", "is", "a", "protocol", ".", "www", "too"]),
        ("很好看", ["很", "好", "看"]),
        ("하나 둘", ["하나", "둘"]),
        ("👍🏽👍 ❤\ufe0f", ["👍", "👍", "❤"]),
        ("Straße ΣΊΣΥΦΟΣ ﬁne 𝐠𝐨𝐨𝐝", ["strasse", "σίσυφοσ", "fine", "good"]),
        ("co\u00adoperate snake_case", ["cooperate", "snake", "case"]),
        ("", []),
        ("<p></p><!-- nothing -->", []),
    ],
)
def test_a_text_becomes_these_tokens(string: str, tokens: list[str]) -> None:
    def decomposed(each: str) -> str:
        return each if each.isascii() else "".join(part.folded.decode() for part in specification.tokens(each))

    assert folded(string) == [decomposed(token) for token in tokens]


@pytest.mark.parametrize(("one", "other"), [("CAFÉ", "cafe\u0301"), ("Ω", "\u2126"), ("한", "\u1112\u1161\u11ab")])
def test_the_same_word_in_another_encoding_is_the_same_token(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_a_combining_mark_stays_with_its_letter_and_its_emoji() -> None:
    assert [
        string[token.start : token.end] for string in ["x\u0301y 5\u20e3"] for token in specification.tokens(string)
    ] == [
        "x\u0301y",
        "5\u20e3",
    ]


def test_an_unclosed_tag_does_not_swallow_the_text() -> None:
    assert folded("<b " + "word " * 300) == ["b", *["word"] * 300]


@given(TEXTS)
@example("a" * 8 + "b" * 8)
@example("a" * 16 + "b")
@example("x" * 60 + " word" * 3)  # a word that spans two blocks of 64 bytes
@example("x" * 62 + "'s it")
@example("x" * 63 + "' it")
@example(" " * 63 + "don't")
@example("-" * 64 + "a")
@settings(max_examples=400)
def test_the_kernel_matches_the_specification_on_any_text(string: str) -> None:
    expected = list(specification.tokens(string))
    (hashes, _), spans = tokenizer.token_spans(TextColumn.from_texts([string]))
    assert hashes.tolist() == [specification.token_hash(token.folded) for token in expected]
    assert spans.tolist() == [
        [len(string[: token.start].encode()), len(string[: token.end].encode())] for token in expected
    ]


@given(st.lists(TEXTS, max_size=5))
def test_each_text_of_a_column_is_tokenised_alone(strings: list[str]) -> None:
    hashes, offsets = tokenizer.hash_tokens(TextColumn.from_texts(strings))
    for index, string in enumerate(strings):
        alone = [specification.token_hash(token.folded) for token in specification.tokens(string)]
        assert hashes[offsets[index] : offsets[index + 1]].tolist() == alone


@given(st.binary(max_size=40))
def test_bytes_that_are_not_utf8_are_accepted(data: bytes) -> None:
    column = TextColumn(np.frombuffer(data, np.uint8), np.array([0, len(data)]))
    (hashes, _), spans = tokenizer.token_spans(column)
    assert len(hashes) <= len(data)
    assert spans.min(initial=0) >= 0
    assert spans.max(initial=0) <= len(data)


def test_a_text_of_ten_megabytes_is_tokenised() -> None:
    hashes, offsets = tokenizer.hash_tokens(TextColumn.from_texts(["great " * 1_750_000, "", "<" * 10_000_000]))
    assert offsets.tolist() == [0, 1_750_000, 1_750_000, 1_750_000]
    assert set(hashes.tolist()) == {specification.token_hash(b"great")}


def test_ngrams_span_the_text_between_their_tokens() -> None:
    string = "Not good, sadly"
    spelled = [string[gram.start : gram.end] for gram in specification.ngrams(string, 1, 3)]
    assert spelled == ["Not", "good", ",", "sadly", "Not good", "good,", ", sadly", "Not good,", "good, sadly"]
    assert next(specification.ngrams(string, 2, 2)).hash == specification.combine(
        specification.token_hash(b"not"), specification.token_hash(b"good")
    )


def test_tokens_are_negated_up_to_the_next_punctuation_mark() -> None:
    def negated(string: str, reach: int) -> list[str]:
        plain, marked = (list(specification.ngrams(string, 1, 1, each)) for each in (0, reach))
        return [string[a.start : a.end] for a, b in zip(plain, marked, strict=True) if a.hash != b.hash]

    assert negated("It is not a very good film", 3) == ["a", "very", "good"]
    assert negated("Don't! Watch it, never (ever)", 3) == []
    assert negated("I did NOT not like this", 2) == ["not", "like", "this"]
    assert negated("not good", 0) == []


@given(TEXTS, st.integers(0, 4))
@example("not a b c d not, e n't won't f.g", 2)
def test_the_pipeline_matches_the_specification_on_any_text(string: str, reach: int) -> None:
    tokens, spans = TokenPipeline(reach).tokens_with_spans(TextColumn.from_texts([string]))
    expected = list(specification.ngrams(string, 1, 1, reach))
    assert tokens.hashes.tolist() == [gram.hash for gram in expected]
    assert len(spans) == len(expected)


def test_the_order_of_tokens_matters_to_an_ngram() -> None:
    assert [gram.hash for gram in specification.ngrams("a b", 2, 2)] != [
        gram.hash for gram in specification.ngrams("b a", 2, 2)
    ]


PINNED = {
    "good": 13392967553221300975,
    "not good": 7506133340037708708,
    "unbelievable café": 2281820306381164137,
}


def test_hashes_never_change() -> None:
    # Models identify n-grams by these numbers alone. A change requires a new RECIPE_VERSION.
    assert specification.token_hash(b"good") == PINNED["good"]
    assert [gram.hash for gram in specification.ngrams("not good", 2, 2)] == [PINNED["not good"]]
    assert specification.token_hash("unbelievable café".encode()) == PINNED["unbelievable café"]


def test_an_identity_fits_the_tables() -> None:
    for gram in (0, 1 << specification.IDENTITY_SHIFT, PINNED["good"], (1 << 64) - 1):
        assert specification.identity(gram) & 0xFFFF_FFFF != 0
        assert specification.identity(gram) >> 32 == gram >> (32 + specification.IDENTITY_SHIFT)


def test_lone_surrogates_become_replacement_characters() -> None:
    column = TextColumn.from_texts(["a\ud800b", "ok"])
    assert bytes(column.data) == "a\ufffdbok".encode()
    assert column.offsets.tolist() == [0, 5, 7]
