"""Everything that the page shows of a selection."""

from datetime import date
from typing import Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- a class with a lowercase name in psycopg2

from insights.aspects import Aspects, read_aspects
from insights.drivers import Comparison, read_drivers
from insights.errors import ProductUnknown, SourceUnknown
from insights.figures import Counts, Day, read_days, read_extent, read_sources, search_products, total
from insights.selection import Period, Wanted

SUGGESTIONS: Final = 20


class Report(NamedTuple):
    """The figures of a selection, the period before it, and what explains the difference."""

    wanted: Wanted
    period: Period
    sources: list[str]
    days: list[Day]
    now: Counts | None
    before: Counts | None
    extent: Period | None  # of the selection's reviews; read only if the period has none
    drivers: Comparison | None
    aspects: Aspects | None


class Failure(NamedTuple):
    """A selection that has no figures, and what the page needs to ask again."""

    error: ProductUnknown | SourceUnknown
    sources: list[str]
    suggestions: list[str]


def read_report(cursor: Cursor, wanted: Wanted, today: date) -> Report | Failure:
    """Return the report of a selection, or why there is none."""
    sources = read_sources(cursor)
    if wanted.source is not None and wanted.source not in sources:
        return Failure(SourceUnknown(source=ascii(wanted.source)), sources, [])
    extent = None
    if wanted.until is None:
        extent = read_extent(cursor, wanted)
        period = wanted.period(extent.until if extent else today)
    else:
        period = wanted.period(wanted.until)
    days = read_days(cursor, wanted, Period(period.before.since, period.until))
    shown = [each for each in days if each.day >= period.since]
    if not shown:
        extent = extent or read_extent(cursor, wanted)
        if extent is None and wanted.product is not None:
            alone = read_extent(cursor, wanted._replace(source=None))
            if alone is None:
                return _unknown_product(cursor, wanted, wanted.product, period)
    before = total([each for each in days if each.day < period.since])
    drivers, aspects = read_drivers(cursor, wanted, period), read_aspects(cursor, wanted, period)
    return Report(wanted, period, sources, shown, total(shown), before, extent, drivers, aspects)


def _unknown_product(cursor: Cursor, wanted: Wanted, product: str, period: Period) -> Failure:
    everything = read_extent(cursor, Wanted(day_of=wanted.day_of)) or period
    similar = search_products(cursor, product, wanted, everything, SUGGESTIONS)
    return Failure(ProductUnknown(product=ascii(product)), read_sources(cursor), similar)
