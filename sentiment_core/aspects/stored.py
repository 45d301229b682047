"""The aspects of the stored reviews of a product, a source or everything, in two periods."""

from collections.abc import Sequence
from typing import NamedTuple

from sentiment_core.aspects.opinions import AspectTotals, OpinionFinder
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.database.connection import Connection
from sentiment_core.drivers.reviews import Reviews
from sentiment_core.drivers.stored import Group, Periods, StoredReviews


class AspectsOfPeriod(NamedTuple):
    """The totals of n aspects over the reviews of a period."""

    reviews: int
    totals: Sequence[AspectTotals]  # n


class AspectChange(NamedTuple):
    """What became of one aspect between two periods."""

    aspect: str
    then: AspectTotals
    now: AspectTotals
    movement: float  # what its clauses add to the change of the mean log-odds of all reviews


class AspectChanges(NamedTuple):
    """The aspects that reviews of two periods mention, the strongest movement first."""

    reviews_then: int
    reviews_now: int
    aspects: list[AspectChange]


def stored_aspects(
    connection: Connection, finder: OpinionFinder, group: Group, periods: Periods, *, written: bool = False
) -> AspectChanges:
    """Return the aspects of the live reviews of a group, in one transaction that sees one state of the database.

    The days are those of the drops, or with `written` those on which the reviews were written. Raises
    `PeriodsReversed`, `PeriodEmpty` if a period has no review, and `NoSuchReviews` if the group has none at all.
    """
    periods.check()
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        stored = [StoredReviews(connection, group, period, written) for period in (periods.then, periods.now)]
        for each in stored:
            each.require_reviews()
        return compared(finder, *(totals_of(finder, each) for each in stored))


def totals_of(finder: OpinionFinder, reviews: Reviews) -> AspectsOfPeriod:
    """Return the totals of all aspects over a set of reviews."""
    count = 0
    totals = [AspectTotals() for _ in finder.aspects.names]
    for batch in reviews():
        found = finder.find(TextColumn.from_texts(batch.texts))
        count += found.texts
        for aspect, log_odds in zip(found.aspect.tolist(), found.log_odds.tolist(), strict=True):
            totals[aspect].add(log_odds)
    return AspectsOfPeriod(count, totals)


def compared(finder: OpinionFinder, then: AspectsOfPeriod, now: AspectsOfPeriod) -> AspectChanges:
    """Return the aspects of two periods. Neither may be without reviews."""
    changes = [
        AspectChange(name, before, after, after.log_odds / now.reviews - before.log_odds / then.reviews)
        for name, before, after in zip(finder.aspects.names, then.totals, now.totals, strict=True)
        if before.reviews or after.reviews
    ]
    changes.sort(key=lambda change: (-abs(change.movement), change.aspect))
    return AspectChanges(then.reviews, now.reviews, changes)
