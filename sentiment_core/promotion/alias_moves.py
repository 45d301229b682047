"""Moves of the registry's aliases, recorded as rows of `promotion`: promote, roll back, list, reconcile.

A row is committed as *intended* before the alias moves, and settled after the move. The alias moves while its lock is
held, in the transaction that settles the row. A process that is interrupted in between leaves an intended row and no
lock. The next move, or `reconcile`, asks the registry which version the alias names and settles the row accordingly. It
also records moves that were made in MLflow directly. Of two concurrent moves, the later one may settle the intended row
of the earlier one before that one has moved the alias. The earlier move then fails as overtaken. No lock outlives its
transaction, so moves work through a connection pooler.
"""

import random
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple

from sentiment_core.database.connection import Connection
from sentiment_core.errors import (
    BundleDamaged,
    BundleMissing,
    BundleTooNew,
    BundleTooOld,
    GateRefused,
    ModelUnknown,
    PromotionOvertaken,
    RegistryRefused,
    RegistryUnavailable,
    RollbackImpossible,
    SentimentError,
    VerdictStale,
)
from sentiment_core.promotion.history import (
    NO_TARGET,
    AliasTarget,
    Promotion,
    PromotionKind,
    alias_lock,
    history,
    insert_move,
    reconcile_history,
    set_state,
    target_of,
)
from sentiment_core.promotion.verdict import Verdict
from sentiment_core.registry.names import CHALLENGER, CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel

GATE_TAG: Final = "gate"
VERDICT_TAG: Final = "gate_verdict"
_TRIES: Final = 6  # to set the challenger
_OUTCOME_TAG: Final = {"promote": "passed", "force": "forced", "set": "set by hand"}

__all__ = [
    "Promotion",
    "PromotionKind",
    "disagreement",
    "history",
    "promote",
    "reconcile",
    "rollback",
    "set_challenger",
]


class Move(NamedTuple):
    """The result of a call: the version that the alias names now, and whether this call moved the alias."""

    alias: str
    version: int
    digest: str
    moved: bool
    detail: str


def promote(
    connection: Connection,
    registry: RegisteredModel,
    version: int,
    *,
    alias: str = CHAMPION,
    actor: str,
    reason: str,
    verdict: Verdict | None = None,
    kind: Literal["promote", "force", "set"] = "promote",
) -> Move:
    """Point an alias at a version, and record the move in the history.

    The kind `promote` needs a verdict that passed. `force` and `set` bypass the gate, and the history records the kind.
    The verdict is also stored on the version, as tags. If the alias already names the version, nothing moves.

    Raises `GateRefused` when the verdict failed or is missing (the history records the refusal), `VerdictStale` when
    the verdict is not about this version and the current champion, `ModelUnknown` when the version does not exist,
    `PromotionOvertaken` when another move settled this one, and `RegistryUnavailable` when the registry fails. After
    the last error the alias is unchanged, or the next call settles the move if the registry's answer was lost.
    """
    place = AliasTarget(*registry.resolve(str(version)))
    refusal: SentimentError | None = None
    promotion_id: int | None = None
    with alias_lock(connection, alias) as cursor:
        current, _ = reconcile_history(cursor, registry, alias)
        refused = kind == "promote" and (verdict is None or not verdict.passed)
        if verdict is not None and (stale := _stale(verdict, place, current)):
            refusal = VerdictStale(why=stale)
        elif refused:
            refusal = GateRefused(version=version, alias=alias, why=verdict.why if verdict else "there is no verdict")
            insert_move(cursor, alias, kind, "refused", current, place, actor, reason, verdict, registry.name)
        elif current.version != place.version:
            promotion_id = insert_move(
                cursor, alias, kind, "intended", current, place, actor, reason, verdict, registry.name
            )
    if isinstance(refusal, GateRefused) and verdict is not None:
        _tag(registry, version, "refused", verdict)
    if refusal is not None:
        raise refusal
    if promotion_id is None:
        return Move(alias, version, str(place.digest), False, f"version {version} is already the {alias}")
    outcome = _OUTCOME_TAG[kind] if alias == CHAMPION else None
    return _carry_out(connection, registry, promotion_id, alias, place, outcome, verdict)


def set_challenger(connection: Connection, registry: RegisteredModel, version: int, *, actor: str, reason: str) -> Move:
    """Point the alias `challenger` at a version. The last of concurrent calls decides.

    A concurrent move settles this one between its two steps. A training of an hour must not fail for that, so this
    tries again, a few times. Raises the errors of `promote`.
    """
    for attempt in range(_TRIES - 1):
        with suppress(PromotionOvertaken):
            return promote(connection, registry, version, alias=CHALLENGER, actor=actor, reason=reason, kind="set")
        time.sleep(random.uniform(0, 0.2 * 2**attempt))  # noqa: S311 -- else two callers could settle each other's moves
    return promote(connection, registry, version, alias=CHALLENGER, actor=actor, reason=reason, kind="set")


def rollback(
    connection: Connection, registry: RegisteredModel, *, alias: str = CHAMPION, actor: str, reason: str = "rolled back"
) -> Move:
    """Point an alias at the last good version: the previous one, without versions that were rolled back.

    Directly after a rollback the call does nothing, so a second call does not toggle back. Versions with an unreadable
    bundle are skipped. Raises `RollbackImpossible` when the history has no good earlier version, and the errors of
    `promote`.
    """
    reconcile(connection, registry, alias)
    moves = [row for row in reversed(history(connection, alias, verdicts=False)) if row.state == "moved"]
    if moves and moves[-1].kind == "rollback":
        last = moves[-1]
        detail = f"the last move already rolled version {last.from_version} back to {last.to_version}; nothing changed"
        return Move(alias, last.to_version or 0, last.to_digest or "", False, detail)
    place, skipped = _last_good(registry, alias, moves)
    promotion_id: int | None = None
    with alias_lock(connection, alias) as cursor:
        current, _ = reconcile_history(cursor, registry, alias)
        if current == AliasTarget(moves[-1].to_version, moves[-1].to_digest):
            promotion_id = insert_move(
                cursor, alias, "rollback", "intended", current, place, actor, reason, None, registry.name, skipped
            )
    if promotion_id is None:
        raise PromotionOvertaken(why=f"the {alias} is now version {current.version}")
    return _carry_out(connection, registry, promotion_id, alias, place)


def reconcile(connection: Connection, registry: RegisteredModel, alias: str = CHAMPION) -> list[Promotion]:
    """Settle interrupted moves, record moves made in MLflow directly, and return the rows that changed.

    Raises `RegistryUnavailable` when the registry fails. Nothing has changed then.
    """
    with alias_lock(connection, alias) as cursor:
        _, changed = reconcile_history(cursor, registry, alias)
    return history(connection, alias, ids=changed) if changed else []


def disagreement(connection: Connection, registry: RegisteredModel, alias: str = CHAMPION) -> str | None:
    """Return a message on how history and registry disagree about an alias, or None if they agree. Change nothing."""
    rows = history(connection, alias, verdicts=False)
    open_rows = [row for row in rows if row.state == "intended"]
    known = next((AliasTarget(row.to_version, row.to_digest) for row in rows if row.state == "moved"), NO_TARGET)
    current = target_of(registry.version_of_alias(alias))
    if open_rows:
        return f"a move of the {alias} to version {open_rows[0].to_version} is running, or its process stopped"
    if known == current:
        return None
    said, found = (f"version {place.version}" if place.version else "no version" for place in (known, current))
    return f"the {alias} is {said} in the history and {found} in the registry"


def _stale(verdict: Verdict, place: AliasTarget, current: AliasTarget) -> str | None:
    """Return why a verdict does not apply to this move, or None if it applies."""
    if verdict.challenger != place.digest:
        return (
            f"it is about the model {verdict.challenger[:12]}, and version {place.version} is {str(place.digest)[:12]}"
        )
    if place.version != current.version and verdict.champion != current.digest:
        compared = verdict.champion[:12] if verdict.champion else "none"
        return f"it compares with the champion {compared}, and the champion is now {(current.digest or 'none')[:12]}"
    return None


def _carry_out(
    connection: Connection,
    registry: RegisteredModel,
    promotion_id: int,
    alias: str,
    place: AliasTarget,
    outcome: str | None = None,
    verdict: Verdict | None = None,
) -> Move:
    """Move the alias as the intended row says, and settle the row by the outcome."""
    version = int(place.version or 0)
    try:
        with alias_lock(connection, alias) as cursor:
            cursor.execute("SELECT state, detail FROM sentiment.promotion WHERE promotion_id = %s", (promotion_id,))
            state, detail = cursor.fetchone()  # type: ignore[misc]
            if state != "intended":
                raise PromotionOvertaken(why=detail)
            if outcome is not None:
                _tag(registry, version, outcome, verdict)
            registry.set_alias(alias, version)
            set_state(cursor, promotion_id, "moved")
    except (RegistryUnavailable, RegistryRefused, ModelUnknown):
        # The registry may have moved the alias although its answer was lost, so ask it. If it fails, a later call asks.
        with suppress(RegistryUnavailable, RegistryRefused):
            reconcile(connection, registry, alias)
        if not _has_moved(connection, promotion_id):
            raise
    return Move(alias, version, str(place.digest), True, f"version {version} is now the {alias}")


def _has_moved(connection: Connection, promotion_id: int) -> bool:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT state = 'moved' FROM sentiment.promotion WHERE promotion_id = %s", (promotion_id,))
        return bool(cursor.fetchone()[0])  # type: ignore[index]


def _tag(registry: RegisteredModel, version: int, outcome: str, verdict: Verdict | None) -> None:
    registry.tag(version, GATE_TAG, outcome)
    if verdict is not None:
        registry.tag(version, VERDICT_TAG, verdict.tag())


def _last_good(registry: RegisteredModel, alias: str, moves: Sequence[Promotion]) -> tuple[AliasTarget, str]:
    """Return the target of a rollback, and a message about the versions it skips. Raises `RollbackImpossible`."""
    if not moves:
        raise RollbackImpossible(alias=alias, why="the history has no move of it")
    current = AliasTarget(moves[-1].to_version, moves[-1].to_digest)
    skipped: list[str] = []
    for place in reversed(_stack(moves)[:-1]):
        if place.digest is None or place.digest == current.digest:
            continue
        try:
            registry.fetch(int(place.version or 0))
            if registry.resolve(str(place.version))[1] == place.digest:
                return place, "; ".join(skipped)
            skipped.append(f"version {place.version} now has another bundle")
        except (ModelUnknown, BundleMissing, BundleDamaged, BundleTooOld, BundleTooNew) as error:
            skipped.append(f"version {place.version} was skipped: {error}")
    why = "; ".join(skipped) or "the history has no earlier good version"
    raise RollbackImpossible(alias=alias, why=why)


def _stack(moves: Sequence[Promotion]) -> list[AliasTarget]:
    """Return the versions that led to the current one (last), without those that were rolled back.

    A rollback removes all versions above its target. So does a move in MLflow to an earlier version, because that is
    how users roll back there.
    """
    stack: list[AliasTarget] = []
    for move in moves:
        place = AliasTarget(move.to_version, move.to_digest)
        if move.kind in ("rollback", "external") and place.digest is not None and place in stack:
            del stack[stack.index(place) + 1 :]
        else:
            stack.append(place)
    return stack
