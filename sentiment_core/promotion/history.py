"""The promotion history in table `promotion`: insert rows, set their state, and reconcile them with the registry."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name
from psycopg2.extras import Json

from sentiment_core.database.advisory_locks import AdvisoryLock, lock
from sentiment_core.database.connection import Connection
from sentiment_core.ledger.models import ensure_digest
from sentiment_core.promotion.verdict import Verdict
from sentiment_core.registry.registered_model import ModelVersion, RegisteredModel

PromotionKind = Literal["promote", "force", "set", "rollback", "external"]

_LOCK_WAIT: Final = "90s"  # a move makes a few registry calls of at most ten seconds each


class Promotion(NamedTuple):
    """One row of the history."""

    promotion_id: int
    alias: str
    kind: PromotionKind
    state: Literal["intended", "moved", "failed", "refused"]
    from_version: int | None
    from_digest: str | None
    to_version: int | None
    to_digest: str | None
    actor: str
    reason: str
    verdict: dict[str, Any] | None
    detail: str
    asked_at: datetime
    moved_at: datetime


class AliasTarget(NamedTuple):
    """A version and its digest. None means no version, or an unknown digest."""

    version: int | None
    digest: str | None


NO_TARGET: Final = AliasTarget(None, None)
_COLUMNS: Final = ", ".join(Promotion._fields)


def history(
    connection: Connection, alias: str | None = None, *, ids: Collection[int] | None = None, verdicts: bool = True
) -> list[Promotion]:
    """Return all rows of the history of one alias, or of all aliases, newest first.

    `ids` selects rows. Without `verdicts`, the verdict of each row is None, which saves the memory of their JSON.
    """
    columns = _COLUMNS if verdicts else _COLUMNS.replace("verdict", "NULL")
    with connection, connection.cursor("promotions") as cursor:  # fetches page by page
        cursor.execute(
            f"SELECT {columns} FROM sentiment.promotion"  # noqa: S608 -- column names from this module
            " WHERE (%(alias)s IS NULL OR alias = %(alias)s)"
            " AND (%(ids)s::bigint[] IS NULL OR promotion_id = ANY (%(ids)s::bigint[]))"
            " ORDER BY promotion_id DESC",
            {"alias": alias, "ids": None if ids is None else list(ids)},
        )
        return [Promotion(*row) for row in cursor]


@contextmanager
def alias_lock(connection: Connection, alias: str) -> Iterator[Cursor]:
    """Yield a cursor in a transaction that holds the alias's advisory lock; commit at the end.

    The lock serializes the moves of an alias.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_LOCK_WAIT,))
        lock(cursor, AdvisoryLock.PROMOTION, alias)
        yield cursor


def target_of(version: ModelVersion | None) -> AliasTarget:
    """Return the alias target for a version that the registry returned, or `NO_TARGET` for None."""
    return AliasTarget(version.version, version.digest or None) if version else NO_TARGET


def reconcile_history(cursor: Cursor, registry: RegisteredModel, alias: str) -> tuple[AliasTarget, set[int]]:
    """Set the state of intended rows and record external moves, so that the history agrees with the registry.

    Returns the alias's current target and the ids of the rows that changed.
    """
    current = target_of(registry.version_of_alias(alias))
    cursor.execute(
        "SELECT promotion_id, to_version FROM sentiment.promotion WHERE alias = %s AND state = 'intended'", (alias,)
    )
    changed = set()
    for promotion_id, version in cursor.fetchall():
        if version == current.version:
            set_state(cursor, promotion_id, "moved", "the process stopped after the alias had moved")
        else:
            found = f"version {current.version}" if current.version else "no version"
            set_state(
                cursor,
                promotion_id,
                "failed",
                f"the process stopped before the alias moved, or another move was faster. The alias names {found}",
            )
        changed.add(promotion_id)
    cursor.execute(
        "SELECT to_version, to_digest FROM sentiment.promotion WHERE alias = %s AND state = 'moved'"
        " ORDER BY promotion_id DESC LIMIT 1",
        (alias,),
    )
    known = AliasTarget(*(cursor.fetchone() or NO_TARGET))
    if known != current:
        reason = (
            "the alias existed before the history" if known == NO_TARGET else "the alias was moved in MLflow directly"
        )
        promotion_id = insert_move(
            cursor, alias, "external", "moved", known, current, "MLflow", reason, None, registry.name
        )
        changed.add(promotion_id)
    return current, changed


def insert_move(
    cursor: Cursor,
    alias: str,
    kind: PromotionKind,
    state: str,
    before: AliasTarget,
    after: AliasTarget,
    actor: str,
    reason: str,
    verdict: Verdict | None,
    name: str,
    detail: str = "",
) -> int:
    """Insert a row into `promotion` and return its id. Also insert the target model, under the registered name."""
    if after.digest is not None:
        ensure_digest(cursor, after.digest, name, after.version)
    cursor.execute(
        "INSERT INTO sentiment.promotion (alias, kind, state, from_version, from_digest, to_version, to_digest, actor,"
        " reason, verdict, detail) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING promotion_id",
        (alias, kind, state, *before, *after, actor, reason, Json(verdict.as_json()) if verdict else None, detail),
    )
    return int(cursor.fetchone()[0])  # type: ignore[index]


def set_state(cursor: Cursor, promotion_id: int, state: str, detail: str | None = None) -> None:
    """Set a row's state and its time to now, and append `detail` to the row's detail."""
    cursor.execute(
        "UPDATE sentiment.promotion SET state = %s, moved_at = clock_timestamp(),"
        " detail = concat_ws('; ', nullif(detail, ''), %s::text) WHERE promotion_id = %s",
        (state, detail, promotion_id),
    )
