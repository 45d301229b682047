"""Drift statistics: the distance of reviews from the reference of the model that scored them.

Effect sizes decide, and p-values only confirm. With a million reviews every difference is statistically significant,
even an irrelevant one. In addition, the reviews of one day come from a few products, so they differ from the reference
more than independent draws do, and all tests here assume independent draws. So a measure drifts if its effect reaches
its threshold and the test is significant. The test guards against chance findings in small samples. The significance
level is shared by all tests of a day's reports (Bonferroni). So a day with fifty products is no more likely to drift
by chance than a day with a single product.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.labels import LABELS
from sentiment_core.model.drift_reference import Histogram, Reference
from sentiment_core.settings import Settings

SIGNIFICANCE: Final = 0.01  # family-wise level of all tests of one day
GROUPS: Final = 10  # bins of the population stability index: deciles of the reference
SHOWN_BINS: Final = 20  # bars of equal width in the displayed score distribution
_SMOOTHING: Final = 0.5  # rows added to each bin of both distributions


class State(StrEnum):
    """Whether the reviews could be compared with a reference."""

    MEASURED = "measured"
    TOO_FEW_ROWS = "too few rows"
    NO_REFERENCE = "no reference"


class Cause(StrEnum):
    """The measures that can drift, with their names in a report."""

    SCORE = "score"
    LABELS = "labels"
    LENGTH = "length"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


# Causes that retraining can address. Rows that violate the contract reach no model.
MODEL_CAUSES: Final = frozenset(Cause) - {Cause.REJECTED}


class TextCounts(NamedTuple):
    """Text lengths and unknown n-gram fractions of a sample of texts, counted in the bins of a reference."""

    rows: int
    lengths: NDArray[np.int64]
    length_mean: float
    unknown: NDArray[np.int64]
    unknown_mean: float


class Observed(NamedTuple):
    """Scores, labels and texts of reviews, counted in the bins of a reference."""

    rows: int
    scores: NDArray[np.int64]
    labels: Mapping[str, int]
    texts: TextCounts | None


class Rejections(NamedTuple):
    """Row counts of a day's live files from the ledger, and the number of files rejected as a whole."""

    rows_in: int
    rows_rejected: int
    files_rejected: int

    @property
    def ratio(self) -> float:
        """The fraction of rejected rows."""
        return self.rows_rejected / self.rows_in if self.rows_in else 0.0


class Report(NamedTuple):
    """The drift report of a day's reviews, or of those of one product; `measures` is JSON-serializable."""

    product_id: str | None
    state: State
    causes: tuple[Cause, ...]
    measures: dict[str, Any]

    @property
    def drifted(self) -> bool:
        """Whether any measure drifted."""
        return bool(self.causes)


def psi(reference: NDArray[np.int64], observed: NDArray[np.int64]) -> float:
    """Return the population stability index of two lists of counts over the same bins.

    The index is the sum over the bins of (q - p) log(q / p), the symmetric Kullback-Leibler divergence. Half a row is
    added to each bin of both distributions, so an empty bin contributes a finite amount, which shrinks as the number of
    rows grows. Without drift, the mean of the index is about (bins - 1) (1 / n + 1 / m) for n and m rows (B. Yurdakul,
    Western Michigan University, 2018).
    """
    p, q = _shares(reference), _shares(observed)
    return float(np.sum((q - p) * np.log(q / p)))


def kolmogorov_smirnov(reference: NDArray[np.int64], observed: NDArray[np.int64]) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of two lists of counts over the same bins, and its asymptotic p-value.

    It is the maximum distance of the two cumulative distributions at the bin edges. Distances within a bin are not
    measured. So the result is too small by at most one bin's fraction of the reference, and the p-value is too large.
    """
    from scipy.stats import kstwo  # noqa: PLC0415 -- slow to import; few commands need scipy

    n, m = int(reference.sum()), int(observed.sum())
    distance = float(np.abs(np.cumsum(reference) / n - np.cumsum(observed) / m).max())
    # Like scipy.stats.ks_2samp(method="asymp"): the one-sample distribution at the effective size n m / (n + m).
    return distance, float(kstwo.sf(distance, np.round(n * m / (n + m))))


def same_labels(reference: NDArray[np.int64], observed: NDArray[np.int64]) -> float:
    """Return the p-value of Pearson's chi-square test that two lists of label counts have the same distribution."""
    from scipy.stats import chi2_contingency  # noqa: PLC0415

    table = np.stack((reference, observed))
    table = table[:, table.sum(axis=0) > 0]
    return float(chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def in_groups(histogram: Histogram, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum counts over the histogram's bins into groups that each hold about a tenth of the reference.

    A bin belongs to the group of its middle row. A frequent value in the reference makes some groups larger and others
    disappear.
    """
    reference = np.array(histogram.counts)
    middles = np.cumsum(reference) - reference / 2
    groups = np.minimum((GROUPS * middles / reference.sum()).astype(np.int64), GROUPS - 1)
    _, groups = np.unique(groups, return_inverse=True)
    sums: NDArray[np.int64] = np.bincount(groups, weights=counts).astype(np.int64)
    return sums


def shown_shares(histogram: Histogram, counts: NDArray[np.int64]) -> list[float]:
    """Return the fractions of scores in bins of equal width from 0 to 1, for display.

    Scores are assumed to be uniformly distributed within each bin of the histogram.
    """
    edges = np.concatenate(([0], histogram.edges, [1]))
    cumulated = np.concatenate(([0], np.cumsum(counts))) / max(counts.sum(), 1)
    return [round(share, 5) for share in np.diff(np.interp(np.linspace(0, 1, SHOWN_BINS + 1), edges, cumulated))]


def compare(
    reference: Reference | None,
    day: Observed,
    products: Mapping[str, Observed],
    rejections: Rejections,
    settings: Settings,
) -> list[Report]:
    """Return the report of a day, followed by the reports of the products, in their order.

    Without a reference, or with too few rows, only the rejections are evaluated, and the report's state says so.
    """
    rows = {None: day} | dict(products)
    enough = {name: one for name, one in rows.items() if reference and one.rows >= settings.drift_least_rows}
    measured = {name: _measures(reference, one, settings) for name, one in enough.items() if reference}
    tests = sum("p" in measure for measures in measured.values() for measure in measures.values())
    reports = []
    for name, one in rows.items():
        measures = measured.get(name, {})
        if name is None:
            measures[Cause.REJECTED] = _rejected(rejections, settings)
        causes = tuple(cause for cause in Cause if cause in measures and _drifted(measures[cause], tests))
        state = State.NO_REFERENCE if reference is None else State.MEASURED if name in measured else State.TOO_FEW_ROWS
        described = {"state": state, "rows": one.rows, "tests": tests, "causes": list(causes)}
        reports.append(Report(name, state, causes, described | measures))
    return reports


def _measures(reference: Reference, one: Observed, settings: Settings) -> dict[str, dict[str, Any]]:
    known = np.array([reference.labels.get(name, 0) for name in LABELS])
    given = np.array([one.labels.get(name, 0) for name in LABELS])
    possible = (known + given) > 0
    measures: dict[str, dict[str, Any]] = {
        Cause.SCORE: _shape(reference.scores, one.scores, settings.drift_psi)
        | {
            "shares": shown_shares(reference.scores, one.scores),
            "reference": shown_shares(reference.scores, np.array(reference.scores.counts)),
        },
        Cause.LABELS: {
            "effect": psi(known[possible], given[possible]),
            "threshold": settings.drift_psi,
            "p": same_labels(known, given),
            "shares": dict(zip(LABELS, (given / one.rows).tolist(), strict=True)),
            "reference": dict(zip(LABELS, (known / reference.rows).tolist(), strict=True)),
        },
    }
    if one.texts and one.texts.rows >= settings.drift_least_rows:
        measures[Cause.LENGTH] = _shape(reference.lengths, one.texts.lengths, settings.drift_psi) | {
            "rows": one.texts.rows,
            "mean": one.texts.length_mean,
            "reference": reference.lengths.mean,
        }
        distance, p = kolmogorov_smirnov(np.array(reference.unknown.counts), one.texts.unknown)
        measures[Cause.UNKNOWN] = {
            # One-sided: only a rise of the unknown fraction matters. Texts with more known n-grams are harmless.
            "effect": one.texts.unknown_mean - reference.unknown.mean,
            "threshold": settings.drift_unknown,
            "ks": distance,
            "p": p,
            "rows": one.texts.rows,
            "mean": one.texts.unknown_mean,
            "reference": reference.unknown.mean,
        }
    return measures


def _shape(reference: Histogram, counts: NDArray[np.int64], threshold: float) -> dict[str, Any]:
    known = np.array(reference.counts)
    distance, p = kolmogorov_smirnov(known, counts)
    return {
        "effect": psi(in_groups(reference, known), in_groups(reference, counts)),
        "threshold": threshold,
        "ks": distance,
        "p": p,
    }


def _rejected(rejections: Rejections, settings: Settings) -> dict[str, Any]:
    enough = rejections.rows_in >= settings.drift_least_rows
    # All rows are counted, not a sample, so no significance test applies.
    return {
        "effect": rejections.ratio if enough else None,
        "threshold": settings.drift_rejected_ratio,
        **rejections._asdict(),
    }


def _drifted(measure: Mapping[str, Any], tests: int) -> bool:
    effect = measure["effect"]
    return effect is not None and effect >= measure["threshold"] and measure.get("p", 0) * tests <= SIGNIFICANCE


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = (counts + _SMOOTHING) / (counts.sum() + _SMOOTHING * len(counts))
    return shares
