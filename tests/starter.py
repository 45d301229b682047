"""The starter model, which each process of the tests reads and prepares once. That takes longer than a small load."""

from functools import cache
from pathlib import Path

from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.scorer import Scorer


@cache
def starter() -> Bundle:
    """The bundle in the package."""
    return Bundle.load(STARTER)


@cache
def starter_scorer() -> Scorer:
    """Its scorer, which has no state that scoring changes."""
    return Scorer(starter())


def digest_of(folder: Path) -> str:
    """The digest of a bundle's folder."""
    return (folder / "digest.sha256").read_text().strip()
