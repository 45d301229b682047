"""Which alerts were sent, so that retried and cleared tasks do not send one again."""

from collections.abc import Callable

from sentiment_core.alerts.alert import Alert, Channel
from sentiment_core.database.connection import Connection


def send_once(connection: Connection, alert: Alert, channel: Channel, send: Callable[[], None]) -> bool:
    """Call `send` unless the alert was sent to the channel before. Return whether it was called.

    The entry is committed after `send` returns, so an alert that could not be sent can be sent later. A concurrent
    caller with the same alert waits. Raises the error of `send`.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sentiment.sent_alert (cause, channel) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (alert.dedupe_key, channel.name),
        )
        if not cursor.rowcount:
            return False
        send()
        return True
