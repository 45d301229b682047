"""The shown figures as CSV (RFC 4180), for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from insights.drivers import Comparison
from insights.figures import Day

# A spreadsheet reads a cell that starts so as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def days_csv(days: Iterable[Day]) -> bytes:
    """Return one row a day: its reviews by label and their mean score."""
    rows = ((each.day, *each.counts[:4], f"{each.counts.mean_score:.4f}") for each in days)
    return _csv(("day", "reviews", "positive", "neutral", "negative", "mean_score"), rows)


def drivers_csv(drivers: Comparison | None) -> bytes:
    """Return one row a phrase, with the source and the periods of its comparison and its examples."""
    header = ("phrase", "movement", "explained", "reviews_then", "reviews_now", "examples")
    about = drivers[:5] if drivers else ()
    rows = (
        (_text(each.phrase), *each[1:-1], _text("\n".join(each.examples)), *map(_text, map(str, about)))
        for each in (drivers.phrases if drivers else ())
    )
    return _csv((*header, *Comparison._fields[:5]), rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def _text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
