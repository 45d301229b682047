"""Near-duplicate texts."""

import pytest

from sentiment_core.columnar import columns
from sentiment_core.ngrams import near_duplicates
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles, nearly_repeated

TEXT = " ".join(f"word{number}" for number in range(50))


def test_a_text_contains_itself_and_nothing_of_unrelated_texts() -> None:
    shingles = Shingles([TEXT, "nothing of all this is anywhere else in the world"])
    assert shingles.containment([TEXT.upper() + "<br />"]).tolist() == [1, 0]


def test_a_text_with_a_few_changed_words_is_a_near_duplicate() -> None:
    changed = TEXT.replace("word25", "other")
    (share,) = Shingles([changed]).containment([TEXT])
    assert NEARLY_ALL < share == pytest.approx(35 / 43)


def test_short_texts_have_no_shingles() -> None:
    assert Shingles(["just a few words", ""]).containment(["just a few words"]).tolist() == [0, 0]


def test_a_text_that_nearly_repeats_an_earlier_one_is_found_whatever_lies_between() -> None:
    other = " ".join(f"else{number}" for number in range(50))
    texts = [
        TEXT,
        other,
        TEXT.replace("word25", "other"),
        f"{other} {TEXT}"[: len(other)],
        "a short one",
        "a short one",
    ]
    assert nearly_repeated(texts).tolist() == [False, False, True, True, False, False]
    assert nearly_repeated([]).tolist() == []


def test_several_passes_find_the_same_near_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [TEXT, " ".join(f"else{number}" for number in range(50))]
    shingles = Shingles([TEXT.replace("word25", "other"), others[1], "a short one"])
    expected = shingles.containment(others).tolist()
    monkeypatch.setattr(near_duplicates, "_SHINGLES_PER_PASS", 10)
    monkeypatch.setattr(columns, "_CHUNK", 100)
    assert shingles.containment(others).tolist() == expected
