"""The compiled parts of the text recipe, each compared with the definition in plain Python."""
# ruff: noqa: RUF001 (characters that look alike are the subject)

from typing import Final

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.text import hashing, specification
from sentiment_core.text.canonical import canonical_tokens, canonicalised
from sentiment_core.text.escapes import unescaped, unescaped_text
from sentiment_core.text.negation import negate, negation_tables
from sentiment_core.text.specification import identity, token_hash
from sentiment_core.text.tokenizer import TokenColumn, hash_tokens
from sentiment_core.text.tokenizer_scalar import character_table, scalar_step

WORD_64 = st.integers(0, 2**64 - 1)
# The starts and ends of everything that is not a plain word, and words around the eight and sixteen bytes of a hash.
PIECES = st.sampled_from(
    ["<", ">", "</", "<!", "&", "&#", ";", "'", "’", " ", "-", "a", "B", "7", "http", "https", "www", "://", ".", ":"]
    + ["é", "e\u0301", "\u0301", "\u00ad", "👍🏽", "好", "ﬁ", "İ", "\U0010ffff", "&amp;", "<br />", "x" * 1001]
    + ["&#39;", "&eacute;", "&#92;", "\\", "n", "‘", "dont", "Shouldnt", "wouldntx"]
    + ["a" * length for length in (7, 8, 9, 15, 16, 17, 24, 32)]
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(PIECES, max_size=12).map("".join))
# "not" and "." start and end a negation. The other two words are affected by it.
NEGATABLE: Final = ("not", "never", "good", "film", ".")


def scalar_tokens(text: str, version: int) -> list[tuple[int, int, int]]:
    """Return the hash, the first byte and the end byte of each token, read by the scalar tokenizer alone."""
    data, table = np.frombuffer(text.encode(), np.uint8), character_table(version)
    found, position = [], 0
    while position < len(data):
        value, _, end, resume = scalar_step(data, position, len(data), table)
        assert resume > position, "the tokenizer does not move on"
        if resume == end:
            found.append((int(value), position, int(end)))
        position = int(resume)
    return found


def column_of(*texts: list[str]) -> TokenColumn:
    """Return the tokens of texts that are given as lists of words."""
    hashes = np.array([token_hash(word.encode()) for words in texts for word in words], np.uint64)
    return TokenColumn(hashes, np.cumsum([0, *map(len, texts)]))


@given(TEXTS, st.sampled_from([2, 3, 4]))
@example("<b>" + "x" * 16, 3)
@example("&" + "a" * 8 + ";" + "&#" + "a" * 9 + ";", 2)
@example("<" + "a" * 1001 + "><" + "a" * 1002 + ">", 3)
@example('www.x(y)[z]"q https://é http:/x dont', 3)
def test_the_scalar_tokenizer_finds_the_defined_tokens_in_any_text(text: str, version: int) -> None:
    assume(version == 2 or specification.unescaped(text)[0] == text)
    assert scalar_tokens(text, version) == [
        (token_hash(token.folded), len(text[: token.start].encode()), len(text[: token.end].encode()))
        for token in specification.tokens(text, version)
    ]


@given(st.binary(max_size=60))
@example(b"a&am\xff&#\xc3\xa9;&\xc3;\\\xffn&amp;\xbf")
def test_escapes_are_replaced_in_bytes_that_are_not_utf8(data: bytes) -> None:
    texts = TextColumn(np.frombuffer(data, np.uint8), np.array([0, len(data)]))
    plain, places = unescaped(texts)
    # Latin-1 gives every byte a character, and all escapes that mean a Latin-1 character agree in both readings.
    read, _ = specification.unescaped(data.decode("latin-1"))
    assume(all(ord(each) < 0x80 for each in read if each not in data.decode("latin-1")))
    assert bytes(plain.data) == read.encode("latin-1")
    assert places is None or (places.in_source(np.arange(len(plain.data) + 1)) <= len(data)).all()


@given(TEXTS)
@example("dont&amp;#39;t caf&eacute; was\\nbad")
def test_a_single_text_is_unescaped_as_a_column_is(text: str) -> None:
    plain, _ = unescaped(TextColumn.from_texts([text]))
    assert unescaped_text(text.encode()) == bytes(plain.data) == specification.unescaped(text)[0].encode()


@given(st.binary(max_size=60))
def test_the_scalar_tokenizer_reads_no_byte_past_the_end_of_invalid_utf8(data: bytes) -> None:
    table, stop = character_table(), len(data)
    results = []
    for rest in (b"", b"\xbf\xbfz'a>;"):  # what follows the text in its column must not change its tokens
        padded, position, steps = np.frombuffer(data + rest + b"\0", np.uint8), 0, []
        while position < stop:
            value, _, end, position = scalar_step(padded, position, stop, table)
            steps.append((int(value), int(end), int(position)))
        assert position <= stop
        results.append(steps)
    assert results[0] == results[1]


@given(WORD_64, WORD_64)
@example(2**64 - 1, 2**64 - 1)
@example(0, 0)
def test_hashes_are_combined_and_identified_as_defined(one: int, other: int) -> None:
    assert int(hashing.mix(np.uint64(one))) == specification._mix(one)
    assert int(hashing.combine(np.uint64(one), np.uint64(other))) == specification.combine(one, other)
    assert int(hashing.identity(np.uint64(one))) == specification.identity(one)


@given(st.lists(st.lists(st.sampled_from(NEGATABLE), max_size=12), max_size=4), st.integers(0, 5))
@example([["not"], ["good"]], 3)
@example([["not", "good", "never", "film", "good", "good"]], 2)
def test_tokens_after_a_negation_are_changed_as_defined(texts: list[list[str]], reach: int) -> None:
    tokens = column_of(*texts)
    negate(tokens, reach)
    defined = [gram.hash for words in texts for gram in specification.ngrams(" ".join(words), 1, 1, reach)]
    assert tokens.hashes.tolist() == defined


@pytest.mark.parametrize(
    ("words", "position"), [(specification.NEGATIONS, 0), (specification.NEGATION_ENDS, 2)], ids=["starts", "ends"]
)
def test_the_negation_tables_hold_exactly_the_defined_tokens(words: frozenset[str], position: int) -> None:
    table, shift = negation_tables()[position : position + 2]
    hashes = np.array([token_hash(word.encode()) for word in words], np.uint64)
    assert sorted(table[table != 0].tolist()) == sorted(hashes.tolist())
    places = hashes >> shift & np.uint64(len(table) - 1)
    np.testing.assert_array_equal(table[places], hashes)


def table_of(canonical: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the identities and the canonical hashes of words. An empty canonical word drops the token."""
    pairs = {
        identity(token_hash(word.encode())): token_hash(target.encode()) if target else 0
        for word, target in canonical.items()
    }
    return np.array(sorted(pairs), np.uint64), np.array([pairs[each] for each in sorted(pairs)], np.uint64)


@given(
    st.lists(st.lists(st.sampled_from(["the", "films", "film", "good", "a"]), max_size=8), max_size=4),
    st.dictionaries(st.sampled_from(["the", "films", "good"]), st.sampled_from(["", "film", "fine"])),
)
@example([["the", "the"], [], ["films", "the"]], {"the": "", "films": "film"})
def test_each_token_becomes_its_canonical_token_or_is_dropped(
    texts: list[list[str]], canonical: dict[str, str]
) -> None:
    tokens, sources = canonicalised(column_of(*texts), canonical_tokens(*table_of(canonical)))
    expected = column_of(*([target for word in words if (target := canonical.get(word, word))] for words in texts))
    assert tokens.hashes.tolist() == expected.hashes.tolist()
    assert tokens.offsets.tolist() == expected.offsets.tolist()
    words = [word for text in texts for word in text]
    assert sources.tolist() == [index for index, word in enumerate(words) if canonical.get(word, word)]


def test_canonical_tokens_do_not_change_the_tokens_that_they_are_made_from() -> None:
    tokens = hash_tokens(TextColumn.from_texts(["the films"]))
    before = tokens.hashes.copy()
    canonicalised(tokens, canonical_tokens(*table_of({"the": "", "films": "film"})))
    np.testing.assert_array_equal(tokens.hashes, before)
