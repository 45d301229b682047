"""The reason of a rejection says what was found, and the one command that takes the file in."""

import io

import pytest

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.hints import taught
from sentiment_core.drops.likely_encoding import likely_encoding
from sentiment_core.drops.raw_rows import RawRow, RawRows, raw_header
from sentiment_core.drops.recognition import records_of, text_column_test
from sentiment_core.drops.remedies import Remedy
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.validation import checked
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

URI = "s3://reviews/incoming/shop/dt=2026-11-16/a.csv"
TEXT = "A long text of the customer about the lamp"


def rejection(data: bytes) -> str:
    blocks = records_of(io.BytesIO(data), ",", text_column_test(Settings().text_columns), 1 << 16, 1 << 16, URI)
    with pytest.raises(FileRejected) as refused:
        list(checked(blocks, Rules(Settings()), URI))
    return str(refused.value.details["why"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            f"id;n;Meinung\n1;2;{TEXT}\n2;3;{TEXT}\n",
            "delimiter looks like semicolon. Column Meinung looks like the text. Run",
        ),
        (
            f"id;n;Meinung\n1;2;{TEXT}\n2;3;{TEXT}\n",
            "source set shop --delimiter semicolon --text Meinung`, then `sentiment",
        ),
        (f'id,Your words\n1,"{TEXT}, yes"\n', "`sentiment source set shop --text 'Your words'`, then"),
        (f'{{"id": 1, "words": "{TEXT}"}}\n', "`sentiment source set shop --text words`"),
        (
            f"Export of May\n\nreview,n\n{TEXT},1\n",
            "Line 3 looks like the header. Run `sentiment source set shop --header-line 3`",
        ),
        (f"# made by x\nid;review;n\n1;{TEXT};1\n", "--delimiter semicolon --header-line 2`"),
        (
            f"1,2026-01-01,{TEXT}\n2,2026-01-02,{TEXT}\n",
            "does not look like a header. Run `sentiment source set shop --from FILE.yaml`",
        ),
        (f"1,{TEXT}\n", "does not look like a header"),
    ],
)
def test_a_file_without_a_text_column_names_the_command(data: str, words: str) -> None:
    found = rejection(data.encode())
    assert "has no text column" in found
    assert words in found


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"Review\n\nreview_id,rating,text\n1,5,good\n", 3),
        (b"Review,,\nreview_id,rating,text\n1,5,good\n", 2),
        (b"Review,,Customer,\nid,text,name,mail\n1,good,Bob,x\n", 2),
    ],
)
def test_a_title_that_looks_like_a_column_is_no_header(data: bytes, line: int) -> None:
    found = rejection(data)
    assert "two lines of names" in found
    assert f"`sentiment source set shop --header-line {line}`" in found


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"rating;review\n1,good\n", "looks delimited by ','"),
        (b'rating,review\n"1,""good, nice"""\n', "whole row is in quotes"),
        (b'rating,review\n1, "good, nice"\n', "quote behind a space"),
        (b"rating,review\n1,good,,\n", "row ends with a delimiter"),
        (b"rating,review\n1\\,5,good\\, nice, really\n", "set shop --quoting backslash`"),
        (b"rating,review\n1,good,nice\n", "has 3 columns, the header has 2"),
    ],
)
def test_a_row_with_another_number_of_columns_names_the_cause(data: bytes, words: str) -> None:
    blocks = records_of(io.BytesIO(data), ",", text_column_test(Settings().text_columns), 1 << 16, 1 << 16, URI)
    ((_, _, _, (bad,)),) = checked(blocks, Rules(Settings()), URI)
    assert bad.code == RejectCode.COLUMN_COUNT
    assert words in bad.reason


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("The café — 5€", "cp1252"),
        ("The café is good", "utf-16-le"),
        ("The café is good", "utf-16-be"),
        ("Очень хорошая лампа, всё работает", "cp1251"),
        ("とても良い。おすすめです", "shift_jis"),
        ("とても良い。おすすめです", "euc_jp"),
        ("这个东西很好, 我们都喜欢", "gb18030"),
        ("정말 좋아요 추천합니다", "euc_kr"),
        ("Очень хороший товар спасибо", "koi8-r"),
        ("Πολύ καλό προϊόν ευχαριστώ πολύ", "cp1253"),
        ("Çok güzel bir ürün ışığı beğendim", "cp1254"),
        ("מוצר טוב מאוד תודה רבה לכם", "cp1255"),
        ("المنتج جيد جدا وشكرا لكم", "cp1256"),
        ("สินค้าดีมากครับ", "cp874"),
        ("Bardzo dobry produkt, żółty, będę polecał ją", "cp1250"),
        ("Bardzo dobry produkt, żółty, będę polecał ją", "iso8859-2"),
        ("Très bon produit, déjà reçu, très à l'aise", "cp1252"),
        ("Größe passt, schöne Farbe, weiß", "cp1252"),
        ("Æblerne er gode på øen", "cp1252"),
    ],
)
def test_an_encoding_is_named_by_what_the_text_looks_like(text: str, encoding: str) -> None:
    assert likely_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le"])
def test_a_header_that_is_not_utf8_names_the_command(encoding: str) -> None:
    found = rejection("review,größe\nfine,1\n".encode(encoding))
    assert f"`sentiment source set shop --encoding {encoding}`" in found


def test_random_bytes_look_like_no_encoding() -> None:
    assert likely_encoding(bytes(range(128, 160)) + b"\x01") is None


def test_a_rejection_for_another_reason_is_left_as_it_is() -> None:
    (block,) = records_of(io.BytesIO(b"review\nfine\n"), ",", text_column_test(["review"]), 1 << 16, 1 << 16, URI)
    rejection = FileRejected(reason="repeated_column", why="it repeats")
    assert taught(rejection, block, ["review"], Remedy("shop")) is rejection


def test_raw_rows_are_read_alone_with_the_lines_of_the_file() -> None:
    header = raw_header(b"id,review", [b"1,fine"], ",", text_column_test(["review"]))
    assert header.names == ["id", "review"]
    blocks, several = RawRows(header, URI, splits=False).blocks(
        [RawRow(7, b'1,"a'), RawRow(9, b"2,b\n3,c"), RawRow(12, b"4,d")]
    )
    (block,) = blocks
    assert [block.fields(record) for record in range(block.size)][1:] == [[b"1", b'"a'], [b"4", b"d"]]
    assert (block.line.tolist()[1:], several) == ([7, 12], {})
