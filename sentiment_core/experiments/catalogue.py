"""The experiments by name: the question and the trials of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import ceil
from typing import Final, Literal

from sentiment_core.errors import ExperimentInvalid

ParameterValue = str | int | float | bool
PipelineName = Literal["words", "tokens", "shipped"]

MAX_TRIALS: Final = 1_000  # per round; each is a mapped task in Airflow
_KEPT: Final = Fraction(1, 3)  # fraction of a round's trials that continue; the rows grow by its inverse


@dataclass(frozen=True)
class Trial:
    """One model to fit and score: a recipe of `experiments/pipelines.py` and its parameters.

    It is fitted to at most `rows` of a fold's training reviews, and to at most the fraction `share` of them.
    """

    name: str
    recipe: PipelineName
    parameters: Mapping[str, ParameterValue]
    rows: int | None = None
    share: Fraction = Fraction(1)
    unlabelled: bool = False  # whether unlabelled reviews are used
    candidate: str = ""  # the name that it has in every round
    round: int = 0

    def of_round(self, number: int, share: Fraction) -> "Trial":
        """Return the trial of the same candidate in a round that learns from a share of the rows."""
        name = self.name if share == 1 else f"{self.name} ({share} of the rows)"
        return replace(self, name=name, candidate=self.name, round=number, share=self.share * share)

    @property
    def shown(self) -> dict[str, ParameterValue]:
        """The params of its MLflow run."""
        limits: dict[str, ParameterValue] = {"share": str(self.share), "candidate": self.candidate, "round": self.round}
        if self.rows is not None:
            limits["rows"] = self.rows
        return {"recipe": self.recipe, **self.parameters, "unlabelled": self.unlabelled, **limits}


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial: its measures (`experiments/trial.py`), or the reason of its failure."""

    trial: str
    candidate: str
    round: int
    parameters: Mapping[str, ParameterValue]
    measures: Mapping[str, float]
    failure: str | None = None

    @property
    def rank(self) -> tuple[bool, int, float, float, str]:
        """Sort key, best first: later rounds first, failed trials last, ties by AUC and then by name."""
        measure = self.measures.get
        return self.failure is not None, -self.round, -measure("accuracy", 0.0), -measure("auc", 0.0), self.candidate


@dataclass(frozen=True)
class Experiment:
    """Trials that answer a question.

    With several `shares` it is successive halving (K. Jamieson and A. Talwalkar, AISTATS 2016): all candidates learn
    from a small fraction of the rows, the best third continues with the next fraction, and so on.
    """

    name: str
    question: str
    candidates: tuple[Trial, ...]
    shares: tuple[Fraction, ...] = (Fraction(1),)
    needs_unlabelled: bool = False

    def round(self, number: int, results: Sequence[TrialResult] = ()) -> list[Trial]:
        """Return the trials of a round, of which the first is 0, by the results of the round before."""
        if number >= len(self.shares):
            return []
        candidates = [trial.name for trial in self.candidates]
        if number:
            before = sorted((each for each in results if each.round == number - 1), key=lambda each: each.rank)
            most = ceil(len(before) * _KEPT)
            candidates = [each.candidate for each in before if each.failure is None][:most]
        share = self.shares[number]
        return [trial.of_round(number, share) for trial in self.candidates if trial.name in candidates]

    def trial(self, name: str) -> Trial:
        """Return the trial with a name. Raises `ExperimentInvalid`."""
        for number, share in enumerate(self.shares):
            for candidate in self.candidates:
                trial = candidate.of_round(number, share)
                if trial.name == name:
                    return trial
        raise ExperimentInvalid(name=self.name, why=f"it has no trial {name!r}")

    def completed(self, results: Sequence[TrialResult]) -> list[TrialResult]:
        """Return the results, with a failed result added for each trial that did not run."""
        found = list(results)
        names = {result.trial for result in found}
        for number in range(len(self.shares)):
            lacking = [trial for trial in self.round(number, found) if trial.name not in names]
            found += [failed(trial, "the trial did not run") for trial in lacking]
        return found


def failed(trial: Trial, why: str) -> TrialResult:
    """Return the result of a trial that failed."""
    return TrialResult(trial.name, trial.candidate, trial.round, trial.shown, {}, why)


def experiment(name: str) -> Experiment:
    """Return the experiment with a name. Raises `ExperimentInvalid`."""
    for each in EXPERIMENTS:
        if each.name == name:
            return each
    raise ExperimentInvalid(
        name=name,
        why=f"there is no such experiment. The experiments are {', '.join(each.name for each in EXPERIMENTS)}",
    )


def _baseline() -> Iterator[Trial]:
    parameters: dict[str, ParameterValue] = {"weighting": "counts", "features": 100, "longest_ngram": 1}
    yield Trial("500 rows", "words", parameters, rows=500)
    yield Trial("all rows", "words", parameters)


def _algorithms() -> Iterator[Trial]:
    weightings = {"presence": "bag of words", "tf-idf": "TF-IDF"}
    for classifier, (weighting, shown) in product(
        ("logistic regression", "linear SVM", "naive Bayes", "random forest", "gradient boosting"), weightings.items()
    ):
        # With all words, trees would take hours, and dense arrays would exceed the memory.
        features = {"random forest": 5_000, "gradient boosting": 500}.get(classifier, 50_000)
        yield Trial(
            f"{classifier}, {shown}",
            "tokens",
            {"classifier": classifier, "weighting": weighting, "features": features, "longest_ngram": 1},
        )


def _grid() -> Iterator[Trial]:
    for longest, penalty, strength in product((1, 2, 3), ("l1", "l2"), (0.3, 3.0, 30.0)):
        yield Trial(
            f"C = {strength:g}, {penalty}, {_range(1, longest)}",
            "tokens",
            {
                "classifier": "logistic regression",
                "weighting": "tf-idf",
                "features": 100_000,
                "longest_ngram": longest,
                "penalty": penalty,
                "C": strength,
            },
        )


def _ngrams() -> Iterator[Trial]:
    ranges = ((1, 1), (1, 2), (1, 3), (1, 4), (2, 3))
    for (shortest, longest), min_texts, features in product(ranges, (2, 5), (50_000, 200_000)):
        yield Trial(
            f"{_range(shortest, longest)} of {min_texts} texts, {features:,} features",
            "shipped",
            {"shortest_ngram": shortest, "longest_ngram": longest, "min_texts": min_texts, "features": features},
        )


def _classic_recipes() -> Iterator[Trial]:
    for normalised in (True, False):
        ending = "NLTK stop words and lemmas" if normalised else "words as they are"
        yield Trial(
            f"counts of 50 words, L1, {ending}",
            "words",
            {"weighting": "counts", "features": 50, "longest_ngram": 1, "penalty": "l1", "normalised": normalised},
        )
        yield Trial(
            f"TF-IDF of 20,000 1-3-grams, L2, {ending}",
            "words",
            {"weighting": "tf-idf", "features": 20_000, "longest_ngram": 3, "penalty": "l2", "normalised": normalised},
        )


def _semi_supervised() -> Iterator[Trial]:
    for share, unlabelled in product((Fraction(1, 10), Fraction(1)), (False, True)):
        name = "unlabelled reviews help" if unlabelled else "labelled reviews alone"
        few = "" if share == 1 else ", a tenth of the labels"
        yield Trial(f"{name}{few}", "shipped", {}, share=share, unlabelled=unlabelled)


def _range(shortest: int, longest: int) -> str:
    return f"{shortest}-{longest}-grams" if longest > shortest else f"{shortest}-grams"


EXPERIMENTS: Final = (
    Experiment(
        "baseline",
        "How accurate is logistic regression on the 100 most frequent words, and do more rows improve it?",
        tuple(_baseline()),
    ),
    Experiment(
        "algorithms", "Which algorithm is most accurate on words, as presence or as TF-IDF?", tuple(_algorithms())
    ),
    Experiment(
        "grid", "Which combination of penalty, penalty strength and n-gram range is most accurate?", tuple(_grid())
    ),
    Experiment(
        "ngrams",
        "Which n-gram range, minimum number of texts and number of features are best for the shipped training recipe?",
        tuple(_ngrams()),
        shares=(_KEPT**2, _KEPT, Fraction(1)),
    ),
    Experiment(
        "classic-recipes", "How accurate are two common recipes, with and without NLTK?", tuple(_classic_recipes())
    ),
    Experiment(
        "semi-supervised",
        "Do unlabelled reviews improve accuracy, with many labels and with few?",
        tuple(_semi_supervised()),
        needs_unlabelled=True,
    ),
)
NAMES: Final = tuple(each.name for each in EXPERIMENTS)
MAX_ROUNDS: Final = max(len(each.shares) for each in EXPERIMENTS)
