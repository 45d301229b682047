"""Infer the scale of ratings and the formats of times from the values of a column."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sentiment_core.drops.column_words import RECOMMEND
from sentiment_core.drops.declared_values import declared_time, spelled_rating
from sentiment_core.drops.sample import SampleColumn
from sentiment_core.drops.source_contract import Times

FITS: Final = 0.98  # ratio of a column's values that a reading must fit
_FIRST_YEAR: Final = 1990  # of times since 1970; smaller numbers are counts and ratings
_UTC: Final = ZoneInfo("UTC")
_DAYS: Final = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y. %m. %d", "%Y. %m. %d."),
    *(
        "%Y年%m月%d日",
        "%Y년 %m월 %d일",
        "%Y%m%d",
        "%d.%m.%y",
        "%d/%m/%y",
        "%m/%d/%y",
        "%d-%b-%y",
        "%d-%b-%Y",
        "%d %b %Y",
    ),
    *("%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d %b, %Y", "%d %B, %Y", "%m %d, %Y"),
)
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p", " %H:%M:%S %z")
_WHOLE: Final = ("%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y", "%A, %B %d, %Y")
_FORMATS: Final = ("iso", "epoch_s", "epoch_ms", *(day + clock for clock in _CLOCKS for day in _DAYS), *_WHOLE)
_SCALES: Final = {5: "1-5", 10: "1-10", 100: "0-100"}


class Found(NamedTuple):
    """What was inferred of a column: the declaration, its reason, and a question, or "" if there is one reading."""

    declared: dict[str, Any]
    reason: str
    question: str


def is_typed(cells: Sequence[str | None]) -> bool:
    """Return whether there are values and all are numbers or times."""
    values = [cell for cell in cells if cell is not None]
    return bool(values) and all(map(_is_number_or_time, values[:50]))


def _is_number_or_time(value: str) -> bool:
    for read in (_rating("," if "," in value else "."), _time("iso"), *map(_time, _DAYS)):
        try:
            read(value.split(" ", maxsplit=1)[0] if value[:1].isdigit() else value)
        except (ValueError, OverflowError):
            continue
        return True
    return False


def _rating(decimal: str) -> Callable[[str], tuple[float, float | None]]:
    return partial(spelled_rating, decimal=decimal)


def _time(form: str) -> Callable[[str], object]:
    return partial(_plausible_time, form=form)


def _plausible_time(text: str, form: str) -> datetime:
    time = declared_time(text, (form,), _UTC)
    if form.startswith("epoch") and time.year < _FIRST_YEAR:
        raise ValueError(f"{text} is a small number")
    return time


def reads_ratings(column: SampleColumn) -> bool:
    """Return whether the values of a column are ratings of some scale."""
    return bool(column.values) and column.ratio(_rating(_decimal(column))) >= FITS


def reads_times(column: SampleColumn, declared: Times | None = None) -> bool:
    """Return whether the values of a column are times, as declared or of any known format."""
    if declared is None:
        return bool(column.values) and first_format(column) is not None
    return column.ratio(lambda text: declared_time(text, declared.formats, _UTC)) >= FITS


def _decimal(column: SampleColumn) -> str:
    return "," if any("," in value for value in column.counts) else "."


def scale_of(column: SampleColumn) -> Found:
    """Return the scale of a column of ratings, with a question if it may be another one."""
    decimal = _decimal(column)
    found = [_rating(decimal)(value) for value in column.counts if _reads(decimal, value)]
    least, most = min(value for value, _ in found), max(value for value, _ in found)
    top = max([named for _, named in found if named] or [most])
    scale, question = _scale(column, least, top)
    declared = {"scale": scale} | ({"decimal": ","} if decimal == "," else {})
    return Found(declared, f"{column.name} has values from {least:g} to {most:g}", question)


def _scale(column: SampleColumn, least: float, top: float) -> tuple[str, str]:
    name = column.name
    if top <= 1 and least < top:
        scale = "0-1" if least >= 0 else "-1 to 1"
        return scale, (
            f"rating: is {name} a rating? It has only values from {least:g} to {top:g}. If not, write rating: null "
            "below `columns`, and delete the part `rating`"
        )
    if least < 0 or top > max(_SCALES):
        scale = f"{least:g}-{top:g}" if least >= 0 else f"{least:g} to {top:g}"
        return scale, f"rating.scale: which values can {name} have? The sample has {least:g} to {top:g}"
    limit = next(limit for limit in _SCALES if top <= limit)
    if limit == 5 and least < 1:
        return "0-5", (
            f"rating.scale: is 0 in {name} the lowest rating, or no rating? If none, write scale: 1-5, and add "
            "the line bad_values: null to the contract"
        )
    if limit == 10 and (name in RECOMMEND or least < 1):
        return "0-10", ""
    if limit == 10:
        return "1-10", f"rating.scale: does the scale of {name} begin at 0 or at 1? Write 0-10 or 1-10"
    return _SCALES[limit], ""


def _reads(decimal: str, value: str) -> bool:
    try:
        spelled_rating(value, decimal)
    except ValueError:
        return False
    return True


def first_format(column: SampleColumn) -> str | None:
    """Return the first known format that the values of a column have, or None."""
    return next((form for form in _FORMATS if column.ratio(_time(form)) >= FITS), None)


def formats_of(column: SampleColumn) -> Found:
    """Return the format of a column of times, with a question if day and month may be swapped."""
    first = first_format(column) or "iso"
    example = repr(column.values[0])
    swapped = first.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    question = ""
    if swapped != first and swapped in _FORMATS and column.ratio(_time(swapped)) >= FITS:
        question = (
            f"reviewed_at.formats: is {example} of the form {first} or {swapped}? Both fit all sampled rows; a larger "
            "sample may decide"
        )
    zoned = first.startswith("epoch") or "%z" in first or "utc" in column.name.casefold()
    zoned = zoned or all(_has_zone(value) for value in column.values)
    zone = "" if zoned else "; without a zone they are UTC: declare `zone` if they are not"
    declared = {} if first == "iso" else {"formats": [first]}
    return Found(declared, f"all values of {column.name} are like {example}{zone}", question)


def _has_zone(value: str) -> bool:
    """Return whether a time has a zone. A date alone needs none."""
    return ":" not in value or re.search(r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$", value) is not None
