"""A dry run of a file gives the counts and the rejections that a load would give."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sentiment_core.cli.validate import validate
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.dry_run import SHOWN, DryRunReport, dry_run
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.settings import Settings

HEADER = "review_id,review,rating,country\n"
FILE = HEADER + "r1,fine,5,GB\nr2,dull,five,IE\nr3,,3,GB\nr1,other,1,GB\nr1,fine,5,GB\nr4,good,2,GB\n"


def run(folder: Path, data: str, name: str = "a.csv", **settings: object) -> DryRunReport:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(data)
    return dry_run(Storage(None), local_drop(path), Rules(Settings(**settings)))


def rejected_lines(report: DryRunReport) -> dict[str, list[int]]:
    return {str(code): [row.line for row in samples.first] for code, samples in report.rejected.items()}


def test_rows_are_counted_by_outcome_and_rejected_rows_named_by_line(tmp_path: Path) -> None:
    report = run(tmp_path, FILE)
    assert (report.uri, report.reject_code, report.perfect) == (str(tmp_path / "a.csv"), None, False)
    assert (report.text_column, report.known_columns, report.extra_columns) == (
        "review", ["review_id", "rating"], ["country"],
    )  # fmt: skip
    assert (report.rows_in, report.rows_good, report.rows_duplicate, report.rows_nulled) == (6, 2, 1, 0)
    assert rejected_lines(report) == {"invalid_rating": [3], "missing_text": [4], "conflicting_review_id": [5]}


def test_the_report_says_how_the_file_was_read(tmp_path: Path) -> None:
    report = run(tmp_path, "Review Text\treviewId\nfine\tr1\n", "a.tsv")
    assert report.reading == {
        "form": "delimited",
        "encoding": "utf-8",
        "delimiter": "\t",
        "quoting": "rfc4180",
        "line_ends": "lf",
        "text": "Review Text",
        "columns": {"review_id": "reviewId"},
        "contract": 0,
    }
    printed = CliRunner().invoke(validate, [str(tmp_path / "a.tsv")])
    assert "read as: delimited by tab, utf-8, quoting rfc4180\n" in printed.output
    found = json.loads(CliRunner().invoke(validate, ["--json", str(tmp_path / "a.tsv")]).output)
    assert found[0]["reading"] == report.reading
    assert run(tmp_path, "id,amount\n1,2\n").reading is None


def test_a_file_without_faults_is_perfect(tmp_path: Path) -> None:
    report = run(tmp_path, "review\nfine\ndull\n")
    assert (report.perfect, report.rows_in, report.rows_good, report.rejected) == (True, 2, 2, {})


@pytest.mark.parametrize("block_bytes", [40, 60, 1 << 20])
def test_duplicates_are_found_across_blocks(tmp_path: Path, block_bytes: int) -> None:
    rows = "".join(f"r{number % 30},text {number % 30},5,GB\n" for number in range(90))
    report = run(tmp_path, HEADER + rows + "r7,another text,5,GB\n", block_bytes=block_bytes)
    assert (report.rows_in, report.rows_good, report.rows_duplicate) == (91, 30, 60)
    assert rejected_lines(report) == {"conflicting_review_id": [92]}


def test_a_row_whose_bad_value_becomes_null_is_counted_as_good(tmp_path: Path) -> None:
    report = run(tmp_path, HEADER + "r1,fine,five,GB\nr2,dull,4,GB\n", bad_values="null")
    assert (report.rows_good, report.rows_nulled, report.perfect) == (2, 1, True)


def test_only_the_first_rejected_rows_of_a_code_are_kept(tmp_path: Path) -> None:
    report = run(tmp_path, "review,rating\n" + ",5\n" * 20, max_rejected_ratio=1)
    samples = report.rejected[RejectCode.MISSING_TEXT]
    assert (samples.rows, [row.line for row in samples.first]) == (20, list(range(2, 2 + SHOWN)))


@pytest.mark.parametrize(
    ("name", "data", "code", "reason", "rows_in"),
    [
        ("a.csv", "words\nfine\n", RejectCode.NO_TEXT_COLUMN, "Rename one of them to", 0),
        ("a.csv", "", RejectCode.EMPTY_FILE, "is empty", 0),
        ("a.csv", "<html>\n", RejectCode.UNSUPPORTED_FORMAT, "is an HTML or XML document", 0),
        ("a.csv", '{"words": "fine"}\n', RejectCode.NO_TEXT_COLUMN, "Its columns are words", 0),
        ("a.csv", "PK\x03\x04", RejectCode.DAMAGED_COMPRESSION, "cannot be decompressed", 0),
        ("a.csv", 'review\n""\n""\nfine\n', RejectCode.TOO_MANY_REJECTED, "2 missing_text", 3),
        ("dt=2026-13-01/a.csv", "review\nfine\n", RejectCode.INVALID_DAY, "dt=2026-13-01", 0),
        ("a.csv.gz", "\x1f\x00\x00", RejectCode.DAMAGED_COMPRESSION, "", 0),
    ],
)
def test_a_file_that_a_load_would_reject_has_the_reason(
    tmp_path: Path, name: str, data: str, code: RejectCode, reason: str, rows_in: int
) -> None:
    report = run(tmp_path, data, name, max_rejected_ratio=0.5)
    assert (report.reject_code, report.perfect) == (code, False)
    assert reason in report.reject_reason
    assert report.rows_in == rows_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text(FILE)
    return path


def test_validate_prints_the_report_of_each_file_and_fails_if_one_has_faults(tmp_path: Path, file: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("review\nfine\n")
    result = CliRunner().invoke(validate, [str(good), str(file)])
    assert result.exit_code == 1
    assert f"good       {good}: 1 rows, 1 good, 0 duplicate" in result.stdout
    assert f"has faults {file}: 6 rows, 2 good, 1 duplicate" in result.stdout
    assert "text: review; known: review_id, rating; extra: country" in result.stdout
    assert "missing_text" in result.stdout
    assert "line 5: " in result.stdout
    assert CliRunner().invoke(validate, [str(good)]).exit_code == 0


def test_validate_prints_json(file: Path) -> None:
    result = CliRunner().invoke(validate, ["--json", str(file)])
    (report,) = json.loads(result.stdout)
    assert (result.exit_code, report["uri"], report["rows_in"]) == (1, str(file), 6)
    assert report["rejected"]["missing_text"]["rows"] == 1
    assert report["rejected"]["missing_text"]["lines"] == [4]


def test_validate_without_a_file_is_a_usage_error() -> None:
    result = CliRunner().invoke(validate, [])
    assert (result.exit_code, "Missing argument 'PATH_OR_S3_URI...'" in result.stderr) == (2, True)
