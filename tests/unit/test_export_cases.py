"""Files as people really export them: what `sentiment validate` makes of each.

The files are not part of the project; SENTIMENT_EXPORT_CASES names their folder.
"""

import os
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.dry_run import DryRunReport, dry_run
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.settings import Settings

# File: good rows, and rejected rows by code.
EXPECTED: dict[str, tuple[int, dict[str, int]]] = {
    "stray_quote_tsv/stray_quote.tsv": (6, {}),
    "stray_quote_csv/stray_quote.csv": (6, {}),
    "null_ids_one_file/null_ids.csv": (4, {}),
    "validate_reviewId/play.csv": (2, {}),
    "spark_escapes/spark.csv": (5, {}),
    "spark_inch_at_end/inch_end.csv": (5, {}),
    "backslash_before_last_quote/path.csv": (2, {}),
    "null_texts/null_texts.csv": (1, {"missing_text": 4}),
    "shop_comment/shop_comment.csv": (2, {}),
    "bare_cr/bare_cr.csv": (2, {}),
    "cr_only_guard/cronly.csv": (2, {}),
    "cat_of_two_exports/cat.csv": (2, {"repeated_header": 1}),
    "semicolon_decimal_comma/semicolon.csv": (3, {}),
    "sep_line/sep_line.csv": (2, {}),
    "tabs_named_csv/tabs.csv": (2, {}),
    "pipe/pipe.csv": (2, {}),
    "sep_semicolon_line/ss.csv": (1, {}),
    "comma_in_quoted_semicolon_guard/gsc.csv": (2, {}),
    "google_play_utf16/play_utf16.csv": (2, {}),
    "cp1252_smart_quotes/cp1252.csv": (1, {"invalid_utf8": 2}),
    "utf8_guard/u8.csv": (2, {}),
    "name_review_text_space/name_review_text_space.csv": (1, {}),
    "name_reviewText/name_reviewText.csv": (1, {}),
    "name_review_body/name_review_body.csv": (1, {}),
    "name_review_content/name_review_content.csv": (1, {}),
    "name_verified_reviews/name_verified_reviews.csv": (1, {}),
    "name_kommentar/name_kommentar.csv": (1, {}),
    "null_ratings/null_ratings.csv": (5, {}),
    "underscore_rating/underscore.csv": (1, {"invalid_rating": 1}),
    "full_width_rating_guard/fw.csv": (3, {}),
    "utc_suffix/utc_suffix.csv": (3, {}),
    "iso_guard/iso.csv": (3, {"invalid_reviewed_at": 1}),
    "two_empty_columns/two_empty.csv": (2, {}),
    "comma_rows/comma_rows.csv": (2, {}),
    "one_index_column_guard/idx.csv": (2, {}),
    "date_twice/date_twice.csv": (2, {}),
    "gzip_named_csv/really_gzip.csv": (2, {}),
    "plain_named_gz/plain.csv.gz": (2, {}),
    "zip_named_csv/zz.csv": (2, {}),
    "jsonl_named_csv/jl.csv": (2, {}),
    "double_bom/double_bom.csv": (1, {}),
    "quoted_bom_guard/qb.csv": (1, {}),
    "spaces_in_header_guard/sh.csv": (1, {}),
}
REJECTED = {
    "xlsx_named_csv/workbook.csv": ("unsupported_format", "Excel workbook"),
}


@pytest.fixture(scope="module")
def cases(checkout: Path) -> Path:
    folder = Path(os.environ.get("SENTIMENT_EXPORT_CASES", checkout / "../shared/cases"))
    if not (folder / "cases.md").exists():
        pytest.skip("the example exports are not here; SENTIMENT_EXPORT_CASES names their folder")
    return folder


def check(path: Path) -> DryRunReport:
    return dry_run(Storage(None), local_drop(path), Rules(Settings()))


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_read_as_a_careful_person_would(cases: Path, name: str) -> None:
    report = check(cases / name)
    assert report.reject_code is None, report.reject_reason
    found = {str(code): faults.rows for code, faults in report.rejected.items()}
    assert (report.rows_good, found) == EXPECTED[name]


@pytest.mark.parametrize("name", REJECTED)
def test_another_form_is_rejected_by_its_name(cases: Path, name: str) -> None:
    report = check(cases / name)
    code, words = REJECTED[name]
    assert (report.reject_code, words in report.reject_reason) == (code, True)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Cut, splice, swap delimiters, or insert quotes and backslashes."""
    at, other = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    places = [found.end() for found in re.finditer(rb"[,;\t\n]", data)] or [0]
    start = chance.choice(places)
    changed = (
        data[:at],
        data[:at] + data[other:],
        data[:other] + data[at:],
        data[:at] + b'"' + data[at:],
        data[:start] + b'"' + data[start:],
        data[:at] + b"\\" + data[at:],
        data.replace(*chance.sample([b",", b";", b"\t"], 2)),
    )
    return chance.choice(changed)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_row_of_a_mutated_export_is_accounted_for(cases: Path, name: str, tmp_path: Path) -> None:
    chance = random.Random(name)
    original = (cases / name).read_bytes()
    for number in range(20):
        path = tmp_path / f"{number}{Path(name).suffix}"
        path.write_bytes(mutated(mutated(original, chance), chance))
        report = check(path)
        rejected = Counter({str(code): faults.rows for code, faults in report.rejected.items()})
        assert report.rows_in == report.rows_good + report.rows_duplicate + rejected.total()
