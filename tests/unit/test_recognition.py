"""How a file is written is recognised from its first block."""

import codecs
import io
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sentiment_core.drops.column_names import distinct, fold, shown
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.declared_form import DeclaredForm, require_encoding
from sentiment_core.drops.recognition import recognise, records_of, text_column_test
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, NO_QUOTING, RFC4180
from sentiment_core.drops.record_shapes import kind_of
from sentiment_core.drops.remedies import Remedy
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.text_stream import TextStream
from sentiment_core.drops.validation import checked
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

IS_HEADER = text_column_test(("review",))
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\x84\x31\x95\x33")


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


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "sep = ;\n", "sep=;;;\n"])
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


def test_a_garbled_byte_order_mark_is_dropped() -> None:
    assert rows(b"\xef\xbb\xbf".decode("cp1252").encode() + b"review\nfine\n") == [["review"], ["fine"]]


@pytest.mark.parametrize(
    ("data", "cr_ends"),
    [
        (b'rating,review\r5,"two\nlines"\r', True),
        (b"rating,review\r5,fine\n", True),
        (b"rating,review\r\r\n5,fine\r\r\n", False),
        (b"rating,review\n5,a\rb\n", False),
        (b'rating,"the\rreview"\n5,fine\n', False),
    ],
)
def test_a_lone_cr_behind_the_header_ends_lines(data: bytes, cr_ends: bool) -> None:
    assert recognise(data, True, ",", IS_HEADER).dialect.cr_ends_lines == cr_ends


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
        (b"rating,review\n5,soft\\, warm\n4,fine\n", BACKSLASH_ESCAPES),
        (b"rating,review\n5,two\\\nlines\n4,fine\n", BACKSLASH_ESCAPES),
        (b'rating,review\n5,"a 6\\", pipe"\n4,"b ""c"""\n', BACKSLASH_ESCAPES),
        (b"path,review\nC:\\,fine\nD:\\,good\nragged\n", RFC4180),
        (b'path,review\n"C:\\","fine"\nragged\n"D:\\","good"\n', RFC4180),
    ],
)
def test_backslashes_are_escapes_only_if_that_leaves_no_stray_quote(data: bytes, quoting: int) -> None:
    assert recognise(data, True, ",", IS_HEADER).dialect.quoting == quoting


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"%PDF-1.7", "PDF"),
        (b"Obj\x01\x02", "Avro"),
        (b"a.csv" + bytes(252) + b"ustar", "archive"),
        (b"<Error><Code>AccessDenied</Code></Error>", "XML"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"\x04\x22\x4d\x18abc", "compressed"),
        (b"version https://git-lfs.github.com/spec/v1", "pointer of Git LFS"),
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


@pytest.mark.parametrize(
    "name",
    [
        *("#review_id", "'review_id'", "`review_id`", "[review_id]", "\u201creview_id\u201d", "re\u00adview\nid"),
        "\u00ef\u00bb\u00bfReview ID",
    ],
)
def test_names_compare_without_what_programs_put_around_them(name: str) -> None:
    assert fold(name) == "reviewid"
    assert fold("Review #") != fold("review")


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
        (b"\\N", "null"),
        (b"NULL", "null"),
        (b'""', ""),
    ],
)
def test_values_have_kinds(value: bytes, kind: str) -> None:
    assert kind_of(value) == kind


def declared(data: bytes, form: DeclaredForm, block_bytes: int = 1 << 16) -> list[list[str]]:
    blocks = records_of(io.BytesIO(data), ",", IS_HEADER, block_bytes, 1 << 16, "the file", form, Remedy("shop"))
    return [
        [field.decode("utf-8", "surrogateescape") for field in block.fields(record)]
        for block in blocks
        for record in range(block.size)
    ]


@given(
    st.sampled_from(
        ["cp1252", "latin-1", "shift_jis", "gb18030", "gbk", "big5", "euc_kr", "koi8-r", "utf-16", "utf-32"]
    ),
    st.text('aé“ж日中한,;"\\|', max_size=30),
    st.sampled_from([1, 3, 1000]),
)
def test_a_declared_encoding_is_transcoded_in_the_stream(encoding: str, text: str, block_bytes: int) -> None:
    kept = text.encode(encoding, "ignore").decode(encoding)
    data = f'review,rating\n"{kept.replace(chr(34), "")}",5\n'.encode(encoding)
    form = DeclaredForm(encoding=encoding, delimiter=",", quoting=RFC4180)
    assert declared(data, form, block_bytes) == [["review", "rating"], [kept.replace('"', ""), "5"]]


@given(st.sampled_from(["cp1252", "shift_jis", "gb18030", "euc_kr", "big5", "ascii"]), st.binary(max_size=12))
def test_undecodable_bytes_never_become_valid(encoding: str, data: bytes) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        expected: bytes | None = decoder.decode(data, final=True).encode()
    except UnicodeDecodeError:
        expected = None
    assume(not data.startswith(MARKS))
    stream = TextStream(io.BytesIO(data), "the file", encoding)
    found = b"".join(iter(lambda: stream.read(1 << 10), b""))
    try:
        found.decode()
        assert found == expected
    except UnicodeDecodeError:
        assert expected is None


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        ("review\nfine\n".encode("utf-16"), "cp1252", "mark of utf-16, but the declared encoding is cp1252"),
        ("review\nfine\n".encode("utf-8-sig"), "utf-16", "source set shop --encoding utf-8"),
        ("review\nfine\n".encode("utf-32"), "utf-16", "mark of utf-32"),
        (b"review\nfine\n", "utf-32", "is not UTF-32"),
    ],
)
def test_a_declared_encoding_that_the_content_contradicts_is_rejected(data: bytes, encoding: str, words: str) -> None:
    with pytest.raises(FileRejected, match=words) as refused:
        declared(data, DeclaredForm(encoding=encoding))
    assert refused.value.details["reason"] == RejectCode.UNSUPPORTED_ENCODING


def test_a_row_that_the_declared_encoding_cannot_read_is_rejected_alone() -> None:
    data = "review\ndon\u2019t\nbad ".encode("cp1252") + b"\x81\ngood\n"
    blocks = records_of(io.BytesIO(data), ",", IS_HEADER, 1 << 16, 1 << 16, "x", DeclaredForm(encoding="cp1252"))
    (rows,) = checked(blocks, Rules(Settings()), "x")
    assert rows.batch.text.texts() == ["don\u2019t", "good"]
    ((line, code, reason, raw),) = rows.rejected
    assert (line, code, raw) == (3, RejectCode.INVALID_UTF8, b"bad \x81")
    assert "0x81, which is not valid in the encoding cp1252" in reason


def test_a_row_that_is_not_utf8_names_the_command_that_takes_it_in() -> None:
    data = "review\ndon\u2019t\n".encode("cp1252")
    blocks = records_of(io.BytesIO(data), ",", IS_HEADER, 1 << 16, 1 << 16, "x")
    (rows,) = checked(blocks, Rules(Settings()), "s3://b/incoming/shop/a.csv")
    assert "0x92" in rows.rejected[0].reason
    assert "`sentiment source set shop --encoding cp1252`, then `sentiment quarantine replay" in rows.rejected[0].reason


@pytest.mark.parametrize(
    ("form", "data", "expected"),
    [
        (DeclaredForm(delimiter="|"), b"a;review|rating\nx;y|5\n", [["a;review", "rating"], ["x;y", "5"]]),
        (DeclaredForm(quoting=NO_QUOTING), b'review\n"a ""b"\n', [["review"], ['"a ""b"']]),
        (DeclaredForm(quoting=RFC4180), b'review\n"19\\""\n', [["review"], ['"19\\""']]),
        (DeclaredForm(quoting=BACKSLASH_ESCAPES), b"review\na\\,b\n", [["review"], ["a,b"]]),
        (DeclaredForm(header_line=3), b'Report "x\n\nreview;n\na;1\n', [["review", "n"], ["a", "1"]]),
        (DeclaredForm(names=("n", "review")), b"1;a\n2;b\n", [["n", "review"], ["1", "a"], ["2", "b"]]),
        (DeclaredForm(names=('n"', "review, x")), b"1,a\n", [['n"', "review, x"], ["1", "a"]]),
        (DeclaredForm(header_line=2, names=("review",)), b"Report\na\n", [["review"], ["a"]]),
    ],
)
def test_what_is_declared_is_not_guessed(form: DeclaredForm, data: bytes, expected: list[list[str]]) -> None:
    assert declared(data, form) == expected


def test_skipped_and_made_headers_keep_the_physical_lines() -> None:
    for form, data, first in (
        (DeclaredForm(header_line=3), b"x\ny\nreview\na\nb\n", 4),
        (DeclaredForm(names=("review",)), b"a\nb\n", 1),
        (DeclaredForm(names=("review",), header_line=2), b"x\na\nb\n", 2),
    ):
        blocks = records_of(io.BytesIO(data), ",", IS_HEADER, 1 << 16, 1 << 16, "x", form)
        (rows,) = checked(blocks, Rules(Settings()), "x")
        assert rows.batch.line.tolist() == [first, first + 1]


@pytest.mark.parametrize(
    ("form", "data", "words"),
    [
        (DeclaredForm(delimiter=";"), b'{"review": "a"}\n', "is JSON, but shop declares a delimiter"),
        (DeclaredForm(header_line=2), b'{"review": "a"}\n', "is JSON, but shop declares a header line"),
        (DeclaredForm(header_line=9), b"review\na\n", "fewer than 9 lines"),
    ],
)
def test_a_file_that_contradicts_what_is_declared_is_rejected(form: DeclaredForm, data: bytes, words: str) -> None:
    with pytest.raises(FileRejected, match=words):
        declared(data, form)


@pytest.mark.parametrize("name", ["utf-8", "utf-16", "utf-32", "cp1252", "latin-1", "shift_jis", "gb18030", "koi8-r"])
def test_an_encoding_of_text_can_be_declared(name: str) -> None:
    assert "a".encode(require_encoding(name)).endswith(b"a") or name.startswith("utf-")


@pytest.mark.parametrize(
    "name", ["utf-7", "iso2022_jp", "hz", "rot13", "base64", "idna", "cp037", "nonsense", "charmap"]
)
def test_another_encoding_cannot_be_declared(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        require_encoding(name)
