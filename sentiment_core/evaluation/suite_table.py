"""The table of a suite: one or more models measured over many labelled sets, by set, kind, domain and language."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.split import in_test
from sentiment_core.datasets.suite import ReadSet, Suite, SuiteSet
from sentiment_core.evaluation.paired_interval import Interval, paired_difference
from sentiment_core.evaluation.predictions import BundlePredictor, Predictor
from sentiment_core.evaluation.set_measures import MEASURES, SetMeasures, measure_set, polar_correct, without_figures
from sentiment_core.model.bundle import Bundle
from sentiment_core.text.fingerprints import are_among, hash_each

MODEL: Final = "model"  # the measured model; the other models are compared with it
MEAN_OF_LANGUAGES: Final = "mean of languages"
GROUPINGS: Final = ("all", "kind", "domain", "language", MEAN_OF_LANGUAGES)

# Returns a mask of the rows to measure, of shape (n,), given n texts.
Selection = Callable[[Sequence[str]], NDArray[np.bool_]]


class SetRow(NamedTuple):
    """One set in the table, with the measures and the differences by model."""

    described: SuiteSet
    rejected: int
    measures: Mapping[str, SetMeasures]
    differences: Mapping[str, Interval]  # accuracy of `model` minus that of another, on the same polar rows
    fault: str | None = None  # why the set could not be measured


class MeanRow(NamedTuple):
    """The means over the sets of a group. Each set counts once, regardless of its size."""

    grouping: str  # one of GROUPINGS
    name: str
    sets: int
    rows: int
    measures: Mapping[str, Mapping[str, float | None]]  # by model
    counts: Mapping[str, Mapping[str, int]]  # by model: number of sets that have the measure
    differences: Mapping[str, Interval]  # mean of the sets' differences
    missing: Mapping[str, Mapping[str, str]]  # by model: why a measure has no mean


@dataclass(frozen=True)
class SuiteTable:
    """The measures of a model over a suite, by set and as means of groups of sets."""

    location: str
    selection: str  # which rows of each set were measured, in words
    titles: Mapping[str, str]  # title by model; the first is the measured one
    sets: tuple[SetRow, ...]
    means: tuple[MeanRow, ...]
    unlisted: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """A sentence for each set that could not be measured."""
        return tuple(f"{row.described.name}: {row.fault}" for row in self.sets if row.fault)

    def mean(self, grouping: str, name: str) -> MeanRow | None:
        """Return the means of one group, or None if no set is in it."""
        return next((row for row in self.means if (row.grouping, row.name) == (grouping, name)), None)

    def recorded(self) -> dict[str, Any]:
        """Return what a bundle's provenance keeps of the measured model: no path, and no measure without a value."""
        by_grouping: dict[str, dict[str, Any]] = {grouping: {} for grouping in GROUPINGS}
        for row in self.means:
            values = row.measures[MODEL].items()
            kept = {name: value for name, value in values if value is not None}
            by_grouping[row.grouping][row.name] = {"sets": row.sets, "rows": row.rows} | kept
        sets = {
            row.described.name: {"language": row.described.language, "rows": row.measures[MODEL].rows}
            | {name: value for name in MEASURES if (value := getattr(row.measures[MODEL], name)) is not None}
            for row in self.sets
        }
        return {"selection": self.selection, "sets": sets} | by_grouping

    def as_dict(self) -> dict[str, Any]:
        """Return the table as a JSON-serializable dictionary."""
        return {
            "suite": self.location,
            "selection": self.selection,
            "models": dict(self.titles),
            "sets": [
                {name: getattr(row.described, name) for name in ("name", "language", "kind", "domain", "domain_group")}
                | {"rejected": row.rejected, "fault": row.fault}
                | {"measures": {model: _plain(found) for model, found in row.measures.items()}}
                | {"differences": {model: found._asdict() for model, found in row.differences.items()}}
                for row in self.sets
            ],
            "means": [
                row._asdict() | {"differences": {model: found._asdict() for model, found in row.differences.items()}}
                for row in self.means
            ],
            "unlisted_files": list(self.unlisted),
        }


def measure_suite(
    model: Bundle | Predictor,
    suite: Suite | Path | str,
    share: int | None = None,
    others: Mapping[str, Predictor] | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> SuiteTable:
    """Measure a model over all sets of a suite, and other models on the same rows.

    With a `share` only the rows whose text falls on the test side of that percentage are measured (`split.py`): a
    model that was trained on the other side, without a group column, has not seen them. The sets are read one at a
    time. `step` gets the name of each set. Raises `SuiteInvalid` and the storage errors.
    """
    selection = "all rows" if share is None else f"rows with SHA-256 of the text modulo 100 below {share}"
    select: Selection | None = None if share is None else lambda texts: in_test(texts, share)
    return measure_rows(model, suite, select, selection, others, step)


def measure_rows(
    model: Bundle | Predictor,
    suite: Suite | Path | str,
    select: Selection | None,
    selection: str,
    others: Mapping[str, Predictor] | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> SuiteTable:
    """Measure as `measure_suite` does, on the rows that `select` returns; `selection` describes them in words."""
    opened = suite if isinstance(suite, Suite) else Suite.open(suite)
    models = {MODEL: BundlePredictor(model) if isinstance(model, Bundle) else model, **(others or {})}
    rows = []
    for described in opened.sets:
        step(described.name)
        rows.append(_measured(opened.read(described), models, select))
    titles = {role: each.title for role, each in models.items()}
    return SuiteTable(opened.location, selection, titles, tuple(rows), tuple(_means(rows)), opened.unlisted)


def measure_unseen(
    bundles: Sequence[Bundle], suite: Suite | Path | str, step: Callable[[str], None] = lambda _: None
) -> SuiteTable:
    """Measure the first bundle, and the others on the same rows: those that none of them was trained on.

    The hashes in the bundles say which texts these are. A bundle without hashes excludes nothing.
    """
    others = {f"model {number}": BundlePredictor(bundle) for number, bundle in enumerate(bundles[1:], start=2)}

    def unseen(texts: Sequence[str]) -> NDArray[np.bool_]:
        hashes, new = hash_each(texts), np.ones(len(texts), np.bool_)
        for bundle in bundles:
            if bundle.known_texts is not None:
                new &= ~are_among(hashes, bundle.known_texts)
        return new

    return measure_rows(bundles[0], suite, unseen, "rows that the model was not trained on", others, step)


def _measured(read: ReadSet, models: Mapping[str, Predictor], select: Selection | None) -> SetRow:
    if read.reviews is None:
        measures = dict.fromkeys(models, without_figures("not readable"))
        return SetRow(read.described, read.rejected, measures, {}, read.fault)
    reviews = read.reviews if select is None else read.reviews.take(select(read.reviews.texts))
    measures, correct = dict[str, SetMeasures](), dict[str, NDArray[np.bool_]]()
    texts = TextColumn.from_texts(reviews.texts)
    for role, model in models.items():
        measures[role], right = _of_model(model, texts, reviews, read.described.language)
        if right is not None:
            correct[role] = right
    differences = {
        role: paired_difference(correct[MODEL], other)
        for role, other in correct.items()
        if role != MODEL and measures[role].accuracy is not None
    }
    return SetRow(read.described, read.rejected, measures, differences)


def _of_model(
    model: Predictor, texts: TextColumn, reviews: LabelledReviews, language: str
) -> tuple[SetMeasures, NDArray[np.bool_] | None]:
    if model.languages is not None and language not in model.languages:
        return without_figures(f"{model.title} knows only {', '.join(model.languages)}", texts.size), None
    found = model.predict(texts)
    return measure_set(found, reviews.labels), polar_correct(found, reviews.labels)


def _means(rows: Sequence[SetRow]) -> Iterator[MeanRow]:
    """Yield the means over all sets, then by kind, domain group and language, then the mean of the languages."""
    yield _mean("all", "all sets", rows)
    keys: dict[str, Callable[[SuiteSet], str]] = {
        "kind": lambda each: each.kind,
        "domain": lambda each: each.domain_group,
        "language": lambda each: each.language,
    }
    for grouping, key in keys.items():
        found = [
            _mean(grouping, name, [row for row in rows if key(row.described) == name])
            for name in sorted({key(row.described) for row in rows})
        ]
        yield from found
    sets, count = sum(each.sets for each in found), sum(each.rows for each in found)
    parts = [_Part(each.measures, each.differences, each.missing) for each in found]
    yield MeanRow(MEAN_OF_LANGUAGES, MEAN_OF_LANGUAGES, sets, count, *_averaged(parts))


class _Part(NamedTuple):
    """What is averaged: the measures and differences of a set or of a group, and why a measure is undefined."""

    measures: Mapping[str, Mapping[str, float | None]]
    differences: Mapping[str, Interval]
    missing: Mapping[str, Mapping[str, str]]


def _mean(grouping: str, name: str, rows: Sequence[SetRow]) -> MeanRow:
    parts = [
        _Part(
            {role: each._asdict() for role, each in row.measures.items()},
            row.differences,
            {role: each.missing for role, each in row.measures.items()},
        )
        for row in rows
    ]
    return MeanRow(grouping, name, len(rows), sum(row.measures[MODEL].rows for row in rows), *_averaged(parts))


def _averaged(
    parts: Sequence[_Part],
) -> tuple[
    dict[str, dict[str, float | None]], dict[str, dict[str, int]], dict[str, Interval], dict[str, dict[str, str]]
]:
    """Return the fields of a `MeanRow` from `measures` on."""
    means: dict[str, dict[str, float | None]] = {}
    counts: dict[str, dict[str, int]] = {}
    missing: dict[str, dict[str, str]] = {}
    for role in parts[0].measures:
        known = {
            name: [value for part in parts if (value := part.measures[role][name]) is not None] for name in MEASURES
        }
        means[role] = {name: float(np.mean(values)) if values else None for name, values in known.items()}
        counts[role] = {name: len(values) for name, values in known.items()}
        reasons = {name: {part.missing[role][name] for part in parts} for name, values in known.items() if not values}
        missing[role] = {name: each.pop() if len(each) == 1 else "no set has it" for name, each in reasons.items()}
    compared = {role: [part.differences[role] for part in parts if role in part.differences] for role in means}
    differences = {role: _mean_difference(found) for role, found in compared.items() if found}
    return means, counts, differences, missing


def _mean_difference(found: Sequence[Interval]) -> Interval:
    """Return the mean of independent differences, with the interval that their intervals give."""
    estimate, count = float(np.mean([each.estimate for each in found])), len(found)
    middle = float(np.mean([(each.low + each.high) / 2 for each in found]))
    reach = float(np.sqrt(sum(((each.high - each.low) / 2) ** 2 for each in found))) / count
    return Interval(estimate, middle - reach, middle + reach)


def _plain(found: SetMeasures) -> dict[str, Any]:
    return found._asdict() | {"missing": dict(found.missing)}
