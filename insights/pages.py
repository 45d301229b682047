"""The page, and the files that it loads. It loads nothing from other hosts and runs no inline script."""

import hashlib
import mimetypes
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import jinja2

from insights.figures import Counts
from insights.report import Failure, Report
from insights.selection import ALL, MOST_DAYS, DayOf, Period, Wanted
from sentiment_core.errors import SentimentError
from sentiment_core.labels import LABELS


class StaticFile(NamedTuple):
    """A file that the page loads."""

    content: bytes
    content_type: str


_FOLDER: Final = Path(__file__).parent
STATIC: Final = {
    path.name: StaticFile(path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream")
    for path in sorted((_FOLDER / "static").iterdir())
}
# The address of the files changes with any of them, so browsers may keep them.
VERSION: Final = hashlib.sha256(b"".join(file.content for file in STATIC.values())).hexdigest()[:16]
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_MINUS: Final = "\N{MINUS SIGN}"  # screen readers say it, unlike a hyphen


class Pages:
    """Render the page."""

    def __init__(self) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "number": _number,
            "percent": _percent,
            "signed": _signed,
            "points": _points,
            "change": _change,
        }

    def report(self, report: Report) -> bytes:
        """Return the page of a report."""
        return self._render("report.html", _form(report.wanted, report.period, report.sources) | report._asdict())

    def failure(self, wanted: Wanted, failure: Failure) -> bytes:
        """Return the page of a selection that has no figures."""
        form = _form(wanted, None, failure.sources)
        return self._render("problem.html", form | {"error": failure.error, "suggestions": failure.suggestions})

    def problem(self, error: SentimentError, query: Mapping[str, str]) -> bytes:
        """Return the page of an error before any figure could be read, with the form as it was filled in."""
        source = query.get("source", ALL)
        given = Wanted(None if source == ALL else source, query.get("product"))
        days = {name: query.get(name) for name in ("since", "until")}
        form = _form(given, None, [] if given.source is None else [given.source]) | days
        return self._render("problem.html", form | {"error": error, "suggestions": []})

    def _render(self, template: str, context: dict[str, Any]) -> bytes:
        around = {"static": f"/static/{VERSION}", "labels": LABELS[::-1], "all_sources": ALL}
        return self._templates.get_template(template).render(context | around).encode()


def _form(wanted: Wanted, period: Period | None, sources: list[str]) -> dict[str, Any]:
    return {
        "wanted": wanted,
        "since": period.since if period else wanted.since,
        "until": period.until if period else wanted.until,
        "sources": sources,
        "day_of": DayOf,
        "most_days": MOST_DAYS,
    }


def _number(value: int) -> str:
    return f"{value:,}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.1f}\N{NO-BREAK SPACE}%".replace("-", _MINUS)


def _signed(value: float, digits: int) -> str:
    """Return a change with its sign."""
    return f"{value:+.{digits}f}".replace("-", _MINUS)


def _points(difference: float) -> str:
    """Return the difference of two ratios in percentage points."""
    return f"{_signed(100 * difference, 1)} points"


def _change(now: Counts, before: Counts) -> str:
    """Return the change of the number of reviews in percent."""
    return f"{_signed(100 * (now.reviews / before.reviews - 1), 1)}\N{NO-BREAK SPACE}%"


def file_name(what: str, since: date, until: date) -> str:
    """Return the name of a downloaded file."""
    return f"{what}-{since}-{until}.csv"
