"""The reason of a rejection says what was found, and the one command that takes the file in."""

import io

import pytest

from sentiment_core.drops.likely_encoding import likely_encoding
from sentiment_core.drops.recognition import records_of, text_column_test
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
