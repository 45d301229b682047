"""Alerts about the champion: each move and each refusal in the promotion history, whoever or whatever made it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sentiment_core.alerts.alert import Alert
from sentiment_core.database.connection import Connection
from sentiment_core.registry.names import CHAMPION

# Older moves are not reported, so that turning alerts on reports no history.
REPORTED: Final = timedelta(days=2)

_TITLES: Final = {
    "promote": "Model version {to} is the champion",
    "force": "Model version {to} is the champion, without the gate",
    "set": "Model version {to} is the champion, set without the gate",
    "external": "Model version {to} is the champion, set in MLflow directly",
    "rollback": "The champion was rolled back to model version {to}",
}
_NEXT: Final = {
    "promote": "Watch drift and corrections; `sentiment registry rollback` returns to the previous version.",
    "rollback": "Find out why the version was bad before another promotion. Stored scores of past days are unchanged.",
    "refused": "Read the verdict on the page. The champion has not changed.",
    "removed": "Promote a version: without a champion, nothing is scored.",
    "other": "Check that this was intended. No verdict of the gate supports this move.",
}


class ChampionMove(NamedTuple):
    """A move of the alias `champion`, or a refusal of the gate, from the view `model_history`."""

    promotion_id: int
    moved_at: datetime
    kind: str
    state: str  # moved or refused
    from_version: int | None
    to_version: int | None
    actor: str
    reason: str
    failed_checks: list[str]

    def alert(self, page: Callable[[str], str]) -> Alert:
        """Return the message. `page` returns the URL of a Sentiment page."""
        refused, removed = self.state == "refused", self.to_version is None
        if refused:
            title, then = f"Model version {self.to_version} was refused", _NEXT["refused"]
        elif removed:
            title, then = "There is no champion: the alias was removed in MLflow", _NEXT["removed"]
        else:
            title, then = _TITLES[self.kind].format(to=self.to_version), _NEXT.get(self.kind, _NEXT["other"])
        before = "none" if self.from_version is None else f"version {self.from_version}"
        failed = f" Failed checks: {', '.join(self.failed_checks)}." if self.failed_checks else ""
        return Alert(
            cause="promotion",
            key=str(self.promotion_id),
            severity="error" if removed else "info" if self.kind == "promote" and not refused else "warning",
            title=title,
            detail=f"By {self.actor}: {self.reason.rstrip('.')}. Champion before: {before}.{failed}",
            next_step=then,
            link=page(f"models/moves/{self.promotion_id}"),
        )


def champion_moves(connection: Connection) -> list[ChampionMove]:
    """Return the moves and refusals of the last two days, oldest first.

    The first row of the history can be a champion that existed before the history. It is no move, so it is left out.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT promotion_id, moved_at, kind, state, from_version, to_version, actor, reason,
                coalesce(failed_checks, '{}')
            FROM sentiment.model_history
            WHERE alias = %(alias)s AND state IN ('moved', 'refused') AND moved_at > now() - %(reported)s
                AND (kind <> 'external' OR promotion_id > (
                    SELECT min(promotion_id) FROM sentiment.promotion WHERE alias = %(alias)s))
            ORDER BY promotion_id
            """,
            {"alias": CHAMPION, "reported": REPORTED},
        )
        return [ChampionMove(*row) for row in cursor]
