"""Raw rows of the quarantine are read alone, under the form that is declared now."""

import io
from pathlib import Path

from sentiment_core.drops.declared_form import UNDECLARED, DeclaredForm
from sentiment_core.drops.raw_rows import RawHeader, RawRow, RawRows, raw_header
from sentiment_core.drops.recognition import text_column_test
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, NO_QUOTING, RFC4180
from sentiment_core.drops.spool import spooled


def header_of(raw: bytes, form: DeclaredForm = UNDECLARED, *sample: bytes) -> RawHeader:
    return raw_header(raw, sample, ",", text_column_test(("review",)), form)


def rows(form: DeclaredForm, *raws: RawRow) -> dict[int, list[str]]:
    header = header_of(b"review,n", form, *(row.raw for row in raws))
    blocks, _ = RawRows(header, "the file", splits=form.quoting is not None).blocks(raws)
    return {
        int(block.line[record]): [field.decode("utf-8", "replace") for field in block.fields(record)]
        for block in blocks
        for record in range(1, block.size)
    }


def test_a_row_that_is_not_utf8_has_the_declared_encoding() -> None:
    raws = RawRow(2, "café,1".encode("cp1252")), RawRow(3, "café,2".encode())
    assert rows(DeclaredForm(encoding="cp1252"), *raws) == {2: ["café", "1"], 3: ["café", "2"]}
    assert rows(UNDECLARED, *raws)[2] == ["caf\ufffd", "1"]


def test_only_a_declared_quoting_rule_splits_a_row() -> None:
    raw = RawRow(5, b'"a\nb",1')
    assert rows(UNDECLARED, raw) == {5: ["a\nb", "1"]}
    assert rows(DeclaredForm(quoting=NO_QUOTING), raw) == {5: ['"a'], 6: ['b"', "1"]}


def test_rows_behind_a_quote_that_is_still_not_closed_are_left_out() -> None:
    raws = RawRow(2, b'"19,1', unclosed=True), RawRow(3, b"x,1", unclosed=True), RawRow(4, b"y,1")
    assert rows(DeclaredForm(quoting=RFC4180), *raws) == {4: ["y", "1"]}
    assert rows(DeclaredForm(quoting=NO_QUOTING), *raws).keys() == {2, 3, 4}
    closed = RawRow(2, b'"19\\"",1', unclosed=True), *raws[1:]
    assert rows(DeclaredForm(quoting=BACKSLASH_ESCAPES), *closed) == {2: ['19"', "1"], 3: ["x", "1"], 4: ["y", "1"]}


def test_the_header_of_a_table_is_a_list_of_its_keys() -> None:
    header = header_of(b'["review", "n"]')
    blocks, _ = RawRows(header, "the file", splits=False).blocks([RawRow(7, b'{"n": 1, "review": "a", "x": 2}')])
    (block,) = blocks
    assert block.fields(0) == [b"review", b"n", b"x"]
    assert (block.fields(1), block.line[1]) == ([b"a", b"1", b"2"], 7)


def test_declared_names_are_the_header_of_the_rows() -> None:
    assert header_of(b"1,good", DeclaredForm(names=("n", "review"))).names == ["n", "review"]


def test_a_spooled_stream_is_a_file_that_is_deleted_at_the_end() -> None:
    with spooled(io.BytesIO(b"data" * 1_000_000)) as file:
        name = file.name
        with Path(name).open("rb") as again:
            assert len(again.read()) == 4_000_000
    assert not Path(name).exists()
