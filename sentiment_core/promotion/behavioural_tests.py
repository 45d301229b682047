"""Behavioural tests of a model: texts for which anybody can tell what a score must do.

Minimum functionality, direction and invariance are the three kinds of M. Ribeiro et al., "Beyond Accuracy: Behavioral
Testing of NLP Models with CheckList" (ACL 2020). Facts, which judge nothing, are ours.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from sentiment_core.errors import PolicyInvalid
from sentiment_core.model.scorer import Scorer
from sentiment_core.promotion.policy import read_yaml

DEFAULT_CASES: Final = Path(__file__).with_name("behaviour.yaml")

_SAME: Final = 0.15  # how far scores of texts may lie apart that mean the same
_SURE: Final = 0.98  # of a text that judges nothing, no model may be so sure


class _Case(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Functionality(_Case):
    """A text whose label is beyond doubt."""

    text: str
    label: Literal["negative", "positive"]


class Direction(_Case):
    """A change of a text that moves the score to one side."""

    text: str
    to: str
    score: Literal["falls", "rises"]


class Invariance(_Case):
    """A change of a text that means nothing."""

    text: str
    to: str


class Cases(_Case):
    """The cases of a file, and the languages that they are in."""

    languages: tuple[str, ...] = Field(min_length=1)
    functionality: tuple[Functionality, ...] = ()
    direction: tuple[Direction, ...] = ()
    invariance: tuple[Invariance, ...] = ()
    facts: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path | None = None) -> "Cases":
        """Read a file, or the package's own cases. Raises `PolicyInvalid`."""
        cases = read_yaml(path or DEFAULT_CASES, cls)
        if not (cases.functionality or cases.direction or cases.invariance or cases.facts):
            raise PolicyInvalid(path=path or DEFAULT_CASES, why="it holds no case")
        return cases


class BehaviourResult(NamedTuple):
    """What came of one case."""

    case: str
    holds: bool


def run_cases(scorer: Scorer, cases: Cases) -> list[BehaviourResult]:
    """Return what comes of each case."""
    return list(_outcomes(scorer, cases))


def _outcomes(scorer: Scorer, cases: Cases) -> Iterator[BehaviourResult]:
    def score(text: str) -> float:
        return scorer.score_text(text)[0]

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
        yield BehaviourResult(f"stays: {same.text!r} to {same.to!r}", holds)
    for fact in cases.facts:
        yield BehaviourResult(f"judges nothing: {fact!r}", 1 - _SURE <= score(fact) <= _SURE)
