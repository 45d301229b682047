"""The promotion gate: checks that a challenger must pass before it replaces the champion.

The gate fails closed: a check that cannot be evaluated fails (docs/decisions/0017-a-gate-that-fails-closed.md). The
gate moves no alias. `alias_moves.py` does that, based on the verdict.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Final

import joblib
import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import TerminalError
from sentiment_core.evaluation.metrics import ClassificationMetrics, measure, predicted_labels
from sentiment_core.evaluation.paired_interval import Interval, paired_difference
from sentiment_core.evaluation.predictions import Predictions, predictions_of
from sentiment_core.evaluation.set_measures import macro_f1, measure_polar, polar_correct
from sentiment_core.evaluation.slices import slices_of
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer
from sentiment_core.promotion.behavioural_tests import Cases, run_cases
from sentiment_core.promotion.policy import SMALLER_IS_BETTER, GatePolicy, MetricBounds, MetricName
from sentiment_core.promotion.shadow_sample import StoredComparison
from sentiment_core.promotion.suite_floors import suite_checks
from sentiment_core.promotion.verdict import GateCheck, Verdict
from sentiment_core.text.fingerprints import are_known, hash_each

_NEUTRAL: Final = LABELS.index("neutral")
_BOTH: Final = frozenset(("negative", "positive"))
_NO_CHAMPION: Final = "there is no champion, so only absolute bounds are checked"
_SHOWN: Final = 5  # maximum number of slices or cases that a check names
_SHOWN_CHARACTERS: Final = 120  # maximum characters of each name
_TIMED_BYTES: Final = 2_000_000
_ROUNDS: Final = 7

__all__ = ["judge", "unjudged"]


@dataclass(frozen=True, eq=False)
class _Contender:
    """One of the two models, evaluated on the unseen rows.

    If the labels of the rows or of a model differ, `polar_only` is true. The metrics then cover the rows with a
    sentiment, by the score, so that models of two and of three labels can be compared.
    """

    bundle: Bundle
    unseen: LabelledReviews
    polar_only: bool

    @cached_property
    def scorer(self) -> Scorer:
        return Scorer(self.bundle)

    @cached_property
    def rows(self) -> LabelledReviews:
        """The rows that `metrics` and `correct` cover."""
        return self.unseen.take(self.unseen.labels != _NEUTRAL) if self.polar_only else self.unseen

    @cached_property
    def predictions(self) -> Predictions:
        return predictions_of(self.scorer, TextColumn.from_texts(self.unseen.texts), joblib.cpu_count())

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities of the model's labels, of shape (unseen rows, labels)."""
        assert self.predictions.probabilities is not None  # noqa: S101 -- every bundle gives probabilities
        return self.predictions.probabilities[:, [LABELS.index(name) for name in self.bundle.manifest.labels]]

    @cached_property
    def metrics(self) -> ClassificationMetrics:
        if self.polar_only:
            return measure_polar(self.predictions, self.unseen.labels)
        manifest = self.bundle.manifest
        return measure(self.probabilities, self.unseen.labels, manifest.labels, manifest.thresholds)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        if self.polar_only:
            return polar_correct(self.predictions, self.unseen.labels)
        predicted = predicted_labels(self.probabilities, self.bundle.manifest.labels)
        found: NDArray[np.bool_] = predicted == self.unseen.labels
        return found

    @property
    def size(self) -> int:
        return sum(array.size for array in self.bundle.manifest.arrays.values())


def judge(
    challenger: Bundle,
    champion: Bundle | None,
    rows: LabelledReviews,
    policy: GatePolicy,
    stored: StoredComparison | None = None,
    storage: Storage | None = None,
) -> Verdict:
    """Judge a challenger on the rows that neither model was trained on, counting each text once.

    Without a champion, only absolute bounds are checked, and the verdict says so. `stored` holds the reviews that both
    models label again, or None if no database is available. `storage` opens a suite in S3. The call takes a few
    seconds. A check that cannot be evaluated fails and raises nothing, except `StorageUnavailable` from a suite in S3.
    """
    bundles = [challenger, *([champion] if champion is not None else [])]
    faults = list(_unusable(bundles, rows))
    unseen = rows if faults else rows.take(_unseen(bundles, rows))
    if not faults:
        faults = list(_too_few(unseen, policy))
    if faults:
        checks: Sequence[GateCheck] = faults
    else:
        polar_only = any(set(bundle.manifest.labels) != set(unseen.names) for bundle in bundles)
        contenders = (_Contender(bundle, unseen, polar_only) for bundle in bundles)
        checks = list(_checks(*contenders, policy=policy, stored=stored, storage=storage))
    return Verdict(
        challenger=challenger.digest,
        champion=champion.digest if champion is not None else None,
        policy=policy.comparison.policy,
        rows_given=len(rows.texts),
        rows=0 if faults and unseen is rows else len(unseen.texts),
        rows_sha256=None if faults and unseen is rows else unseen.sha256,
        checks=tuple(checks),
    )


def unjudged(challenger: str, champion: str | None, policy: GatePolicy, name: str, why: str) -> Verdict:
    """Return a failed verdict on a challenger that could not be judged. Both models are given by their digests."""
    return Verdict(
        challenger=challenger,
        champion=champion,
        policy=policy.comparison.policy,
        rows_given=0,
        rows=0,
        rows_sha256=None,
        checks=(GateCheck.failed(name, why),),
    )


def _unusable(bundles: Sequence[Bundle], rows: LabelledReviews) -> Iterator[GateCheck]:
    """Yield a failed check for each reason why models and rows do not fit together."""
    for role, bundle in zip(("challenger", "champion"), bundles, strict=False):
        if bundle.known_texts is None:
            why = f"the bundle of the {role} has no hashes of its training texts, so unseen rows cannot be determined"
            yield GateCheck.failed("unseen rows", f"{why}; train the model again")
    if not set(rows.names) >= _BOTH:
        given = " and ".join(rows.names) or "none"
        yield GateCheck.failed("labels", f"the rows must have the labels negative and positive. Their labels: {given}")


def _unseen(bundles: Sequence[Bundle], rows: LabelledReviews) -> NDArray[np.bool_]:
    """Return a mask of the rows that no model was trained on. Of rows with equal texts, only the first is kept."""
    seen = np.ones(len(rows.texts), np.bool_)
    seen[np.unique(hash_each(rows.texts), return_index=True)[1]] = False
    for bundle in bundles:
        assert bundle.known_texts is not None  # noqa: S101 -- `_unusable` rejects such bundles
        seen |= are_known(rows.texts, bundle.known_texts)
    return ~seen


def _too_few(unseen: LabelledReviews, policy: GatePolicy) -> Iterator[GateCheck]:
    polar = int(np.count_nonzero(unseen.labels != _NEUTRAL))
    if polar < policy.least_rows:
        what = "rows" if polar == len(unseen.texts) else "rows with a sentiment"
        detail = f"{polar} {what} are new to both models, and the policy requires {policy.least_rows}"
        yield GateCheck.at_least("unseen rows", polar, policy.least_rows, detail)
    elif not set(unseen.names) >= _BOTH:
        yield GateCheck.failed(
            "labels", f"all rows that are new to both models have the label {' or '.join(unseen.names)}"
        )


def _checks(
    challenger: _Contender,
    champion: _Contender | None = None,
    *,
    policy: GatePolicy,
    stored: StoredComparison | None,
    storage: Storage | None,
) -> Iterator[GateCheck]:
    rows = len(challenger.rows.texts)
    what = "rows with a sentiment" if challenger.polar_only else "rows"
    yield GateCheck.at_least("unseen rows", rows, policy.least_rows, f"{rows} {what} are new to both models")
    for metric, bounds in policy.metrics.items():
        yield from _metric_checks(metric, bounds, challenger, champion)
    yield _evaluated("comparison", lambda: _comparison(challenger, champion, policy))
    if (challenger.unseen.labels == _NEUTRAL).any():
        yield _evaluated("macro_f1", lambda: _macro_f1(challenger, champion, policy))
    yield _evaluated("slices", lambda: _slices(challenger, champion, policy))
    yield from suite_checks(challenger.bundle, champion.bundle if champion else None, policy.suite, storage)
    yield from _latency(challenger, champion, policy)
    yield from _size(challenger, champion, policy)
    yield _evaluated("behaviour", lambda: _behaviour(challenger, policy))
    yield from _shadow(challenger, champion, policy, stored)


def _evaluated(name: str, check: Callable[[], GateCheck]) -> GateCheck:
    """Return the check's outcome. A check that cannot be evaluated fails."""
    try:
        return check()
    except (TerminalError, ValueError, ArithmeticError, LookupError, OSError) as error:
        return GateCheck.failed(name, f"it could not be evaluated: {error}")


def _metric_checks(
    metric: MetricName, bounds: MetricBounds, challenger: _Contender, champion: _Contender | None
) -> Iterator[GateCheck]:
    smaller = metric in SMALLER_IS_BETTER
    compare = GateCheck.at_most if smaller else GateCheck.at_least
    sign = -1 if smaller else 1

    def check(kind: str, bound_of: Callable[[float], float]) -> GateCheck:
        def found() -> GateCheck:
            value = float(getattr(challenger.metrics, metric))
            before = float(getattr(champion.metrics, metric)) if champion else 0.0
            other = f", the champion's is {before:.4f}" if champion else ""
            return compare(name, value, bound_of(before), f"the challenger's {metric} is {value:.4f}{other}")

        name = f"{metric} {kind}"
        if champion is None and kind != "threshold":
            return GateCheck.skipped(name, _NO_CHAMPION)
        return _evaluated(name, found)

    threshold, absolute, relative = bounds.threshold, bounds.min_absolute_change, bounds.min_relative_change
    if threshold is not None:
        yield check("threshold", lambda _: threshold)
    if absolute is not None:
        yield check("min_absolute_change", lambda before: before + sign * absolute)
    if relative is not None:
        yield check("min_relative_change", lambda before: before * (1 + sign * relative))


def _comparison(challenger: _Contender, champion: _Contender | None, policy: GatePolicy) -> GateCheck:
    wanted = policy.comparison
    name = f"accuracy {wanted.policy}"
    if champion is None:
        return GateCheck.skipped(name, _NO_CHAMPION)
    found = paired_difference(challenger.correct, champion.correct, wanted.confidence)
    detail = f"{_points(found)}; the lower bound must be above {100 * wanted.bound:+.2f}"
    return GateCheck.above(name, found.low, wanted.bound, detail)


def _macro_f1(challenger: _Contender, champion: _Contender | None, policy: GatePolicy) -> GateCheck:
    """Compare the labels that users get, neutral included, over all unseen rows."""
    if champion is None:
        return GateCheck.skipped("macro_f1", _NO_CHAMPION)
    ours, other = (macro_f1(each.predictions.label, each.unseen.labels) for each in (challenger, champion))
    detail = f"the challenger's macro-F1 of three labels is {ours:.4f}, the champion's is {other:.4f}"
    return GateCheck.at_least("macro_f1", ours, other - policy.labels.most_macro_f1_lost, detail)


def _slices(challenger: _Contender, champion: _Contender | None, policy: GatePolicy) -> GateCheck:
    if champion is None:
        return GateCheck.skipped("slices", _NO_CHAMPION)
    slices = slices_of(challenger.rows, policy.slices.least_rows)
    if not slices:
        raise ValueError(f"no slice has {policy.slices.least_rows} rows")
    # Bonferroni correction: at confidence 0.95, each of m slices is tested at 1 - 0.05/m. So the error rate over all
    # slices together is at most that of a single test.
    confidence = 1 - (1 - policy.comparison.confidence) / len(slices)
    found = {
        name: paired_difference(challenger.correct[rows], champion.correct[rows], confidence)
        for name, rows in slices.items()
    }
    order = sorted(found, key=lambda name: found[name].high)
    bound = -policy.slices.most_worse
    worse = [name for name in order if found[name].high < bound]
    shown = _some([f"{name}: {_points(found[name])}" for name in worse or order[:1]])
    return GateCheck.at_least(
        "slices", found[order[0]].high, bound, f"{len(worse)} of {len(found)} slices are worse; {shown}"
    )


def _latency(challenger: _Contender, champion: _Contender | None, policy: GatePolicy) -> Iterator[GateCheck]:
    contenders = [challenger, *([champion] if champion else [])]
    took = _us_per_text([contender.scorer for contender in contenders], challenger.rows.texts)
    bounds = policy.latency
    yield GateCheck.at_most("latency", took[0], bounds.most_us_per_text, f"{took[0]:.1f} µs per text on one thread")
    if champion is None:
        yield GateCheck.skipped("latency ratio", _NO_CHAMPION)
    else:
        detail = f"{took[0]:.1f} µs per text; the champion takes {took[1]:.1f} µs"
        yield GateCheck.at_most("latency ratio", took[0] / took[1], bounds.most_ratio, detail)


def _us_per_text(scorers: Sequence[Scorer], texts: Sequence[str]) -> list[float]:
    """Return microseconds per text for each scorer: the minimum of several rounds, in which the scorers alternate."""
    ends = np.cumsum([len(text.encode("utf-8", "surrogatepass")) for text in texts])
    column = TextColumn.from_texts(texts[: max(1, int(np.searchsorted(ends, _TIMED_BYTES, "right")))])
    best = [float("inf")] * len(scorers)
    for _ in range(_ROUNDS):
        for number, scorer in enumerate(scorers):
            started = perf_counter()
            scorer.score(column)
            best[number] = min(best[number], perf_counter() - started)
    return [1e6 * seconds / column.size for seconds in best]


def _size(challenger: _Contender, champion: _Contender | None, policy: GatePolicy) -> Iterator[GateCheck]:
    size, bounds = challenger.size, policy.size
    yield GateCheck.at_most("size", size, bounds.most_bytes, f"the model's arrays have {size:,} bytes")
    if champion is None:
        yield GateCheck.skipped("size ratio", _NO_CHAMPION)
    else:
        detail = f"{size:,} bytes; the champion has {champion.size:,}"
        yield _evaluated(
            "size ratio", lambda: GateCheck.at_most("size ratio", size / champion.size, bounds.most_ratio, detail)
        )


def _behaviour(challenger: _Contender, policy: GatePolicy) -> GateCheck:
    cases = Cases.load(policy.behaviour.cases)
    languages = challenger.bundle.manifest.languages
    if not set(cases.languages) & set(languages):
        known, given = ", ".join(languages) or "none", ", ".join(cases.languages)
        return GateCheck.failed(
            "behaviour",
            f"the model's languages are {known}, and the cases are in {given}; configure cases in these languages",
        )
    outcomes = run_cases(challenger.scorer, cases)
    broken = [outcome.case for outcome in outcomes if not outcome.holds]
    share = 1 - len(broken) / len(outcomes)
    detail = f"{len(outcomes) - len(broken)} of {len(outcomes)} cases pass" + (
        f"; failed: {_some(broken)}" if broken else ""
    )
    return GateCheck.at_least("behaviour", share, policy.behaviour.least_share, detail)


def _shadow(
    challenger: _Contender, champion: _Contender | None, policy: GatePolicy, stored: StoredComparison | None
) -> Iterator[GateCheck]:
    if champion is None or stored is None or stored.reviews is None:
        why = "no database with stored reviews is configured" if stored is None else stored.why_none
        yield GateCheck.skipped("shadow", _NO_CHAMPION if champion is None else why)
        return
    reviews, bounds = stored.reviews, policy.shadow
    column = TextColumn.from_texts(reviews.texts)
    labels = [each.scorer.score(column, joblib.cpu_count()).label for each in (challenger, champion)]
    changed = labels[0] != labels[1]
    share = float(changed.mean())
    detail = f"{changed.sum()} of {len(changed)} stored reviews get another label"
    yield GateCheck.at_most("shadow", share, bounds.most_changed, detail)
    slices = {name: float(changed[rows].mean()) for name, rows in slices_of(reviews, policy.slices.least_rows).items()}
    if not slices:
        yield GateCheck.skipped("shadow slices", f"no slice has {policy.slices.least_rows} stored reviews")
        return
    order = sorted(slices, key=lambda name: -slices[name])
    beyond = [name for name in order if slices[name] > bounds.most_changed_slice]
    shown = _some([f"{name}: {slices[name]:.1%} of the labels change" for name in beyond or order[:1]])
    yield GateCheck.at_most(
        "shadow slices", slices[order[0]], bounds.most_changed_slice, f"{len(slices)} slices; {shown}"
    )


def _points(found: Interval) -> str:
    """Format a difference of accuracies in percentage points, with its interval."""
    return f"{100 * found.estimate:+.2f} points ({100 * found.low:+.2f} to {100 * found.high:+.2f})"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:_SHOWN_CHARACTERS] for name in names[:_SHOWN]) + more
