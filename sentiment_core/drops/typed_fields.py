"""Parse the values of optional columns, and encode columns as JSON, without a Python object per row.

Compiled code parses the common spellings. Python parses all others. The two together accept and reject exactly the same
values as `parse_rating` and `parse_time`.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, NumberColumn, TextColumn
from sentiment_core.columnar.compiled import compiled

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # times are microseconds since then, as in PostgreSQL
DAY, MINUTE = 86_400_000_000, 60_000_000
FIRST_TIME = (datetime.min.replace(tzinfo=UTC) - POSTGRES_EPOCH) // timedelta(microseconds=1)
LAST_TIME = (datetime.max.replace(tzinfo=UTC) - POSTGRES_EPOCH) // timedelta(microseconds=1)
UNREAD = -(1 << 60)  # a sum of two or three of them is still far before FIRST_TIME
DAYS_OF_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
# An integer below 2^53 divided by a power of ten up to 10^22 is rounded only once, so the quotient is correctly
# rounded (W. Clinger, PLDI 1990).
MAX_DIGITS = 15
POWERS_OF_TEN = 10.0 ** np.arange(MAX_DIGITS + 1)
ESCAPES = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: "\\"}
# JSON string escape of each byte: 0 means no escape, 1 means \u00XX, any other value is the letter after the backslash.
ESCAPED = np.array([ord(ESCAPES[byte]) if byte in ESCAPES else int(byte < 0x20) for byte in range(256)], np.uint8)
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)

# BigQuery, Rails and Judge.me write UTC behind the time, Go writes +0000 UTC, and Java the zone behind its offset.
_UTC = re.compile(r"(?<=\d)(?: ?[+-]00:?00)? ?(?:UTC|GMT)$", re.IGNORECASE)
_ZONE_OF_OFFSET = re.compile(r"([+-]\d\d:?\d\d|Z)\[[\w/+-]+\]$")

Refused = dict[int, str]  # row -> why its value cannot be parsed


def ratings(column: BytesColumn, *, decimal_comma: bool = False) -> tuple[NumberColumn, Refused]:
    """Parse finite numbers, float64. A value that cannot be parsed becomes null and is listed in `Refused`.

    With `decimal_comma`, a number may have a comma as its decimal point.
    """
    numbers, unread = np.zeros(column.size), np.zeros(column.size, np.bool_)
    _decimals(*column, numbers, unread)
    return _parse_remaining(column, numbers, unread, lambda text: parse_rating(text, decimal_comma=decimal_comma))


def times(column: BytesColumn) -> tuple[NumberColumn, Refused]:
    """Parse ISO 8601 dates and times to microseconds since 2000, int64. A time without a zone is UTC.

    A value that cannot be parsed becomes null and is listed in `Refused`.
    """
    numbers, unread = np.zeros(column.size, np.int64), np.zeros(column.size, np.bool_)
    _iso_times(*column, numbers, unread)
    return _parse_remaining(column, numbers, unread, lambda text: microseconds(parse_time(text)))


def _parse_remaining(
    column: BytesColumn, numbers: NDArray[np.generic], unread: NDArray[np.bool_], parse: Callable[[str], float]
) -> tuple[NumberColumn, Refused]:
    refused: Refused = {}
    null = column.null
    for row in np.flatnonzero(unread).tolist():
        try:
            numbers[row] = parse(column.text(row) or "")
        except ValueError as error:
            null[row] = True
            refused[row] = str(error)
    return NumberColumn(numbers, null), refused


def parse_rating(text: str, *, decimal_comma: bool = False) -> float:
    """Parse a finite number. Raises `ValueError` when the text is not one."""
    number = text.replace(",", ".") if decimal_comma and "." not in text else text
    try:
        rating = math.nan if "_" in number else float(number)  # Python's literals may have underscores
    except ValueError:
        rating = math.nan
    if not math.isfinite(rating):
        raise ValueError(f"{text[:40]!r} is not a number")
    return rating


def parse_time(text: str, zone: tzinfo = UTC) -> datetime:
    """Parse an ISO 8601 date or time, to UTC. A time without a zone is in `zone`; with ` UTC` behind it, it is UTC.

    Raises `ValueError` when the text is neither.
    """
    try:
        time = datetime.fromisoformat(_UTC.sub("+00:00", _ZONE_OF_OFFSET.sub(r"\1", text)))
        return (time.replace(tzinfo=zone) if time.tzinfo is None else time).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 date or time") from None


def microseconds(time: datetime) -> int:
    """Return the exact microseconds since 2000. A float of seconds would lose the last digit."""
    return (time - POSTGRES_EPOCH) // timedelta(microseconds=1)


def time_of(count: int) -> datetime:
    """Return the time that is `count` microseconds after the start of 2000, UTC."""
    return POSTGRES_EPOCH + timedelta(microseconds=count)


def json_objects(columns: Mapping[str, TextColumn], rows: int) -> BytesColumn:
    """Return, for each row, a JSON object of its columns, as `json.dumps(…, ensure_ascii=False)` writes it.

    Without columns, every row is null.
    """
    if not columns:
        return BytesColumn.nulls(rows)
    sizes = np.ones(rows, np.int64)  # the closing brace; each key includes the text before it
    keys = _keys(list(columns))
    for key, column in zip(keys, columns.values(), strict=True):
        _add_json_sizes(column.data, column.offsets, len(key) + 2, sizes)
    start = np.cumsum(sizes) - sizes
    out, place = np.empty(int(sizes.sum()), np.uint8), start.copy()
    for key, column in zip(keys, columns.values(), strict=True):
        _put_json(out, place, np.frombuffer(key, np.uint8), column.data, column.offsets)
    out[place] = ord("}")
    return BytesColumn(out, start, sizes.astype(np.int32))


def _keys(names: Sequence[str]) -> list[bytes]:
    opening = ["{", *[", "] * (len(names) - 1)]
    return [
        f"{before}{json.dumps(name, ensure_ascii=False)}: ".encode()
        for before, name in zip(opening, names, strict=True)
    ]


@compiled
def _decimals(data, start, length, numbers, unread):  # type: ignore[no-untyped-def]
    """Parse digits with an optional sign and decimal point. Mark every other non-null value as unread."""
    for row in range(len(start)):
        if length[row] < 0:
            continue
        at, end = start[row], start[row] + length[row]
        negative = data[at] == 0x2D
        if negative or data[at] == 0x2B:
            at += 1
        whole, digits, decimals, point = 0, 0, 0, False
        while at < end:
            byte = data[at]
            if byte == 0x2E and not point:
                point = True
            elif 0x30 <= byte <= 0x39 and digits < MAX_DIGITS:
                whole = 10 * whole + (byte - 0x30)
                digits += 1
                decimals += point
            else:
                break
            at += 1
        if at < end or digits == 0:
            unread[row] = True
            continue
        number = whole / POWERS_OF_TEN[decimals]
        numbers[row] = -number if negative else number


@compiled
def _two_digits(data, at):  # type: ignore[no-untyped-def]
    """Return the number formed by two digits, or a number above 99 if the bytes are not digits."""
    tens, ones = data[at] - 0x30, data[at + 1] - 0x30
    return 100 if tens < 0 or tens > 9 or ones < 0 or ones > 9 else 10 * tens + ones


@compiled
def _iso_times(data, start, length, numbers, unread):  # type: ignore[no-untyped-def]
    """Parse `YYYY-MM-DD`, optionally with `HH:MM[:SS[.ffffff]]` and a zone `Z` or `±HH:MM`.

    Mark every other non-null value as unread.
    """
    for row in range(len(start)):
        if length[row] < 0:
            continue
        at = start[row]
        end = at + length[row]
        time = _date(data, at, end)
        if at + 10 < end:
            clock, at = _clock(data, at + 10, end)
            time += clock + _zone(data, at, end)
        unread[row] = not FIRST_TIME <= time <= LAST_TIME
        if not unread[row]:
            numbers[row] = time


@compiled
def _date(data, at, end):  # type: ignore[no-untyped-def]
    """Return the microseconds from 2000 to the day at this position, or `UNREAD`."""
    if at + 10 > end or data[at + 4] != 0x2D or data[at + 7] != 0x2D:
        return UNREAD
    century, year = _two_digits(data, at), _two_digits(data, at + 2)
    month, day = _two_digits(data, at + 5), _two_digits(data, at + 8)
    if century > 99 or year > 99 or month < 1 or month > 12 or day < 1:
        return UNREAD
    year += 100 * century
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or day > DAYS_OF_MONTH[month] + (month == 2 and leap):
        return UNREAD
    # Uses years that start in March (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    march_year = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    leap_days = march_year // 4 - march_year // 100 + march_year // 400
    return (365 * march_year + leap_days + day_of_year - 730_425) * DAY


@compiled
def _clock(data, at, end):  # type: ignore[no-untyped-def]
    """Return the microseconds since midnight of a time after `T` or a space, or `UNREAD`, and its end position."""
    if at + 6 > end or (data[at] != 0x54 and data[at] != 0x20) or data[at + 3] != 0x3A:
        return UNREAD, at
    hour, minute, second, fraction = _two_digits(data, at + 1), _two_digits(data, at + 4), 0, 0
    at += 6
    if at + 3 <= end and data[at] == 0x3A:
        second = _two_digits(data, at + 1)
        at += 3
        if at + 1 < end and data[at] == 0x2E and 0x30 <= data[at + 1] <= 0x39:
            at += 1
            unit = 100_000
            while at < end and 0x30 <= data[at] <= 0x39 and unit > 0:
                fraction += (data[at] - 0x30) * unit
                unit //= 10
                at += 1
    if hour > 23 or minute > 59 or second > 59:
        return UNREAD, at
    return (60 * hour + minute) * MINUTE + second * 1_000_000 + fraction, at


@compiled
def _zone(data, at, end):  # type: ignore[no-untyped-def]
    """Return the microseconds to add to get UTC from the time in this zone, 0 without a zone, or `UNREAD`."""
    if at == end or (at + 1 == end and data[at] == 0x5A):
        return 0
    if at + 6 != end or (data[at] != 0x2B and data[at] != 0x2D) or data[at + 3] != 0x3A:
        return UNREAD
    hours, minutes = _two_digits(data, at + 1), _two_digits(data, at + 4)
    if hours > 23 or minutes > 59:
        return UNREAD
    ahead = (60 * hours + minutes) * MINUTE
    return ahead if data[at] == 0x2D else -ahead


@compiled
def _add_json_sizes(data, offsets, around, sizes):  # type: ignore[no-untyped-def]
    """Add the JSON-encoded size of each row's value to `sizes`, plus `around` for the key and the quotes."""
    for row in range(len(sizes)):
        size = around
        for at in range(offsets[row], offsets[row + 1]):
            escape = ESCAPED[data[at]]
            size += 1 if escape == 0 else 6 if escape == 1 else 2
        sizes[row] += size


@compiled
def _put_json(out, place, key, data, offsets):  # type: ignore[no-untyped-def]
    """Write the key and each row's value at the row's position in `out`, and advance `place` past them."""
    for row in range(len(place)):
        to = place[row]
        for byte in key:
            out[to] = byte
            to += 1
        out[to] = 0x22
        to += 1
        for at in range(offsets[row], offsets[row + 1]):
            byte = data[at]
            escape = ESCAPED[byte]
            if escape == 0:
                out[to] = byte
                to += 1
                continue
            out[to] = 0x5C
            if escape == 1:
                out[to + 1] = 0x75
                out[to + 2] = 0x30
                out[to + 3] = 0x30
                out[to + 4] = HEX[byte >> 4]
                out[to + 5] = HEX[byte & 15]
                to += 6
            else:
                out[to + 1] = escape
                to += 2
        out[to] = 0x22
        place[row] = to + 1
