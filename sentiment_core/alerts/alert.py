"""An alert, and the channels of the settings to which it goes."""

from typing import Final, NamedTuple

# What an alert can be about, in the order of the documentation.
CAUSES: Final = ("failure", "late", "rejects", "drift", "promotion")
SEVERITIES: Final = ("info", "warning", "error", "critical")

_LONGEST_TITLE = 200
_LONGEST_DETAIL = 1_500


class Alert(NamedTuple):
    """A message to people. Two alerts with the same cause and key are the same message."""

    cause: str  # one of `CAUSES`
    key: str  # what it is about within its cause, such as a run's task or a day
    severity: str  # one of `SEVERITIES`
    title: str
    detail: str
    next_step: str
    link: str  # URL, or "" if Airflow's address is not configured

    @property
    def dedupe_key(self) -> str:
        """The name of the cause, under which the alert is sent once."""
        return f"{self.cause} {self.key}"

    @property
    def subject(self) -> str:
        """The title on one line of at most 200 characters, for headers."""
        line = " ".join(self.title.split())
        return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1] + "…"

    @property
    def body(self) -> str:
        """Detail, next step and link as plain text."""
        return "\n".join(filter(None, (self.detail[:_LONGEST_DETAIL], f"Next: {self.next_step}", self.link)))


class Channel(NamedTuple):
    """Where alerts go: a kind of service and its target, which is never a secret."""

    kind: str
    target: str
    causes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Channel":
        """Parse `KIND:TARGET` and the causes after it, separated by spaces. Without causes, all are sent."""
        place, *causes = text.split()
        kind, _, target = place.partition(":")
        return cls(kind, target, tuple(causes) or CAUSES)

    @property
    def name(self) -> str:
        """The name under which the ledger records what was sent."""
        return f"{self.kind}:{self.target}"
