"""Mixed texts: how a text is cut into clauses, how clauses are scored, and which texts the starter marks."""

from itertools import pairwise
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.ngrams.clauses import CLEAR, LEAST_KNOWN, clear_log_odds
from sentiment_core.ngrams.spans import mixed_parts
from sentiment_core.ngrams.weighted import WeightedNgrams
from sentiment_core.text.clauses import CONJUNCTIONS, ENDS, clause_tables, cut
from sentiment_core.text.specification import identity, token_hash
from sentiment_core.text.token_pipeline import TokenPipeline
from tests.starter import starter_scorer

NEGATION_REACH: Final = 3


def clauses_of(text: str) -> list[str]:
    """Return the clauses of a text, cut by the kernel."""
    tokens, spans = TokenPipeline(NEGATION_REACH).tokens_with_spans(TextColumn.from_texts([text]))
    begins = np.empty(len(tokens.hashes) + 2, np.int64)
    edges = begins[: 1 + cut(tokens.hashes, *clause_tables(), begins)].tolist()
    parts = [(spans[first, 0], spans[end - 1, 1]) for first, end in pairwise(edges) if first < end]
    return [text.encode()[first:end].decode() for first, end in parts]


def test_sentence_ends_and_conjunctions_of_contrast_bound_clauses() -> None:
    text = "Nice room, great view! The bed was bad;\nbut I slept.However it was not cheap but ok, although small"
    assert clauses_of(text) == [
        "Nice room, great view!",
        "The bed was bad;",
        "but I slept.",
        "However it was not cheap",  # a negation does not hide the conjunction
        "but ok,",
        "although small",
    ]
    assert clauses_of("Line one\nline two") == ["Line one\nline two"]
    assert clauses_of("") == []
    assert clauses_of("but") == ["but"]


@pytest.mark.parametrize(
    "text",
    [
        "Das Zimmer war schön, aber laut",
        "La chambre est belle mais sale",
        "Está bien, Pero caro",
        "buono PERÒ caro",
        "房间很好但服务差",
        "Kamar bagus tetapi kotor",
        "좋다 하지만 비싸다",
        "कमरा अच्छा लेकिन गंदा",
    ],
)
def test_conjunctions_of_other_languages_are_known(text: str) -> None:
    assert len(clauses_of(text)) == 2


def test_each_boundary_is_in_its_table() -> None:
    ends, _, starts, _ = clause_tables()
    assert np.count_nonzero(ends) == len(ENDS)
    assert np.count_nonzero(starts) == 2 * len(CONJUNCTIONS)  # plain, and after a negation


POLARITY: Final = {"good": 1.0, "bad": -1.0, "film": 0.25}


@given(st.lists(st.sampled_from([*POLARITY, "other", ".", "but"]), max_size=40))
def test_the_parts_of_a_mixed_text_are_its_strongest_clauses(words: list[str]) -> None:
    by_identity = {identity(token_hash(word.encode())): weight for word, weight in POLARITY.items()}
    bias = 0.125
    weights = np.array([[2 * by_identity[key] for key in sorted(by_identity)]])
    model = WeightedNgrams(1, 1, np.array(sorted(by_identity), np.uint64), weights, bias)
    found = mixed_parts(TokenPipeline().tokens(TextColumn.from_texts([" ".join(words)])), model)
    clauses: list[list[int]] = [[]]
    for place, word in enumerate(words):
        if word == "but" or (place and words[place - 1] == "."):
            clauses.append([])
        clauses[-1].append(place)
    scored = []
    for clause in clauses:
        weights = [POLARITY[words[place]] for place in clause if words[place] in POLARITY]
        if len(weights) >= LEAST_KNOWN:
            scored.append((2 * sum(weights) / np.sqrt(len(weights)) + bias, clause))
    log_odds = [each for each, _ in scored]
    required = clear_log_odds(len(scored))
    if not scored or max(log_odds) < required or min(log_odds) > -required:
        assert found is None
        return
    assert found is not None
    for part, wanted in zip(found, (max(log_odds), min(log_odds)), strict=True):
        assert part.log_odds == pytest.approx(wanted)
        assert (part.first, part.last) in [
            (clause[0], clause[-1]) for each, clause in scored if each == pytest.approx(wanted)
        ]


def test_a_clause_among_many_needs_higher_odds() -> None:
    assert [clear_log_odds(clauses) for clauses in (0, 1, 2)] == [CLEAR] * 3
    assert np.exp(clear_log_odds(8) - CLEAR) == pytest.approx(2)


def test_parts_have_the_spans_of_the_text_in_characters() -> None:
    scorer = starter_scorer()
    text = "💛 Ein wonderful, brilliant &amp; moving film. But the ending is awful, a waste of time… 💔"
    found = scorer.explain(text)
    assert found.scored.mixed
    assert [(part.label, text[part.start : part.end]) for part in found.parts] == [
        ("positive", "💛 Ein wonderful, brilliant &amp; moving film."),
        ("negative", "But the ending is awful, a waste of time… 💔"),
    ]
    positive, negative = (part.score for part in found.parts)
    assert positive > 0.9
    assert negative < 0.1
    assert scorer.explain("A wonderful, brilliant and moving film. I loved it").parts == ()


MIXED: Final = (
    "The room was dirty but the breakfast was great.",
    "Great food, but the service was terrible.",
    "The staff were friendly and helpful. The room was filthy and smelled awful.",
    "Beautiful design. The battery died after one day, a complete waste of money.",
    "I love the sound quality, however the app crashes all the time.",
    "Although the location is perfect, the bed was horrible and the noise unbearable.",
    "The camera is excellent. The charger is useless and broke within a week.",
    "Delivery was super fast! Sadly the product arrived broken and nobody answers my emails.",
    "Wonderful acting and a beautiful score. The plot is boring and the ending is awful.",
    "Customer service was rude and unhelpful, but the shoes themselves are fantastic.",
    "Terrible packaging. The wine itself is delicious and worth every penny.",
    "The view was amazing; the food was disgusting.",
    "Very comfortable seats. The worst meal I have ever had on a plane.",
    "The first half is brilliant. The second half is a dull mess.",
    "Excellent value for money, but poor quality control: mine was broken.",
    "I loved the pool and the gardens. The bathroom was disgusting and full of mould.",
    "The app looks great and is easy to use. Since the update it crashes and loses my data, awful.",
    "Awful waiting time, but the doctor was kind, patient and excellent.",
    "The phone is fast and the screen is gorgeous. Support is a joke, rude and useless.",
    "Perfect fit and lovely colour. It fell apart after the first wash, very disappointed.",
    "The hotel is ugly and badly in need of repair, but the people are wonderful.",
    "Great coffee. Horrible, overpriced sandwiches.",
    "The staff were rude. The pizza was the best I have ever eaten.",
    "I hate the new layout, although the search works perfectly and is very fast.",
    "It works great as a torch. As a charger it is useless, a waste of money.",
    "The story is gripping and moving. The translation is terrible and full of mistakes.",
    "Lovely little shop with friendly people. My order was wrong and they refused to refund me, terrible.",
    "Check-in was a nightmare, however the suite was stunning and spotless.",
    "Brilliant graphics and music. The controls are terrible and ruin the game.",
    "The cleaning was poor and the towels were dirty. Breakfast was excellent and fresh.",
    "It smells wonderful. It gave me a horrible rash.",
    "Fantastic camera, awful battery! The best pictures. The worst battery life.",
    "The teacher was excellent, but the organisation was a disaster.",
    "Good price and fast delivery. The quality is very bad and it broke at once.",
    "The drug worked perfectly for the pain. The side effects were horrible.",
    "Superb steak! Our waiter was rude and ignored us all evening.",
    "The seats are great but the flight was delayed for hours and nobody cared, terrible.",
    "Setup was a frustrating mess. Now that it runs, it is excellent and I love it.",
    "The jacket is warm and beautiful. The zip broke on the first day, very poor.",
    "Nice idea and a great cast. Sadly the result is boring, stupid and far too long.",
)
ONE_SIDED: Final = (
    "The room was clean and the breakfast was great.",
    "Great food and the service was excellent.",
    "The staff were friendly and helpful. The room was spotless and smelled fresh.",
    "Beautiful design. The battery lasts for days, worth every penny.",
    "I love the sound quality, however loud I play it.",
    "Although the location is quiet, the beach is near and everything was perfect.",
    "The camera is excellent. The charger is small and very fast.",
    "Delivery was super fast! The product is perfect and support answers every question.",
    "Wonderful acting and a beautiful score. The plot is moving and the ending is superb.",
    "Not only are the shoes comfortable but they also look fantastic.",
    "Nothing to complain about. The wine is delicious.",
    "The view was amazing; the food was delicious.",
    "Not bad at all. I have never had a better meal on a plane.",
    "No problems so far. It works very well, and I would buy it again.",
    "It was not cheap, but it is the best that I have ever owned.",
    "I loved the pool and the gardens. The bathroom was huge and modern.",
    "The app looks great and is easy to use. I use it every day and love it.",
    "I was afraid that it would break, but it is still perfect after two years.",
    "The phone is fast and the screen is gorgeous. Support is quick and polite.",
    "Perfect fit and lovely colour. I will order another one.",
    "The room was dirty and the breakfast was awful.",
    "Terrible food, and the service was even worse.",
    "The staff were rude and unhelpful. The room was filthy and smelled awful.",
    "Ugly design. The battery died after one day, a complete waste of money.",
    "I hate the sound, and the app crashes all the time.",
    "Although we complained twice, the bed stayed broken and nobody cared.",
    "The camera is poor. The charger is useless and broke within a week.",
    "Delivery took six weeks! The product arrived broken and nobody answers my emails.",
    "Wooden acting and an annoying score. The plot is boring and the ending is awful.",
    "Customer service was rude, but the worst was that nobody apologised.",
    "Terrible packaging. The wine tastes of nothing and was overpriced.",
    "The view was ugly; the food was disgusting.",
    "Uncomfortable seats. The worst meal I have ever had on a plane.",
    "The first half is dull. The second half is a boring mess.",
    "I wanted to like it, but it is a disappointment from start to finish.",
    "It was supposed to be good. It is useless.",
    "The app is slow. Since the update it crashes and loses my data, awful.",
    "Not worth the money. I would not recommend it to anybody.",
    "It is not good, and it does not work. Avoid it.",
    "Never again. They lied to us, and the refund never came.",
)


def test_the_starter_marks_mixed_sentences_and_hardly_any_other() -> None:
    scorer = starter_scorer()
    assert scorer.score_texts(MIXED).mixed.mean() >= 0.5
    assert scorer.score_texts(ONE_SIDED).mixed.mean() <= 0.05
