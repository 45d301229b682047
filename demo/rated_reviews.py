"""Rated reviews of a fictional shop, composed from phrases, so that the demo has enough stars to learn from."""

import csv
import io
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

PHRASES: Final = Path(__file__).with_name("bike_shop.yaml")

_COLUMNS: Final = ("review_id", "product_id", "author_id", "rating", "language", "review")
_NEUTRAL: Final = 3  # stars
_SLOT: Final = re.compile(r"\{(\w+)\}")


class RatedReview(NamedTuple):
    """A composed review, in the order of the columns of its file."""

    review_id: str
    product_id: str
    author_id: str
    rating: int
    language: str
    review: str


def rated_files(path: Path = PHRASES) -> dict[str, bytes]:
    """Return the CSV files of the composed reviews by key, one a day. They are the same each time."""
    phrases = yaml.safe_load(path.read_text("utf-8"))
    days: Sequence[date] = phrases["days"]
    reviews = list(rated_reviews(phrases))
    return {
        f"incoming/{phrases['source']}/dt={day}/reviews.csv": _csv(reviews[place :: len(days)])
        for place, day in enumerate(days)
    }


def rated_reviews(phrases: Mapping[str, Any]) -> Iterator[RatedReview]:
    """Yield the reviews of each product. The stars decide whether a review praises, finds fault or does neither."""
    dice = random.Random(phrases["source"])  # noqa: S311 -- no secret
    stars = [int(rating) for rating, share in phrases["stars"].items() for _ in range(share)]
    number = 0
    for kind in phrases["products"].values():
        for product in kind["names"]:
            for place in range(phrases["per_product"]):
                rating = stars[place % len(stars)]
                number += 1
                text = _text(phrases, kind, rating, dice)
                if dice.random() < phrases["misrated"]:
                    rating = dice.choice(stars)
                yield RatedReview(f"bs-{number}", product, f"rider-{number % 1_000}", rating, "en", text)


def _text(phrases: Mapping[str, Any], kind: Mapping[str, Any], rating: int, dice: random.Random) -> str:
    """Return an opinion, or two middling statements, then circumstances and a conclusion."""
    label = "neutral" if rating == _NEUTRAL else "positive" if rating > _NEUTRAL else "negative"
    opinions = [phrases["middling"]] * 2 if label == "neutral" else [kind[label]]
    sentences = [*opinions, phrases["circumstances"], phrases["conclusions"][label]]
    return " ".join(_filled(dice.choice(each), phrases["words"], dice) for each in sentences)


def _filled(phrase: str, words: Mapping[str, Sequence[str]], dice: random.Random) -> str:
    filled = _SLOT.sub(lambda slot: dice.choice(words[slot[1]]), phrase)
    return filled[0].upper() + filled[1:]


def _csv(reviews: Sequence[RatedReview]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(reviews)
    return file.getvalue().encode()
