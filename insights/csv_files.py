"""The shown figures as CSV (RFC 4180), for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from insights.aspects import Aspects
from insights.drivers import Comparison
from insights.figures import Day

# A spreadsheet can read a text that starts with one of these as a formula
# (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")  # and their full-width forms


def days_csv(days: Iterable[Day]) -> bytes:
    """Return one row a day: its reviews by label, their mean score, and whether it is complete.

    `complete` is empty for days of writing.
    """
    complete = {True: "true", False: "false", None: ""}
    rows = ((each.day, *each.counts[:4], f"{each.counts.mean_score:.4f}", complete[each.complete]) for each in days)
    return _csv(("day", "reviews", "positive", "neutral", "negative", "mean_score", "complete"), rows)


def drivers_csv(drivers: Comparison | None) -> bytes:
    """Return one row a phrase, with the source and the periods of its comparison and its examples."""
    header = ("phrase", "movement", "explained", "reviews_then", "reviews_now", "examples")
    about = drivers[:5] if drivers else ()
    rows = ((*each[:-1], "\n".join(each.examples), *about) for each in (drivers.phrases if drivers else ()))
    return _csv((*header, *Comparison._fields[:5]), rows)


def aspects_csv(aspects: Aspects | None) -> bytes:
    """Return one row an aspect, with its figures in the period and in the one before, and the days of both."""
    measures = ("reviews", "mean_log_odds", "positive", "negative")
    columns = ("aspect", *measures, *(f"{measure}_before" for measure in measures), "first_day", "last_day")
    rows = (
        (each.aspect, *each.now, *(each.before or ("",) * len(measures)), aspects.days.since, aspects.days.until)
        for each in (aspects.aspects if aspects else ())
        if aspects
    )
    return _csv(columns, rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """Return a value of a cell. A text that starts like a formula gets an apostrophe; numbers and days stay."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
