"""Behavioural tests of a model: texts for which the expected behaviour of the score is obvious.

Minimum functionality, directional expectation and invariance are the three test types of M. Ribeiro et al., "Beyond
Accuracy: Behavioral Testing of NLP Models with CheckList" (ACL 2020). Facts (texts that express no opinion) are an
addition of this project.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from sentiment_core.errors import PolicyInvalid
from sentiment_core.model.scorer import Scorer
from sentiment_core.promotion.policy import read_yaml

DEFAULT_CASES: Final = Path(__file__).with_name("behaviour.yaml")

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

    @classmethod
    def load(cls, path: Path | None = None) -> "Cases":
        """Read a file of cases, by default the package's. Raises `PolicyInvalid` when it is invalid or has no case."""
        cases = read_yaml(path or DEFAULT_CASES, cls)
        if not (cases.functionality or cases.direction or cases.invariance or cases.facts):
            raise PolicyInvalid(path=path or DEFAULT_CASES, why="it has no cases")
        return cases


class BehaviourResult(NamedTuple):
    """The result of one case."""

    case: str
    holds: bool


def run_cases(scorer: Scorer, cases: Cases) -> list[BehaviourResult]:
    """Run each case and return the results."""
    return list(_outcomes(scorer, cases))


def _outcomes(scorer: Scorer, cases: Cases) -> Iterator[BehaviourResult]:
    def score(text: str) -> float:
        return scorer.score_text(text).score

    for case in cases.functionality:
        found = score(case.text)
        yield BehaviourResult(f"{case.label}: {case.text!r}", found > 0.5 if case.label == "positive" else found < 0.5)
    for change in cases.direction:
        before, after = score(change.text), score(change.to)
        holds = after < before if change.score == "falls" else after > before
        yield BehaviourResult(f"{change.score}: {change.text!r} to {change.to!r}", holds)
    for same in cases.invariance:
        before, after = score(same.text), score(same.to)
        holds = abs(after - before) <= _SAME and (before >= 0.5) == (after >= 0.5)
        yield BehaviourResult(f"unchanged: {same.text!r} to {same.to!r}", holds)
    for fact in cases.facts:
        yield BehaviourResult(f"no opinion: {fact!r}", 1 - _SURE <= score(fact) <= _SURE)
