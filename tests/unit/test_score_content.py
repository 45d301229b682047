"""A file in memory is read as a load reads it, and all of its rows are accounted for."""

import gzip

import pytest

from sentiment_core.drops.contract import RejectCode
from sentiment_core.errors import FileRejected, TooManyColumns, TooManyRows
from sentiment_core.loading.score_content import ScoredContent, UsedColumn, score_content
from sentiment_core.model.scorer import Scorer
from sentiment_core.settings import Settings
from tests.starter import starter_scorer

FILE = (
    'Review Text;Stars;When\n"Lovely;\nkettle";4,5;Monday\nnan;1;\nawful;x;Tuesday\nfine;3\n'
    "the 19 inch screen is awful;1;Friday\n"
)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return starter_scorer()


def score(scorer: Scorer, content: bytes, name: str = "a.csv", rows: int = 100, **changed: object) -> ScoredContent:
    return score_content(content, name, scorer, Settings().model_copy(update=changed), rows)


def test_columns_rows_and_rejected_rows_are_those_of_a_load(scorer: Scorer) -> None:
    found = score(scorer, FILE.encode("utf-16"))
    assert found.columns[0] == UsedColumn("Review Text", "text")
    assert [column.meaning for column in found.columns] == ["text", None, None]
    assert any("Stars" in warning and "'x'" in warning for warning in found.warnings)
    assert [(row.line, row.cells) for row in found.rows] == [
        (2, ["Lovely;\nkettle", "4,5", "Monday"]),
        (5, ["awful", "x", "Tuesday"]),
        (7, ["the 19 inch screen is awful", "1", "Friday"]),
    ]
    assert [row.text for row in found.rows] == [row.cells[0] for row in found.rows]
    assert [row.scored for row in found.rows] == list(scorer.score_texts([row.text for row in found.rows]).texts())
    assert [(row.line, row.code) for row in found.rejected] == [
        (4, RejectCode.MISSING_TEXT),
        (6, RejectCode.COLUMN_COUNT),
    ]


def test_a_compressed_file_with_any_name_is_read(scorer: Scorer) -> None:
    assert len(score(scorer, gzip.compress(FILE.encode()), "export.csv").rows) == 3


def test_a_file_without_a_text_column_names_its_columns(scorer: Scorer) -> None:
    with pytest.raises(FileRejected) as raised:
        score(scorer, b"when|words\n1|awful\n")
    assert raised.value.details["reason"] == RejectCode.NO_TEXT_COLUMN
    assert raised.value.details["columns"] == ["when", "words"]
    (row,) = score(scorer, b"when|words\n1|awful\n", text_columns=("words",)).rows
    assert row.text == "awful"


def test_a_file_beyond_the_limits_or_without_rows_is_refused(scorer: Scorer) -> None:
    with pytest.raises(TooManyRows, match="a.csv has more than 4 rows"):
        score(scorer, FILE.encode(), rows=4)
    assert len(score(scorer, FILE.encode(), rows=5).rejected) == 2
    for content, reason in ((b"", "empty_file"), (b"review\n", "no_rows"), (b"PK\x03\x04", "damaged_compression")):
        with pytest.raises(FileRejected) as raised:
            score(scorer, content)
        assert raised.value.details["reason"] == reason
    with pytest.raises(FileRejected, match="expands"):
        score(scorer, FILE.encode(), max_expanded_bytes=10)
    with pytest.raises(FileRejected, match="SENTIMENT_MAX_REJECTED_RATIO"):
        score(scorer, FILE.encode(), max_rejected_ratio=0.1)


# Each of these once took minutes: the time must not grow with the square of anything in a file.
HOSTILE = {
    "columns": (b"review" + b"," * 4_000_000 + b"\n", TooManyColumns),
    "equal names": (b"review" + b",a" * 2_000_000 + b"\n", TooManyColumns),
    "unknown equal names": (b"a" + b",a" * 2_000_000 + b"\n", TooManyColumns),
    "open quotes": (b"review,a\n" + b'"\n' * 2_000_000, TooManyRows),
    "byte order marks": (b"\xef\xbb\xbf" * 1_600_000, FileRejected),
    "long names": (b"review," + b",".join(b"%d" % n + b"n" * 20_000 for n in range(100)) + b"\n", FileRejected),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused(scorer: Scorer, kind: str) -> None:
    content, error = HOSTILE[kind]
    with pytest.raises(error):
        score(scorer, content, rows=5_000)


def test_long_names_of_columns_are_not_repeated_in_each_row(scorer: Scorer) -> None:
    content = HOSTILE["long names"][0] + (b"good" + b",x" * 100 + b"\n") * 5_000  # 10 GB, if they were
    found = score(scorer, content, rows=5_000)
    assert found.rows[-1].cells == ["good", *["x"] * 100]


def test_the_work_ends_after_a_block_if_nobody_waits(scorer: Scorer) -> None:
    content = b"review\n" + b"A lovely kettle.\n" * 10_000
    found = score_content(content, "a.csv", scorer, Settings(block_bytes=4_096), 100_000, lambda: True)
    assert 0 < len(found.rows) < 1_000
