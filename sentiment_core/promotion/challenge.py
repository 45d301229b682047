"""Judge a registered version against the current champion, and promote it if it passes the gate."""

from typing import NamedTuple

from sentiment_core.database.connection import Connection
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import GateRefused, GateWouldRefuse, PromotionOvertaken, TerminalError, VerdictStale
from sentiment_core.model.bundle import Bundle
from sentiment_core.promotion.alias_moves import promote
from sentiment_core.promotion.gate import judge, unjudged
from sentiment_core.promotion.policy import GatePolicy
from sentiment_core.promotion.shadow_sample import stored_reviews
from sentiment_core.promotion.verdict import Verdict
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel


class ChallengeOutcome(NamedTuple):
    """Whether the alias moved to the challenger, and the reason."""

    promoted: bool
    why: str


def judge_version(
    registry: RegisteredModel,
    version: str,
    rows: LabelledReviews,
    policy: GatePolicy,
    connection: Connection | None = None,
    storage: Storage | None = None,
) -> Verdict:
    """Return the gate's verdict on a version (a version number or an alias).

    With a `connection`, the shadow check uses the stored reviews of its database. `storage` opens a suite in S3;
    without it, the credentials come from the environment. If the current champion cannot be read, the verdict fails,
    because nothing shows that the challenger is better.

    Raises `ModelUnknown` when the version does not exist, the errors of loading the challenger's bundle, and
    `RegistryUnavailable` when the registry fails.
    """
    number, digest = registry.resolve(version)
    challenger = Bundle.load(registry.fetch(number).path)
    champion_version = registry.version_of_alias(CHAMPION)
    champion = None
    if champion_version is not None:
        try:
            champion = Bundle.load(registry.fetch(champion_version.version).path)
        except TerminalError as error:
            fault = str(error).rstrip(".")
            why = f"the champion, version {champion_version.version}, cannot be loaded for the comparison: {fault}"
            return unjudged(digest, champion_version.digest or None, policy, "champion", why)
    stored = stored_reviews(connection, policy.shadow) if connection is not None and champion is not None else None
    return judge(challenger, champion, rows, policy, stored, storage)


def judge_and_promote(
    connection: Connection,
    registry: RegisteredModel,
    version: int,
    rows: LabelledReviews,
    policy: GatePolicy,
    *,
    actor: str,
    reason: str,
    storage: Storage | None = None,
) -> ChallengeOutcome:
    """Judge a version, and make it the champion if it passes. A refusal is recorded in the history, not raised.

    Raises the errors of `judge_version` and `promote`. When the champion changed after the verdict, the error is
    `PromotionOvertaken`, and the next call judges against the new champion.
    """
    verdict = judge_version(registry, str(version), rows, policy, connection, storage)
    try:
        move = promote(connection, registry, version, actor=actor, reason=reason, verdict=verdict)
    except GateRefused as refusal:
        return ChallengeOutcome(False, str(refusal))
    except VerdictStale as stale:
        raise PromotionOvertaken(why=str(stale)) from stale
    return ChallengeOutcome(move.moved, move.detail)


def judge_only(
    connection: Connection,
    registry: RegisteredModel,
    version: int,
    rows: LabelledReviews,
    policy: GatePolicy,
    storage: Storage | None = None,
) -> ChallengeOutcome:
    """Judge a version as `judge_and_promote` does, but move nothing. Raises `GateWouldRefuse` when it fails."""
    verdict = judge_version(registry, str(version), rows, policy, connection, storage)
    if not verdict.passed:
        raise GateWouldRefuse(version=version, alias=CHAMPION, why=verdict.why)
    return ChallengeOutcome(
        False, f"version {version} passes the gate. It is not the {CHAMPION}, because promotion was not requested"
    )
