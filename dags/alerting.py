"""Send alerts to the channels of the settings, through Airflow notifiers. docs/notifications.md describes them."""

import html
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from typing import Any
from urllib.parse import urlencode

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.configuration import conf
from wiring import AWS_CONNECTION, connect

from sentiment_core.alerts.alert import Alert, Channel
from sentiment_core.alerts.champion_moves import champion_moves
from sentiment_core.alerts.data_causes import late_sources, reject_shares
from sentiment_core.alerts.sent_alerts import send_once
from sentiment_core.alerts.webhooks import PAGERDUTY_URL, pagerduty_event, slack_message
from sentiment_core.database.connection import Connection as DatabaseConnection
from sentiment_core.errors import AlertFailed, SentimentError
from sentiment_core.settings import settings

log = logging.getLogger(__name__)

SMTP_CONNECTION = "smtp_default"
WEBHOOK_TIMEOUT_S = 10
WEBHOOK_TRIES = 3


class WebhookNotifier(BaseNotifier):
    """Post JSON to a webhook whose address or key is the password of an Airflow connection.

    The password is never logged: errors say the connection's id and the answer only.
    """

    def __init__(self, connection_id: str, request: Callable[[Connection], tuple[str, dict[str, Any]]]) -> None:
        super().__init__()
        self.connection_id = connection_id
        self.request = request

    def notify(self, context: Any) -> None:
        """Send the request, again after a network error, a 429 or a 5xx. Raises `AlertFailed`."""
        del context
        import requests  # noqa: PLC0415 -- only if there is something to send

        address, body = self.request(Connection.get(self.connection_id))
        why = ""
        for attempt in range(WEBHOOK_TRIES):
            time.sleep(attempt)
            try:
                answer = requests.post(address, json=body, timeout=WEBHOOK_TIMEOUT_S, allow_redirects=False)
            except requests.RequestException as error:
                why = type(error).__name__  # its message contains the address
                continue
            if answer.ok and not answer.is_redirect:
                return
            why = f"HTTP {answer.status_code}, {answer.text[:200]}"
            if answer.status_code != 429 and answer.status_code < 500:
                break
        raise AlertFailed(channel=self.connection_id, why=why)


def notifier(channel: Channel, alert: Alert) -> BaseNotifier:
    """Return the notifier that sends an alert to a channel."""
    if channel.kind == "slack":
        return WebhookNotifier(channel.target, lambda place: (place.password or "", slack_message(alert)))
    if channel.kind == "pagerduty":
        return WebhookNotifier(
            channel.target,
            lambda place: (place.host or PAGERDUTY_URL, pagerduty_event(alert, place.password or "")),
        )
    if channel.kind == "sns":
        from airflow.providers.amazon.aws.notifications.sns import SnsNotifier  # noqa: PLC0415 -- only for SNS

        # A subject of SNS is at most 100 characters of ASCII.
        subject = alert.subject.encode("ascii", "replace").decode()[:100]
        message = f"{alert.subject}\n{alert.body}"
        return SnsNotifier(target_arn=channel.target, subject=subject, message=message, aws_conn_id=AWS_CONNECTION)
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier  # noqa: PLC0415 -- only for mail

    content = f"<p>{'<br>'.join(html.escape(alert.body).splitlines())}</p>"
    return SmtpNotifier(to=channel.target, subject=alert.subject, html_content=content, smtp_conn_id=SMTP_CONNECTION)


def send(alert: Alert, context: Any, *, required: bool = False) -> None:
    """Send an alert to each channel of its cause that did not get it before.

    If the database cannot be reached, the alert is sent without that check. Errors of channels are logged. With
    `required`, the first of them is raised as `AlertFailed` after all channels were tried, so that a retry sends again.
    """
    failed: AlertFailed | None = None
    for channel in map(Channel.parse, settings().alerts):
        if alert.cause not in channel.causes:
            continue
        try:
            _send_to(channel, alert, context)
        # A channel can fail in any way, and must not fail the task or keep other channels from their alert.
        except Exception as error:  # noqa: BLE001
            why = error.details["why"] if isinstance(error, AlertFailed) else f"{type(error).__name__}: {error}"
            log.error("The alert %r was not sent to %s: %s", alert.dedupe_key, channel.name, why)  # noqa: TRY400
            failed = failed or AlertFailed(channel=channel.name, why=why)
    if required and failed is not None:
        raise failed


def _send_to(channel: Channel, alert: Alert, context: Any) -> None:
    # `notify` and not a call: that would render the texts as Jinja templates, and they contain names of files.
    def notify() -> None:
        notifier(channel, alert).notify(context)

    with ExitStack() as stack:
        try:
            connection = stack.enter_context(connect())
        except SentimentError as error:
            log.warning("Sent without a check for repetition: %s", error)
            notify()
            return
        if send_once(connection, alert, channel, notify):
            log.info("Alert sent to %s: %s", channel.name, alert.subject)


def alert_failure(context: Any) -> None:
    """Report a task that failed for good. The `on_failure_callback` of every task.

    Mapped tasks of one run that fail are one message, and so is a cleared task that fails again.
    """
    if not settings().alerts:
        return
    ti, error = context["ti"], context.get("exception")
    send(
        Alert(
            cause="failure",
            key=f"{ti.dag_id} {ti.run_id} {ti.task_id}",
            severity="error",
            title=f"{ti.dag_id}: task {ti.task_id} failed",
            detail=f"Run {ti.run_id}. {type(error).__name__}: {error}" if error else f"Run {ti.run_id}.",
            next_step="Read the task's log, remove the cause, then clear the task. Nothing is loaded twice.",
            link=getattr(ti, "log_url", "") or "",
        ),
        context,
    )


def alert_data(connection: DatabaseConnection, context: Any, day: date | None) -> None:
    """Report what a run rejected, and the sources that are missing on a day. None: do not look for missing ones."""
    if not settings().alerts:
        return
    for source in late_sources(connection, day) if day else ():
        send(
            Alert(
                cause="late",
                key=f"{source} {day}",
                severity="warning",
                title=f"No file of {source} for {day}",
                detail=f"The source {source} sent files on at least six of the seven days before {day}.",
                next_step="Ask its sender. A late file is loaded when it arrives; nothing else is needed.",
                link=page("files", day=day),
            ),
            context,
        )
    for share in reject_shares(connection, context["run_id"]):
        if not share.files_rejected and share.ratio < settings().drift_rejected_ratio:
            continue
        send(
            Alert(
                cause="rejects",
                key=f"{share.source} {share.day}",
                severity="warning",
                title=f"Rejects of {share.source} on {share.day}: {share.ratio:.1%} of rows",
                detail=f"{share.rows_rejected} of {share.rows_in} rows and {share.files_rejected} files were rejected.",
                next_step="Read the reasons. After a correction of the contract, replay the rejected rows.",
                link=page("files", day=share.day, **({"state": "rejected"} if share.files_rejected else {})),
            ),
            context,
        )


def alert_moves() -> None:
    """Report the champion's moves and the gate's refusals in the history that were not reported before.

    An error of the database is logged: the move itself has succeeded, and a run of `announce_moves` reports it later.
    """
    if not settings().alerts:
        return
    try:
        with connect() as connection:
            moves = champion_moves(connection)
    except SentimentError as error:
        log.warning("The moves of the champion are reported later: %s", error)
        return
    for move in moves:
        send(move.alert(page), {})


def page(name: str, **query: object) -> str:
    """Return the URL of one of the Sentiment pages in Airflow. It is relative if Airflow's address is not set."""
    base = conf.get("api", "base_url", fallback="") or ""
    text = urlencode({key: str(value) for key, value in query.items()})
    return f"{base.rstrip('/')}/sentiment/{name}" + (f"?{text}" if text else "")
