"""A proposed contract while it is made: its parts with their reasons, and the questions that remain."""

from typing import Any, NamedTuple

from sentiment_core.drops.source_contract import Rules, contract_of
from sentiment_core.settings import Settings


class Proposal(NamedTuple):
    """A proposed contract: its document, the reason of each part, and the questions that a person must decide."""

    document: dict[str, Any]
    reasons: dict[str, str]
    questions: list[str]


class Draft:
    """A proposal to which parts and questions are added."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.proposal = Proposal({}, {}, [])

    @property
    def document(self) -> dict[str, Any]:
        """Return the parts that are declared so far."""
        return self.proposal.document

    def declare(self, part: str, value: Any, reason: str) -> None:
        """Add a part, or replace it."""
        self.document[part] = value
        self.proposal.reasons[part] = reason

    def ask(self, question: str) -> None:
        """Add a question."""
        self.proposal.questions.append(question)

    def take(self, other: "Draft") -> None:
        """Add the parts and questions of another draft."""
        self.document.update(other.document)
        self.proposal.reasons.update(other.proposal.reasons)
        self.proposal.questions.extend(other.proposal.questions)

    def rules(self, **parts: Any) -> Rules:
        """Return the rules by which the proposal, changed in these parts, reads a file."""
        return Rules(self.settings, contract_of(self.document | parts, "the proposal"))
