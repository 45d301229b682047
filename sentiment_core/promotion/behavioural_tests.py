"""Behavioural tests of a model: texts for which the expected behaviour of the score is obvious.

Minimum functionality, directional expectation and invariance are the three test types of M. Ribeiro et al., "Beyond
Accuracy: Behavioral Testing of NLP Models with CheckList" (ACL 2020). Facts (texts that express no opinion) and
sentences (short reviews with one of three labels, by group and language) are additions of this project.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sentiment_core.errors import PolicyInvalid
from sentiment_core.model.scorer import Scorer
from sentiment_core.promotion.policy import read_yaml

DEFAULT_CASES: Final = Path(__file__).with_name("behaviour.yaml")
CUSTOMERS: Final = Path(__file__).with_name("customers.yaml")

_SAME: Final = 0.15  # maximum difference between the scores of two texts with the same meaning
_SURE: Final = 0.98  # maximum certainty of the score of a text that expresses no opinion


class _Case(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Functionality(_Case):
    """A text with an unambiguous label."""

    text: str
    label: Literal["negative", "positive"]


class Direction(_Case):
    """A change of a text that must move the score in one direction."""

    text: str
    to: str
    score: Literal["falls", "rises"]


class Invariance(_Case):
    """A change of a text that does not change its sentiment."""

    text: str
    to: str


class Cases(_Case):
    """The cases of a file, and their languages."""

    languages: tuple[str, ...] = Field(min_length=1)
    functionality: tuple[Functionality, ...] = ()
    direction: tuple[Direction, ...] = ()
    invariance: tuple[Invariance, ...] = ()
    facts: tuple[str, ...] = ()
    # By group, language and label.
    sentences: dict[str, dict[str, dict[Literal["negative", "neutral", "positive"], tuple[str, ...]]]] = {}

    @model_validator(mode="after")
    def _known_languages(self) -> Self:
        used = {language for of_group in self.sentences.values() for language in of_group}
        if unknown := sorted(used - set(self.languages)):
            raise ValueError(f"the sentences are in {unknown[0]}, which `languages` does not list")
        return self

    @classmethod
    def load(cls, path: Path | None = None) -> "Cases":
        """Read a file of cases, by default the package's. Raises `PolicyInvalid` when it is invalid or has no case."""
        cases = read_yaml(path or DEFAULT_CASES, cls)
        if not (cases.functionality or cases.direction or cases.invariance or cases.facts or cases.sentences):
            raise PolicyInvalid(path=path or DEFAULT_CASES, why="it has no cases")
        return cases


class BehaviourResult(NamedTuple):
    """The result of one case."""

    case: str
    holds: bool
    group: str  # the kind of case, or the group of a sentence
    language: str  # "any" if the file has several languages and the case names none


class PassRate(NamedTuple):
    """The number of cases, and of those that hold."""

    cases: int
    passed: int

    @property
    def share(self) -> float:
        """The fraction of the cases that hold."""
        return self.passed / self.cases


def run_cases(scorer: Scorer, cases: Cases) -> list[BehaviourResult]:
    """Run each case and return the results."""
    language = cases.languages[0] if len(cases.languages) == 1 else "any"
    kinds = {"functionality": _functionality, "direction": _direction, "invariance": _invariance, "facts": _facts}
    return [
        *(BehaviourResult(*found, name, language) for name, run in kinds.items() for found in run(scorer, cases)),
        *_sentences(scorer, cases),
    ]


def pass_rates(results: Iterable[BehaviourResult], key: Callable[[BehaviourResult], str]) -> dict[str, PassRate]:
    """Return the pass rate of each group of results, in the order of their first result."""
    rates: dict[str, PassRate] = {}
    for result in results:
        before = rates.get(key(result), PassRate(0, 0))
        rates[key(result)] = PassRate(before.cases + 1, before.passed + result.holds)
    return rates


def _functionality(scorer: Scorer, cases: Cases) -> Iterator[tuple[str, bool]]:
    for case in cases.functionality:
        found = scorer.score_text(case.text).score
        yield f"{case.label}: {case.text!r}", found > 0.5 if case.label == "positive" else found < 0.5


def _direction(scorer: Scorer, cases: Cases) -> Iterator[tuple[str, bool]]:
    for change in cases.direction:
        before, after = (scorer.score_text(text).score for text in (change.text, change.to))
        holds = after < before if change.score == "falls" else after > before
        yield f"{change.score}: {change.text!r} to {change.to!r}", holds


def _invariance(scorer: Scorer, cases: Cases) -> Iterator[tuple[str, bool]]:
    for same in cases.invariance:
        before, after = (scorer.score_text(text).score for text in (same.text, same.to))
        holds = abs(after - before) <= _SAME and (before >= 0.5) == (after >= 0.5)
        yield f"unchanged: {same.text!r} to {same.to!r}", holds


def _facts(scorer: Scorer, cases: Cases) -> Iterator[tuple[str, bool]]:
    for fact in cases.facts:
        yield f"no opinion: {fact!r}", 1 - _SURE <= scorer.score_text(fact).score <= _SURE


def _sentences(scorer: Scorer, cases: Cases) -> Iterator[BehaviourResult]:
    for group, of_group in cases.sentences.items():
        for language, of_language in of_group.items():
            for label, texts in of_language.items():
                for text in texts:
                    score, given = scorer.score_text(text)[:2]
                    case = f"{label}: {text!r}" + ("" if given == label else f" is {given} ({score:.2f})")
                    yield BehaviourResult(case, given == label, group, language)
