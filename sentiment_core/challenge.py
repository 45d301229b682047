"""Judges a version of the registry against the champion that stands there: the gate with everything fetched for it."""

from sentiment_core.bundle import Bundle
from sentiment_core.database import Connection
from sentiment_core.errors import TerminalError
from sentiment_core.gate import judge, unjudged
from sentiment_core.gate_policy import GatePolicy
from sentiment_core.labelled import LabelledReviews
from sentiment_core.registry import CHAMPION, Registry
from sentiment_core.stored_comparison import stored_reviews
from sentiment_core.verdict import Verdict


def challenge(
    registry: Registry, version: str, rows: LabelledReviews, policy: GatePolicy, connection: Connection | None = None
) -> Verdict:
    """Return the gate's verdict on a version (its number, or an alias).

    The stored reviews of `connection` take part in it. Raises `ModelUnknown`, errors of the challenger's bundle, and
    `RegistryUnavailable`. A champion that stands and cannot be read fails the verdict: nothing says that a model is
    better than it.
    """
    number, digest = registry.resolve(version)
    challenger = Bundle.load(registry.fetch(number).path)
    standing = registry.standing(CHAMPION)
    champion = None
    if standing is not None:
        try:
            champion = Bundle.load(registry.fetch(standing.version).path)
        except TerminalError as error:
            why = f"the champion, version {standing.version}, cannot be compared with: {error}"
            return unjudged(digest, standing.digest or None, policy, "champion", why)
    stored = stored_reviews(connection, policy.shadow) if connection is not None and champion is not None else None
    return judge(challenger, champion, rows, policy, stored)
