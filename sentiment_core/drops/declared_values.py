"""Parse ratings and times as the contract of a source declares them.

Equal values are parsed once per block, because ratings and days repeat.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from sentiment_core.columnar.columns import BytesColumn, NumberColumn
from sentiment_core.drops.source_contract import STARS, RatingScale, Times
from sentiment_core.drops.typed_fields import Refused, microseconds, parse_time, times

_NUMBER: Final = r"[+-]?\d+(?:[.,]\d+)?"
# `4 out of 5`, `4/5`, `4 von 5`, `4 sur 5`, `4 de 5`, `4 su 5`, `4 van 5`, `4,0 von 5 Sternen`
_OUT_OF: Final = re.compile(
    rf"(?P<value>{_NUMBER})\s*(?:/|out of|of|von|sur|de|su|van|av|z|из)\s*(?P<most>{_NUMBER})\b.{{0,20}}", re.IGNORECASE
)
_WITH_UNIT: Final = re.compile(
    rf"(?P<value>{_NUMBER})\s*(?:stars?|Sterne?|étoiles?|estrellas?|stelle|★|⭐)", re.IGNORECASE
)
_STARS: Final = re.compile(r"(?P<full>[★⭐\ufe0f]*)(?P<half>[½⯨⯪]?)(?P<empty>[☆✩]*)")
_WORDS: Final = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
# Seconds since 1970 are below this until the year 5138, milliseconds are above it since 1973.
_FIRST_MILLISECONDS: Final = 1e11
_NO_COMMA: Final = 'a comma is no decimal point here; the contract can declare `rating: {decimal: ","}`'


def scaled_ratings(column: BytesColumn, scale: RatingScale) -> tuple[NumberColumn, Refused]:
    """Parse ratings, and return them as stars from 1 to 5, float64.

    A value that cannot be parsed, or is not on the scale, becomes null and is listed in `Refused`.
    """
    return _parsed(column, partial(stars_of, scale=scale), np.float64)


def declared_times(column: BytesColumn, declared: Times) -> tuple[NumberColumn, Refused]:
    """Parse times of the declared formats to microseconds since 2000, int64. Refuses values like `typed_fields.times`.

    In a time that occurs twice, when clocks are set back, the first is meant.
    """
    if declared == Times():
        return times(column)
    zone = ZoneInfo(declared.zone)
    return _parsed(column, lambda text: microseconds(declared_time(text, declared.formats, zone)), np.int64)


def stars_of(text: str, scale: RatingScale) -> float:
    """Return a rating as stars. Raises `ValueError` when it cannot be parsed or is not on the scale."""
    least, most = scale.scale
    value, found_most = spelled_rating(text.strip(), scale.decimal)
    if found_most is not None and found_most != most:
        raise ValueError(f"{text[:40]!r} is out of {found_most:g}, the scale of the source ends at {most:g}")
    if not least <= value <= most:
        raise ValueError(f"{text[:40]!r} is not on the scale from {least:g} to {most:g}")
    return STARS[0] + (value - least) * (STARS[1] - STARS[0]) / (most - least)


def spelled_rating(text: str, decimal: str) -> tuple[float, float | None]:
    """Return the value of a rating such as `4`, `4/5`, `80%`, `★★★☆☆` or `FOUR`, and the best value that it names.

    Raises `ValueError` for any other text.
    """
    number = partial(_number, decimal=decimal)
    if re.fullmatch(_NUMBER, text):
        return number(text), None
    if text.endswith("%") and re.fullmatch(_NUMBER, text[:-1].rstrip()):
        return number(text[:-1].rstrip()), 100
    if found := _OUT_OF.fullmatch(text):
        return number(found["value"]), number(found["most"])
    if found := _WITH_UNIT.fullmatch(text):
        return number(found["value"]), None
    if text and (found := _STARS.fullmatch(text)):
        full, half = len(found["full"].replace("\ufe0f", "")), 0.5 if found["half"] else 0
        return full + half, full + bool(half) + len(found["empty"]) if found["empty"] else None
    if text.casefold() in _WORDS:
        return _WORDS[text.casefold()], None
    raise ValueError(f"{text[:40]!r} is not a rating")


def _number(text: str, decimal: str) -> float:
    if "," in text and decimal != ",":
        raise ValueError(f"{text[:40]!r} is not a number: {_NO_COMMA}")
    if "." in text and decimal == ",":
        raise ValueError(f"{text[:40]!r} has a point, and the decimal point of the source is a comma")
    return float(text.replace(",", "."))


def declared_time(text: str, formats: Sequence[str], zone: ZoneInfo) -> datetime:
    """Return the time in UTC, by the first format that fits. Raises `ValueError` when none does."""
    for form in formats:
        try:
            return _time(text, form, zone)
        except (ValueError, OverflowError):
            continue
    raise ValueError(f"{text[:40]!r} is not a time of the form {' or '.join(formats)}")


def _time(text: str, form: str, zone: ZoneInfo) -> datetime:
    if form == "iso":
        return parse_time(text, zone)
    if form in ("epoch_s", "epoch_ms"):
        if not re.fullmatch(r"-?\d{1,17}(?:\.\d{1,9})?", text):
            raise ValueError(text)
        milliseconds = abs(float(text)) >= _FIRST_MILLISECONDS
        if milliseconds != (form == "epoch_ms"):
            raise ValueError(text)
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=float(text) / (1000 if milliseconds else 1))
    time = datetime.strptime(text, form)  # noqa: DTZ007 -- the zone is added where the text has none
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)


def _parsed(column: BytesColumn, parse: Callable[[str], float], kind: type[np.generic]) -> tuple[NumberColumn, Refused]:
    codes, first = column.codes()
    numbers, null, faults = np.zeros(len(first), kind), np.zeros(len(first), np.bool_), {}
    for code, row in enumerate(first.tolist()):
        text = column.text(row)
        try:
            if text is None:
                null[code] = True
            else:
                numbers[code] = parse(text)
        except ValueError as error:
            null[code] = True
            faults[code] = str(error)
    refused = {row: faults[int(codes[row])] for row in np.flatnonzero(np.isin(codes, list(faults))).tolist()}
    return NumberColumn(numbers[codes], null[codes]), refused
