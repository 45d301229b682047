"""Models of known order for the gate: reviews of many invented words, and models trained on more or fewer of them."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.params import Params
from sentiment_core.promotion.policy import GatePolicy
from sentiment_core.training.train import train

SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "mi", "no", "pe", "ru", "sa", "ti", "vo", "zu")
PRODUCTS = ("kettle", "lamp", "headset")
GOOD = ("I love it", "works very well", "excellent", "great value", "the best one", "very happy with it")
BAD = ("awful", "not good", "a waste of money", "poor quality", "does not work", "the worst one")


class Contenders(NamedTuple):
    """A champion trained on a tenth of the reviews, its possible successors, and reviews that none of them has seen."""

    champion: Bundle
    better: Bundle
    equal: Bundle  # equivalent to `better`
    learned: LabelledReviews
    unseen: LabelledReviews


def opinions(count: int, seed: int) -> LabelledReviews:
    """Return reviews of invented words, each of which indicates one label more often than not."""
    dice = random.Random(5)
    words = ["".join(dice.choices(SYLLABLES, k=4)) for _ in range(800)]
    halves = (words[:400], words[400:])
    dice = random.Random(seed)
    texts, labels, groups, ratings = [], [], [], []
    for number in range(count):
        label = number % 2
        told = [dice.choice(halves[label if dice.random() < 0.8 else 1 - label]) for _ in range(5)]
        if dice.random() < 0.3:
            told.append(dice.choice((BAD, GOOD)[label]))
        product = dice.choice(PRODUCTS)
        texts.append(f"{product} {seed}-{number}: {', '.join(told)}")
        labels.append(LABELS.index("positive" if label else "negative"))
        groups.append(product)
        ratings.append(4.0 + dice.randint(0, 1) if label else 1.0 + dice.randint(0, 1))
    return LabelledReviews(texts, np.array(labels, np.int8), groups, np.array(ratings))


def contenders() -> Contenders:
    """Train all models, which takes some seconds."""
    params = Params.load()
    params = params.model_copy(update={"calibration": params.calibration.model_copy(update={"folds": 3})})
    other = params.model_copy(update={"model": params.model.model_copy(update={"C": 0.95})})
    learned = opinions(3000, seed=1)
    learned = LabelledReviews(learned.texts, learned.labels, learned.texts, learned.ratings)
    return Contenders(
        champion=train(learned.take(np.arange(300)), params, {"data": "a tenth"}),
        better=train(learned, params, {"data": "all"}),
        equal=train(learned, other, {"data": "all, C = 0.95"}),
        learned=learned,
        unseen=opinions(1000, seed=2),
    )


def lenient(**changed: object) -> GatePolicy:
    """Return the shipped policy without the limits that noise on a busy machine could break."""
    policy = GatePolicy.load()
    latency = policy.latency.model_copy(update={"most_us_per_text": 1e9, "most_ratio": 1e9})
    return policy.model_copy(update={"latency": latency, **changed})


def write_csv(reviews: LabelledReviews, path: Path) -> Path:
    """Write reviews in the file format that `sentiment train` and `--evaluate` read."""
    ratings: Sequence[float] = [] if reviews.ratings is None else reviews.ratings.tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("review", "sentiment", "product", "rating"))
        writer.writerows(
            (text, LABELS[label], group, rating)
            for text, label, group, rating in zip(
                reviews.texts, reviews.labels.tolist(), reviews.groups, ratings, strict=True
            )
        )
    return path
