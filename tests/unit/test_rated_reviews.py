"""The reviews that the demo composes have stars that a gate can be passed with."""

from collections import Counter
from datetime import date

import yaml

from demo.rated_reviews import PHRASES, rated_files, rated_reviews
from sentiment_core.datasets.split import in_test
from sentiment_core.params import Params
from sentiment_core.promotion.policy import GatePolicy


def test_the_same_files_are_composed_each_time_one_for_each_day_of_the_examples() -> None:
    files = rated_files()
    assert files == rated_files()
    days = [date(2026, 11, day) for day in (16, 17, 18)]
    assert list(files) == [f"incoming/bike-shop/dt={day}/reviews.csv" for day in days]
    assert b"{" not in b"".join(files.values()), "every slot is filled"


def test_enough_polar_reviews_are_of_products_on_the_test_side() -> None:
    reviews = list(rated_reviews(yaml.safe_load(PHRASES.read_text("utf-8"))))
    assert len({review.review_id for review in reviews}) == len(reviews)
    per_product = Counter(review.product_id for review in reviews)
    assert max(per_product.values()) <= Params.load().stars.most_per_product
    test = in_test((review.product_id for review in reviews), Params.load().snapshot.test_size)
    polar = {review.review for review, held_out in zip(reviews, test, strict=True) if held_out and review.rating != 3}
    # A third of the texts are near-duplicates of others, and learning from stars leaves them out.
    assert len(polar) * 2 / 3 > GatePolicy.load().least_rows
