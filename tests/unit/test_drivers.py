"""Drivers of a change: exact sums of contributions, and phrases that a person would say."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import reduce
from math import sqrt

import numpy as np
import pytest

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drivers.drivers import Driver, Drivers, find_drivers, ratio_difference
from sentiment_core.drivers.function_words import function_words
from sentiment_core.drivers.mentions import find_mentions
from sentiment_core.drivers.movements import movements
from sentiment_core.drivers.phrases import Phrase, merged
from sentiment_core.drivers.reviews import Batch, ReviewId, Reviews
from sentiment_core.drivers.wording import word_ngrams
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.manifest import Calibration, Thresholds
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.places import find_places
from sentiment_core.ngrams.sums import ContributionSums, slots_of
from sentiment_core.text.specification import NEGATED, NEGATIONS, combine, identity, ngrams, stem_hash, token_hash

WEIGHTS = {
    "waste": -1.0,
    "a waste": -0.25,
    "waste of": -0.5,
    "of money": -0.5,
    "waste of money": -2.0,
    "love": 2.0,
    "love it": 0.5,
    "battery": -0.125,
    "the": 0.25,
    "it": -0.25,
    "!": 0.5,
    "not": -0.5,
    "good": 1.0,
    "~good": -1.5,  # negated
    "disap…": -1.75,
}
THEN = [
    "I love it! The battery is good.",
    "Love it, the battery lasts.",
    "The lamp is good. A waste of time.",
    "Nothing",
]
NOW = [
    "A waste of money. It is not a good lamp!",
    "What a waste of money",
    "I was disappointed, disappointed by the battery.",
    "Disappointing. A waste of money.",
    "Disappointing and disappointed",
    "It is <b>good</b>. Love&nbsp;it",
]


def hash_of(ngram: str) -> int:
    if ngram.endswith("…"):
        return stem_hash(ngram.removesuffix("…").encode())
    negated, words = ngram.startswith("~"), ngram.removeprefix("~").split()
    hashes = [token_hash(word.encode()) for word in words]
    return combine(NEGATED, hashes[0]) if negated else reduce(combine, hashes)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """A model of two labels with the weights above, whose log-odds are the logit of its score."""
    weights = {identity(hash_of(ngram)): weight for ngram, weight in WEIGHTS.items()}
    manifest = Bundle.load(STARTER).manifest
    return Scorer(
        Bundle.create(
            ngrams=np.array(sorted(weights), np.uint64),
            weights=np.array([[weights[each] for each in sorted(weights)]], np.float32),
            provenance={"created": "by a test"},
            name="two",
            labels=("negative", "positive"),
            languages=("en",),
            experimental_languages=(),
            recipe=manifest.recipe.model_copy(update={"longest_ngram": 3, "negation_reach": 3, "version": 4}),
            biases=(0.25,),
            calibration=Calibration(slopes=[[1.0]], intercepts=(0.0,)),
            thresholds=Thresholds(neutral_low=0.4, neutral_high=0.6),
            snapshot=manifest.snapshot,
            training={},
        )
    )


def reviews_of(texts: Sequence[str], batch: int = 2) -> Reviews:
    def read() -> Iterator[Batch]:
        for first in range(0, len(texts), batch):
            part = list(texts[first : first + batch])
            yield Batch([ReviewId(date(2026, 11, 1), 1, first + row) for row in range(len(part))], part)

    return read


@pytest.fixture(scope="module")
def found(scorer: Scorer) -> Drivers:
    return find_drivers(scorer, reviews_of(THEN), reviews_of(NOW), 50)


@pytest.fixture(scope="module")
def by_phrase(found: Drivers) -> dict[str, Driver]:
    return {each.phrase.lower(): each for each in (*found.up, *found.down)}


def defined_means(texts: list[str]) -> dict[int, float]:
    """Return the mean contribution of each n-gram, from the readable definition of the text recipe."""
    known = {identity(hash_of(ngram)): weight for ngram, weight in WEIGHTS.items()}
    means = dict.fromkeys(known, 0.0)
    for text in texts:
        present = {identity(each.hash) for each in ngrams(text, 1, 3, negation_reach=3, version=4)} & set(known)
        for each in present:
            means[each] += known[each] / sqrt(len(present)) / len(texts)
    return means


def test_movements_of_ngrams_are_those_of_the_definition_and_sum_to_the_change(scorer: Scorer) -> None:
    found = movements(scorer, reviews_of(THEN), reviews_of(NOW))
    then, now = defined_means(THEN), defined_means(NOW)
    defined = sorted(now[each] - then[each] for each in then if now[each] != then[each])
    assert sorted(found.by_ngram[found.by_ngram != 0]) == pytest.approx(defined, abs=1e-9)
    assert len(found.by_ngram) == len(slots_of(np.arange(len(found.by_ngram))))
    assert float(found.by_ngram.sum()) == pytest.approx(found.change, abs=1e-14)


def test_the_change_is_that_of_the_mean_log_odds_of_the_scores(scorer: Scorer, found: Drivers) -> None:
    def mean(texts: list[str]) -> float:
        score = scorer.score(TextColumn.from_texts(texts)).score
        return float(np.log(score / (1 - score)).mean())

    assert (found.mean_then, found.mean_now) == pytest.approx((mean(THEN), mean(NOW)), abs=1e-12)
    assert found.change == pytest.approx(mean(NOW) - mean(THEN), abs=1e-12)
    assert found.low < found.change < found.high


def test_the_movements_of_phrases_and_the_rest_sum_to_the_change(found: Drivers) -> None:
    shown = [*found.up, *found.down]
    assert sum(each.movement for each in shown) + found.rest == pytest.approx(found.change, abs=1e-12)
    assert sum(each.explained or 0 for each in shown) == pytest.approx(1 - found.rest / found.change, abs=1e-12)


def test_nested_ngrams_become_one_phrase(by_phrase: dict[str, Driver]) -> None:
    assert "waste of money" in by_phrase
    assert not by_phrase.keys() & {"waste", "a waste", "waste of", "of money", "money"}
    # "waste of money", and "money" without its function word; "a waste of time" adds to "waste" in the first period.
    then, now = defined_means(THEN), defined_means(NOW)
    parts = [identity(hash_of(each)) for each in ("waste", "a waste", "waste of", "of money", "waste of money")]
    moved = sum(now[each] - then[each] for each in parts)
    assert by_phrase["waste of money"].movement == pytest.approx(moved, abs=1e-9)
    assert (by_phrase["waste of money"].reviews_then, by_phrase["waste of money"].reviews_now) == (0, 3)


def test_marks_and_function_words_are_no_phrases(by_phrase: dict[str, Driver]) -> None:
    assert not by_phrase.keys() & {"!", "the", "it", "not", "love it"}
    assert "love" in by_phrase


def test_a_stem_is_credited_to_its_words_in_equal_parts_of_a_review(by_phrase: dict[str, Driver]) -> None:
    assert not any("…" in phrase for phrase in by_phrase if "not" not in phrase)
    # Known in the third text: a stem, "the" and "battery". In the fourth: a stem and five n-grams of the phrase.
    both = -1.75 / 2 / len(NOW)  # the last text
    assert by_phrase["disappointed"].movement == pytest.approx(both - 1.75 / sqrt(3) / len(NOW), abs=1e-9)
    assert by_phrase["disappointing"].movement == pytest.approx(both - 1.75 / sqrt(6) / len(NOW), abs=1e-9)
    assert by_phrase["disappointed"].reviews_now == by_phrase["disappointing"].reviews_now == 2


def test_the_words_of_ngrams_have_all_their_movement(scorer: Scorer) -> None:
    found = movements(scorer, reviews_of(THEN), reviews_of(NOW))
    worded = word_ngrams(scorer, found, reviews_of(THEN), reviews_of(NOW))
    assert sum(each.movement for each in worded) == pytest.approx(found.change, abs=1e-12)
    assert ("of", "money") in [tuple(word.folded for word in each.words) for each in worded]


def test_the_first_place_of_a_chosen_ngram_is_found(scorer: Scorer) -> None:
    tokens = scorer.pipeline.tokens(TextColumn.from_texts(["nothing", "it is the battery of the lamp", "the battery"]))
    sums = ContributionSums(scorer.ngrams)
    sums.add(tokens)
    numbers = np.where((sums.texts == 2) & (sums.contributions > 0), 0, -1).astype(np.int32)
    places, stems = find_places(tokens, scorer.ngrams, numbers, 2)
    assert [each.tolist() for each in places] == [[1, -1], [2, 0], [1, 0]]  # "the"; nothing has the number 1
    assert len(stems.word) == 0


def test_mentions_are_the_reviews_that_say_a_phrase(scorer: Scorer) -> None:
    said = [Phrase((token_hash(b"waste"), token_hash(b"of")), "waste of", 0.0), Phrase((1,), "unknown", 0.0)]
    waste, unknown = find_mentions(scorer, said, reviews_of(NOW)).values()
    assert sorted((waste.reviews, unknown.reviews)) == [0, 3]


@pytest.mark.parametrize(
    ("now", "phrase"),
    [
        (["not a good lamp", "not a good one"], "not … good"),
        (["Not good", "not good!"], "Not good"),
        (["not too good", "not good at all"], "not … good"),
        (["It is a<br>waste&nbsp;of <b>money</b>"] * 2, "waste of money"),
    ],
)
def test_phrases_are_spelled_as_people_read_them(scorer: Scorer, now: list[str], phrase: str) -> None:
    found = find_drivers(scorer, reviews_of(["a lamp"]), reviews_of(now), 50)
    assert [each.phrase for each in found.down] == [phrase]


def test_examples_are_reviews_of_the_period_that_says_the_phrase_more(by_phrase: dict[str, Driver]) -> None:
    waste, love = by_phrase["waste of money"], by_phrase["love"]
    assert {each.text for each in waste.examples} == {NOW[0], NOW[1], NOW[3]}
    assert [each.review.line for each in sorted(waste.examples, key=lambda each: each.review)] == [0, 1, 3]
    assert {each.text for each in love.examples} == {THEN[0], THEN[1]}


def test_batches_do_not_change_the_drivers(scorer: Scorer, found: Drivers) -> None:
    whole = find_drivers(scorer, reviews_of(THEN, 100), reviews_of(NOW, 100), 50)
    assert [each.phrase for each in whole.down] == [each.phrase for each in found.down]
    assert whole.change == pytest.approx(found.change, abs=1e-14)
    assert [each.examples for each in whole.up] == [each.examples for each in found.up]


def test_only_the_strongest_are_shown_and_the_rest_has_the_others(scorer: Scorer, found: Drivers) -> None:
    one = find_drivers(scorer, reviews_of(THEN), reviews_of(NOW), 1)
    assert (one.up, one.down) == (found.up[:1], found.down[:1])
    assert one.rest == pytest.approx(one.change - sum(each.movement for each in (*one.up, *one.down)), abs=1e-14)


def test_equal_sets_have_no_drivers(scorer: Scorer) -> None:
    same = find_drivers(scorer, reviews_of(THEN), reviews_of(THEN), 5)
    assert (same.up, same.down, same.change) == ([], [], 0)


def test_a_longer_phrase_in_few_reviews_adds_to_the_shorter_one_and_opposite_phrases_stay() -> None:
    said = [Phrase((1,), "bad", -2.0), Phrase((1, 2), "bad lamp", -1.0), Phrase((3, 1), "not bad", 1.0)]
    found = merged(said, {(1,): 100, (1, 2): 10, (3, 1): 5})
    assert sorted(found) == [Phrase((1,), "bad", -3.0), Phrase((3, 1), "not bad", 1.0)]


def test_the_interval_of_a_difference_of_ratios_is_newcombes() -> None:
    # Example (a) of the paper's table II: 56/70 - 48/80 = 0.2, method 10: 0.0524 to 0.3339.
    assert ratio_difference(48 / 80, 56 / 70, 80, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_no_negation_is_a_function_word() -> None:
    assert not function_words() & NEGATIONS
    assert {"the", "it's", "och"} <= function_words()
