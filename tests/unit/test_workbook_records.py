"""The first sheet with a text column is read; its row numbers are lines."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sentiment_core.drops import workbook_records
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.declared_form import DeclaredForm
from sentiment_core.drops.workbook_records import read_workbook
from sentiment_core.drops.workbook_rows import main, written_number
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings
from tests.unit.forms import read, reviews, workbook_bytes, zip_bytes


def workbook(path: Path, *rows: list[Any]) -> Path:
    path.write_bytes(workbook_bytes({"Sheet": rows}))
    return path


def test_cells_have_documented_spellings_and_rows_their_numbers(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        [],
        ["Review ID", "Rating", "Review", "reviewed_at", "day", "clock", "n", "big", "yes", "error", None],
        [
            17,
            4.5,
            "fine\nand good",
            datetime.fromisoformat("2026-01-02T03:04:05"),
            date(2026, 1, 2),
            time(3, 4),
            0.1,
            2e17,
            True,
            "#N/A",
        ],
        [],
        ["r2", None, " ünï 💛 ", None, None, None, None, None, False, None, "unnamed"],
    )
    found = reviews(read(path))
    assert list(found) == [3, 5]
    assert (found[3].review_id, found[3].rating, found[3].text) == ("17", 4.5, "fine\nand good")
    assert found[3].reviewed_at is not None
    assert found[3].reviewed_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert found[3].extra is not None
    assert {name: text for name, text in found[3].extra.items() if text} == {
        "day": "2026-01-02",
        "clock": "03:04:00",
        "n": "0.1",
        "big": "2E+17",
        "yes": "true",
    }
    assert (found[5].review_id, found[5].rating, found[5].text) == ("r2", None, " ünï 💛 ")
    assert found[5].extra is not None
    assert found[5].extra["column_11"] == "unnamed"


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6)


@examples(max_examples=15)
@given(st.lists(st.tuples(TEXTS, st.none() | st.integers(-(10**14), 10**14) | st.floats(-1e9, 1e9)), max_size=6))
def test_rows_have_the_values_of_the_second_parser(tmp_path_factory: Any, rows: list[tuple[str, Any]]) -> None:
    path = workbook(tmp_path_factory.mktemp("rows") / "a.xlsx", ["review", "rating"], *map(list, rows))
    sheet = openpyxl.load_workbook(path, data_only=True).active
    assert sheet is not None
    expected = {
        number: (text, rating)
        for number, (text, rating) in enumerate(sheet.iter_rows(min_row=2, max_col=2, values_only=True), 2)
        if str(text or "").strip() and str(text).lower() not in ("null", "nan", "none", "-")
    }
    found = {line: (row.text, row.rating) for line, row in reviews(read(path)).items()}
    assert found.keys() == expected.keys()
    assert all(found[line][0] == str(expected[line][0]) for line in found)
    assert all(found[line][1] == pytest.approx(expected[line][1]) for line in found)


def test_the_first_sheet_with_a_text_column_is_read_and_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    sheets = {"Empty": [], "Notes": [["about"]], "May": [["review"], ["a"]], "June": [["text"], ["b"]]}
    path.write_bytes(workbook_bytes(sheets))
    (rows,) = read(path)
    assert rows.batch.text.texts() == ["a"]
    assert "only the sheet 'May' is read; 'June' has a text column too" in rows.header.warnings


def test_a_declared_header_row_and_names_are_used(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["Report", "review"], [], ["text", "n"], ["a", 1])
    found = reviews(read(path, DeclaredForm(header_line=3)))
    assert {line: row.text for line, row in found.items()} == {4: "a"}
    path = workbook(tmp_path / "b.xlsx", [1, "a"], [2, "b"])
    found = reviews(read(path, DeclaredForm(names=("n", "review"))))
    assert {line: row.text for line, row in found.items()} == {1: "a", 2: "b"}


def far_away(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["A2"] = "review", "fine"
    sheet.cell(1_048_576, 16_384).value = "far away"
    book.save(path)
    return path


def test_a_cell_far_away_rejects_the_file_and_not_the_process(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="SENTIMENT_MAX_WORKBOOK_BYTES") as refused:
        read(far_away(tmp_path / "a.xlsx"))
    assert refused.value.details["reason"] == RejectCode.EXPANDS_TOO_FAR


@pytest.mark.parametrize(
    ("data", "form", "words"),
    [
        (workbook_bytes({"A": [["review"], ["a"]]})[:3000], {}, "cannot be decompressed"),
        (zip_bytes({"xl/workbook.xml": b"<x/>"}), {}, "cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), {}, "cannot be read"),
        (workbook_bytes({"A": [], "B": []}), {}, "without rows"),
        (workbook_bytes({"A": [["x"], ["a"]]}), {}, "no text column. Its columns are x"),
        (
            workbook_bytes({"A": [["review"], ["a"]]}),
            {"delimiter": ";"},
            "is an Excel workbook, but its source declares a delimiter",
        ),
        (
            workbook_bytes({"A": [["review"], ["a"]]}),
            {"encoding": "cp1252"},
            "declares an encoding",
        ),
        (zip_bytes({"word/document.xml": b""}), {}, "a Word document"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_rejected(tmp_path: Path, data: bytes, form: Any, words: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(data)
    with pytest.raises(FileRejected, match=words):
        read(path, DeclaredForm(**form))


def test_the_program_that_reads_a_workbook_is_the_module_that_it_names() -> None:
    assert main.__module__ == workbook_records._PROGRAM


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (-3.0, "-3"), (4.5, "4.5"), (0.1, "0.1"), (12345678901.0, "12345678901"), (1.23457e17, "1.23457E+17")],
)
def test_numbers_are_written_as_a_spreadsheet_shows_them(number: float, text: str) -> None:
    assert written_number(number) == text


def test_a_reader_that_is_not_read_to_its_end_ends_its_process(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["review"], *(["x" * 30_000] for _ in range(50)))
    with path.open("rb") as file:
        blocks = read_workbook(file, Settings(block_bytes=40_000), "it is a workbook", "it", DeclaredForm())
        assert next(blocks).has_header
        blocks.close()
