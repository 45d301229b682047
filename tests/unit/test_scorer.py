"""Scores: independent of the other texts in the batch, explained exactly, and plausible."""

import math
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import ColumnUnsupported
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import (
    LABELS,
    NO_LABEL,
    UNFAMILIAR,
    Scorer,
    Scores,
    TextColumn,
    TextScore,
    how_positive,
)
from sentiment_core.params import Params
from sentiment_core.text.specification import identity, token_hash
from sentiment_core.training.train import train
from tests.starter import starter_scorer

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
    return starter_scorer()


def log_odds(scored: TextScore) -> float:
    """Return the log-odds of positive against negative. Of three labels they have the precision of float32."""
    probabilities = scored.probabilities
    return math.log(probabilities["positive"] / probabilities["negative"])


def test_scores_are_probabilities_with_labels(scorer: Scorer) -> None:
    score, label, *_ = scorer.score_texts(TEXTS)
    assert score.dtype == np.float64
    assert label.dtype == np.int8
    assert ((score >= 0) & (score <= 1)).all()
    assert [LABELS[each] for each in label[:2]] == ["positive", "negative"]


def test_no_texts_give_no_scores(scorer: Scorer) -> None:
    assert [len(field) for field in scorer.score_texts([])] == [0] * len(Scores._fields)


def test_a_text_without_known_words_is_neutral(scorer: Scorer) -> None:
    scores = scorer.score_texts(["", "<br />", "qwxz"])
    assert len(set(scores.score.tolist())) == 1
    assert {LABELS[each] for each in scores.label} == {"neutral"}


def test_a_text_is_unfamiliar_if_the_model_knows_hardly_any_of_its_ngrams(scorer: Scorer) -> None:
    known = "It is one of the best films that I have seen in a long time."
    foreign = "A szoba koszos volt, a személyzet pedig nagyon barátságtalan"
    texts = [known, foreign, "", "<br />", "qwxz"]
    assert "hu" not in scorer.bundle.manifest.languages
    assert scorer.score_texts(texts).unfamiliar.tolist() == [False, True, True, True, True]
    shares = scorer.unknown_shares(TextColumn.from_texts([*texts, *TEXTS]))
    np.testing.assert_array_equal(scorer.score_texts([*texts, *TEXTS]).unfamiliar, shares >= UNFAMILIAR)


def test_a_text_scores_the_same_in_any_company(scorer: Scorer) -> None:
    together = scorer.score_texts(TEXTS * 50).score
    alone = [scorer.score_texts([text]).score[0] for text in TEXTS]
    np.testing.assert_array_equal(together, np.tile(alone, 50))


@pytest.mark.parametrize("kind", ["two labels", "three labels", "canonical tokens"])
def test_one_text_scores_as_it_does_in_a_column(kind: str, scorer: Scorer, trained: Bundle) -> None:
    if kind == "two labels":
        scorer = Scorer(trained)
    elif kind == "canonical tokens":
        tokens = np.array([identity(token_hash(b"awful"))], np.uint64)
        canonical = np.array([token_hash(b"good")], np.uint64)
        scorer = Scorer(replace(trained, tokens=tokens, canonical=canonical))
    for text in (*(text for text in TEXTS if text.isprintable()), "not good, not awful", "café " * 40, "é", "\0"):
        column, alone = next(scorer.score_texts([text]).texts()), scorer.score_text(text)
        assert alone.score == pytest.approx(column.score, rel=1e-12)
        assert alone.neutral == (column.neutral and pytest.approx(column.neutral, rel=1e-6))
        assert alone._replace(score=0, neutral=0) == column._replace(score=0, neutral=0)
        assert scorer.explain(text).scored == column
        assert (alone.neutral is None) == (kind != "three labels")


def test_score_and_neutral_of_three_labels_give_all_probabilities(three: LabelledReviews, params: Params) -> None:
    scorer = Scorer(train(three, params, {}))
    texts = [*three.texts[:40], "", "love it, awful", "It is a lamp"]
    probabilities = scorer.probabilities(TextColumn.from_texts(texts))
    scores = scorer.score_texts(texts)
    for found, (negative, neutral, positive) in zip(scores.texts(), probabilities, strict=True):
        expected = {"negative": negative, "neutral": neutral, "positive": positive}
        assert found.probabilities == pytest.approx(expected, abs=1e-6)
        assert found.score == pytest.approx(positive + neutral / 2)
        assert (found.score >= 0.5) == (positive >= negative)
    assert how_positive(np.array([[0.3, 0.4, 0.3], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])).tolist() == [0.5, 1.0, 0.0]


def test_the_probabilities_of_two_labels_have_no_neutral(trained: Bundle) -> None:
    scorer = Scorer(trained)
    found = scorer.score_text("I loved it")
    assert found.probabilities == {"negative": pytest.approx(1 - found.score), "positive": found.score}
    assert np.isnan(scorer.score_texts(TEXTS).neutral).all()


def test_half_a_character_is_no_text_to_score_alone(scorer: Scorer) -> None:
    with pytest.raises(UnicodeEncodeError):
        scorer.score_text("a\ud800b")


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
    assert scorer.score_texts(["a truly wonderful film " * 450_000]).score[0] > 0.9


@given(st.text())
def test_contributions_and_bias_sum_to_the_log_odds(scorer: Scorer, trained: Bundle, text: str) -> None:
    for explanation in (scorer.explain(text), Scorer(trained).explain(text)):
        total = math.fsum(part.weight for part in explanation.contributions) + explanation.bias
        assert total == pytest.approx(log_odds(explanation.scored), abs=1e-4)


def test_an_explanation_names_the_texts_own_words(scorer: Scorer) -> None:
    text = "  NOT good.<br />Café 👍🏽 was Not Good, é\u0301 not good"
    explanation = scorer.explain(text)
    scores = scorer.score_texts([text])
    assert explanation.score == scores.score[0]
    assert explanation.label == LABELS[scores.label[0]]
    total = math.fsum(part.weight for part in explanation.contributions) + explanation.bias
    assert total == pytest.approx(log_odds(explanation.scored), abs=1e-4)
    parts = {part.ngram: part for part in explanation.contributions}
    assert [text[start:end] for start, end in parts["NOT good"].spans] == ["NOT good", "Not Good", "not good"]
    assert all(text[start:end] for part in parts.values() for start, end in part.spans)


def test_a_word_and_its_stem_are_one_line_and_the_sum_stays(scorer: Scorer) -> None:
    text = "A boring plot, so boring. Disappointing and disappointed, never disappointing, wonderful 봤는데요"
    explanation = scorer.explain(text)
    spans = [span for part in explanation.contributions for span in part.spans]
    assert len(spans) == len(set(spans))
    words = {text[start:end] for start, end in spans}
    assert {part.ngram for part in explanation.contributions} <= words
    total = math.fsum(part.weight for part in explanation.contributions) + explanation.bias
    assert total == pytest.approx(log_odds(explanation.scored), abs=1e-5)


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
    label = Scorer(replace(trained, manifest=banded)).score_texts(texts).label
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


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love it.", "positive"),
        ("Highly recommended, five stars!", "positive"),
        ("This is the best film I have ever seen", "positive"),
        ("An excellent story, beautifully told", "positive"),
        ("I hate it.", "negative"),
        ("A complete waste of time and money", "negative"),
        ("This is the worst film I have ever seen", "negative"),
        ("Terrible acting and a boring plot", "negative"),
    ],
)
def test_plain_praise_and_plain_blame_are_understood(scorer: Scorer, text: str, label: str) -> None:
    assert LABELS[scorer.score_texts([text]).label[0]] == label


@pytest.mark.parametrize("praise", ["good", "great", "funny", "a good film", "very interesting", "worth your time"])
@pytest.mark.parametrize("negated", ["It is not {}.", "It was not {}.", "It was never {}.", "This is not at all {}."])
def test_a_negation_lowers_what_it_negates(scorer: Scorer, negated: str, praise: str) -> None:
    plain = f"It is {praise}."
    below, above = scorer.score_texts([negated.format(praise), plain]).score
    assert below < above


@pytest.mark.parametrize(("negated", "plain"), [("This is not bad", "This is bad"), ("Never boring", "Boring")])
def test_a_negation_raises_what_it_negates(scorer: Scorer, negated: str, plain: str) -> None:
    above, below = scorer.score_texts([negated, plain]).score
    assert above > below


def test_scoring_imports_nothing_that_only_training_needs() -> None:
    program = (
        "import sys, sentiment_core.model.scorer, sentiment_core.cli.predict;"
        "print([name for name in ('pandas', 'sklearn', 'mlflow', 'pyarrow') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


ARROW_TYPES = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", ARROW_TYPES, ids=str)
def test_arrow_arrays_score_as_their_texts(scorer: Scorer, kind: pa.DataType) -> None:
    texts = ["good", None, "", "很好 👍", "awful", "good", None]
    array = pa.array(texts, pa.string()).cast(kind)
    expected = scorer.score_texts(texts)
    assert np.isnan(expected.score[[1, 6]]).all()
    assert expected.label[[1, 6]].tolist() == [NO_LABEL, NO_LABEL]
    for found, rows in (
        (scorer.score_arrow(array), slice(None)),
        (scorer.score_arrow(array[2:6]), slice(2, 6)),
        (scorer.score_arrow(pa.chunked_array([array[:3], array[3:3], array[3:]])), slice(None)),
    ):
        for field, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(field, wanted[rows])


@pytest.mark.parametrize("kind", ARROW_TYPES, ids=str)
def test_arrow_arrays_without_a_text_give_no_score(scorer: Scorer, kind: pa.DataType) -> None:
    for texts in ([], [None, None]):
        scores = scorer.score_arrow(pa.array(texts, pa.string()).cast(kind))
        assert np.isnan(scores.score).all()
        assert scores.label.tolist() == [NO_LABEL] * len(texts)
    assert len(scorer.score_arrow(pa.chunked_array([], kind)).score) == 0


def test_no_text_of_an_arrow_array_is_copied() -> None:
    array = pa.array(["one", "two"])
    assert TextColumn.from_arrow(array).data.ctypes.data == array.buffers()[2].address


def test_an_arrow_array_of_something_else_is_refused(scorer: Scorer) -> None:
    for array in (pa.array([1, 2]), pa.array(["a"]).cast(pa.binary()), pa.array([1]).dictionary_encode()):
        with pytest.raises(ColumnUnsupported, match="has no texts to score"):
            scorer.score_arrow(array)


def test_none_in_a_list_is_a_null(scorer: Scorer) -> None:
    scores = scorer.score_texts(["good", None])
    assert np.isnan(scores.score).tolist() == [False, True]
    assert scores.label[1] == NO_LABEL
    assert scores.unfamiliar.tolist() == [False, False]
    with pytest.raises(IndexError):
        LABELS[scores.label[1]]


def test_threads_score_alike_bit_for_bit(scorer: Scorer) -> None:
    column = TextColumn.from_texts([f"{text} {number}" for number in range(3000) for text in TEXTS[:6]] + TEXTS)
    expected = scorer.score(column)
    for threads in (2, 3, 8):
        found = scorer.score(column, threads)
        np.testing.assert_array_equal(found.score, expected.score)
        np.testing.assert_array_equal(found.label, expected.label)


def test_scoring_leaves_the_interpreter_free(scorer: Scorer) -> None:
    # While one thread scores, another one counts. It could not count if scoring held the GIL.
    column = TextColumn.from_texts(["a truly wonderful film " * 2_000_000])
    counted, done = 0, threading.Event()
    worker = threading.Thread(target=lambda: (scorer.score(column), done.set()))
    worker.start()
    while not done.is_set():
        counted += 1
    worker.join()
    assert counted > 1000


MEMORY = """
import resource, sys
import numpy as np
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.model.scorer import Scorer
scorer = Scorer(Bundle.load(STARTER))
text = np.frombuffer(b"a truly wonderful film " * 50, np.uint8)
column = TextColumn(np.tile(text, 180_000), np.arange(180_001) * len(text))
scorer.score(column.rows(0, 1000), threads=2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scorer.score(column, threads=2)
print(len(column.data) // 1000, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_bounded_by_the_longest_text() -> None:
    # 200 MB of short texts need only memory for their scores and two chunks, so the process hardly grows.
    scored, grown = map(int, subprocess.check_output([sys.executable, "-c", MEMORY], text=True).split())
    assert scored > 200_000
    assert grown < 40_000


def test_reasons_are_the_explanations_of_many_texts(scorer: Scorer) -> None:
    texts = ["Not good. NOT GOOD, not a good film", "", "<br />", "I loved every minute of it 👍", *TEXTS]
    column = TextColumn.from_texts(texts)
    reasons = scorer.reasons(column, 5)
    for field, expected_field in zip(reasons.scores, scorer.score(column), strict=True):
        np.testing.assert_array_equal(field, expected_field)
    for row, text in enumerate(texts):
        expected = scorer.explain(text, top=5).contributions
        assert reasons.counts[row] == len(expected)
        np.testing.assert_allclose(reasons.log_odds[row, : len(expected)], [part.weight for part in expected])
        assert not reasons.weights[row, len(expected) :].any()
        found = {column.data[start:end].tobytes().decode() for start, end in reasons.spans[row, : len(expected)]}
        assert found == {part.ngram.replace("\ud800", "\ufffd") for part in expected}


def test_reasons_of_no_texts_and_no_reasons_are_empty(scorer: Scorer) -> None:
    assert scorer.reasons(TextColumn.from_texts([]), 3).weights.shape == (0, 3, 3)
    assert scorer.reasons(TextColumn.from_texts(["good"]), 0).counts.tolist() == [0]


def test_contributions_of_three_labels_sum_to_the_logits(three: LabelledReviews, params: Params) -> None:
    scorer = Scorer(train(three, params, {}))
    for text in ("love it, works very well", "not good", "It is a lamp", "", "not bad at all, awful"):
        explanation = scorer.explain(text)
        logits = np.sum([explanation.biases, *(part.weights for part in explanation.contributions)], axis=0)
        expected = scorer.probabilities(TextColumn.from_texts([text]))[0]
        np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), expected, atol=1e-9)
        assert explanation.score == pytest.approx(expected[2] + expected[1] / 2)
        assert explanation.label == LABELS[int(expected.argmax())]
        total = explanation.bias + math.fsum(part.weight for part in explanation.contributions)
        assert total == pytest.approx(math.log(expected[2] / expected[0]))


def test_the_probabilities_of_two_labels_are_the_score_and_its_rest(trained: Bundle) -> None:
    scorer = Scorer(trained)
    column = TextColumn.from_texts(TEXTS)
    probabilities = scorer.probabilities(column)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities[:, 1], scorer.score(column).score)


def test_the_first_score_of_a_process_takes_no_compiler() -> None:
    # With kernels in the cache, as after `make setup`, a new process loads all of them.
    program = (
        "from numba.core import event\n"
        "from sentiment_core.model.bundle import STARTER, Bundle\n"
        "from sentiment_core.model.scorer import Scorer\n"
        "scorer = Scorer(Bundle.load(STARTER))\n"
        "with event.install_recorder('numba:compile') as compiled:\n"
        "    scorer.score_texts(['good'])\n"
        "    scorer.score_text('good')\n"
        "    scorer.explain('good')\n"
        "print(len(compiled.buffer))\n"
    )
    for _ in range(2):  # the first run fills the cache if it is still empty
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "0"
