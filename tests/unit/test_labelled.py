"""Labelled data: read in every accepted form, or rejected with the column and the counts."""

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews, read_labelled, read_texts
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.params import Params

GOOD = 'Text,SENTIMENT,shop\n"A ""fine"" one,\nreally",Positive,a\nBad,neg,a\nNA,1,b\n'


def read(tmp_path: Path, params: Params, content: str, group: str | None = None) -> LabelledReviews:
    path = tmp_path / "labelled.csv"
    path.write_text(content, encoding="utf-8")
    return read_labelled([path], params.data, group)


def test_labels_and_columns_are_found_in_any_case(tmp_path: Path, params: Params) -> None:
    reviews = read(tmp_path, params, GOOD, "shop")
    assert list(reviews.texts) == ['A "fine" one,\nreally', "Bad", "NA"]
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
            "review,sentiment\na,pos\nb,meh\nc,meh\n",
            "label column 'sentiment' holds 'meh' in 2 rows; known labels are 0,",
        ),
        ("review,sentiment\na,pos\nb,pos\n", "must hold negative and positive, and holds 0 negative, 2 positive rows"),
        ("review,sentiment\n", "must hold negative and positive, and holds 0 negative, 0 positive rows"),
        ("note,sentiment\na,pos\n", r"no text column .*; its columns are note, sentiment"),
        ("review,stars\na,5\n", r"no label column \(sentiment\); its columns are review, stars"),
        ("review,sentiment\na,pos\nb,neg\na,neg\n", "1 texts, in 2 rows, have more than one label; one begins 'a'"),
        ("", "cannot be read as CSV"),
        ('review,sentiment\n"a,pos\n', "cannot be read as CSV"),
    ],
)
def test_unusable_data_is_refused_with_column_and_counts(
    tmp_path: Path, params: Params, content: str, why: str
) -> None:
    with pytest.raises(TrainingDataInvalid, match=why):
        read(tmp_path, params, content)


def test_labels_are_spelled_as_the_configuration_says(tmp_path: Path, params: Params) -> None:
    spellings = {"negative": ("1 star", "2 stars"), "neutral": ("3 stars",), "positive": ("5 Stars",)}
    own = params.model_copy(update={"data": params.data.model_copy(update={"labels": spellings})})
    content = "review,sentiment\na,5 stars\nb,1 star\nc, 3 STARS \nd,2 stars\n"
    reviews = read(tmp_path, own, content)
    assert [LABELS[label] for label in reviews.labels] == ["positive", "negative", "neutral", "negative"]
    assert reviews.names == LABELS
    with pytest.raises(TrainingDataInvalid, match="holds '4 stars' in 1 rows; known labels are 1 star, 2 stars"):
        read(tmp_path, own, content + "e,4 stars\n")


def test_texts_without_labels_are_read(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("review_id,review\n1,fine\n2,poor\n")
    assert read_texts([tmp_path / "more.csv"]) == ["fine", "poor"]
    (tmp_path / "more.csv").write_text("id,note\n1,fine\n")
    with pytest.raises(TrainingDataInvalid, match="no text column"):
        read_texts([tmp_path / "more.csv"])


def test_a_missing_group_column_is_named(tmp_path: Path, params: Params) -> None:
    with pytest.raises(TrainingDataInvalid, match=r"no group column \(movie\)"):
        read(tmp_path, params, GOOD, "movie")


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path, params: Params) -> None:
    (tmp_path / "latin.csv").write_bytes("review,sentiment\ncaf\xe9,pos\nb,neg\n".encode("latin-1"))
    with pytest.raises(TrainingDataInvalid, match=r"latin\.csv cannot be read as CSV"):
        read_labelled([tmp_path / "latin.csv"], params.data)


def test_ratings_come_along_where_there_are_any(tmp_path: Path, params: Params) -> None:
    assert read(tmp_path, params, GOOD).ratings is None
    rated = read(tmp_path, params, "text,sentiment,Rating\na,pos,5\nb,neg,\nc,neg,two\n")
    assert rated.ratings is not None
    np.testing.assert_array_equal(rated.ratings, [5, np.nan, np.nan])
    taken = rated.take(np.array([2, 0]))
    assert taken.ratings is not None
    np.testing.assert_array_equal(taken.ratings, [np.nan, 5])
    assert taken.groups is taken.texts
