"""The requests of webhooks: Slack's incoming webhooks and compatible ones, and PagerDuty's Events API v2.

Formats: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://developer.pagerduty.com/docs/send-alert-event.
"""

from typing import Any, Final

from sentiment_core.alerts.alert import Alert

PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
_LONGEST_SUMMARY = 1024  # characters, the limit of PagerDuty
_LONGEST_KEY = 255


def slack_message(alert: Alert) -> dict[str, Any]:
    """Return the JSON of a message. Control characters of Slack's markup are escaped, so no text can form a link."""
    lines = [f"*{_escaped(alert.subject)}*", _escaped(alert.detail[:1500]), f"Next: {_escaped(alert.next_step)}"]
    if alert.link:
        lines.append(f"<{_escaped(alert.link)}|Open>")
    return {"text": "\n".join(lines)}


def pagerduty_event(alert: Alert, routing_key: str) -> dict[str, Any]:
    """Return the JSON of a trigger event. Its `dedup_key` makes PagerDuty group events of the same cause."""
    return {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": alert.dedupe_key[:_LONGEST_KEY],
        "payload": {
            "summary": alert.subject[:_LONGEST_SUMMARY],
            "source": "sentiment",
            "severity": alert.severity,
            "class": alert.cause,
            "custom_details": {"detail": alert.detail[:1500], "next": alert.next_step},
        },
        "links": [{"href": alert.link, "text": "Open"}] if alert.link else [],
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
