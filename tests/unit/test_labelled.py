"""Labelled data: read in every accepted form, or rejected with the column and the counts."""

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sentiment_core.cli import main
from sentiment_core.datasets.labelled_csv import Columns, read_file, read_labelled, read_texts
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.source_contract import Rules, read_contract
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import FileRejected, TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import STARTER
from sentiment_core.params import Params
from sentiment_core.settings import settings

GOOD = 'Text,SENTIMENT,shop\n"A ""fine"" one,\nreally",Positive,a\nBad,neg,a\nNay,1,b\n'


def read(tmp_path: Path, params: Params, content: str, group: str | None = None) -> LabelledReviews:
    path = tmp_path / "labelled.csv"
    path.write_text(content, encoding="utf-8")
    return read_labelled([path], params.data, group)


def test_labels_and_columns_are_found_in_any_case(tmp_path: Path, params: Params) -> None:
    reviews = read(tmp_path, params, GOOD, "shop")
    assert list(reviews.texts) == ['A "fine" one,\nreally', "Bad", "Nay"]
    assert [LABELS[label] for label in reviews.labels] == ["positive", "negative", "positive"]
    assert list(reviews.groups) == ["a", "a", "b"]
    assert reviews.rows == {"negative": 1, "positive": 2}


def test_compressed_files_with_a_bom_are_read_together(tmp_path: Path, params: Params) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(("\ufeff" + GOOD).encode()))
    (tmp_path / "b.csv.xz").write_bytes(lzma.compress(GOOD.encode()))
    reviews = read_labelled([tmp_path / "a.csv.gz", tmp_path / "b.csv.xz"], params.data)
    assert reviews.rows == {"negative": 2, "positive": 4}
    assert reviews.groups == reviews.texts  # equal texts are one group


def test_the_digest_tells_texts_labels_and_order_apart(tmp_path: Path, params: Params) -> None:
    lines = ["review,sentiment", "a,pos", "b,neg", "c,pos"]
    variants = [lines, [*lines[:3], "c,neg"], [lines[0], *lines[:0:-1]], [*lines[:3], "d,pos"]]
    digests = [read(tmp_path, params, "\n".join(variant)).sha256 for variant in variants]
    assert len(set(digests)) == len(variants)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            "review,sentiment\na,pos\nb,pos\n",
            "must contain negative and positive. It has no negative rows, and 2 positive",
        ),
        ("review,sentiment\n", r"labelled\.csv has a header and no rows. Add rows"),
        ("note,sentiment\na,pos\n", r"labelled\.csv has no text column\. Its columns are note, sentiment"),
        ("review,stars\na,5\n", r"no label column 'sentiment'. Its columns are review, stars. Rename one"),
        ("review,review,sentiment\na,a,pos\n", r"labelled\.csv has more than one column named review"),
        (
            "review,sentiment\na,pos\nb,neg\na,neg\n",
            r"1 texts, in 2 rows, have more than one label. The text that begins 'a' is positive on line 2 of "
            r"\S+labelled\.csv, and negative on line 4 of \S+labelled\.csv. Keep one label",
        ),
        ("", r"labelled\.csv is empty"),
        ('review,sentiment\n"a,pos\n', r"line 2: a quote opens a field and is never closed"),
    ],
)
def test_an_invalid_file_is_rejected_with_its_name_and_what_to_do(
    tmp_path: Path, params: Params, content: str, why: str
) -> None:
    with pytest.raises(TrainingDataInvalid, match=why):
        read(tmp_path, params, content)


# The bad row is on line 4, because the quoted text of the first row has two lines. (bytes of the row, error)
BAD_ROWS = {
    "missing_text": (b"  ,pos,a", "column review is empty"),
    "null_text": (b"nan,pos,a", "column review has 'nan', which means no value"),
    "missing_label": (b"c, ,a", "column sentiment is empty"),
    "null_label": (b"c,NULL,a", "column sentiment is empty"),
    "unknown_label": (b"c,meh,a", "column sentiment has the label 'meh', known labels are 0, 1, neg"),
    "too_few_fields": (b"c,pos", "the row has 2 columns, the header has 3"),
    "too_many_fields": (b"c,pos,a,b", "the row has 4 columns, the header has 3"),
    "invalid_utf8": (b"caf\xe9,pos,a", "the row has the byte 0xe9, which is not UTF-8"),
    "nul_byte": (b"c\0,pos,a", "the row contains a NUL byte"),
}
CODES = {
    "null_text": "missing_text",
    "null_label": "missing_label",
    "too_few_fields": "column_count",
    "too_many_fields": "column_count",
}


def bad_file(tmp_path: Path, row: bytes) -> Path:
    path = tmp_path / "bad.csv"
    path.write_bytes(b'review,sentiment,product_id\n"a\na",pos,a\n' + row + b"\nb,neg,a\n")
    return path


@pytest.mark.parametrize("kind", BAD_ROWS)
@pytest.mark.parametrize(
    "command",
    [
        ("train", "{bad}", "--out", "{out}"),
        ("train", "{good}", "--unlabelled", "{bad}", "--out", "{out}"),
        ("evaluate", "{starter}", "{bad}"),
        ("experiment", "baseline", "{bad}"),
        ("experiment", "semi-supervised", "{good}", "--unlabelled", "{bad}"),
    ],
    ids=lambda words: "-".join(word.strip("{}-") for word in words),
)
def test_each_command_rejects_each_bad_row_with_file_line_and_reason(
    command: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    row, why = BAD_ROWS[kind]
    path = bad_file(tmp_path, row)
    good = tmp_path / "good.csv"
    good.write_text("review,sentiment\nfine,pos\npoor,neg\n")
    places = {"bad": path, "good": good, "starter": STARTER, "out": tmp_path / "out"}
    done = CliRunner().invoke(main, [word.format(**places) for word in command])
    if "--unlabelled" in command and kind.endswith("_label"):
        assert "bad.csv" not in done.output  # such a file has no label column to check
        return
    assert done.exit_code == 1
    code = CODES.get(kind, kind)
    assert f"{path} has 1 bad rows of 3, and the maximum ratio is 0. line 4: {why}" in done.output
    assert f"({code}). Correct or delete these rows." in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_caller_with_a_maximum_ratio_leaves_out_and_records_each_bad_row(
    kind: str, tmp_path: Path, params: Params
) -> None:
    row, why = BAD_ROWS[kind]
    columns = Columns("sentiment", "product_id", params.data.spellings)
    drop = local_drop(bad_file(tmp_path, row))
    file = read_file(Storage(None), drop, columns, Rules(settings()), max_rejected_ratio=0.5)
    assert [(each.text, each.label, each.group, each.line) for each in file.rows] == [
        ("a\na", "positive", "a", 2),
        ("b", "negative", "a", 5),
    ]
    code = CODES.get(kind, kind)
    assert (file.read, dict(file.rejected)) == (3, {code: [4]})
    [bad] = file.first_bad
    assert (bad.line, bad.code) == (4, code)
    assert bad.reason.startswith(why)
    with pytest.raises(FileRejected, match=f"line 4: {why}"):
        read_file(Storage(None), drop, columns, Rules(settings()), max_rejected_ratio=0.3)


def test_an_error_lists_the_first_bad_rows_and_counts_the_others(tmp_path: Path, params: Params) -> None:
    rows = ["a,meh", "b,pos", ",neg", *["c,meh"] * 5]
    with pytest.raises(TrainingDataInvalid) as raised:
        read(tmp_path, params, "\n".join(["review,sentiment", *rows]))
    told = str(raised.value)
    assert "has 7 bad rows of 8" in told
    assert [f"line {line}: " in told for line in range(2, 10)] == [True, False, True, True, True, True, False, False]
    assert "; and 2 more. Correct" in told


def test_labels_are_spelled_as_the_configuration_says(tmp_path: Path, params: Params) -> None:
    spellings = {"negative": ("1 star", "2 stars"), "neutral": ("3 stars",), "positive": ("5 Stars",)}
    own = params.model_copy(update={"data": params.data.model_copy(update={"labels": spellings})})
    content = "review,sentiment\na,5 stars\nb,1 star\nc, 3 STARS \nd,2 stars\n"
    reviews = read(tmp_path, own, content)
    assert [LABELS[label] for label in reviews.labels] == ["positive", "negative", "neutral", "negative"]
    assert reviews.names == LABELS
    with pytest.raises(
        TrainingDataInvalid, match="line 6: column sentiment has the label '4 stars', known labels are 1 star"
    ):
        read(tmp_path, own, content + "e,4 stars\n")


def test_texts_without_labels_are_read(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("review_id,review\n1,fine\n2,poor\n")
    assert read_texts([tmp_path / "more.csv"]) == ["fine", "poor"]
    (tmp_path / "more.csv").write_text("id,note\n1,fine\n")
    with pytest.raises(TrainingDataInvalid, match="has no text column"):
        read_texts([tmp_path / "more.csv"])


def test_a_missing_group_column_is_named(tmp_path: Path, params: Params) -> None:
    with pytest.raises(TrainingDataInvalid, match="no group column 'movie'. Its columns are"):
        read(tmp_path, params, GOOD, "movie")


def test_a_null_word_is_no_group_and_no_label_but_a_spelled_one_is_a_label(tmp_path: Path, params: Params) -> None:
    spelled = params.data.model_copy(update={"labels": {"negative": ("none",), "positive": ("pos",)}})
    path = tmp_path / "labelled.csv"
    path.write_text("review,sentiment,product\na,None,NULL\nb,pos,nan\nc,pos,p\n")
    assert list(read_labelled([path], spelled, "product").groups) == ["a", "b", "p"]


def test_ratings_come_along_where_there_are_any(tmp_path: Path, params: Params) -> None:
    assert read(tmp_path, params, GOOD).ratings is None
    rated = read(tmp_path, params, "text,sentiment,Rating\na,pos,5\nb,neg,\nc,neg,\n")
    assert rated.ratings is not None
    np.testing.assert_array_equal(rated.ratings, [5, np.nan, np.nan])
    with pytest.raises(TrainingDataInvalid, match="line 2: column rating: 'two' is not a number"):
        read(tmp_path, params, "text,sentiment,rating\na,pos,two\n")
    taken = rated.take(np.array([2, 0]))
    assert taken.ratings is not None
    np.testing.assert_array_equal(taken.ratings, [np.nan, 5])
    assert taken.groups is taken.texts


def test_training_data_is_read_by_a_contract(tmp_path: Path, params: Params) -> None:
    path = tmp_path / "labelled.csv"
    path.write_text("Titel|Meinung|sentiment\nGut|Fein|positive\n|Schlecht|negative\n")
    contract = read_contract("{delimiter: pipe, title: Titel, text: Meinung}", "the test")
    assert list(read_labelled([path], params.data, contract=contract).texts) == ["Gut\nFein", "Schlecht"]
    assert read_texts([path], contract=contract) == ["Gut\nFein", "Schlecht"]


def test_rows_of_one_group_share_its_name(tmp_path: Path, params: Params) -> None:
    path = tmp_path / "reviews.csv"
    name = "g" * 1_000  # the longest id
    path.write_text("review,sentiment,product_id\n" + "".join(f"text {row},pos,{name}\n" for row in range(3)))
    columns = Columns("sentiment", "product_id", params.data.spellings)
    rows = read_file(Storage(None), local_drop(path), columns, Rules(settings()), max_rejected_ratio=0).rows
    assert len({id(row.group) for row in rows}) == 1
