"""The drift statistics, compared with scipy, manually calculated figures, and generated days with and without drift."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import chi2_contingency, ks_2samp

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.drift.statistics import (
    GROUPS,
    Cause,
    Observed,
    Rejections,
    State,
    TextCounts,
    compare,
    in_groups,
    kolmogorov_smirnov,
    psi,
    same_labels,
    shown_shares,
)
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.drift_reference import Histogram, Reference
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from sentiment_core.text.specification import identity, ngrams, tokens

SETTINGS = Settings()
CLEAN = Rejections(1000, 0, 0)


def test_the_index_is_what_one_computes_by_hand() -> None:
    # Half a row is added to each bin: 50.5 and 50.5 of 101 against 80.5 and 20.5 of 101.
    expected = 30 / 101 * math.log(80.5 / 50.5) - 30 / 101 * math.log(20.5 / 50.5)
    assert psi(np.array([50, 50]), np.array([80, 20])) == pytest.approx(expected)
    assert psi(np.array([3, 4, 5]), np.array([3, 4, 5])) == 0
    assert psi(np.array([1, 9]), np.array([9, 1])) == psi(np.array([9, 1]), np.array([1, 9]))
    assert 4 < psi(np.array([100, 0]), np.array([0, 100])) < 12, "an empty bin costs a finite amount"


def test_without_drift_the_index_has_its_known_mean() -> None:
    dice = np.random.default_rng(5)
    shares, n, m = np.full(10, 0.1), 2_000, 20_000
    found = [psi(dice.multinomial(m, shares), dice.multinomial(n, shares)) for _ in range(400)]
    assert np.mean(found) == pytest.approx(9 * (1 / n + 1 / m), rel=0.1)


def test_kolmogorov_and_smirnov_agree_with_scipy_on_the_values_themselves() -> None:
    dice = np.random.default_rng(7)
    for shift in (0.0, 0.05, 0.3):
        reference, day = dice.normal(0, 1, 20_000), dice.normal(shift, 1, 1_000)
        histogram = Histogram.of(reference)
        distance, p = kolmogorov_smirnov(np.array(histogram.counts), histogram.count(day))
        exact = ks_2samp(reference, day, method="asymp")
        assert 0 <= exact.statistic - distance <= 1 / 200
        assert p >= exact.pvalue
        # Binned in the same way as the histogram, the values give exactly the same result.
        places = [np.searchsorted(histogram.edges, values, side="right") for values in (reference, day)]
        binned = ks_2samp(*places, method="asymp")
        assert (distance, p) == pytest.approx((binned.statistic, binned.pvalue))


def test_label_mixes_are_tested_as_scipy_does() -> None:
    reference, day = np.array([400, 100, 500]), np.array([55, 10, 35])
    assert same_labels(reference, day) == chi2_contingency([reference, day], correction=False).pvalue
    assert same_labels(np.array([400, 0, 500]), np.array([40, 0, 50])) == pytest.approx(1)
    assert same_labels(np.array([9, 0, 0]), np.array([5, 0, 0])) == 1


def test_groups_hold_a_tenth_of_the_reference_each() -> None:
    histogram = Histogram.of(np.random.default_rng(1).beta(0.3, 0.3, 30_000))
    groups = in_groups(histogram, np.array(histogram.counts))
    assert len(groups) == GROUPS
    assert groups.sum() == 30_000
    np.testing.assert_allclose(groups / 30_000, 0.1, atol=0.005)


def test_a_frequent_value_makes_a_group_larger_and_loses_no_row() -> None:
    values = np.concatenate((np.zeros(700), np.arange(1, 301)))
    histogram = Histogram.of(values)
    groups = in_groups(histogram, histogram.count(values))
    assert groups.sum() == 1000
    assert groups.max() >= 700
    constant = Histogram.of(np.full(50, 3.0))
    assert constant.count(np.array([2, 3, 3, 4])).tolist() == [1, 3]
    assert in_groups(constant, constant.count(np.array([3.0, 3.0]))).sum() == 2


def test_shown_shares_are_those_of_bins_of_equal_width() -> None:
    values = np.random.default_rng(2).beta(0.4, 0.6, 50_000)
    histogram = Histogram.of(values)
    expected = np.histogram(values, 20, (0, 1))[0] / len(values)
    np.testing.assert_allclose(shown_shares(histogram, np.array(histogram.counts)), expected, atol=0.006)


def test_a_histogram_that_does_not_fit_is_refused() -> None:
    for edges, counts in (((1.0, 1.0), (1, 1, 1)), ((1.0,), (1,)), ((1.0,), (0, 0))):
        with pytest.raises(ValidationError, match="edges must ascend"):
            Histogram(edges=edges, counts=counts, mean=0)


def test_the_unknown_share_is_that_of_the_text_recipe() -> None:
    bundle = Bundle.load(STARTER)
    known, recipe = set(bundle.ngrams.tolist()), bundle.manifest.recipe
    texts = [
        "Not a good film, not good at all.",
        "Der Wasserkocher tropft & tropft",
        "",
        "fine",
        "<br />",
        "\U0001f600 " * 9,
    ]
    expected = []
    for text in texts:
        options = recipe.shortest_ngram, recipe.longest_ngram, recipe.negation_reach, recipe.version
        grams = [identity(gram.hash) for gram in ngrams(text, *options)]
        grams = grams[: len(grams) - sum(bool(token.stem) for token in tokens(text, recipe.version))]  # stems are last
        expected.append(1 - sum(gram in known for gram in grams) / max(len(grams), 1))
    assert Scorer(bundle).unknown_shares(TextColumn.from_texts(texts)).tolist() == pytest.approx(expected)
    assert expected[2] == 1, "of a text without n-grams nothing is known"


class Population:
    """Reviews as a model sees them, from which days are drawn."""

    def __init__(self, rows: int, seed: int) -> None:
        dice = np.random.default_rng(seed)
        self.dice = dice
        self.scores = dice.beta(0.25, 0.25, rows)
        self.lengths = dice.lognormal(6.9, 0.7, rows).astype(np.int64)
        self.unknown = np.clip(dice.normal(0.48, 0.06, rows), 0, 1)

    @property
    def labels(self) -> np.ndarray:
        return labels_of(self.scores)

    @property
    def reference(self) -> Reference:
        return Reference.of(self.scores, self.labels, self.lengths, self.unknown)

    def day(self, reference: Reference, rows: int, change: Callable[..., tuple] = lambda *values: values) -> Observed:
        chosen = self.dice.integers(0, len(self.scores), rows)
        scores, lengths, unknown = change(self.scores[chosen], self.lengths[chosen], self.unknown[chosen])
        labels = np.bincount(labels_of(scores), minlength=3).tolist()
        return Observed(
            rows,
            reference.scores.count(scores.astype(np.float32)),
            dict(zip(LABELS, labels, strict=True)),
            TextCounts(
                rows, reference.lengths.count(lengths), lengths.mean(), reference.unknown.count(unknown), unknown.mean()
            ),
        )


def labels_of(scores: np.ndarray) -> np.ndarray:
    return (scores >= 0.4).astype(np.int8) + (scores > 0.6)


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(20_000, seed=9)


@pytest.fixture(scope="module")
def reference(population: Population) -> Reference:
    return population.reference


def test_two_hundred_days_without_drift_raise_no_alarm(population, reference) -> None:
    """Each day also has ten products. This gives 2,200 reports of 1,000 to 5,000 rows."""
    alarms, largest = 0, 0.0
    for _ in range(200):
        day = population.day(reference, int(population.dice.integers(1_000, 5_000)))
        products = {f"p{number}": population.day(reference, 1_000) for number in range(10)}
        for report in compare(reference, day, products, CLEAN, SETTINGS):
            alarms += report.drifted
            largest = max(largest, report.measures["score"]["effect"])
    assert alarms == 0
    assert largest < SETTINGS.drift_psi / 3, f"the largest index of scores is {largest}"


def moved(scores: np.ndarray, logits: float) -> np.ndarray:
    return 1 / (1 + (1 / np.clip(scores, 1e-12, 1 - 1e-12) - 1) * np.exp(-logits))


def two_thirds_negative(scores: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(scores)) % 3, np.minimum(scores, 1 - scores), scores)


CHANGES = {
    "score": lambda scores, lengths, unknown: (0.5 + 0.8 * (scores - 0.5), lengths, unknown),
    "labels": lambda scores, lengths, unknown: (two_thirds_negative(scores), lengths, unknown),
    "length": lambda scores, lengths, unknown: (scores, lengths // 2, unknown),
    "unknown": lambda scores, lengths, unknown: (scores, lengths, unknown + 0.07),
}


@pytest.mark.parametrize("cause", CHANGES)
def test_a_shifted_day_is_found_every_time(population, reference, cause) -> None:
    for _ in range(50):
        (report,) = compare(reference, population.day(reference, 1_000, CHANGES[cause]), {}, CLEAN, SETTINGS)
        assert cause in report.causes
        assert report.state is State.MEASURED


def test_a_small_shift_of_a_million_rows_is_significant_and_no_alarm(population, reference) -> None:
    def slightly(scores, lengths, unknown):
        return moved(scores, 0.5), lengths, unknown

    (report,) = compare(reference, population.day(reference, 1_000_000, slightly), {}, CLEAN, SETTINGS)
    assert report.measures["score"]["p"] < 1e-6
    assert not report.drifted


def test_texts_that_a_model_knows_better_are_no_drift(population, reference) -> None:
    def known(scores, lengths, unknown):
        return scores, lengths, unknown - 0.2

    (report,) = compare(reference, population.day(reference, 1_000, known), {}, CLEAN, SETTINGS)
    assert report.measures["unknown"]["effect"] == pytest.approx(-0.2, abs=0.01)
    assert report.causes == ()


def test_an_effect_that_chance_explains_is_no_alarm(population, reference) -> None:
    loose = SETTINGS.model_copy(update={"drift_psi": 0.001, "drift_least_rows": 10})
    (report,) = compare(reference, population.day(reference, 200), {}, CLEAN, loose)
    assert report.measures["score"]["effect"] > loose.drift_psi
    assert report.causes == ()


def test_rejected_rows_are_told_of_also_when_nothing_else_can_be(population, reference) -> None:
    day = population.day(reference, 20)
    (report,) = compare(reference, day, {}, Rejections(1_000, 80, 1), SETTINGS)
    assert (report.state, report.causes) == (State.TOO_FEW_ROWS, (Cause.REJECTED,))
    assert report.measures["rejected"]["effect"] == 0.08
    (report,) = compare(None, day, {}, Rejections(1_000, 80, 1), SETTINGS)
    assert (report.state, report.causes) == (State.NO_REFERENCE, (Cause.REJECTED,))
    (report,) = compare(reference, day, {}, Rejections(20, 10, 0), SETTINGS)
    assert report.causes == (), "ten bad rows of twenty are too few to tell"


def test_a_product_is_judged_by_itself_and_not_by_its_few_texts(population, reference) -> None:
    bad = population.day(reference, 1_000, CHANGES["score"])
    few = population.day(reference, 100)
    without_texts = population.day(reference, 1_000)._replace(texts=few.texts)
    products = {"bad": bad, "few": few, "no texts": without_texts}
    day, *found = compare(reference, population.day(reference, 2_000), products, CLEAN, SETTINGS)
    assert not day.drifted
    assert [(one.product_id, one.state, one.drifted) for one in found] == [
        ("bad", State.MEASURED, True),
        ("few", State.TOO_FEW_ROWS, False),
        ("no texts", State.MEASURED, False),
    ]
    assert "length" not in found[2].measures
    assert "rejected" not in found[0].measures
    assert day.measures["tests"] == 4 + 4 + 2
