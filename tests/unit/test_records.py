import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock, read_records
from sentiment_core.errors import FileRejected

CORNERS = 'ab,"\n\r\t é\u2028\ufeff\U0001f600'
# The parser processes 64 bytes at a time, so fields end before, at and after such a boundary.
STRETCHES = [*CORNERS, '""', "\r\n", ",,", '","', *("x" * length for length in (61, 62, 63, 64, 65, 130)), "é" * 33]
DIALECT_CORNERS = st.one_of(st.text(CORNERS, max_size=60), st.lists(st.sampled_from(STRETCHES)).map("".join))


def read(data: bytes, block_bytes: int = 1 << 20, delimiter: str = ",", max_record_bytes: int = 1 << 20):
    return list(read_records(io.BytesIO(data), delimiter, block_bytes, max_record_bytes, "the file"))


def rows(blocks: list[RecordBlock]) -> list[list[str]]:
    return [[field.decode() for field in block.fields(record)] for block in blocks for record in range(block.size)]


def lines(blocks: list[RecordBlock]) -> list[int]:
    return [int(line) for block in blocks for line in block.line]


def physical_lines(text: str) -> list[int]:
    """Return the physical line on which each record of Python's csv module starts."""
    # csv counts the lines that its input yields. StringIO(newline="") ends a line at CR, LF or CRLF.
    reader = csv.reader(io.StringIO(text, newline=""))
    found, before = [], 0
    for row in reader:
        if row:
            found.append(before + 1)
        before = reader.line_num
    return found


def ends_inside_a_quote(text: str) -> bool:
    """Return whether Python's csv module reads an appended line as part of the last field."""
    *_, last = csv.reader(io.StringIO(text + "\nadded\n", newline=""))
    return last != ["added"]


@given(DIALECT_CORNERS, st.sampled_from([1, 2, 3, 7, 64, 1000]))
def test_records_and_lines_match_the_csv_module(text: str, block_bytes: int) -> None:
    try:
        blocks = read(text.encode(), block_bytes)
    except FileRejected as rejection:
        assert rejection.details["reason"] == RejectCode.UNCLOSED_QUOTE
        assert ends_inside_a_quote(text.removeprefix("\ufeff"))
        return
    text = text.removeprefix("\ufeff")
    assert not ends_inside_a_quote(text)
    assert rows(blocks) == [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert lines(blocks) == physical_lines(text)


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), min_size=1))
def test_output_of_the_csv_module_is_read_back(table: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(table)
    data = written.getvalue().encode()
    assert rows(read(data, 16)) == table


def test_raw_is_the_unchanged_record() -> None:
    (block,) = read(b'a,b\r\n"x ""y""\n",2\r\nlast,3\n')
    assert [block.raw(record) for record in range(3)] == [b"a,b", b'"x ""y""\n",2', b"last,3"]
    assert lines([block]) == [1, 2, 4]


def test_a_bom_is_not_part_of_the_first_field() -> None:
    assert rows(read(b"\xef\xbb\xbfreview\nfine\n")) == [["review"], ["fine"]]


def test_tabs_separate_the_fields_of_a_tsv() -> None:
    assert rows(read(b"a,b\tc\n", delimiter="\t")) == [["a,b", "c"]]


@pytest.mark.parametrize("bom", [b"\xff\xfe", b"\xfe\xff"])
def test_utf16_is_rejected(bom: bytes) -> None:
    with pytest.raises(FileRejected, match="UTF-16. Save it as UTF-8") as refused:
        read(bom + "review\n".encode("utf-16-le"))
    assert refused.value.details["reason"] == RejectCode.UNSUPPORTED_ENCODING


def test_an_unclosed_quote_names_its_line() -> None:
    with pytest.raises(FileRejected, match="record on line 3 of the file opens a quote that is never closed"):
        read(b'a\nb\n"c\nd\n')


def test_a_record_over_the_limit_is_rejected_before_it_is_read_completely() -> None:
    with pytest.raises(FileRejected, match="line 2 of the file is larger than 100 bytes"):
        read(b"a\n" + b"x" * 1000, block_bytes=64, max_record_bytes=100)


@pytest.mark.parametrize("block_bytes", [10, 64, 1000])
def test_the_record_limit_does_not_depend_on_block_boundaries(block_bytes: int) -> None:
    data = b"a\n" + b"x" * 100 + b"\n"
    assert len(rows(read(data, block_bytes, max_record_bytes=100))) == 2
    with pytest.raises(FileRejected, match="line 2 of the file is larger than 99 bytes"):
        read(data, block_bytes, max_record_bytes=99)


@given(st.binary(max_size=12).filter(lambda data: not set(data) & set(b',"\r\n')))
def test_utf8_is_validated_as_by_python(data: bytes) -> None:
    (block,) = read(b"good \xc3\xa9\n|" + data + b"|\n")
    try:
        data.decode()
        valid = True
    except UnicodeDecodeError:
        valid = False
    assert block.invalid_utf8.tolist() == [False, not valid]
    assert block.holds_nul.tolist() == [False, b"\0" in data]


def test_every_boundary_code_point_is_valid_and_every_gap_between_them_is_not() -> None:
    good = [chr(code).encode() for code in (0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF)]
    bad = [
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5",
    ]
    (block,) = read(b"\n".join(good + bad + [b"\xe2\x82", b""]))
    assert block.invalid_utf8.tolist() == [False] * len(good) + [True] * (len(bad) + 1)


def test_blocks_are_bounded() -> None:
    data = b"".join(b"%d,some text\n" % row for row in range(1000))
    blocks = read(data, block_bytes=500)
    assert rows(blocks) == [[str(row), "some text"] for row in range(1000)]
    assert max(len(block.data) for block in blocks) <= 500 + 20
    assert all(first.line[-1] + 1 == second.line[0] for first, second in pairwise(blocks))
