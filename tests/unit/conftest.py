"""A small generated labelled data set, and a model trained on it."""

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from sentiment_core.datasets.labelled_csv import read_labelled
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.params import Params
from sentiment_core.training.train import train

THINGS = ("kettle", "charger", "backpack", "headset", "lamp", "blender")
GOOD = ("love it", "works very well", "great value", "not bad at all", "delightful", "sturdy and beautiful")
BAD = ("broke within days", "not good", "waste of money", "awful", "does not work", "cheap and ugly")
FILLERS = ("I bought this {}.", "The {} arrived on time.", "My second {} from this shop!", "About the {}:")


def generated_reviews(count: int) -> list[dict[str, str]]:
    """Return reviews. One in ten contains both praise and blame, so that no model is ever certain."""
    dice = random.Random(11)
    rows = []
    for number in range(count):
        positive = dice.random() < 0.5
        mine, other = (GOOD, BAD) if positive else (BAD, GOOD)
        phrases = [dice.choice(mine) for _ in range(dice.randint(1, 3))]
        if dice.random() < 0.1:
            phrases = [dice.choice(other), dice.choice(other), *phrases[:1]]
        thing = dice.choice(THINGS)
        rows.append(
            {
                "review": f"{dice.choice(FILLERS).format(thing)} {', '.join(phrases)} <br /> no. {number % 97}",
                "sentiment": "positive" if positive else "negative",
                "product": thing,
            }
        )
    # Equal texts with opposite labels are rejected.
    return list({row["review"]: row for row in rows}.values())


@pytest.fixture(scope="session")
def labelled_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of generated labelled reviews with a column of products."""
    path = tmp_path_factory.mktemp("labelled") / "reviews.csv"
    rows = generated_reviews(600)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="session")
def params() -> Params:
    """The shipped configuration."""
    return Params.load()


@pytest.fixture(scope="session")
def reviews(labelled_csv: Path, params: Params) -> LabelledReviews:
    """The generated reviews, grouped by product."""
    return read_labelled([labelled_csv], params.data, "product")


@pytest.fixture(scope="session")
def trained(reviews: LabelledReviews, params: Params) -> Bundle:
    """A model trained on the generated reviews."""
    return train(reviews, params, {"data": "generated"})


@pytest.fixture(scope="session")
def three(reviews: LabelledReviews) -> LabelledReviews:
    """Generated reviews with three labels."""
    plain = [f"It is a {thing}, number {number}." for number in range(50) for thing in THINGS]
    labels = np.concatenate((reviews.labels, np.full(len(plain), LABELS.index("neutral"), np.int8)))
    return LabelledReviews([*reviews.texts, *plain], labels, [*reviews.groups, *(THINGS * 50)])


@pytest.fixture(scope="session")
def trained_of_three(three: LabelledReviews, params: Params) -> Bundle:
    """A model of three labels, trained on the generated reviews."""
    return train(three, params, {"data": "generated"})
