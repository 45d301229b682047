"""JSON lines and JSON arrays become records with the values that Python's parser sees."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.drops.column_names import fold
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.json_records import fields_of, header_names
from sentiment_core.drops.recognition import records_of, text_column_test
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import CheckedRows, checked
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings


def blocks_of(data: bytes, block_bytes: int = 1 << 16, max_record_bytes: int = 1 << 16) -> list[RecordBlock]:
    is_header = text_column_test(("review",))
    return list(records_of(io.BytesIO(data), ",", is_header, block_bytes, max_record_bytes, "the file"))


def rows_of(data: bytes, block_bytes: int = 1 << 16) -> list[CheckedRows]:
    return list(checked(iter(blocks_of(data, block_bytes)), Rules(Settings()), "the file"))


def records(data: bytes, block_bytes: int = 1 << 16) -> list[dict[str, str]]:
    """Return the rows by name, without missing values."""
    names: list[bytes] = []
    found = []
    for block in blocks_of(data, block_bytes):
        if block.has_header:
            assert header_names(block.raw(0)) == [name.decode() for name in block.fields(0)]
            names = block.fields(0)
        for record in range(int(block.has_header), block.size):
            values = zip(names, block.fields(record), strict=True)
            found.append({name.decode(): value.decode() for name, value in values if value})
    return found


def expected(row: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in row.items():
        name = prefix + key
        if isinstance(value, dict):
            found |= expected(value, f"{name}.")
        elif isinstance(value, list):
            found[name] = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, bool):
            found[name] = str(value).lower()
        elif value is not None and value != "":
            found[name] = str(value)
    return found


def folded(row: dict[str, str]) -> list[tuple[str, str]]:
    return sorted((fold(name), value) for name, value in row.items())


KEYS = st.text("abcü", min_size=1, max_size=3)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
ROWS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=8)


@given(ROWS, st.sampled_from([1, 7, 40, 1000]), st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_lines_have_the_values_of_the_second_parser(
    rows: list[dict[str, Any]], size: int, ascii_only: bool, end: str
) -> None:
    data = end.join(json.dumps(row, ensure_ascii=ascii_only) for row in [{"review": "x"}, *rows]).encode()
    assert list(map(folded, records(data, size))) == [[("review", "x")], *(folded(expected(row)) for row in rows)]


@given(ROWS, st.sampled_from([1, 7, 40, 1000]), st.sampled_from([None, 1]))
def test_elements_have_the_values_of_the_second_parser(
    rows: list[dict[str, Any]], size: int, indent: int | None
) -> None:
    data = json.dumps([{"review": "x"}, *rows], ensure_ascii=False, indent=indent).encode()
    assert list(map(folded, records(data, size))) == [[("review", "x")], *(folded(expected(row)) for row in rows)]


@pytest.mark.parametrize("number", ["12345678901234567890123", "5.0", "1.10", "1e3", "-0", "0.000001"])
def test_numbers_keep_their_written_form(number: str) -> None:
    assert records(f'{{"review": "x", "n": {number}, "deep": {{"n": {number}}}}}'.encode()) == [
        {"review": "x", "n": number, "deep.n": number}
    ]


def test_lines_are_physical_and_raw_rows_are_unchanged() -> None:
    data = b'{"review": "a"}\n\n  \n{"review":  "b" }\r\n{"review": "c"}'
    (rows,) = rows_of(data)
    assert rows.batch.line.tolist() == [1, 4, 5]
    assert rows.batch.block.raw(1) == b'{"review":  "b" }'
    (rows,) = rows_of(b'[\n {"review": "a"},\n {\n "review": "b"}\n]\n')
    assert rows.batch.line.tolist() == [2, 3]
    assert rows.batch.block.raw(1) == b'{\n "review": "b"}'


def test_a_key_of_a_later_block_is_not_lost() -> None:
    data = b'{"review": "a"}\n{"review": "b", "rating": 4, "city": "Rome"}\n{"review": "c"}\n'
    found = [rows.batch.review(row) for rows in rows_of(data, 5000) for row in range(rows.batch.size)]
    later = [
        rows.batch.review(row)
        for rows in rows_of(data + b" " * 5000 + b"\n" + data, 4096)
        for row in range(rows.batch.size)
    ]
    assert [(row.text, row.rating) for row in found] == [("a", None), ("b", 4), ("c", None)]
    assert later[:3] == found
    many = b"".join(b'{"review": "a"}\n' for _ in range(1000)) + b'{"review": "b", "rating": 4}\n'
    last = rows_of(many, 4096)[-1].batch
    assert last.review(last.size - 1).rating == 4


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (b'{"review": "cut', RejectCode.INVALID_JSON, "unterminated string starting at column 12"),
        (b'{"review": "a"} x', RejectCode.INVALID_JSON, "extra data at column 17"),
        (b'{"review": a}', RejectCode.INVALID_JSON, "column 12"),
        (b'["a"]', RejectCode.INVALID_JSON, "not a JSON object"),
        (b'{"review": "a", "review": "b"}', RejectCode.INVALID_JSON, "'review' occurs twice"),
        (b'{"a.b": 1, "a": {"b": 2}}', RejectCode.INVALID_JSON, "'a.b' occurs twice"),
        (b'{"review": ' + b"[" * 100_000, RejectCode.INVALID_JSON, "nested too deeply"),
        (b'{"review": "nul \\u0000"}', RejectCode.NUL_BYTE, "NUL"),
        (b'{"review": "nul \0"}', RejectCode.NUL_BYTE, "NUL"),
        (b'{"review": "\x93a\x94"}', RejectCode.INVALID_UTF8, "0x93"),
        (b'{"review": null}', RejectCode.MISSING_TEXT, "empty"),
        (b"{}", RejectCode.MISSING_TEXT, "empty"),
    ],
)
def test_a_bad_line_is_rejected_alone(line: bytes, code: RejectCode, words: str) -> None:
    (rows,) = checked(
        iter(blocks_of(b'{"review": "a"}\n' + line + b'\n{"review": "b"}', 1 << 18, 1 << 20)), Rules(Settings()), "x"
    )
    assert rows.batch.text.texts() == ["a", "b"]
    ((row, found, reason, raw),) = rows.rejected
    assert (row, found, raw) == (2, code, line)
    assert words in reason


def test_half_of_a_surrogate_pair_becomes_a_replacement_character() -> None:
    (rows,) = rows_of(b'{"review": "cut \\ud83d"}\n{"review": "\\ud83d\\ude00"}')
    assert rows.batch.text.texts() == ["cut \ufffd", "\U0001f600"]


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b'{\n  "reviews": [\n {"review": "a"}]}', RejectCode.UNSUPPORTED_FORMAT, r"jq -c '.reviews\[\]'"),
        (b'[["review"], ["a"]]', RejectCode.UNSUPPORTED_FORMAT, "array of arrays"),
        (b'[\n{"review": "a"},\n{"review": }]', RejectCode.INVALID_JSON, "line 3: expecting value"),
        (b'[{"review": "a"}', RejectCode.INVALID_JSON, "its end is missing"),
        (b'[{"review": "a"}] x', RejectCode.INVALID_JSON, "continues behind its end"),
        (b'{"review": "' + b"a" * 70_000 + b'"}', RejectCode.RECORD_TOO_LARGE, "line 1"),
        (b'[{"review": "' + b"a" * 70_000 + b'"}]', RejectCode.RECORD_TOO_LARGE, "line 1"),
        (
            json.dumps({"review": "a"} | {f"k{n}": n for n in range(1001)}).encode(),
            RejectCode.UNSUPPORTED_FORMAT,
            "keys",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_rejected(data: bytes, code: RejectCode, words: str) -> None:
    with pytest.raises(FileRejected, match=words) as refused:
        rows_of(data)
    assert refused.value.details["reason"] == code


def test_fields_of_a_raw_row() -> None:
    assert fields_of(b'{"a": {"b": [1, 2.50]}, "c": true}') == {"a.b": "[1, 2.5]", "c": "true"}


@given(st.data(), st.sampled_from([40, 4096]))
def test_each_line_of_mutated_lines_is_one_row(data: st.DataObject, block_bytes: int) -> None:
    lines = b"".join(b'{"review": "text %d \\u00fc", "tags": ["a", {"b": 1.50}], "n": null}\n' % n for n in range(4))
    changed = bytearray(b'{"review": "first"}\n' + lines)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(20, len(changed)))
        part = data.draw(st.sampled_from([b"", b'"', b"{", b"}", b"\n", b"\\", b",", b"\xff", b"\0", b"\r"]))
        changed[at : at + data.draw(st.integers(0, 3))] = part
    expected = [
        (number, line.rstrip(b"\r"))
        for number, line in enumerate(bytes(changed).split(b"\n"), 1)
        if line.rstrip(b"\r").strip()
    ]
    rows = rows_of(bytes(changed), block_bytes)
    good = [
        (int(line), part.batch.block.raw(int(record)))
        for part in rows
        for line, record in zip(part.batch.line, part.batch.record, strict=True)
    ]
    rejected = [(row.line, row.raw) for part in rows for row in part.rejected]
    assert sorted(good + rejected) == expected
    for part in rows:
        for record, text in zip(part.batch.record.tolist(), part.batch.text.texts(), strict=True):
            found = json.loads(part.batch.block.raw(record), strict=False)
            assert text in found.values()


def test_a_key_in_another_spelling_is_the_same_column() -> None:
    data = b'{"review": "a", "Review ID": "1"}\n{"Review": "b", "review_id": "2"}\n{"a_b": 1, "ab": 2, "review": "c"}\n'
    assert records(data) == [
        {"review": "a", "Review ID": "1"},
        {"review": "b", "Review ID": "2"},
        {"a_b": "1", "ab": "2", "review": "c"},
    ]


def test_a_key_with_a_nul_costs_its_row_alone() -> None:
    (rows,) = rows_of(b'{"review": "a"}\n{"review": "b", "\\u0000": 1}\n')
    assert rows.batch.text.texts() == ["a"]
    assert [row.code for row in rows.rejected] == [RejectCode.NUL_BYTE]


@pytest.mark.parametrize("first", [b'{\n  "reviews": [', b'{"reviews": [', b'{ "reviews":', b'{"data": {'])
def test_one_object_over_many_lines_is_rejected_whole_with_the_cure(first: bytes) -> None:
    data = first + b'\n  {"review": "fine"},\n  {"review": "dull"}\n]}\n'
    with pytest.raises(FileRejected, match="not one object a line"):
        rows_of(data)
