"""What a person chose: source, product, period, and which day of a review counts. The address carries it."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlencode

from insights.errors import DayInvalid, PeriodReversed, PeriodTooLong, ValueInvalid

DEFAULT_DAYS: Final = 30
MOST_DAYS: Final = 3_660  # ten years: each day is a row of the page
_MOST_CHARACTERS: Final = 1_000
ALL: Final = "*"  # of the sources; an empty name is a source, too
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)


class DayOf(StrEnum):
    """Which day of a review counts."""

    FILE = "file"
    WRITTEN = "written"


class Period(NamedTuple):
    """Days from the first to the last, both included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.until - self.since).days + 1

    @property
    def before(self) -> "Period":
        """Return the period of the same length that ends the day before."""
        return Period(self.since - timedelta(self.days), self.since - timedelta(1))


class Wanted(NamedTuple):
    """What an address asks for. A missing first or last day is chosen by the page."""

    source: str | None = None
    product: str | None = None
    since: date | None = None
    until: date | None = None
    day_of: DayOf = DayOf.FILE

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Wanted":
        """Return what a query string asks for.

        Raises `DayInvalid`, `PeriodReversed`, `PeriodTooLong` and `ValueInvalid`.
        """
        source, product = _text(query, "source", ALL), _text(query, "product", "").strip()
        day_of = query.get("day", DayOf.FILE)
        if day_of not in list(DayOf):
            raise ValueInvalid(field="day", why=f"it is neither {' nor '.join(DayOf)}")
        wanted = cls(
            None if source == ALL else source,
            product or None,
            _day(query, "since", "first day"),
            _day(query, "until", "last day"),
            DayOf(day_of),
        )
        if wanted.since and wanted.until:
            _check(Period(wanted.since, wanted.until))
        return wanted

    def period(self, newest: date) -> Period:
        """Return the wanted period. One without an end ends on the newest day, one without a start has 30 days."""
        until = self.until or max(newest, self.since or newest)
        period = Period(self.since or until - timedelta(DEFAULT_DAYS - 1), until)
        _check(period)
        return period

    def address(self, period: Period | None = None, **changed: str | None) -> str:
        """Return the query string, with a leading `?`, that asks for the same, for a period, or with changes."""
        since, until = period or (self.since, self.until)
        values = {
            "source": self.source,
            "product": self.product,
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
            "day": None if self.day_of is DayOf.FILE else self.day_of,
        }
        values |= changed
        return "?" + urlencode({name: value for name, value in values.items() if value is not None})


def _check(period: Period) -> None:
    if period.until < period.since:
        raise PeriodReversed(since=period.since, until=period.until)
    if period.days > MOST_DAYS:
        raise PeriodTooLong(since=period.since, until=period.until, limit=MOST_DAYS)


def _day(query: Mapping[str, str], name: str, field: str) -> date | None:
    given = query.get(name, "").strip()
    if not given:
        return None
    try:
        found = date.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.isoformat() != given or not _FIRST <= found <= _LAST:
        raise DayInvalid(field=field, found=ascii(given[:40]), first=_FIRST, last=_LAST)
    return found


def _text(query: Mapping[str, str], name: str, default: str) -> str:
    given = query.get(name, default)
    if len(given) > _MOST_CHARACTERS:
        raise ValueInvalid(field=name, why=f"it has more than {_MOST_CHARACTERS:,} characters")
    if "\0" in given or not given.isprintable():
        raise ValueInvalid(field=name, why="it has a character that cannot be shown")
    return given
