"""The index of drops: sums, files grouped by how they are read, warnings, and the page."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sentiment_core.cli.index_page import html_page
from sentiment_core.cli.validate import validate
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.drop_index import index_of
from sentiment_core.drops.dry_run import dry_run
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    drops = tmp_path / "drops"
    (drops / "sub").mkdir(parents=True)
    (drops / "a.csv").write_text("reviewId,score,content\nr1,5,Works <b>well</b>\nr2,1,Crashes\n")
    (drops / "sub" / "b.csv").write_text("reviewId,score,content\nr3,5,Fine\nr4,5,\nr3,5,Fine\n")
    (drops / "c.csv").write_text("review;rating\nGood;4,5\n")
    (drops / "d.csv").write_text("nothing,here\n1,2\n")
    (drops / "_SUCCESS").write_text("")
    return drops


def test_files_that_are_read_alike_are_one_group(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    index = index_of([dry_run(Storage(None), local_drop(path), Rules(Settings())) for path in paths])
    assert (index.files, index.good, index.faulty, len(index.rejected), len(index.ignored)) == (4, 2, 1, 1, 1)
    assert (index.rows, index.rows_good, index.rows_duplicate, index.rows_rejected) == (6, 4, 1, 1)
    first, second = index.groups
    assert [Path(report.uri).name for report in first.files] == ["a.csv", "b.csv"]
    assert first.warnings["column score looks like rating and is not used as such"] == 2
    assert [row.text for row in first.rows] == ["Works <b>well</b>", "Crashes"]
    assert "semicolon" in second.form
    assert [(each.code, each.rows, each.line) for each in index.rejected_rows] == [("missing_text", 1, 3)]


def test_validate_of_a_folder_prints_one_page(folder: Path) -> None:
    result = CliRunner().invoke(validate, [str(folder)])
    assert result.exit_code == 1
    assert "4 files, 2 good files, 1 files with rejected rows, 1 rejected files, 6 rows" in result.stdout
    assert "2 files: delimited by comma" in result.stdout
    assert "warning (2 files): column score looks like rating" in result.stdout
    assert "no_text_column" in result.stdout
    assert "_SUCCESS" in result.stdout
    (folder / "d.csv").unlink()
    (folder / "sub" / "b.csv").unlink()
    assert CliRunner().invoke(validate, [str(folder)]).exit_code == 0  # what a tool left behind is no fault


def test_validate_of_a_folder_prints_json(folder: Path) -> None:
    document = json.loads(CliRunner().invoke(validate, [str(folder), "--json"]).stdout)
    assert len(document["files"]) == 5
    assert (document["index"]["files"], document["index"]["rejected"], document["index"]["rows_rejected"]) == (4, 1, 1)
    assert document["index"]["groups"][0]["rows"][0]["text"] == "Works <b>well</b>"


def test_the_page_escapes_what_files_contain(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    CliRunner().invoke(validate, [str(folder), "--html", str(page)])
    written = page.read_text()
    assert "Works &lt;b&gt;well&lt;/b&gt;" in written
    assert "<b>well" not in written
    assert "<script" not in written
    assert "column score looks like rating" in written


def test_the_page_of_no_files_is_a_page() -> None:
    assert "Index of drops" in html_page(index_of([]))
