"""Drops as people really make them, from the example exports: what the views show after each case's files are loaded.

The files are not part of the project; SENTIMENT_EXPORT_CASES names their folder.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

SHOWN = (
    "SELECT day::text, source, review_id, text FROM sentiment.scored_reviews ORDER BY day, review_id NULLS FIRST, text"
)
LOVELY = "shop Lovely soft towel"

# Case: what the views show, and the codes of rejected files.
EXPECTED: dict[str, tuple[list[tuple[Any, ...]], list[str]]] = {
    "null_ids_two_files": (
        [
            ("2026-11-01", "shop", None, "shop Anna liked the red lamp"),
            ("2026-11-01", "shop", None, "shop Cleo hated the rug"),
            ("2026-11-02", "shop", None, "shop Dora hated the kettle"),
            ("2026-11-02", "shop", None, "shop Finn liked the pan"),
        ],
        [],
    ),
    "full_export_reviewId": (
        [
            ("2026-11-02", "shop", "r-1", "shop Works well and fast"),
            ("2026-11-02", "shop", "r-2", "shop Crashes less now"),
            ("2026-11-02", "shop", "r-3", "shop Nice"),
        ],
        [],
    ),
    "full_export_review_id_guard": (
        [
            ("2026-10-02", "shop", "1", "shop Sturdy"),
            ("2026-10-02", "shop", "2", "shop Bent again"),
            ("2026-10-02", "shop", "3", "shop Okay"),
        ],
        [],
    ),
    "date_equals": ([("2026-11-09", "shop", "1", LOVELY)], []),
    "date_equals_without_source": ([("2026-11-09", "", "1", LOVELY)], []),
    "year_month_day": ([("2026-11-08", "shop", "1", LOVELY)], []),
    "DT_upper": ([("2026-11-05", "shop", "1", LOVELY)], []),
    "slashed_day": ([("2026-11-07", "shop", "1", LOVELY)], []),
    "odd_keys": ([("2026-11-10", "shop", "1", LOVELY)], []),
    "day_of_year_one": ([], ["invalid_day"]),
    "spark_success": ([], ["left_by_a_tool", "left_by_a_tool"]),
}
# Case: where its expectation is written down.
ELSEWHERE = {
    "apostrophe_references": "tests/unit/test_text.py",
    "apostrophe_missing": "tests/unit/test_text.py",
    "apostrophe_other_characters": "tests/unit/test_text.py",
    "literal_newline": "tests/unit/test_text.py",
    "score_taken": "tests/unit/test_score_command.py",
}


@pytest.fixture(scope="module")
def cases(checkout: Path) -> Path:
    folder = Path(os.environ.get("SENTIMENT_EXPORT_CASES", checkout / "../shared/cases"))
    if not (folder / "cases.md").exists():
        pytest.skip("the example exports are not here; SENTIMENT_EXPORT_CASES names their folder")
    return folder


def listed(cases: Path) -> dict[str, str]:
    """Return the description of each case of the table."""
    return dict(re.findall(r"^\* \*\*(\w+)\*\* (.*)$", (cases / "cases.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("case", EXPECTED)
def test_the_views_show_what_the_files_say(drops, query, cases: Path, case: str) -> None:
    files = re.findall(r"(?:drop|then) `([^`]+)` as `incoming/([^`]+)`", listed(cases)[case])
    assert files
    for name, key in files:
        data = (cases / case / name).read_bytes().replace(b"{tag}", b"shop")
        drops.drop(key.replace("{tag}", "shop"), data)
    shown, codes = EXPECTED[case]
    assert query(SHOWN) == shown
    assert [
        code for (code,) in query("SELECT reject_code FROM sentiment.source_file WHERE status = 'rejected'")
    ] == codes


def test_every_case_has_an_expectation(cases: Path, checkout: Path) -> None:
    validated = (checkout / "tests/unit/test_export_cases.py").read_text()
    here = {*EXPECTED, *ELSEWHERE}
    assert [case for case in listed(cases) if case not in here and f'"{case}/' not in validated] == []
