"""The drift report for readers: a plot, and a self-contained HTML page with the plot and the figures."""

import base64
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, Final

from sentiment_core.drift.report_store import TREND_DAYS, Trend
from sentiment_core.drift.statistics import SHOWN_BINS, Cause, Report
from sentiment_core.png import png_of

PLOT: Final = "drift.png"
PAGE: Final = "drift.html"

_NAMES: Final = {
    Cause.SCORE: "Scores (PSI)",
    Cause.LABELS: "Labels (PSI)",
    Cause.LENGTH: "Text lengths (PSI)",
    Cause.UNKNOWN: "Unknown n-grams (rise of their fraction)",
    Cause.REJECTED: "Rejected rows (ratio)",
}
_NOW, _THEN = "#0072b2", "#b8b8b8"  # distinguishable with colour blindness (M. Okabe and K. Ito) and in greyscale
_LINES: Final = (
    ("score", "scores", "#0072b2", "-"),
    ("labels", "labels", "#d55e00", "--"),
    ("length", "lengths", "#009e73", ":"),
)
_MAX_TICKS: Final = 8
_DPI: Final = 110
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
.beyond { font-weight: bold; color: #a33000; }
img { max-width: 100%; }
"""


def plot(report: Report, trend: Sequence[Trend], day: date) -> bytes:
    """Return a PNG of a day's score distribution next to the reference's, and of the recent drift indices (PSI)."""
    from matplotlib.figure import Figure  # noqa: PLC0415 -- slow import, for plots only

    figure = Figure(figsize=(11, 4.2), dpi=_DPI, layout="constrained")
    scores, days = figure.subplots(1, 2)
    _draw_scores(scores, report, day)
    _draw_trend(days, trend, report)
    return png_of(figure)


def page(reports: Sequence[Report], png: bytes, day: date, digest: str) -> str:
    """Return a day's page as self-contained HTML, without external resources."""
    whole, *products = reports
    image = base64.b64encode(png).decode("ascii")
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Drift on {day}</title><style>{_STYLE}</style></head>
<body>
<h1>Drift on {day}</h1>
<p>{escape(verdict(whole))} Model {escape(digest[:12])}, {whole.measures["rows"]:,} reviews.</p>
<img alt="Distribution of scores on {day} and in the reference; population stability indices of the last days"
 src="data:image/png;base64,{image}">
{_figures(whole)}
{_products(products)}
</body>
</html>
"""


def files(reports: Sequence[Report], trend: Sequence[Trend], day: date, digest: str) -> dict[str, bytes]:
    """Return a day's plot and page by file name."""
    png = plot(reports[0], trend, day)
    return {PLOT: png, PAGE: page(reports, png, day, digest).encode()}


def write(reports: Sequence[Report], trend: Sequence[Trend], day: date, digest: str, folder: Path) -> list[Path]:
    """Write a day's plot and page into a folder, created if missing, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = files(reports, trend, day, digest)
    for name, content in written.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in written]


def verdict(report: Report) -> str:
    """Return a report's conclusion as one sentence."""
    reasons = {
        "measured": "No measure reaches its threshold.",
        "too few rows": "Too few reviews to compare.",
        "no reference": "The model's bundle has no reference to compare with.",
    }
    if not report.drifted:
        return reasons[report.state]
    parts = [f"{_NAMES[cause]} at {report.measures[cause]['effect']:.3f}" for cause in report.causes]
    return f"Drifted: {', '.join(parts)}."


def figures(report: Report) -> Iterator[tuple[str, str, str, str, bool]]:
    """Yield name, effect, threshold and p-value of each measure, and whether it drifted (is among the causes)."""
    for cause in Cause:
        measure: dict[str, Any] | None = report.measures.get(cause)
        if measure is not None:
            effect, p = measure["effect"], measure.get("p")
            yield (
                _NAMES[cause],
                "too few rows" if effect is None else f"{effect:.3f}",
                f"{measure['threshold']:g}",
                "" if p is None else f"{p:.2g}",
                cause in report.causes,
            )


def _draw_scores(axes: Any, report: Report, day: date) -> None:
    measure = report.measures.get(Cause.SCORE)
    axes.set_title("Scores")
    axes.set_xlabel("score")
    axes.set_ylabel("fraction of reviews")
    if measure is None:
        axes.text(0.5, 0.5, verdict(report), ha="center", va="center", wrap=True, transform=axes.transAxes)
        return
    edges = [number / SHOWN_BINS for number in range(SHOWN_BINS + 1)]
    axes.stairs(measure["reference"], edges, fill=True, color=_THEN, label="reference")
    axes.stairs(measure["shares"], edges, color=_NOW, linewidth=2, label=str(day))
    axes.set_xlim(0, 1)
    axes.legend(loc="upper center", frameon=False)


def _draw_trend(axes: Any, trend: Sequence[Trend], report: Report) -> None:
    import matplotlib.dates as mdates  # noqa: PLC0415

    axes.set_title(f"Population stability index, last {TREND_DAYS} days")
    days = mdates.date2num([one.day for one in trend])
    for name, label, colour, style in _LINES:
        values = [getattr(one, name) for one in trend]
        # A missing value leaves a gap.
        points = [float("nan") if value is None else value for value in values]
        axes.plot(days, points, style, color=colour, marker="o", markersize=4, label=label)
    threshold = report.measures.get(Cause.SCORE, {}).get("threshold")
    if threshold is not None:
        axes.axhline(threshold, color="#222", linewidth=1, label="threshold")
    axes.set_ylim(0, 1.1 * max([threshold or 0.1, *axes.get_ylim()]))
    if len(days):
        axes.set_xlim(days[0] - 0.5, days[-1] + 0.5)
        axes.set_xticks(days[:: 1 + (len(days) - 1) // _MAX_TICKS])
        axes.xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, frameon=False)


def _figures(report: Report) -> str:
    rows = "".join(_row(cells, beyond) for *cells, beyond in figures(report))
    return f"<table><tr><th>measure</th><th>effect</th><th>threshold</th><th>p-value</th></tr>{rows}</table>"


def _row(cells: Sequence[str], beyond: bool) -> str:
    marked = ' class="beyond"' if beyond else ""
    return f"<tr{marked}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _products(products: Sequence[Report]) -> str:
    if not products:
        return ""
    shown = (Cause.SCORE, Cause.LABELS, Cause.LENGTH, Cause.UNKNOWN)
    head = "".join(f"<th>{_NAMES[cause]}</th>" for cause in shown)
    rows = "".join(
        f"<tr><td>{escape(one.product_id or '')}</td><td>{one.measures['rows']:,}</td>"
        + "".join(_cell(one, cause) for cause in shown)
        + "</tr>"
        for one in products
    )
    return f"<h2>Products</h2><table><tr><th>product</th><th>reviews</th>{head}</tr>{rows}</table>"


def _cell(report: Report, cause: Cause) -> str:
    measure = report.measures.get(cause)
    marked = ' class="beyond"' if cause in report.causes else ""
    return f"<td{marked}>{'' if measure is None else format(measure['effect'], '.3f')}</td>"
