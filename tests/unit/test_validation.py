import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, read_records
from sentiment_core.drops.header import Header
from sentiment_core.drops.source_contract import NO_CONTRACT, Rules, SourceContract
from sentiment_core.drops.validation import RejectedRow, Validator, checked
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

COMMA = Dialect()
ROUNDED = re.compile(r"[+-]?[0-9](?:(?:[.,][0-9]*)?[Ee]\+|[.,][0-9]*[Ee])[0-9]{1,3}")


def header_of(*names: str) -> Header:
    return Header([name.encode() for name in names], Rules(Settings()), "the file")


def validate(data: bytes, bad_values="reject", dialect: Dialect = COMMA, contract: SourceContract = NO_CONTRACT):
    (block,) = read_records(io.BytesIO(data), dialect, 1 << 20, 1 << 20, "the file")
    rules = Rules(Settings(max_text_bytes=1000, bad_values=bad_values), contract)
    validator = Validator(Header(block.fields(0), rules, "the file"), rules, block.raw(0))
    validator.demote_unreadable(block.records(1))
    return validator.validate(block.records(1))


def codes(rejected: list[RejectedRow]) -> list[tuple[int, str]]:
    return [(row.line, str(row.code)) for row in rejected]


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
        (b"NULL,5,", RejectCode.MISSING_TEXT, "column review has 'NULL', which means no value"),
        (b"a,5,,more", RejectCode.COLUMN_COUNT, "the row has 4 columns, the header has 3"),
        (b"a,5", RejectCode.COLUMN_COUNT, "the row has 2 columns, the header has 3"),
        (b"a,5,,", RejectCode.COLUMN_COUNT, "the row ends with a delimiter and the header does not"),
        (b"caf\xe9,5,", RejectCode.INVALID_UTF8, "the byte 0xe9, which is not UTF-8; the bytes look like Windows-1252"),
        (b"a\xff\x81,5,", RejectCode.INVALID_UTF8, "the row has the byte 0xff, which is not UTF-8"),
        (b"review,rating,reviewed_at", RejectCode.REPEATED_HEADER, "repeats the header"),
        (b"\xef\xbb\xbfreview,rating,reviewed_at", RejectCode.REPEATED_HEADER, "repeats the header"),
        (b'"a \\"big\\" one",5,', RejectCode.ESCAPED_QUOTE, "backslash"),
        (b"a\0b,5,", RejectCode.NUL_BYTE, "NUL byte"),
        (b"x" * 1001 + b",5,", RejectCode.TEXT_TOO_LONG, "has 1,001 bytes, more than the limit of 1,000"),
        (b"a,five,", RejectCode.INVALID_RATING, "'five' is not a number"),
        (b"a,inf,", RejectCode.INVALID_RATING, "'inf' is not a number"),
        (b"a,1_0,", RejectCode.INVALID_RATING, "'1_0' is not a number"),
        (b'a,"4,5",', RejectCode.INVALID_RATING, "'4,5' is not a number"),
        (b"a,5,yesterday", RejectCode.INVALID_REVIEWED_AT, "'yesterday' is not an ISO 8601"),
    ],
)
def test_a_bad_row_is_rejected_alone(row: bytes, code: RejectCode, reason: str) -> None:
    batch, rejected = validate(b"review,rating,reviewed_at\ngood,1,\n" + row + b"\nalso good,2,2026-11-16\n")
    assert batch.text.texts() == ["good", "also good"]
    assert [batch.review(number).rating for number in range(2)] == [1.0, 2.0]
    assert [(bad.line, bad.code, bad.raw) for bad in rejected] == [(3, code, row)]
    assert reason in rejected[0].reason


@pytest.mark.parametrize("column", ["product_id", "author_id"])
def test_an_id_that_cannot_be_indexed_is_rejected(column) -> None:
    fits, longer = b"x" * 1000, b"x" * 1001
    batch, rejected = validate(b"review,%s\ngood,%s\nbad,%s\n" % (column.encode(), fits, longer))
    assert batch.text.texts() == ["good"]
    assert codes(rejected) == [(3, "id_too_long")]
    assert rejected[0].reason == f"column {column} has 1,001 bytes, more than the limit of 1,000 for an id"


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
            "Its columns are id, amount. Rename one of them to review, or add its name",
        ),
        (b"review,Review ", RejectCode.REPEATED_COLUMN, "more than one column named review"),
        (
            b"review,caf\xe9",
            RejectCode.UNSUPPORTED_ENCODING,
            "header of the file has the byte 0xe9, which is not UTF-8",
        ),
        (b"review,a\0b", RejectCode.UNSUPPORTED_ENCODING, "contains NUL bytes"),
    ],
)
def test_an_invalid_header_rejects_the_file(header: bytes, code: RejectCode, words: str) -> None:
    with pytest.raises(FileRejected, match=words) as refused:
        validate(header + b"\nx,y\n")
    assert refused.value.details["reason"] == code


@pytest.mark.parametrize("word", ["NA", "(null)", "undefined", "#REF!", "[NULL]", "1.23456789E17", "1,5e+10"])
def test_such_an_id_is_no_id(word: str) -> None:
    batch, rejected = validate(f"review_id\treview\n{word}\tone\n{word}\ttwo\n".encode(), dialect=Dialect("\t"))
    assert (list(batch.review_id.values()), rejected) == ([None, None], [])


@pytest.mark.parametrize("value", ["12e45", "1e5", "1.5", "E17", "a.5E17"])
def test_such_an_id_is_an_id(value: str) -> None:
    batch, _ = validate(f"review_id,review\n{value},one\n".encode())
    assert list(batch.review_id.values()) == [value.encode()]


@pytest.mark.parametrize("name", ["customer_review", "User Comment", "your review", "Review Message"])
def test_a_column_that_is_the_review_goes_before_a_bare_comment(name: str) -> None:
    batch, _ = validate(f"Comment,{name}\nthanks,bad\n".encode())
    assert batch.text.texts() == ["bad"]


def test_a_guessed_name_that_is_there_twice_does_not_refuse_the_file() -> None:
    batch, _ = validate(b"review,created_at,created_at\ngood,2024-01-01,2024-01-02\n")
    assert batch.review(0).extra == {"created_at": "2024-01-01", "created_at_2": "2024-01-02"}


def test_null_words_are_missing_values_in_every_column() -> None:
    batch, rejected = validate(
        b"review_id,product_id,author_id,rating,reviewed_at,language,review,note\n"
        b"NULL,\\N,nan,N/A,None,#N/A,fine,NULL\nr2,p,a,5,2026-11-16,en,None of it worked,x\n"
    )
    assert rejected == []
    assert batch.review(0)[:6] == (None,) * 6
    assert batch.review(0).extra == {"note": "NULL"}
    assert (batch.review(1).review_id, batch.review(1).text) == ("r2", "None of it worked")


def test_ids_that_a_spreadsheet_has_rounded_are_missing_and_warned_of_once() -> None:
    data = (
        b"reviewId,product_id,author_id,rating,review\n"
        b'1.23457E+17,1E+05,u1,5,fine\n1.23457E+17,p2," 1,2e+9",4,dull\n'
        b"1E+05x,E+05,1.5E-05,3,fair\n"
    )
    (block,) = read_records(io.BytesIO(data), COMMA, 1 << 20, 1 << 20, "the file")
    header = Header(block.fields(0), Rules(Settings()), "the file")
    validator = Validator(header, Rules(Settings()), b"")
    for _ in range(2):
        batch, rejected = validator.validate(block.records(1))
        assert rejected == []
        assert [batch.review(row)[:3] for row in range(3)] == [
            (None, None, "u1"),
            (None, "p2", None),
            ("1E+05x", "E+05", "1.5E-05"),
        ]
    cure = "They are treated as missing. Export the column as text to keep its values"
    assert header.warnings == [
        f"column {column} has ids that a spreadsheet has rounded, such as {value}. {cure}"
        for column, value in (("reviewId", "1.23457E+17"), ("product_id", "1E+05"), ("author_id", "1,2e+9"))
    ]


@given(st.lists(st.text("01239+-.,eE", max_size=9) | st.from_regex(ROUNDED, fullmatch=True)))
def test_a_number_with_an_exponent_is_found_in_every_spelling(values: list[str]) -> None:
    found, first = BytesColumn.of_texts(values).without_exponents()
    rounded = [bool(ROUNDED.fullmatch(value)) for value in values]
    assert found.null.tolist() == rounded
    assert first == (rounded.index(True) if any(rounded) else None)


@pytest.mark.parametrize(
    ("names", "text", "known"),
    [
        (("reviewId", "Review Text", "Comment"), "Review Text", {"review_id": 0}),
        (("Review ID", "star-rating", "review_body"), "review_body", {"review_id": 0, "rating": 1}),
        (("\ufeffreview\u200b", " Author.Id "), "review", {"author_id": 1}),
        (("asin", "overall", "reviewerID", "reviewText"), "reviewText", {"product_id": 0, "rating": 1, "author_id": 2}),
    ],
)
def test_names_compare_without_case_spaces_and_punctuation(names, text, known) -> None:
    header = header_of(*names)
    assert (header.names[header.text], header.known) == (text, known)


def test_an_unused_column_that_looks_like_a_known_one_is_a_warning() -> None:
    header = header_of("id", "review", "text", "score")
    assert header.known == {}
    assert header.warnings == [
        "column text looks like a text too; column review is scored",
        "column id looks like review_id and is not used as such",
        "column score looks like rating and is not used as such",
    ]


def test_a_guessed_column_is_used_only_if_its_values_can_be_read() -> None:
    batch, rejected = validate(b"review,review_date,stars\nfine,21.05.2014,5\ngood,,4\n")
    assert rejected == []
    assert (batch.review(0).reviewed_at, batch.review(0).rating) == (None, 5)
    assert batch.review(0).extra == {"review_date": "21.05.2014"}


def test_repeated_and_missing_names_are_kept_apart() -> None:
    batch, rejected = validate(b"review,Date,date,,,\nfine,a,b,,c,\n")
    assert rejected == []
    assert batch.review(0).extra == {"Date": "a", "date_2": "b", "column_5": "c"}


def test_a_decimal_comma_is_read_where_a_semicolon_is_the_delimiter() -> None:
    batch, rejected = validate(b"review;rating\nfine;4,5\n", dialect=Dialect(";"))
    assert (rejected, batch.review(0).rating) == ([], 4.5)


@pytest.mark.parametrize("zone", [" UTC", " utc", "GMT", " +0000 UTC", "+00:00[Europe/London]", "Z[UTC]", " -0000 GMT"])
def test_a_time_with_utc_behind_it_is_utc(zone: str) -> None:
    batch, rejected = validate(f"review,reviewed_at\nfine,2024-01-05 10:20:30{zone}\n".encode())
    assert (rejected, batch.review(0).reviewed_at) == ([], datetime(2024, 1, 5, 10, 20, 30, tzinfo=UTC))


@pytest.mark.parametrize("zone", [" PST", "[Europe/Berlin]", " UTC+1", " +0100 UTC"])
def test_a_time_with_another_zone_behind_it_is_rejected(zone: str) -> None:
    _, rejected = validate(f"review,reviewed_at\nfine,2024-01-05 10:20:30{zone}\n".encode())
    assert "--from FILE.yaml" in rejected[0].reason


def test_a_rating_may_have_a_decimal_comma_where_commas_delimit_nothing() -> None:
    batch, rejected = validate(b"rating\treview\n4,5\tfine\n", dialect=Dialect("\t"))
    assert (rejected, batch.review(0).rating) == ([], 4.5)


@pytest.mark.parametrize(
    "row",
    [
        *(b"REVIEW_ID,Review", b'"review_id","review"', b"review_id, review ", b'\xef\xbb\xbf"review_id",review'),
        *(b"Review ID,review", b"---------,------", b"---," + b"-" * 99),
    ],
)
def test_a_header_in_another_spelling_is_no_row(row: bytes) -> None:
    batch, rejected = validate(b"review_id,review\n1,good\n" + row + b"\n2,bad\n")
    assert (batch.text.texts(), codes(rejected)) == (["good", "bad"], [(3, "repeated_header")])


@pytest.mark.parametrize("row", [b"r1,review", b"review_id,reviews", b"--,-", b"review_id,a review"])
def test_a_row_with_a_name_in_it_is_a_row(row: bytes) -> None:
    batch, rejected = validate(b"review_id,review\n1,good\n" + row + b"\n")
    assert batch.size + sum(bad.code == RejectCode.MISSING_TEXT for bad in rejected) == 2


def test_rows_behind_a_header_with_another_order_are_rejected() -> None:
    header, *blocks = read_records(
        io.BytesIO(b"review_id,review\n1,a\nreview,review_id\nb,2\nc,3\n"), COMMA, 18, 99, ""
    )
    validator = Validator(header_of("review_id", "review"), Rules(Settings()), header.raw(0))
    results = [validator.validate(block) for block in blocks]
    assert [text for batch, _ in results for text in batch.text.texts()] == ["a"]
    assert [code for _, rejected in results for code in codes(rejected)] == [
        (line, "repeated_header") for line in (3, 4, 5)
    ]


def test_records_that_a_quote_has_swallowed_are_rejected() -> None:
    data = b'review_id,rating,review\n1,5,"fine\n2,4,good\n3,1,not 27""\n4,2,dull\n'
    batch, rejected = validate(data.replace(b'""', b'"'))
    assert batch.text.texts() == ["dull"]
    assert codes(rejected) == [(2, "swallowed_records")]
    assert rejected[0].raw == b'1,5,"fine\n2,4,good\n3,1,not 27"'
    assert "line 3" in rejected[0].reason


@pytest.mark.parametrize(
    "data",
    [
        b'name,city,review\nAnna,Paris,"19 inch\nBob,Rome,good\nEve,Oslo,bad"\n',
        b'name,review\nAnna,"19 inch\nBob,good\nEve,bad"\n',
        b'review_id,rating,review\n,,"19 inch\n,,good\n,,bad"\n',
        b'review_id,rating,review\n1,5,"19 inch, too small\n2,4,good\n3,1,bad"\n',
        b'review_id,rating,review\n"1,5,fine\n2,4,good\n3",1,bad\n',
        b'review_id,rating,review\nab1,5,"fine\n123,4,bad"\n',
    ],
)
def test_records_of_words_and_empty_fields_are_found_in_a_text(data: bytes) -> None:
    batch, rejected = validate(data)
    assert (batch.size, codes(rejected)) == (0, [(2, "swallowed_records")])


@pytest.mark.parametrize(
    "row",
    [
        b'1,5,"fine,\nreally, very fine"',
        b'1,5,"Pros, cons, all:\nlight, cheap, good"',
        b'1,5,"fine\n\n2 stars, 1 wish, bye"',
        b'1,5,"fine\nsee 1,5,"',
        b'"","","fine\ncheap,light,good"',
        b'1,5,"fine\nwell,then,bye"',
    ],
)
def test_a_text_of_several_lines_is_one_record(row: bytes) -> None:
    batch, rejected = validate(b"review_id,rating,review\n" + row + b"\n2,4,good\n")
    assert (codes(rejected), batch.size) == ([], 2)


def test_the_end_of_a_record_behind_its_text_is_no_record() -> None:
    batch, rejected = validate(b'review,rating,city\n"two\nlines",5,Rome\n"three\nmore\nlines",4,Oslo\n')
    assert (batch.size, rejected) == (2, [])


@pytest.mark.parametrize("block_bytes", [16, 40, 1 << 16])
@pytest.mark.parametrize(
    "cut",
    [
        b"1,5,Looks good\nbut broke\r\n",
        b"1,5,nl\\\r\nthe rest\r\n",
        b'1,5,"a 6" pipe\r\nthat broke"\r\n',
        b'1,5, "a\r\nb"\r\n',
    ],
)
def test_a_row_whose_text_is_cut_is_rejected(cut: bytes, block_bytes: int) -> None:
    data = b"review_id,rating,review\r\n0,1,bad\r\n" + cut + b"2,4,ok\r\n"
    blocks = read_records(io.BytesIO(data), COMMA, block_bytes, 99, "")
    found = list(checked(blocks, Rules(Settings()), ""))
    assert [text for part in found for text in part.batch.text.texts()] == ["bad", "ok"]
    assert [code for part in found for code in codes(part.rejected)] == [(3, "column_count"), (4, "column_count")]


@pytest.mark.parametrize("data", [b"1,5,fine\r\nbut broke\r\n", b"1,5,fine\n2,4\n", b"1,5,fine\n2,4,a, b\n"])
def test_a_row_before_one_with_other_columns_is_a_row(data: bytes) -> None:
    batch, _ = validate(b"review_id,rating,review\r\n" + data)
    assert batch.text.texts() == ["fine"]


def test_lines_behind_an_unclosed_quote_count_only_if_they_are_rows() -> None:
    data = b'review_id,rating,review\n1,5,"cut\n2,4,good\nand, the, rest\n'
    header, rest = read_records(io.BytesIO(data), Dialect(), 1 << 20, 1 << 20, "the file")
    validator = Validator(header_of("review_id", "rating", "review"), Rules(Settings()), header.raw(0))
    batch, rejected = validator.validate(rest)
    assert batch.text.texts() == ["good"]
    assert codes(rejected) == [(2, "unclosed_quote"), (4, "unclosed_quote")]


@pytest.mark.parametrize("word", ["", "a long word", "ünd"])
def test_a_null_word_that_cannot_be_compared_is_an_invalid_setting(word: str) -> None:
    with pytest.raises(ValidationError, match="null_words"):
        Settings(null_words=(word,))
