"""Rated reviews become weak labels within limits, and every row that is left out is counted."""

from collections import Counter
from hashlib import sha256

import numpy as np
import pytest
from pydantic import ValidationError

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.star_labels import Selection
from sentiment_core.datasets.star_scale import SourceRatings, read_ratings
from sentiment_core.datasets.star_summary import StarSource
from sentiment_core.datasets.starred_reviews import PLACES, StarredReview
from sentiment_core.model.scorer import UNFAMILIAR, Scorer
from sentiment_core.params import Params
from sentiment_core.text.fingerprints import hash_text


def starred(text: str, stars: float, product: str | None = None, author: str | None = None, **changed) -> StarredReview:
    place = int.from_bytes(sha256(text.encode()).digest()[:4], "big")
    review = StarredReview(
        place, "shop", False, stars, text, product, author, None, None, product, "b", "incoming/a.csv", "v1", 2
    )
    return review._replace(**changed)


def unlike(number: int) -> str:
    """Return a text that shares no run of eight words with one of another number."""
    return " ".join(f"w{number}x{place}" for place in range(12))


def select(reviews: list[StarredReview], params: Params, judge=None, labelled=(), place: int = PLACES):
    """Return the selected rows and the summary of each source, as `starred_rows` does for stored reviews."""
    groups: dict[tuple[str, bool], Counter[float]] = {}
    for review in reviews:
        groups.setdefault((review.source, review.declared), Counter())[review.rating] += 1
    ratings = [SourceRatings(*group, counts) for group, counts in groups.items()]
    readings = {(each.source, each.declared): read_ratings(each, params.data.labels, params.stars) for each in ratings}
    selection = Selection(params, readings, dict.fromkeys(params.data.labels, place), labelled)
    for review in sorted(reviews, key=lambda review: sha256(review.text.encode()).digest()):
        reading = readings[review.source, review.declared]
        if reading.refusal is None and reading.labels[review.rating] in params.data.labels:
            selection.add(review)
    return selection.rows(judge), [selection.summary(each) for each in ratings]


@pytest.fixture
def limits(params):
    """The shipped configuration with changed limits of stars."""
    return lambda **changed: params.model_copy(update={"stars": params.stars.model_copy(update=changed)})


def plain(count: int) -> list[StarredReview]:
    return [starred(unlike(number), 5 if number % 2 else 1, f"p{number}", f"u{number}") for number in range(count)]


def test_a_row_has_the_label_the_weight_and_the_origin_of_its_review(params) -> None:
    rows, (summary,) = select(plain(40), params)
    assert (len(rows), summary.taken, summary.left_out, summary.scales) == (40, 40, {}, ("1 to 5",))
    row = next(row for row in rows if row.text == unlike(7))
    assert (row.label, row.rating, row.weight, row.origin, row.side) == ("positive", 5, 0.5, "stars", "training")
    assert (row.source, row.bucket, row.key, row.version, row.line) == ("shop", "b", "incoming/a.csv", "v1", 2)
    assert (row.group, row.author_id) == ("p7", "u7")


def test_a_thousand_copies_of_a_text_count_once_and_nearly_equal_texts_too(params) -> None:
    poison = [starred("Never buy this at all, it is a scam", 1, f"p{n}", f"v{n}") for n in range(1000)]
    varied = [starred(f"{unlike(999)} {unlike(998)} copy {n}", 1, f"q{n}", f"w{n}") for n in range(100)]
    short = [starred(f"Cheap scam!! No. {n}", 1) for n in range(50)]
    symbols = [starred(face * 10, 1) for face in "\N{POUTING FACE}\N{ANGRY FACE}\N{NAUSEATED FACE}"]
    rows, (summary,) = select([*plain(40), *poison, *varied, *short, *symbols], params)
    assert len(rows) == 46
    assert summary.left_out == {"duplicate": 999, "near_duplicate": 99 + 49}


def test_a_product_and_an_author_have_a_share_that_does_not_depend_on_the_order(limits) -> None:
    product = [starred(unlike(number), 1, "lamp", f"u{number}") for number in range(100, 130)]
    author = [starred(unlike(number), 1, f"p{number}", "troll") for number in range(200, 230)]
    reviews = [*plain(40), *product, *author]
    rows, (summary,) = select(reviews, limits(most_per_product=8, most_per_author=3))
    assert Counter(row.group for row in rows)["lamp"] == 8
    assert Counter(row.author_id for row in rows)["troll"] == 3
    assert summary.left_out == {"product_limit": 22, "author_limit": 27}
    assert select(reviews[::-1], limits(most_per_product=8, most_per_author=3))[0] == rows


def test_a_text_with_two_star_labels_or_a_human_label_and_a_short_one_are_left_out(params) -> None:
    twice = [starred("It does what it says", 5, "p1"), starred("it does  what it SAYS", 1, "p2")]
    odd = [*twice, starred("labelled by people", 1), starred("meh", 1), starred("between the thresholds", 3)]
    rows, (summary,) = select([*plain(40), *odd], params, labelled=[hash_text("Labelled by  people")])
    assert {row.text for row in rows} == {unlike(number) for number in range(40)}
    assert summary.left_out == {
        "between_thresholds": 1, "contradicting": 1, "duplicate": 1, "labelled": 1, "short_text": 1
    }  # fmt: skip


def test_rows_in_a_language_that_the_model_is_not_trained_for_are_left_out(params) -> None:
    foreign = [starred(unlike(number), 1, language="nl") for number in range(100, 105)]
    english = [starred(unlike(number), 1, language="en_GB") for number in range(105, 110)]
    rows, (summary,) = select([*plain(40), *foreign, *english], params)
    assert (len(rows), summary.left_out) == (45, {"other_language": 5})


def test_labels_share_the_rows_evenly_and_a_rare_label_leaves_its_room_to_the_others(limits) -> None:
    many = [starred(unlike(number), 5, f"p{number}") for number in range(300)]
    few = [starred(unlike(number), 1, f"p{number}") for number in range(300, 310)]
    rows, (summary,) = select([*many, *few], limits(most_rows=50))
    assert Counter(row.label for row in rows) == {"positive": 40, "negative": 10}
    assert (summary.taken, summary.left_out) == (50, {"row_limit": 260})
    rows, _ = select([*many, *few], limits(most_rows=12))
    assert Counter(row.label for row in rows) == {"positive": 6, "negative": 6}


def test_a_review_beyond_the_sample_counts_as_left_out_but_its_label_contradicts(params) -> None:
    texts = [review._replace(place=PLACES if review.rating == 5 else 0) for review in plain(40)]
    both = [starred("One text, two opinions", 1, place=0), starred("one text, two opinions", 5, place=PLACES)]
    rows, (summary,) = select([*texts, *both], params)
    assert {row.label for row in rows} == {"negative"}
    assert summary.left_out == {"contradicting": 1, "row_limit": 21}


def test_a_refused_source_gives_no_row_and_says_why(params) -> None:
    happy = [starred(unlike(number), 5, source="app") for number in range(500, 540)]
    rows, summaries = select([*plain(40), *happy], params)
    assert {row.source for row in rows} == {"shop"}
    assert [(each.source, each.refused, each.taken) for each in summaries] == [
        ("shop", None, 40),
        ("app", "one_rating", 0),
    ]


def test_the_counts_of_a_source_must_add_up(params) -> None:
    _, (summary,) = select(plain(40), params)
    for fault in ({"rows": 41}, {"refused": "one_rating"}):
        with pytest.raises(ValidationError, match=r"do not add up to 41|was refused and has rows"):
            StarSource.model_validate(summary.model_dump() | fault)


def opinion(number: int, *, good: bool) -> str:
    """Return a text in words that the model of the generated reviews knows, too short for a run of eight words."""
    return f"{'works very well' if good else 'waste of money'} a{number}"


def judged(params, trained, lies: int, **changed):
    """Select forty honest reviews and some whose stars say the opposite of their text."""
    reviews = [
        starred(opinion(number, good=number % 2 == 1), 5 if number % 2 == (number >= lies) else 1, f"p{number}")
        for number in range(60)
    ]
    return select([review._replace(**changed) for review in reviews], params, Scorer(trained))


def test_rows_whose_text_clearly_contradicts_the_stars_get_a_tenth_of_the_weight(limits, trained) -> None:
    sure = limits(suspicious_probability=0.7)
    rows, (summary,) = judged(sure, trained, 6)
    lies = {opinion(number, good=number % 2 == 1) for number in range(6)}
    assert {row.text for row in rows if row.weight == pytest.approx(0.05)} == lies
    assert {row.weight for row in rows if row.text not in lies} == {0.5}
    assert (summary.suspicious, summary.agreement) == (6, pytest.approx(0.9))


def test_texts_that_the_model_does_not_know_are_not_judged(limits, trained) -> None:
    sure = limits(suspicious_probability=0.7)
    german = sure.changed({"model": {"languages": ["en", "de"]}})
    rows, (summary,) = judged(german, trained, 6, language="de-AT")
    assert ({row.weight for row in rows}, summary.suspicious, summary.agreement) == ({0.5}, 0, None)
    unknown = Scorer(trained).unknown_shares
    reviews = plain(40)
    assert np.all([unknown_share(unknown, review.text) >= UNFAMILIAR for review in reviews])
    rows, (summary,) = select(reviews, sure, Scorer(trained))
    assert ({row.weight for row in rows}, summary.agreement) == ({0.5}, None)


def unknown_share(shares, text: str) -> float:
    return float(shares(TextColumn.from_texts([text]))[0])


def test_a_source_whose_stars_contradict_its_texts_is_refused(params, trained) -> None:
    rows, (summary,) = judged(params, trained, 60)
    assert rows == []
    assert (summary.refused, summary.agreement) == ("contradicts_texts", 0)
    assert summary.why == "the model agrees with 0% of its stars, and least_agreement is 50%"
