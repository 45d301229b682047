"""The selection in the address of the insights page."""

from datetime import date
from urllib.parse import parse_qsl

import pytest

from insights.errors import DayInvalid, PeriodReversed, PeriodTooLong, ValueInvalid
from insights.selection import DayOf, Period, Wanted

TODAY = date(2026, 11, 20)


def test_an_empty_address_means_the_newest_thirty_days_of_everything() -> None:
    wanted = Wanted.parse({"source": "*", "product": " ", "since": "", "until": ""})
    assert wanted == Wanted()
    assert wanted.period(TODAY) == Period(date(2026, 10, 22), TODAY)
    assert wanted.period(TODAY).days == 30
    assert wanted.period(TODAY).before == Period(date(2026, 9, 22), date(2026, 10, 21))


def test_a_missing_day_follows_from_the_other() -> None:
    assert Wanted.parse({"since": "2026-11-01"}).period(TODAY) == Period(date(2026, 11, 1), TODAY)
    assert Wanted.parse({"since": "2027-01-01"}).period(TODAY) == Period(date(2027, 1, 1), date(2027, 1, 1))
    assert Wanted.parse({"until": "2026-01-30"}).period(TODAY) == Period(date(2026, 1, 1), date(2026, 1, 30))


@pytest.mark.parametrize("source", ["", "shop", "a&b=c*é"])
@pytest.mark.parametrize("day_of", DayOf)
def test_the_address_carries_the_whole_selection(source: str, day_of: DayOf) -> None:
    wanted = Wanted(source, 'kettle "2" & co', date(2026, 1, 2), date(2026, 1, 2), day_of)
    address = wanted.address()
    assert Wanted.parse(dict(parse_qsl(address[1:], keep_blank_values=True))) == wanted
    assert Wanted.parse(dict(parse_qsl(Wanted().address()[1:]))) == Wanted()


@pytest.mark.parametrize(
    ("query", "error", "says"),
    [
        ({"since": "2026-02-30"}, DayInvalid, "first day '2026-02-30' is not a day"),
        ({"until": "20260230"}, DayInvalid, "last day '20260230' is not a day"),
        ({"until": "2026-W05-1"}, DayInvalid, "YYYY-MM-DD"),
        ({"since": "0001-01-01"}, DayInvalid, "from 1900-01-01 to 2999-12-31"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, PeriodReversed, "before it starts on 2026-02-02. Swap"),
        ({"since": "2000-01-01", "until": "2026-01-01"}, PeriodTooLong, "more than 3,660 days"),
        ({"product": "x" * 1001}, ValueInvalid, "more than 1,000 characters"),
        ({"source": "a\0b"}, ValueInvalid, "cannot be shown"),
        ({"product": "\ud800"}, ValueInvalid, "cannot be shown"),
        ({"day": "tomorrow"}, ValueInvalid, "neither file nor written"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(query: dict[str, str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        Wanted.parse(query)


def test_a_period_that_the_page_completes_is_checked_too() -> None:
    with pytest.raises(PeriodTooLong):
        Wanted.parse({"since": "1990-01-01"}).period(TODAY)
