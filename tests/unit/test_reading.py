"""How a file was read, as the ledger and the pages show it."""

import io

import pytest

from sentiment_core.drops.header import Header
from sentiment_core.drops.reading import column_names, reading_of, summary
from sentiment_core.drops.recognition import records_of, text_column_test
from sentiment_core.drops.source_contract import Rules
from sentiment_core.settings import Settings


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"review,rating\nfine,5\n", "delimited by comma, utf-8, quoting rfc4180"),
        ("review\tid\nfine\t5\n".encode("utf-16"), "delimited by tab, utf-16-le, quoting rfc4180"),
        (b'review;id\n"a \\"b\\"; c";5\n', "delimited by semicolon, utf-8, quoting backslash"),
        (b"review|id\rfine|1\r", "delimited by |, utf-8, quoting rfc4180"),
        (b"sep=^\nreview^id\nfine^1\n", "delimited by ^, utf-8, quoting rfc4180"),
    ],
)
def test_the_form_of_a_file_is_said_in_words(data: bytes, words: str) -> None:
    blocks = records_of(io.BytesIO(data), ",", text_column_test(("review",)), 1 << 16, 1 << 16, "the file")
    block = next(blocks)
    reading = reading_of(Header(block.fields(0), Rules(Settings()), "the file"), block.dialect)
    assert summary(reading) == words
    assert reading["line_ends"] == ("lf" if b"\n" in data else "cr")


def test_columns_are_named_as_in_the_file() -> None:
    (block,) = records_of(io.BytesIO(b"Review,reviewId,x\n"), ",", text_column_test(("review",)), 1 << 16, 99, "a file")
    reading = reading_of(Header(block.fields(0), Rules(Settings()), "the file"), block.dialect)
    assert column_names(reading) == "text: Review, review_id: reviewId"


def test_a_reading_of_another_release_is_shown_as_far_as_it_is_understood() -> None:
    assert (summary({}), column_names({})) == ("unknown form", "")
    assert summary({"form": "workbook", "sheet": "Reviews"}) == "workbook"
