"""Render the pages. Keys and reasons come from customers' files, so the templates escape everything."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import jinja2
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from sentiment_core.drops.reading import column_names, summary
from sentiment_plugin.ledger import STATES, Entry, Filter, Page, Position

_TEMPLATES = Path(__file__).with_name("templates")
_STYLE = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
_SCRIPT = (_TEMPLATES / "theme.js").read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return the Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_source(_STYLE)}",
        f"script-src {_source(_SCRIPT)}",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def files(chosen: Filter, page: Page) -> HTMLResponse:
    """Show a page of the ledger."""
    return _render(
        "files.html",
        chosen=chosen,
        states=STATES,
        entries=page.entries,
        newer=page.newer_than and _link(chosen, "newer_than", page.newer_than),
        older=page.older_than and _link(chosen, "older_than", page.older_than),
    )


def problem(sentence: str, status: int) -> HTMLResponse:
    """Show why the page is not available."""
    return _render("problem.html", status, sentence=sentence, again=status not in {401, 403})


def _render(template: str, status: int = 200, **values: object) -> HTMLResponse:
    own = {"style": Markup(_STYLE), "script": Markup(_SCRIPT)}  # noqa: S704 - our own files
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(own | values), status, headers=_HEADERS)


def _link(chosen: Filter, direction: str, position: Position) -> str:
    query = {
        "day": chosen.day or "",
        "state": chosen.state,
        "key": chosen.key,
        direction: f"{position.source_file_id}.{position.batch_id}",
    }
    return "?" + urlencode({name: value for name, value in query.items() if value})


def _state(entry: Entry) -> str:
    """Return the state as one word.

    For a loaded file, return whether its rows are shown, which says more than "loaded".
    """
    if entry.status != "loaded":
        return entry.status
    return "live" if entry.live else "superseded"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _seconds(entry: Entry) -> str | None:
    if entry.started_at is None or entry.finished_at is None:
        return None
    return f"{(entry.finished_at - entry.started_at).total_seconds():,.2f} s"


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.4g} TB"


def _count(count: int) -> str:
    return f"{count:,}"


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "state": _state,
    "moment": _moment,
    "seconds": _seconds,
    "size": _size,
    "count": _count,
    "form": summary,
    "columns": column_names,
}
