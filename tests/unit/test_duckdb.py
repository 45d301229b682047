"""The functions of DuckDB give the scores of the scorer, to the last bit."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from sentiment_core.duckdb import MAX_REASONS, register
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.result_columns import reason_values
from sentiment_core.model.scorer import LABELS, Scorer, TextColumn
from tests.starter import starter_scorer

TEXTS = ["I love it, works very well", "awful, a waste of money", None, "", "ünï 💛 <br /> not bad", "It is a lamp"]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return starter_scorer()


@pytest.fixture
def connection(scorer: Scorer) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the texts, and a table of a few thousand texts, which DuckDB scores in several calls."""
    with duckdb.connect(config={"threads": 2}) as opened:
        register(opened, scorer.bundle)
        opened.execute("CREATE TABLE texts (place INTEGER, text VARCHAR)")
        opened.executemany("INSERT INTO texts VALUES (?, ?)", list(enumerate(TEXTS)))
        opened.execute(
            "CREATE TABLE reviews AS SELECT place, text || ' ' || number % 7 AS text FROM range(1000) t(number), texts"
        )
        yield opened


def test_scores_and_labels_are_those_of_the_scorer_to_the_last_bit(
    connection: duckdb.DuckDBPyConnection, scorer: Scorer
) -> None:
    rows = connection.execute("SELECT text, sentiment_score(text), sentiment_label(text) FROM reviews").fetchall()
    expected = scorer.score_texts([text for text, _, _ in rows])
    assert len(rows) == 6000
    for (text, score, label), wanted, number in zip(rows, expected.score, expected.label, strict=True):
        assert (score, label) == ((None, None) if text is None else (wanted, LABELS[number]))


def test_a_where_clause_and_an_aggregate_use_them(connection: duckdb.DuckDBPyConnection) -> None:
    [(rows, mean)] = connection.execute(
        "SELECT count(*), max(sentiment_score(text)) FROM reviews WHERE sentiment_label(text) = 'negative'"
    ).fetchall()
    assert rows >= 1000
    assert mean < 0.5


def test_explanations_have_the_number_of_ngrams_that_each_row_asks_for(
    connection: duckdb.DuckDBPyConnection, scorer: Scorer
) -> None:
    query = "SELECT text, place, sentiment_explain(text, nullif(place, 6)) FROM texts ORDER BY place"
    with pytest.raises(duckdb.Error, match=re.escape(f"asked for 0 n-grams. Ask for 1 to {MAX_REASONS}.")):
        connection.execute(query).fetchall()
    connection.execute("UPDATE texts SET place = place + 1")
    rows = connection.execute(query).fetchall()
    for text, top, found in rows[:-1]:
        if text is None:
            assert found is None
        else:
            column = TextColumn.from_texts([text])
            assert found == reason_values(column, scorer.reasons(column, top))[0]
    assert rows[-1][2] is None
    assert len(rows[1][2]) == 2


def test_registering_another_model_replaces_the_functions(
    connection: duckdb.DuckDBPyConnection, scorer: Scorer, shift_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    shifted = shift_bundle(scorer.bundle, tmp_path, 3.0)
    register(connection, shifted)
    [(found,)] = connection.execute("SELECT sentiment_score('It is a lamp')").fetchall()
    assert found == Scorer(shifted).score_texts(["It is a lamp"]).score[0] != scorer.score_texts(["It is a lamp"]).score


def test_a_column_that_is_not_text_is_refused_in_one_sentence(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException, match=r"sentiment_score\(INTEGER\).*explicit type casts"):
        connection.execute("SELECT sentiment_score(place) FROM texts")
