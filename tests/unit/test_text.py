"""The text recipe: the definition of a token, and agreement of the compiled kernel with the readable definition."""
# ruff: noqa: RUF001, RUF005 (characters that look alike are the subject; lists by kind are clearer)

import html
import json
import re
from hashlib import sha256
from html.entities import html5
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.text import specification, tokenizer
from sentiment_core.text.token_pipeline import TokenPipeline

VERSIONS = st.sampled_from([2, 3])
# Characters of every class, all of Unicode, and the beginnings of tags, references, escaped spaces and URLs.
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
    + ["&#", "&#x", "&amp;#", "amp;", "39;", "27;", "&#39;", "&amp;#39;", "&#x2019;", "&rsquo;", "&eacute;", "&fjlig;"]
    + ["&nGt;", "&lt;", "&#92;", "&#110;", "&#0;", "&#146;", "&#99999999;", "&bogus;", "\\", "n", "\\n", "\\r\\n"]
    + ["\u2018", "\u2032", "dont", "cant", "Wouldnt", "shouldnt"]
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(PIECES, max_size=12).map("".join))


def folded(string: str, version: int = specification.RECIPE_VERSION) -> list[str]:
    return [token.folded.decode() for token in specification.tokens(string, version)]


@pytest.mark.parametrize(
    ("string", "tokens"),
    [
        ("Don't STOP, it’s 9/10", ["don't", "stop", ",", "it's", "9", "/", "10"]),
        ("'quoted' rock 'n' roll", ["quoted", "rock", "n", "roll"]),
        ("good<br /><b>film</b>", ["good", "film"]),
        ("1 < 2 and 3 > 2", ["1", "2", "and", "3", "2"]),
        ("Tom &amp; Jerry &#39; AT&T", ["tom", "jerry", "at", "t"]),
        ("&lt;b&gt;Caf&eacute;&lt;/b&gt; &#9733;&#x2605; &quot;", ["café", "★", "★", '"']),
        ("B&B; 3 &bogus; &#xZZ; &amp &#39", ["b", "b", ";", "3", "bogus", ";", "xzz", ";", "amp", "39"]),
        ("was\\nterrible\\r\\n2 \\now \\\\nice C:\\new", ["was", "terrible", "2", "ow", "ice", "c", ":", "ew"]),
        ("Cant DIDNT wont’s ｄｏｎｔ cants", ["can't", "didn't", "wont's", "don't", "cants"]),
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


def test_version_2_separates_words_at_references_and_has_no_rule_for_escapes_and_contractions() -> None:
    assert folded("Wouldn&#39;t &amp;#39; &bogus; was\\nbad dont don‘t don’t", 2) == (
        ["wouldn", "t", "39", ";", "was", "nbad", "dont", "don", "t", "don't"]
    )


WOULDNT = (
    ["wouldn't", "Wouldn’t", "WOULDN‘T", "wouldn‛t", "wouldn′t", "wouldnʼt", "wouldn＇t", "wouldn`t", "wouldn´t"]
    + ["wouldn&#39;t", "wouldn&#x27;t", "wouldn&#X27;t", "wouldn&#0039;t", "wouldn&apos;t", "wouldn&rsquo;t"]
    + ["wouldn&#8217;t", "wouldn&lsquo;t", "wouldn&prime;t", "wouldn&#146;t", "wouldn&amp;#39;t"]
    + ["wouldn&amp;amp;apos;t", "wouldn&#38;#x2019;t", "wouldn&grave;t", "wouldn&acute;t", "wouldnt", "Would&#110;t"]
)


@pytest.mark.parametrize("spelled", WOULDNT)
def test_every_spelling_of_a_contraction_is_one_negation_and_has_its_own_span(spelled: str) -> None:
    string = f"I {spelled} recommend it"
    assert folded(string) == ["i", "wouldn't", "recommend", "it"]
    assert [gram.hash for gram in specification.ngrams(string, 1, 3, 3)] == [
        gram.hash for gram in specification.ngrams("I wouldn't recommend it", 1, 3, 3)
    ]
    _, spans = tokenizer.token_spans(TextColumn.from_texts(["before ", string]))
    first, end = spans[2] - len("before ")
    assert string.encode()[first:end].decode() == spelled


@pytest.mark.parametrize("word", sorted(each for each in specification.NEGATIONS if "'" in each))
def test_every_negation_is_understood_without_its_apostrophe(word: str) -> None:
    assert folded(word.replace("'", "")) == [word]


def test_every_named_reference_means_what_html_says() -> None:
    names = [name for name in html5 if name.endswith(";")]
    for name in names:
        assert specification.unescaped(f"a&{name}b")[0] == f"a{html.unescape('&' + name)}b"
    texts = TextColumn.from_texts([f"a&{name}b" for name in names])
    plain = TextColumn.from_texts([f"a{html5[name]}b" for name in names])
    np.testing.assert_array_equal(tokenizer.unescaped(texts)[0].data, plain.data)
    # Models depend on the list, so another one requires a new RECIPE_VERSION.
    listed = "".join(f"{name}{html5[name]}" for name in sorted(names)).encode()
    assert sha256(listed).hexdigest() == LIST_OF_NAMES


@given(st.integers(0, 0x11_0000) | st.integers(0, 10**8 - 1))
@example(0x80)
@example(0x9F)
@example(0xD800)
def test_every_number_means_what_browsers_show(number: int) -> None:
    expected = html.unescape(f"&#{number};") or chr(number)  # Python drops characters that HTML calls invalid
    for reference in (f"&#{number};", f"&#x{number:x};", f"&#X{number:08X};"):
        assert specification.unescaped(reference) == (expected, [0, len(reference)])
        plain, _ = tokenizer.unescaped(TextColumn.from_texts([reference]))
        assert bytes(plain.data) == expected.encode()


@given(TEXTS, st.integers(1, 3))
def test_a_text_has_the_same_tokens_when_html_escapes_it_any_number_of_times(string: str, times: int) -> None:
    escaped = string
    for _ in range(times):
        escaped = html.escape(escaped)
    assert folded(escaped) == folded(string)


@given(TEXTS)
def test_a_text_has_the_same_tokens_when_every_character_is_a_reference(string: str) -> None:
    plain, _ = specification.unescaped(string)
    assume(not re.search(r"[&\\\x00-\x1f\x80-\x9f]", plain))
    assert folded("".join(f"&#{ord(each)};" for each in plain)) == folded(string)


def test_no_character_of_a_reference_with_two_characters_can_end_a_token_or_escape_a_space() -> None:
    # Spans and escaped spaces rely on this.
    for meaning in (each for each in html5.values() if len(each) > 1):
        assert not set(meaning) & set("\\nrt&")
        assert [(token.start, token.end) for token in specification.tokens(meaning)] in ([], [(0, len(meaning))])


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


@given(TEXTS, VERSIONS)
@example("a" * 8 + "b" * 8, 3)
@example("a" * 16 + "b", 3)
@example("x" * 60 + " word" * 3, 3)  # a word that spans two blocks of 64 bytes
@example("x" * 62 + "'s it", 3)
@example("x" * 63 + "' it", 3)
@example(" " * 63 + "don't", 3)
@example("-" * 64 + "a", 3)
@example("x" * 62 + "&amp;#39;s" + "&#39;" * 30 + "é\\\\n&#92;nx&#110;", 3)
@example("\\", 3)
@example("a&" + "amp;" * 40 + "lt;", 3)
@settings(max_examples=800)
def test_the_kernel_matches_the_specification_on_any_text(string: str, version: int) -> None:
    expected = list(specification.tokens(string, version))
    (hashes, _), spans = tokenizer.token_spans(TextColumn.from_texts([string]), version)
    assert hashes.tolist() == [specification.token_hash(token.folded) for token in expected]
    assert spans.tolist() == [
        [len(string[: token.start].encode()), len(string[: token.end].encode())] for token in expected
    ]


@given(st.lists(TEXTS, max_size=5), VERSIONS)
@example(["a&amp", ";b&#3", "9;c\\", "nd", "&", "amp;"], 3)
@example(["", "\\n", "", "&lt;", "&eacute;", "x&eacute;", "&eacute;"], 3)
def test_each_text_of_a_column_is_tokenised_alone(strings: list[str], version: int) -> None:
    texts = TextColumn.from_texts(["before", *strings]).rows(1, len(strings) + 1)
    (hashes, offsets), spans = tokenizer.token_spans(texts, version)
    for index, string in enumerate(strings):
        alone = list(specification.tokens(string, version))
        mine = slice(offsets[index], offsets[index + 1])
        assert hashes[mine].tolist() == [specification.token_hash(token.folded) for token in alone]
        assert (spans[mine] - texts.offsets[index]).tolist() == [
            [len(string[: token.start].encode()), len(string[: token.end].encode())] for token in alone
        ]


@given(st.binary(max_size=40))
def test_bytes_that_are_not_utf8_are_accepted(data: bytes) -> None:
    column = TextColumn(np.frombuffer(data, np.uint8), np.array([0, len(data)]))
    (hashes, _), spans = tokenizer.token_spans(column)
    assert len(hashes) <= len(data)
    assert spans.min(initial=0) >= 0
    assert spans.max(initial=0) <= len(data)


def test_a_text_of_ten_megabytes_is_tokenised() -> None:
    stray = ["<" * 10_000_000, "&" * 10_000_000, "&amp;" + "amp;" * 2_500_000, "&x" * 5_000_000]
    hashes, offsets = tokenizer.hash_tokens(TextColumn.from_texts(["great " * 1_750_000, "", *stray]))
    assert offsets.tolist() == [0, *[1_750_000] * 5, 6_750_000]
    assert set(hashes.tolist()) == {specification.token_hash(b"great"), specification.token_hash(b"x")}


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


@given(TEXTS, st.integers(0, 4), VERSIONS)
@example("not a b c d not, e n't won't f.g dont h.", 2, 3)
def test_the_pipeline_matches_the_specification_on_any_text(string: str, reach: int, version: int) -> None:
    tokens, spans = TokenPipeline(reach, version=version).tokens_with_spans(TextColumn.from_texts([string]))
    expected = list(specification.ngrams(string, 1, 1, reach, version))
    assert tokens.hashes.tolist() == [gram.hash for gram in expected]
    assert len(spans) == len(expected)


def test_the_order_of_tokens_matters_to_an_ngram() -> None:
    assert [gram.hash for gram in specification.ngrams("a b", 2, 2)] != [
        gram.hash for gram in specification.ngrams("b a", 2, 2)
    ]


LIST_OF_NAMES = "fdf10fa86d267dab14e0aee2bd45c2489642f33ff955fe5bf1f7133f55e550eb"
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


def test_a_model_of_version_2_keeps_its_scores_and_spans() -> None:
    # Written by the last release with RECIPE_VERSION 2.
    folder = Path(__file__).with_name("recipe_2")
    scorer = Scorer(Bundle.load(folder / "bundle"))
    assert scorer.bundle.manifest.recipe.version == 2
    stored = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    scores = scorer.score_texts([each["text"] for each in stored]).score
    for each, score in zip(stored, scores.tolist(), strict=True):
        explanation = scorer.explain(each["text"])
        for found in (score, scorer.score_text(each["text"]).score, explanation.score):
            assert found == pytest.approx(each["score"], rel=1e-7)
        spans = [[list(span) for span in part.spans] for part in explanation.contributions]
        assert spans == each["spans"]


def test_an_identity_fits_the_tables() -> None:
    for gram in (0, 1 << specification.IDENTITY_SHIFT, PINNED["good"], (1 << 64) - 1):
        assert specification.identity(gram) & 0xFFFF_FFFF != 0
        assert specification.identity(gram) >> 32 == gram >> (32 + specification.IDENTITY_SHIFT)


def test_lone_surrogates_become_replacement_characters() -> None:
    column = TextColumn.from_texts(["a\ud800b", "ok"])
    assert bytes(column.data) == "a\ufffdbok".encode()
    assert column.offsets.tolist() == [0, 5, 7]
