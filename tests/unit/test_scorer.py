"""Scores: the same for a text in any company, explained exactly, and sensible."""

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.bundle import STARTER, Bundle
from sentiment_core.scorer import LABELS, Scorer, TextColumn

TEXTS = [
    "I loved every minute.",
    "Awful. A complete waste of money!",
    "",
    "<br /><br />",
    "很好 👍",
    "a\ud800b",
    "ok " * 5000,
]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(Bundle.load(STARTER))


def logit(score: float) -> float:
    return math.log(score / (1 - score))


def test_scores_are_probabilities_with_labels(scorer: Scorer) -> None:
    score, label = scorer.score_texts(TEXTS)
    assert score.dtype == np.float64
    assert label.dtype == np.int8
    assert ((score >= 0) & (score <= 1)).all()
    assert [LABELS[each] for each in label[:2]] == ["positive", "negative"]


def test_no_texts_give_no_scores(scorer: Scorer) -> None:
    score, label = scorer.score_texts([])
    assert len(score) == len(label) == 0


def test_a_text_without_known_words_is_neutral(scorer: Scorer) -> None:
    score, label = scorer.score_texts(["", "<br />", "qwxz"])
    assert len(set(score.tolist())) == 1
    assert {LABELS[each] for each in label} == {"neutral"}


def test_a_text_scores_the_same_in_any_company(scorer: Scorer) -> None:
    together = scorer.score_texts(TEXTS * 50).score
    alone = [scorer.score_texts([text]).score[0] for text in TEXTS]
    np.testing.assert_array_equal(together, np.tile(alone, 50))


def test_a_slice_of_a_column_needs_no_copy(scorer: Scorer) -> None:
    column = TextColumn.from_texts(TEXTS)
    part = TextColumn(column.data, column.offsets[2:5])
    np.testing.assert_array_equal(scorer.score(part).score, scorer.score_texts(TEXTS[2:4]).score)


def test_threads_may_share_a_scorer(scorer: Scorer) -> None:
    expected = scorer.score_texts(TEXTS).score
    with ThreadPoolExecutor(4) as threads:
        for scores in threads.map(lambda _: scorer.score_texts(TEXTS), range(40)):
            np.testing.assert_array_equal(scores.score, expected)


def test_a_text_of_ten_megabytes_is_scored(scorer: Scorer) -> None:
    score, _ = scorer.score_texts(["a truly wonderful film " * 450_000])
    assert score[0] > 0.9


@given(st.text())
def test_contributions_and_bias_sum_to_the_logit(scorer: Scorer, text: str) -> None:
    explanation = scorer.explain(text)
    total = math.fsum(part.weight for part in explanation.contributions) + explanation.bias
    assert total == pytest.approx(logit(explanation.score), abs=1e-9)


def test_an_explanation_names_the_texts_own_words(scorer: Scorer) -> None:
    text = "  NOT good.<br />Café 👍🏽 was Not Good, é\u0301 not good"
    explanation = scorer.explain(text)
    score, label = scorer.score_texts([text])
    assert explanation.score == score[0]
    assert explanation.label == LABELS[label[0]]
    total = math.fsum(part.weight for part in explanation.contributions) + explanation.bias
    assert total == pytest.approx(logit(explanation.score), abs=1e-9)
    parts = {part.ngram: part for part in explanation.contributions}
    assert [text[start:end] for start, end in parts["NOT good"].spans] == ["NOT good", "Not Good", "not good"]
    assert all(text[start:end] for part in parts.values() for start, end in part.spans)


def test_spans_count_characters_of_the_text_with_lone_surrogates(scorer: Scorer) -> None:
    text = "\ud800\udc00 awful"
    (part,) = [part for part in scorer.explain(text).contributions if part.ngram == "awful"]
    assert part.spans == ((3, 8),)


def test_top_keeps_the_largest_contributions(scorer: Scorer) -> None:
    text = "A boring plot, wooden acting, and yet a wonderful ending"
    everything = scorer.explain(text).contributions
    sizes = [abs(part.weight) for part in everything]
    assert sizes == sorted(sizes, reverse=True)
    assert scorer.explain(text, top=3).contributions == everything[:3]
    assert scorer.explain(text, top=0).contributions == ()


def test_the_neutral_band_takes_its_edges(trained: Bundle) -> None:
    scorer = Scorer(trained)
    texts = ["love it", "awful", "", "love it, awful"]
    score = scorer.score_texts(texts).score
    low, high = sorted(score.tolist())[1:3]
    banded = trained.manifest.model_copy(
        update={"thresholds": trained.manifest.thresholds.model_copy(update={"neutral_low": low, "neutral_high": high})}
    )
    label = Scorer(Bundle(banded, trained.hashes, trained.weights, {})).score_texts(texts).label
    expected = np.where(score < low, 0, np.where(score > high, 2, 1))
    np.testing.assert_array_equal(label, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("This film was great.", "This movie was great."),
        ("What a wonderful story", "WHAT A WONDERFUL STORY"),
        ("Terrible service, slow delivery", "<p>Terrible service, slow delivery</p>"),
        ("Best purchase ever", "Best purchase ever https://shop.example/item?id=1"),
    ],
)
def test_what_says_the_same_is_labelled_the_same(scorer: Scorer, one: str, other: str) -> None:
    labels = scorer.score_texts([one, other]).label
    assert labels[0] == labels[1]


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("The food was not good", "The food was good"),
        ("The acting was awful", "The acting was good"),
        ("I hated this", "I loved this"),
        ("It is the worst of all", "It is the best of all"),
        ("Boring from start to finish", "Gripping from start to finish"),
    ],
)
def test_worse_words_lower_the_score(scorer: Scorer, lower: str, higher: str) -> None:
    score = scorer.score_texts([lower, higher]).score
    assert score[0] < score[1]


def test_scoring_imports_nothing_that_only_training_needs() -> None:
    program = (
        "import sys, sentiment_core.scorer, sentiment_core.model_commands;"
        "print([name for name in ('pandas', 'sklearn', 'mlflow', 'pyarrow') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
