"""The history of the aliases, the gate's verdicts, and the drift of the champion, from the database."""

from datetime import date, datetime
from typing import Any, Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2

MOVES: Final = 100
DRIFT_DAYS: Final = 60


class Move(NamedTuple):
    """One row of the view `model_history`. `served_until` is None while the version serves, and for other states."""

    promotion_id: int
    alias: str
    kind: str
    state: str
    from_version: int | None
    to_version: int | None
    moved_at: datetime
    served_until: datetime | None
    serves: bool
    actor: str
    reason: str
    detail: str
    failed_checks: list[str] | None
    judged: bool


class DriftDay(NamedTuple):
    """The population stability indices of a measured day. None: too few reviews."""

    day: date
    score_psi: float | None
    label_psi: float | None
    drifted: bool


def moves(cursor: Cursor) -> list[Move]:
    """Return the newest moves of the aliases, newest first."""
    cursor.execute(_MOVES + " ORDER BY promotion_id DESC LIMIT %s", (MOVES,))
    return [Move(*row) for row in cursor]


def move(cursor: Cursor, promotion_id: int) -> tuple[Move, dict[str, Any] | None] | None:
    """Return a move with the gate's verdict, or None if the history has no such move."""
    cursor.execute(_MOVES + " WHERE promotion_id = %s", (promotion_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    cursor.execute("SELECT verdict FROM sentiment.model_history WHERE promotion_id = %s", (promotion_id,))
    (verdict,) = cursor.fetchone()  # type: ignore[misc]
    return Move(*row), verdict


def drift(cursor: Cursor, digest: str) -> list[DriftDay]:
    """Return the last days that were compared with a model's training data, earliest first."""
    cursor.execute(
        "SELECT day, score_psi, label_psi, drifted FROM sentiment.drift_history"
        " WHERE model_digest = %s AND product_id IS NULL ORDER BY day DESC LIMIT %s",
        (digest, DRIFT_DAYS),
    )
    return [DriftDay(*row) for row in cursor][::-1]


def scored_rows(cursor: Cursor) -> dict[str, int]:
    """Return the rows that each model has scored, by digest."""
    cursor.execute(
        "SELECT digest, sum(rows_scored) FROM sentiment.scoring_batch JOIN sentiment.model USING (model_id)"
        " GROUP BY digest"
    )
    return {digest: int(rows) for digest, rows in cursor}


_MOVES = """
    SELECT promotion_id, alias, kind, state, from_version, to_version, moved_at, served_until, serves, actor, reason,
        coalesce(detail, ''), failed_checks, verdict IS NOT NULL
    FROM sentiment.model_history
"""
