"""Each sample query of sql/queries answers its question on the example data."""

import csv
import io
import re
from pathlib import Path

import pytest

from sentiment_core.database.connection import connect

FOLDER = Path(__file__).parents[2] / "sql" / "queries"
ANSWERS = Path(__file__).parent / "answers"
# Of the drivers, which need hundreds of reviews, test_drivers.py has the answer.
QUERIES = sorted(path.stem for path in FOLDER.glob("*.sql") if not path.stem.startswith("drivers_"))

# The examples cover three days. These queries compare periods, which are set to one day.
CHOICES = {
    "biggest_movers": ("VALUES (7, 10)", "VALUES (1, 5)"),
    "new_complaints": ("VALUES (30, 3)", "VALUES (1, 2)"),
}


def answer(url: str, statement: str) -> str:
    """Run a query and return its columns and rows as CSV."""
    with connect(url) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        written = io.StringIO()
        rows = csv.writer(written, lineterminator="\n")
        rows.writerow(column.name for column in cursor.description or ())
        rows.writerows(map(rounded, cursor))
    return written.getvalue().replace("\r\n", "\n")  # in the texts of some reviews


def rounded(row: tuple[object, ...]) -> list[object]:
    return [round(value, 4) if isinstance(value, float) else value for value in row]


@pytest.mark.parametrize("name", QUERIES)
def test_an_analyst_gets_the_expected_answer(example_database, name) -> None:
    statement = (FOLDER / f"{name}.sql").read_text()
    if name in CHOICES:
        before, after = CHOICES[name]
        assert before in statement
        statement = statement.replace(before, after)
    assert answer(example_database.reader_url, statement) == (ANSWERS / f"{name}.csv").read_text()


def test_there_are_as_many_answers_as_queries_and_each_query_is_a_question() -> None:
    assert len(QUERIES) >= 12
    assert sorted(path.stem for path in ANSWERS.glob("*.csv")) == QUERIES
    for name in QUERIES:
        comment = re.match(r"(?:-- .*\n)+", (FOLDER / f"{name}.sql").read_text())
        assert comment, name
        assert re.search(r"[?](?: |\n)", comment[0]), f"{name} asks nothing"


def test_the_duplicates_of_other_sources_are_found(database_url) -> None:
    """The examples have none: only release 0.2.0 and earlier wrote them."""
    rows = (Path(__file__).parent / "rows" / "0007.sql").read_text()
    with connect(database_url) as connection, connection, connection.cursor() as cursor:
        cursor.execute(rows)
        cursor.execute(
            "UPDATE sentiment.source_file SET status = 'duplicate', duplicate_of = 2, current_model_id = NULL,"
            " sha256 = sha256('2'), source = 'other' WHERE source_file_id = 1"
        )
    found = answer(database_url, (FOLDER / "duplicates_of_other_sources.sql").read_text())
    assert [row[1] for row in csv.reader(found.splitlines()[1:])] == ["other"]
