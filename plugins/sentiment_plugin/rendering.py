"""Render templates. Keys, reasons and rows come from customers' files, so the templates escape everything."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from fastapi.responses import HTMLResponse
from markupsafe import Markup

NO_SOURCE = "(none)"
_TEMPLATES = Path(__file__).with_name("templates")
_STYLE = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
_SCRIPT = (_TEMPLATES / "frame.js").read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return the Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_source(_STYLE)}",
        f"script-src {_source(_SCRIPT)}",
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # Not no-referrer: Airflow's API notes that a run with a referrer was started in the UI.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def render(template: str, status: int, **values: object) -> HTMLResponse:
    """Render a template with these values."""
    own = {"style": Markup(_STYLE), "script": Markup(_SCRIPT)}  # noqa: S704 - our own files
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(own | values), status, headers=_HEADERS)


def moment(at: datetime) -> str:
    """Return a time in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def seconds(count: float) -> str:
    """Return a duration in words of at most two units, such as `3 min 20 s`."""
    if count < 10:
        return f"{count:,.2f} s"
    if count < 60:
        return f"{count:.0f} s"
    minutes, rest = divmod(round(count), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def size(count: int) -> str:
    """Return a number of bytes with its unit."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.4g} TB"


def count(number: int | None) -> str:
    """Return a number with thousands separators, and a dash for None."""
    return "\N{EN DASH}" if number is None else f"{number:,}"


def short_count(number: int) -> str:
    """Return a number in at most four characters up to a million: `640`, `6.4k`, `31k`."""
    if number < 1000:
        return str(number)
    value = number / 1000
    return f"{value:.1f}k" if value < 10 else f"{value:,.0f}k"


def source_name(source: str) -> str:
    """Return the name of a source. Files directly below the prefix have none."""
    return source or NO_SOURCE


def percent(ratio: float) -> str:
    """Return a ratio in percent, with a decimal below 10 %."""
    return f"{100 * ratio:.1f} %" if ratio < 0.1 else f"{100 * ratio:.0f} %"


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "moment": moment,
    "seconds": seconds,
    "size": size,
    "count": count,
    "percent": percent,
    "short_count": short_count,
    "source": source_name,
}
