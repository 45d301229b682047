"""The drivers of the stored reviews of a product, a source or everything, between two periods."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from sentiment_core.database.connection import Connection
from sentiment_core.drivers.drivers import Drivers, find_drivers
from sentiment_core.drivers.reviews import Batch, ReviewId
from sentiment_core.errors import NoSuchReviews, PeriodEmpty, PeriodsReversed
from sentiment_core.model.scorer import Scorer

_FETCH_ROWS: Final = 2000
_IN_GROUP: Final = "(%(source)s IS NULL OR source = %(source)s) AND (%(product)s IS NULL OR product_id = %(product)s)"


class Group(NamedTuple):
    """Reviews of one source, of one product, or of one product of one source. None means all."""

    source: str | None = None
    product: str | None = None

    def __str__(self) -> str:
        """Return the group as error messages name it."""
        values = ("product", self.product), ("source", self.source)
        named = [f"{name} {value!r}" for name, value in values if value is not None]
        return " of ".join(named) or "any product"


class Periods(NamedTuple):
    """Two consecutive periods: from `against` to the day before `since`, and from `since` to `until`."""

    against: date
    since: date
    until: date

    def check(self) -> None:
        """Raise `PeriodsReversed` if one of the periods has no day."""
        if not self.against < self.since <= self.until:
            raise PeriodsReversed(**self._asdict())

    @property
    def then(self) -> tuple[date, date]:
        """Return the first and the last day of the earlier period."""
        return self.against, self.since - timedelta(days=1)

    @property
    def now(self) -> tuple[date, date]:
        """Return the first and the last day of the later period."""
        return self.since, self.until


def stored_drivers(
    connection: Connection, scorer: Scorer, group: Group, periods: Periods, top: int, *, written: bool = False
) -> Drivers:
    """Return the drivers of the live reviews of a group, in one transaction that sees one state of the database.

    The days are those of the drops, or with `written` those on which the reviews were written. Raises
    `PeriodsReversed`, `PeriodEmpty` if a period has no review, and `NoSuchReviews` if the group has none at all.
    """
    periods.check()
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        then, now = (StoredReviews(connection, group, period, written) for period in (periods.then, periods.now))
        for stored in (then, now):
            stored.require_reviews()
        return find_drivers(scorer, then, now, top)


@dataclass(frozen=True)
class StoredReviews:
    """The live reviews of a group in a period, as `Reviews`, in the order of their primary key."""

    connection: Connection
    group: Group
    period: tuple[date, date]
    written: bool

    def __call__(self) -> Iterator[Batch]:
        """Yield the reviews in batches."""
        with self.connection.cursor("reviews_of_a_period") as cursor:
            cursor.execute(
                f"SELECT day, source_file_id, line, text {self._rows} ORDER BY day, source_file_id, line",
                self._parameters,
            )
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield Batch([ReviewId(*row[:3]) for row in rows], [row[3] for row in rows])

    def require_reviews(self) -> None:
        """Raise `PeriodEmpty` or `NoSuchReviews` if there is no review."""
        if self._exists(self._rows):
            return
        if not self._exists(f"FROM sentiment.scored_reviews WHERE {_IN_GROUP}"):
            raise NoSuchReviews(group=self.group)
        raise PeriodEmpty(group=self.group, first=self.period[0], last=self.period[1])

    def _exists(self, rows: str) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT {rows})", self._parameters)
            ((exists,),) = cursor.fetchall()
        return bool(exists)

    @property
    def _rows(self) -> str:
        day = "written_day" if self.written else "day"
        return f"FROM sentiment.scored_reviews WHERE {day} BETWEEN %(first)s AND %(last)s AND {_IN_GROUP}"

    @property
    def _parameters(self) -> dict[str, Any]:
        first, last = self.period
        return {"first": first, "last": last, **self.group._asdict()}
