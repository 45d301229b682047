"""The parts of an inference: words in names, letters of languages, drafts, and readings of a column's values."""

from pathlib import Path

import pytest

from sentiment_core.drops.column_words import REVIEW, TITLE, spaced
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.inferred_columns import column_of, id_question
from sentiment_core.drops.inferred_form import has_known_text
from sentiment_core.drops.inferred_values import reads_ratings, reads_times
from sentiment_core.drops.likely_alphabet import latin_readings
from sentiment_core.drops.proposal import Draft
from sentiment_core.drops.sample import Sample, read_sample
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.settings import Settings


def sample_of(path: Path, data: str) -> Sample:
    path.write_text(data, encoding="utf-8")
    return read_sample(Storage(None), local_drop(path), Rules(Settings()))


@pytest.mark.parametrize(
    ("name", "words"), [("reviewText", "review text"), ("Review_ID", "review id"), ("HTMLBody", "html body")]
)
def test_the_words_of_a_name_are_separated(name: str, words: str) -> None:
    assert spaced(name) == words


def test_words_are_found_in_names_of_several_languages() -> None:
    assert "Bewertungstext" in REVIEW
    assert "レビュー本文" in REVIEW
    assert "reviewer" not in REVIEW
    assert "Überschrift" in TITLE


@pytest.mark.parametrize(
    ("text", "page"),
    [("Größe schön, leider müde", "cp1252"), ("Zażółć gęślą jaźń", "cp1250"), ("Çok güzel, şahane gün", "cp1254")],
)
def test_the_letters_of_a_language_tell_its_code_page(text: str, page: str) -> None:
    readings = latin_readings(text.encode(page))
    assert readings[page] == max(readings.values()) == 1


def test_a_draft_takes_the_parts_and_questions_of_another() -> None:
    draft, other = Draft(Settings()), Draft(Settings())
    draft.declare("delimiter", ";", "a reason")
    other.declare("text", "Body", "its name")
    other.ask("text: is it?")
    draft.take(other)
    assert (draft.document, draft.proposal.questions) == ({"delimiter": ";", "text": "Body"}, ["text: is it?"])
    assert draft.rules(delimiter="|").contract.delimiter == "|"


def test_columns_are_read_by_their_values(tmp_path: Path) -> None:
    rows = "".join(f"r{number % 3},{number % 5 + 1},2024-01-0{number + 1},fine words {number}\n" for number in range(6))
    sample = sample_of(tmp_path / "a.csv", f"id,stars,when,Body\n{rows}")
    stars, when, ids = (column_of(sample, [name]) for name in ("stars", "when", "id"))
    assert stars is not None
    assert when is not None
    assert ids is not None
    assert (reads_ratings(stars), reads_times(stars), reads_ratings(when), reads_times(when)) == (
        True,
        False,
        False,
        True,
    )
    assert "3 repeat one" in id_question(ids, named=True)
    assert has_known_text(sample, Settings())
    assert column_of(sample, ["nothing"]) is None
