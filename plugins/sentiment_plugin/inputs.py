"""Values that users type into an address or a form."""

from datetime import date

from sentiment_plugin.problems import Problem
from sentiment_plugin.rendering import NO_SOURCE


def chosen_day(day: str) -> date | None:
    """Return the day that a user chose, None for an empty text. Raises `Problem` when it is no day."""
    try:
        return date.fromisoformat(day) if day else None
    except ValueError as error:
        raise Problem(400, f"“{day}” is not a day. Use the format 2026-11-15.") from error


def chosen_text(text: str, longest: int) -> str | None:
    """Return a text that a user chose, None for an empty one. Raises `Problem` when it cannot be in the database."""
    if len(text) > longest or "\0" in text:
        raise Problem(400, f"Nothing has this name. Use at most {longest} characters.")
    return text or None


def chosen_source(text: str) -> str | None:
    """Return the source that a user chose: None for all, "" for files without one. Raises `Problem`."""
    source = chosen_text(text.strip(), 1024)
    return "" if source == NO_SOURCE else source
