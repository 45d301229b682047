"""Plots are valid images with the declared size, for two labels and for three."""

import struct
import zlib

import numpy as np
from matplotlib.figure import Figure

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.evaluation.plots import HEIGHT, WIDTH, draw_all
from sentiment_core.labels import LABELS
from sentiment_core.params import Params
from sentiment_core.png import png_of
from sentiment_core.training.learning_curve import learning_curve
from sentiment_core.training.train import train_measured

NAMES = ["calibration.png", "confusion.png", "precision_recall.png", "roc.png", "scores.png"]


def pixels(content: bytes) -> np.ndarray:
    """Check a PNG file's chunks and return the bytes of its pixels, in an array of shape (rows, bytes)."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    place, data, size = 8, b"", (0, 0)
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        assert struct.unpack(">I", content[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + body)
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        data += body if kind == b"IDAT" else b""
        place += 12 + length
    assert size == (WIDTH, HEIGHT)
    return np.frombuffer(zlib.decompress(data), np.uint8).reshape(HEIGHT, -1)


def test_two_labels(reviews: LabelledReviews, params: Params) -> None:
    trained = train_measured(reviews, params, {})
    curve = learning_curve(trained, params, shares=(0.5,))
    assert [point.share for point in curve] == [0.5, 1.0]
    drawn = draw_all(trained.evaluation._replace(learning_curve=curve))
    assert sorted(drawn) == sorted([*NAMES, "learning_curve.png"])
    for content in drawn.values():
        assert len(np.unique(pixels(content))) > 20
        assert b"Software" not in content, "Matplotlib's version would change the bytes of an unchanged plot"
    assert draw_all(trained.evaluation) == {name: drawn[name] for name in NAMES}


def test_three_labels(three: LabelledReviews, params: Params) -> None:
    evaluation = train_measured(three, params, {}).evaluation
    assert evaluation.names == LABELS
    assert evaluation.probabilities.shape == (len(three.texts), 3)
    drawn = draw_all(evaluation)
    assert sorted(drawn) == NAMES
    for content in drawn.values():
        pixels(content)


def test_held_out_scores_are_those_that_the_metrics_measure(reviews: LabelledReviews, params: Params) -> None:
    evaluation = train_measured(reviews, params, {}).evaluation
    correct = (evaluation.probabilities[:, 1] >= 0.5) == (evaluation.labels == LABELS.index("positive"))
    assert correct.mean() == evaluation.metrics.accuracy
    np.testing.assert_allclose(evaluation.probabilities.sum(axis=1), 1)


def test_a_share_that_is_too_small_to_learn_from_has_no_point(reviews: LabelledReviews, params: Params) -> None:
    alone = LabelledReviews(reviews.texts, reviews.labels, reviews.texts)
    trained = train_measured(alone, params, {})
    curve = learning_curve(trained, params, shares=(0.000_1, 0.4, 0.2))
    assert [point.share for point in curve] == [0.2, 0.4, 1.0]
    rows = [point.rows for point in curve]
    assert rows == sorted(set(rows))
    assert curve[-1].accuracy == trained.evaluation.metrics.accuracy


def test_equal_figures_have_equal_bytes_without_the_version_of_matplotlib() -> None:
    def drawn() -> bytes:
        figure = Figure(figsize=(1, 1))
        figure.add_subplot().plot([1, 3, 2])
        return png_of(figure)

    content = drawn()
    assert content == drawn()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert b"atplotlib" not in content
