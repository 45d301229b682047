"""How a file is written is recognised from its first block."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.drops.column_names import distinct, fold, shown
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.recognition import recognise, records_of, text_column_test
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, RFC4180
from sentiment_core.drops.record_shapes import kind_of
from sentiment_core.errors import FileRejected

IS_HEADER = text_column_test(("review",))


def rows(data: bytes, delimiter: str = ",", block_bytes: int = 1 << 16) -> list[list[str]]:
    blocks = records_of(io.BytesIO(data), delimiter, IS_HEADER, block_bytes, 1 << 16, "the file")
    return [[field.decode() for field in block.fields(record)] for block in blocks for record in range(block.size)]


@pytest.mark.parametrize("found", [",", ";", "\t", "|"])
@pytest.mark.parametrize("named", [",", "\t"])
def test_the_delimiter_is_the_one_with_which_the_header_has_a_text_column(named: str, found: str) -> None:
    data = f'rating{found}review\n5{found}"one{found} two"\n'.encode()
    assert rows(data, named) == [["rating", "review"], ["5", f"one{found} two"]]


def test_other_delimiters_in_the_texts_do_not_matter() -> None:
    found = rows(b'review_id,review\n1,"a; b; c"\n2,d; e\n')
    assert found == [["review_id", "review"], ["1", "a; b; c"], ["2", "d; e"]]


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n'])
def test_a_separator_line_names_the_delimiter_and_is_no_record(line: str) -> None:
    data = (line + "review;rating\nfine;5\n").encode()
    assert rows(data) == [["review", "rating"], ["fine", "5"]]
    assert recognise(data, True, ",", IS_HEADER).line == 2


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: b"\xef\xbb\xbf" + text.encode("utf-8-sig"),
    ],
    ids=["utf-16-le", "utf-16-be", "bom", "two boms"],
)
@pytest.mark.parametrize("block_bytes", [1, 3, 1000])
def test_encodings_with_a_byte_order_mark_are_read(encode: Callable[[str], bytes], block_bytes: int) -> None:
    assert rows(encode("review\nünï 💛\n"), ",", block_bytes) == [["review"], ["ünï 💛"]]


def test_a_cut_utf16_file_is_rejected() -> None:
    with pytest.raises(FileRejected, match="ends inside a UTF-16 character") as refused:
        rows("review\nfine\n".encode("utf-16")[:-1])
    assert refused.value.details["reason"] == RejectCode.UNSUPPORTED_ENCODING


@pytest.mark.parametrize(
    ("data", "quoting"),
    [
        (b'review\n"a \\"b\\" c"\n"fine"\n', BACKSLASH_ESCAPES),
        (b'review\n"19\\""\n', BACKSLASH_ESCAPES),
        (b'review\n"ends with a backslash \\"\n"next, row"\n', RFC4180),
        (b'review\n"a ""b"" c"\n', RFC4180),
        (b'review\n"stray\nfine\n', RFC4180),
    ],
)
def test_backslashes_are_escapes_only_if_that_leaves_no_stray_quote(data: bytes, quoting: int) -> None:
    assert recognise(data, True, ",", IS_HEADER).dialect.quoting == quoting


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "old Excel workbook"),
        (b"PAR1\x15", "Parquet"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'{"review": "fine"}\n', "JSON"),
        (b'[\n  {"review": "fine"}]', "JSON"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_another_form_is_named(data: bytes, words: str) -> None:
    with pytest.raises(FileRejected, match=words) as refused:
        rows(data)
    assert refused.value.details["reason"] == RejectCode.UNSUPPORTED_FORMAT


@given(st.lists(st.text("ab\n\r\",;' ", max_size=8), max_size=8), st.sampled_from([1, 5, 1000]))
def test_the_block_size_does_not_change_what_is_read(lines: list[str], block_bytes: int) -> None:
    data = "\n".join(["review,rating", *lines]).encode()
    # The first block decides about a lone CR: it has a line end here.
    assert rows(data, ",", max(block_bytes, 20)) == rows(data)


def test_names_are_folded_shown_and_made_distinct() -> None:
    assert {fold(name) for name in ("Review Text", "reviewText", "review.text", "\ufeffREVIEW-TEXT\u200b")} == {
        "reviewtext"
    }
    assert shown("\ufeff Review\u200b ") == "Review"
    assert distinct(["date", "Date", "x", "date"]) == ["date", "Date_2", "x", "date_3"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"5", "number"),
        (b" 4,5 ", "number"),
        (b"2026-11-16T10:00:00Z", "date"),
        (b"16.11.2026", "date"),
        (b"r-17", "code"),
        (b"Good", "word good"),
        (b"so so", "text"),
        (b'""', ""),
    ],
)
def test_values_have_kinds(value: bytes, kind: str) -> None:
    assert kind_of(value) == kind
