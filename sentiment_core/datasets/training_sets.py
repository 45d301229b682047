"""Training data from many labelled sets of different domains and languages, balanced by row weights.

Without weights the largest set would decide what the model learns, and a set in which nearly all rows are positive
would teach that its domain and its language are positive.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.suite import Suite
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.params import SetParams
from sentiment_core.text.fingerprints import hash_each


@dataclass(frozen=True)
class TrainingSet:
    """One set and what the model card says of it."""

    name: str
    language: str
    licence: str
    source: str
    reviews: LabelledReviews


def read_sets(suites: Sequence[Suite], licences: Sequence[str], names: Sequence[str] = ()) -> list[TrainingSet]:
    """Read the sets of some suites whose class of licence is one of `licences`, and those that `names` lists.

    Raises `TrainingDataInvalid` when no set is chosen, a name is unknown or a chosen set cannot be read, and the
    storage errors.
    """
    places = " or ".join(suite.location for suite in suites)
    every = [(suite, each) for suite in suites for each in suite.sets]
    if unknown := sorted(set(names) - {each.name for _, each in every}):
        raise TrainingDataInvalid(why=f"{places} has no set {unknown[0]!r}. Correct --set")
    chosen = [(suite, each) for suite, each in every if each.licence in licences or each.name in names]
    if not chosen:
        classes = ", ".join(sorted({repr(each.licence) for _, each in every}))
        raise TrainingDataInvalid(
            why=f"no set of {places} has a licence of the class {' or '.join(map(repr, licences))}. Their "
            f"classes are {classes}. Choose them with --licence, or sets with --set"
        )
    found = []
    for suite, described in chosen:
        read = suite.read(described)
        if read.reviews is None:
            raise TrainingDataInvalid(why=f"the set {described.name} cannot be read: {read.fault}")
        found.append(TrainingSet(described.name, described.language, described.licence, described.source, read.reviews))
    return found


def together(sets: Sequence[TrainingSet], params: SetParams) -> LabelledReviews:
    """Return the rows of all sets with their languages, with weights of mean 1 and with natural weights.

    The weight of a set is its number of rows to the power of `exponent`, times its factor: the one of `factors` with
    the longest name or pattern (`fnmatch`) that fits. The labels of a set share its weight in proportion to their rows
    to the power that `label_exponents` has for its language: equally at 0 (the default), as their rows at 1. The
    natural weights, for calibration, have neither factors nor shares of labels: what is learned more often is not more
    frequent in reality. A text that an earlier set has, apart from case and spaces, is left out. Raises
    `TrainingDataInvalid` when a factor or the language of an exponent fits no set.
    """
    if unknown := [name for name in params.factors if not fnmatch.filter([each.name for each in sets], name)]:
        raise TrainingDataInvalid(why=f"data.sets.factors names {unknown[0]!r}, and no training set has this name")
    if unknown := sorted(params.label_exponents.keys() - {each.language for each in sets}):
        raise TrainingDataInvalid(
            why=f"data.sets.label_exponents names the language {unknown[0]!r}, and no training set is in it"
        )
    new = _without_repeated(sets)
    reviews = [each.reviews for each in new]
    weights = np.concatenate([_weights(each, params) for each in new])
    return LabelledReviews(
        [text for each in reviews for text in each.texts],
        np.concatenate([each.labels for each in reviews]),
        [group for each in reviews for group in each.groups],
        None,
        weights / weights.mean(),
        [each.language for each in new for _ in each.reviews.texts],
        np.concatenate([np.full(len(each.texts), len(each.texts) ** (params.exponent - 1)) for each in reviews]),
    )


def described(sets: Sequence[TrainingSet]) -> list[Mapping[str, object]]:
    """Return what the model card lists of each set."""
    return [
        {
            "name": each.name,
            "language": each.language,
            "rows": len(each.reviews.texts),
            "licence": each.licence,
            "source": each.source,
        }
        for each in sets
    ]


def _without_repeated(sets: Sequence[TrainingSet]) -> list[TrainingSet]:
    seen: set[int] = set()
    kept = []
    for each in sets:
        hashes = hash_each(each.reviews.texts).tolist()
        new = np.array([hash_ not in seen for hash_ in hashes], np.bool_)
        seen.update(hashes)
        kept.append(replace(each, reviews=each.reviews.take(new)))
    return [each for each in kept if len(each.reviews.texts)]


def _factor(name: str, factors: Mapping[str, float]) -> float:
    fitting = [pattern for pattern in factors if fnmatch.fnmatchcase(name, pattern)]
    return factors[max(fitting, key=len)] if fitting else 1.0


def _weights(each: TrainingSet, params: SetParams) -> NDArray[np.float64]:
    labels = each.reviews.labels
    counts = np.bincount(labels, minlength=len(LABELS))
    total = len(labels) ** params.exponent * _factor(each.name, params.factors)
    shares = np.where(counts > 0, counts ** params.label_exponents.get(each.language, 0), 0)
    by_label: NDArray[np.float64] = total * shares / shares.sum() / np.maximum(counts, 1)
    return by_label[labels]
