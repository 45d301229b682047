import io
from datetime import UTC, datetime

import pytest

from sentiment_core.drops.contract import Header, RejectCode
from sentiment_core.drops.csv_records import read_records
from sentiment_core.drops.validation import Validator
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

TEXT_COLUMNS = Settings().text_columns


def validate(data: bytes, max_text_bytes: int = 1000, bad_values="reject"):
    (block,) = read_records(io.BytesIO(data), ",", 1 << 20, 1 << 20, "the file")
    return Validator(Header(block.fields(0), TEXT_COLUMNS, "the file"), max_text_bytes, bad_values).validate(
        block.records(1)
    )


def test_a_good_row_keeps_every_field() -> None:
    batch, rejected = validate(
        b"review_id,Review,rating,reviewed_at,country,language,product_id,author_id\n"
        b'r1,"He said ""go""",4.5,2026-11-16T10:00:00+02:00,GB,en,p1,u1\n'
    )
    assert rejected == []
    assert batch.line.tolist() == [2]
    review = batch.review(0)
    assert review.text == 'He said "go"'
    assert (review.review_id, review.product_id, review.author_id, review.language) == ("r1", "p1", "u1", "en")
    assert (review.rating, review.reviewed_at) == (4.5, datetime(2026, 11, 16, 8, tzinfo=UTC))
    assert review.extra == {"country": "GB"}


def test_an_empty_optional_field_is_null() -> None:
    batch, rejected = validate(b"review,rating,reviewed_at,review_id\nfine,, ,\n")
    assert rejected == []
    review = batch.review(0)
    assert (review.rating, review.reviewed_at, review.review_id) == (None, None, None)


@pytest.mark.parametrize(
    ("row", "code", "reason"),
    [
        (b",5,", RejectCode.MISSING_TEXT, "column review is empty"),
        ("\u3000 \t,5,".encode(), RejectCode.MISSING_TEXT, "column review is empty"),
        (b"a,5,,more", RejectCode.COLUMN_COUNT, "the row has 4 columns, the header has 3"),
        (b"a,5", RejectCode.COLUMN_COUNT, "the row has 2 columns, the header has 3"),
        (b"caf\xe9,5,", RejectCode.INVALID_UTF8, "bytes that are not UTF-8"),
        (b"a\0b,5,", RejectCode.NUL_BYTE, "NUL byte"),
        (b"x" * 1001 + b",5,", RejectCode.TEXT_TOO_LONG, "has 1,001 bytes, more than the limit of 1,000"),
        (b"a,five,", RejectCode.INVALID_RATING, "'five' is not a number"),
        (b"a,nan,", RejectCode.INVALID_RATING, "'nan' is not a number"),
        (b"a,5,yesterday", RejectCode.INVALID_REVIEWED_AT, "'yesterday' is not an ISO 8601"),
    ],
)
def test_a_bad_row_is_rejected_alone(row: bytes, code: RejectCode, reason: str) -> None:
    batch, rejected = validate(b"review,rating,reviewed_at\ngood,1,\n" + row + b"\nalso good,2,2026-11-16\n")
    assert batch.text.texts() == ["good", "also good"]
    assert [batch.review(number).rating for number in range(2)] == [1.0, 2.0]
    assert [(bad.line, bad.code, bad.raw) for bad in rejected] == [(3, code, row)]
    assert reason in rejected[0].reason


def test_the_first_configured_text_column_wins_and_the_others_are_kept() -> None:
    batch, _ = validate(b"comment,TEXT,b\xc3\xb4\nshort,long,x\n")
    assert batch.text.texts() == ["long"]
    assert batch.review(0).extra == {"comment": "short", "bô": "x"}


def test_bad_values_null_makes_a_bad_value_null_and_keeps_its_text() -> None:
    data = b"review,rating,reviewed_at\ngood,five,2026-11-16\nfine,4,yesterday\nso so,3,\n,bad,bad\n"
    batch, rejected = validate(data, bad_values="null")
    assert [batch.review(row).nulled for row in range(3)] == [{"rating": "five"}, {"reviewed_at": "yesterday"}, None]
    assert [batch.review(row).rating for row in range(3)] == [None, 4.0, 3.0]
    assert [bad.code for bad in rejected] == [RejectCode.MISSING_TEXT]


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        (
            b"id,amount",
            RejectCode.NO_TEXT_COLUMN,
            "Its columns are id, amount. Rename one of them to review or text",
        ),
        (b"review,Review ", RejectCode.REPEATED_COLUMN, "more than one column named review"),
        (b"review,caf\xe9", RejectCode.UNSUPPORTED_ENCODING, "header of the file is not UTF-8"),
        (b"review,a\0b", RejectCode.UNSUPPORTED_ENCODING, "contains NUL bytes"),
    ],
)
def test_an_invalid_header_rejects_the_file(header: bytes, code: RejectCode, words: str) -> None:
    with pytest.raises(FileRejected, match=words) as refused:
        validate(header + b"\nx,y\n")
    assert refused.value.details["reason"] == code
