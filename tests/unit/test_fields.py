"""Compiled field readers and writers behave like Python's."""

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import BytesColumn, TextColumn
from sentiment_core.drops.typed_fields import json_objects, parse_rating, parse_time, ratings, time_of, times

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def or_error(parse, text: str):
    try:
        return parse(text)
    except ValueError as error:
        return str(error)


@given(
    st.one_of(
        st.from_regex(r"[+-]?[0-9]{0,17}(\.[0-9]{0,18})?(e[0-9])?", fullmatch=True),
        st.floats().map(str),
        st.sampled_from(["1_000", "٣", "inf", "-nan", ".", "-", "+.5", "5.", "-0", "0x10", "1,5"]),
    ).filter(str.strip)
)
def test_a_rating_is_what_python_reads(text: str) -> None:
    numbers, refused = ratings(BytesColumn.of_texts([text, None]))
    expected = or_error(parse_rating, text)
    assert refused.get(0, numbers.value(0)) == expected
    assert str(numbers.value(0)) == str(expected) or 0 in refused  # -0.0 and 0.0 are equal
    assert numbers.null.tolist() == [0 in refused, True]


DIGITS = st.integers(0, 99).map("{:02}".format)
ZONES = st.one_of(
    st.sampled_from(["", "Z", "z", "+00:00", "-23:59", "+24:00", "+0100", "+01", "+01:00:30", " "]),
    st.builds("{}{}:{}".format, st.sampled_from("+-"), DIGITS, DIGITS),
)
CLOCKS = st.one_of(
    st.sampled_from(["", "T", "T10", "T1000", "T10:00:", "T24:00", "T10:00:00.", "T10:00:00,5", "t10:00"]),
    st.builds("{}{}:{}".format, st.sampled_from("T _"), DIGITS, DIGITS),
    st.builds("T{}:{}:{}{}".format, DIGITS, DIGITS, DIGITS, st.from_regex(r"(\.[0-9]{1,8})?", fullmatch=True)),
)
DATES = st.one_of(
    st.dates().map(str),
    st.builds("{}{}-{}-{}".format, DIGITS, DIGITS, DIGITS, DIGITS),
    st.sampled_from(["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0000-01-01", "20261116", "2026-W47-1"]),
)


@given(st.builds("{}{}{}".format, DATES, CLOCKS, ZONES))
@example("0001-01-01T00:00+00:01")
@example("9999-12-31T23:59:59.999999-00:01")
def test_a_time_is_what_python_reads(text: str) -> None:
    numbers, refused = times(BytesColumn.of_texts([text]))
    read = refused.get(0) or time_of(int(numbers.value(0) or 0))
    assert read == or_error(parse_time, text)


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_a_time_that_python_writes_is_read_back(time: datetime) -> None:
    numbers, refused = times(BytesColumn.of_texts([time.isoformat()]))
    inside = datetime(1, 1, 3, tzinfo=UTC) < time < datetime(9999, 12, 29, tzinfo=UTC)
    assert not inside or refused == {}
    assert refused or time_of(int(numbers.value(0) or 0)) == time


@given(st.dictionaries(TEXT, st.lists(TEXT, min_size=3, max_size=3), max_size=3))
def test_json_is_what_python_writes(table: dict[str, list[str]]) -> None:
    objects = json_objects({name: TextColumn.from_texts(column) for name, column in table.items()}, 3)
    for row in range(3):
        fields = {name: column[row] for name, column in table.items()}
        assert objects.text(row) == (json.dumps(fields, ensure_ascii=False) if fields else None)


@given(st.lists(st.text("a é\u3000\u2009\u00a0\u0085\x1c\t\n\u180e\u200b🙂", max_size=6), max_size=5))
def test_white_space_is_what_python_strips(texts: list[str]) -> None:
    trimmed = TextColumn.from_texts(texts).trimmed()
    assert [trimmed.text(row) for row in range(len(texts))] == [text.strip() or None for text in texts]


@given(st.lists(st.one_of(st.none(), st.sampled_from(["", "en", "de", "deen", "e", "n"])), max_size=40))
def test_distinct_values_are_numbered_as_they_appear(texts: list[str | None]) -> None:
    codes, first = BytesColumn.of_texts(texts).codes()
    distinct = list(dict.fromkeys(texts))
    assert [texts[row] for row in first] == distinct
    assert codes.tolist() == [distinct.index(text) for text in texts]


@given(st.lists(TEXT, min_size=1, max_size=8), st.data())
def test_rows_are_taken_in_the_order_that_is_asked_for(texts: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1)))
    taken = TextColumn.from_texts(texts).take(np.array(rows, np.int64))
    assert taken.texts() == [texts[row] for row in rows]
