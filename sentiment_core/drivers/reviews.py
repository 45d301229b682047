"""Sets of reviews that can be read several times, in batches, so that memory stays bounded."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple


class ReviewId(NamedTuple):
    """The primary key of a stored review."""

    day: date
    source_file_id: int
    line: int


class Batch(NamedTuple):
    """n reviews."""

    ids: list[ReviewId]
    texts: list[str]


# Yields the same batches at each call.
Reviews = Callable[[], Iterable[Batch]]


class BothPeriods(NamedTuple):
    """A value for the earlier period, and one for the later period."""

    then: float
    now: float

    @property
    def change(self) -> float:
        """Return the later value minus the earlier one."""
        return self.now - self.then
