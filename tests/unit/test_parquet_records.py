"""A Parquet file's rows become records whose texts are documented spellings of the values."""

import io
import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.json_records import fields_of
from sentiment_core.drops.parquet_records import MAX_COLUMNS, read_parquet
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings
from tests.unit.forms import parquet_bytes, read, reviews

TIME = datetime(2026, 1, 2, 3, 4, 5, 678900, UTC)


def raws(path: Path, **settings: Any) -> list[dict[str, str]]:
    rows = read(path, **settings)
    return [fields_of(part.batch.block.raw(record)) for part in rows for record in range(part.batch.block.size)]


def test_values_have_documented_spellings(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(
        parquet_bytes(
            {
                "review": pa.array(["fine", "good"]).dictionary_encode(),
                "review_id": pa.array([12345678901234567890, None], pa.uint64()),
                "rating": pa.array([4.5, None]),
                "reviewed_at": pa.array([TIME, None], pa.timestamp("us", "Europe/Rome")),
                "naive": pa.array([TIME.replace(tzinfo=None), None], pa.timestamp("ms")),
                "day": pa.array([date(2026, 1, 2), None]),
                "clock": pa.array([time(3, 4, 5), None], pa.time32("s")),
                "price": pa.array([Decimal("12.50"), None]),
                "verified": pa.array([True, None]),
                "data": pa.array([b"text", b"\xff"], pa.binary()),
                "user": pa.array([{"name": "A", "deep": {"n": 1}}, None]),
                "tags": pa.array([["x", "y"], None]),
                "nothing": pa.nulls(2),
            }
        )
    )
    found = reviews(read(path))
    assert (found[1].text, found[1].review_id, found[1].rating) == ("fine", "12345678901234567890", 4.5)
    assert found[1].reviewed_at == TIME
    assert found[1].extra == {
        "naive": "2026-01-02 03:04:05.678",
        "day": "2026-01-02",
        "clock": "03:04:05.000",
        "price": "12.50",
        "verified": "true",
        "data": "text",
        "user.name": "A",
        "user.deep.n": "1",
        "tags": '["x", "y"]',
        "nothing": "",
    }
    assert (found[2].review_id, found[2].rating, found[2].reviewed_at) == (None, None, None)
    assert found[2].extra is not None
    assert {name: text for name, text in found[2].extra.items() if text} == {"data": "/w=="}


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "review": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
                "n": st.none() | st.integers(-(2**63), 2**63 - 1),
                "x": st.none() | st.floats(width=64),
                "tags": st.none() | st.lists(st.text("ab", max_size=2), max_size=2),
            }
        ),
        max_size=12,
    ),
    st.sampled_from([1, 3, 100]),
    st.booleans(),
)
def test_rows_have_the_values_of_the_second_parser(
    tmp_path_factory: Any, rows: list[dict[str, Any]], group: int, dictionary: bool
) -> None:
    schema = pa.schema({"review": pa.string(), "n": pa.int64(), "x": pa.float64(), "tags": pa.list_(pa.string())})
    path = tmp_path_factory.mktemp("rows") / "a.parquet"
    parquet.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=group, use_dictionary=dictionary)
    found = raws(path, block_bytes=16)
    assert [row["review"] for row in found] == [row["review"] or "" for row in rows]
    assert [row["n"] for row in found] == ["" if row["n"] is None else str(row["n"]) for row in rows]
    for one, other in zip(found, rows, strict=True):
        assert (one["x"] == "") == (other["x"] is None)
        assert other["x"] is None or float(one["x"]) == other["x"] or math.isnan(other["x"])
        assert one["tags"] == ("" if other["tags"] is None else json.dumps(other["tags"]))


def test_a_text_that_is_not_utf8_rejects_its_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes({"review": pa.array([b"fine", b"caf\xe9", b"nul \0"], pa.binary())}))
    (rows,) = read(path)
    assert rows.batch.text.texts() == ["fine"]
    assert [(row.line, row.code) for row in rows.rejected] == [(2, RejectCode.INVALID_UTF8), (3, RejectCode.NUL_BYTE)]
    assert rows.rejected[0].raw == b'{"review": "caf\xe9"}'


def test_a_small_dictionary_of_large_texts_is_read_in_small_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes({"review": pa.array(["x" * 100_000] * 200).dictionary_encode()}))
    blocks = read(path, block_bytes=1_000_000)
    assert sum(rows.batch.size for rows in blocks) == 200
    assert max(rows.batch.size for rows in blocks) == 10


@pytest.mark.parametrize(
    ("change", "settings", "code", "words"),
    [
        (lambda data: data[:4] + b"\xff" * 60 + data[64:], {}, RejectCode.DAMAGED_COMPRESSION, "cannot be read"),
        (lambda data: data[:200], {}, RejectCode.DAMAGED_COMPRESSION, "cannot be read"),
        (lambda data: b"PARE" + data[4:-4] + b"PARE", {}, RejectCode.DAMAGED_COMPRESSION, "cannot be read"),
        (lambda data: data, {"max_row_group_bytes": 10}, RejectCode.EXPANDS_TOO_FAR, "SENTIMENT_MAX_ROW_GROUP_BYTES"),
        (lambda data: data, {"max_record_bytes": 10}, RejectCode.RECORD_TOO_LARGE, "more than 10 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_rejected(
    tmp_path: Path, change: Any, settings: Any, code: RejectCode, words: str
) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(change(parquet_bytes({"review": [f"a long review number {n}" for n in range(100)]})))
    with pytest.raises(FileRejected, match=words) as refused:
        read(path, **settings)
    assert refused.value.details["reason"] == code


def test_a_file_without_rows_has_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes({"review": pa.array([], pa.string())}))
    (rows,) = read(path)
    assert (rows.header.names, rows.batch.size) == (["review"], 0)


def test_the_header_row_of_the_ledger_is_a_json_list(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array([1]), pa.array([2])], names=["review", "d", "D"])
    out = io.BytesIO()
    parquet.write_table(table, out)
    path.write_bytes(out.getvalue())
    (rows,) = read(path)
    assert rows.header_raw == b'["review", "d", "D_2"]'


def test_a_file_of_too_many_columns_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes({"review": ["fine"]} | {f"c{number}": [1] for number in range(MAX_COLUMNS)}))
    with pytest.raises(FileRejected, match=f"more than {MAX_COLUMNS:,} columns"):
        read(path)


def test_too_many_columns_reject_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes({"review": ["x"], "wide": [{f"c{number}": 1 for number in range(1000)}]}))
    with pytest.raises(FileRejected, match="more than 1,000 columns"):
        list(read_parquet(str(path), Settings(), [], "the file"))
