"""Aspects: the file that names them, and the exact contributions of the clauses that mention them."""

from pathlib import Path

import numpy as np
import pytest

from sentiment_core.aspects.catalogue import DEFAULT, Aspects, read_aspects
from sentiment_core.aspects.opinions import CLEAR, AspectTotals, OpinionFinder
from sentiment_core.aspects.stored import compared, totals_of
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.errors import AspectsInvalid, AspectUnknown
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.marked_clauses import MOST_MARKS
from sentiment_core.text.clauses import CONJUNCTIONS, ENDS
from sentiment_core.text.specification import tokens
from tests.starter import starter_scorer
from tests.unit.test_drivers import reviews_of

ASPECTS = Aspects(
    ("price", "delivery", "support"),
    (("price", "cheap"), ("delivery", "arrived"), ("customer service", "cheap", "help desk")),
)
TEXTS = [
    "The price is great, great, but the delivery was terrible! I love it.",
    "Great price. Great delivery. Terrible, terrible customer service; great lamp.",
    "It was not cheap but it arrived.",
    "I wanted their customer. Service was bad, the customer was happy.",
    "The customer service is not good although it is cheap and great and great and terrible",
    "Never a customer service like this. Not a good help desk!",
    "Nothing of this kind.",
    "",
    "price",
]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return starter_scorer()


def defined(scorer: Scorer, text: str) -> dict[str, float]:
    """Return what a text says about aspects, from the readable definitions of tokens and the exact explanation."""
    words = [(token.folded.decode(), token.start) for token in tokens(text)]
    begins, spoken = [0], [[]]
    for place, (word, _) in enumerate(words):
        if word in CONJUNCTIONS:
            begins.append(place)
            spoken.append([])
        spoken[-1].append(word)
        if word in ENDS:
            begins.append(place + 1)
            spoken.append([])
    numbers = [number for number, each in enumerate(spoken) for _ in each]
    clause_of = {start: number for (_, start), number in zip(words, numbers, strict=True)}
    sums = np.zeros(len(spoken))
    for each in scorer.explain(text).contributions:
        for start, _ in each.spans:
            sums[clause_of[start]] += each.weight / len(each.spans)
    said = [f" {' '.join(each)} " for each in spoken]
    found = {}
    for name, their in zip(ASPECTS.names, ASPECTS.words, strict=True):
        clauses = [place for place, each in enumerate(said) if any(f" {word} " in each for word in their)]
        if clauses:
            found[name] = float(sums[clauses].sum())
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_an_aspect_gets_the_exact_contributions_of_its_clauses(scorer: Scorer, text: str) -> None:
    found = OpinionFinder(scorer, ASPECTS).find(TextColumn.from_texts([text]))
    said = {ASPECTS.names[aspect]: value for aspect, value in zip(found.aspect, found.log_odds, strict=True)}
    assert said == pytest.approx(defined(scorer, text), abs=1e-9)


def test_the_texts_of_the_test_cover_what_they_should(scorer: Scorer) -> None:
    found = [set(defined(scorer, text)) for text in TEXTS]
    assert found == [
        *({"price", "delivery"}, {"price", "delivery", "support"}, {"price", "delivery", "support"}, set()),
        *({"support", "price"}, {"support"}, set(), set(), {"price"}),
    ]


def test_the_clauses_of_a_text_add_up_to_its_log_odds(scorer: Scorer) -> None:
    everything = Aspects(("first", "second", "third"), (("price",), ("delivery",), ("love",)))
    text = TEXTS[0].replace("price", "price price")
    found = OpinionFinder(scorer, everything).find(TextColumn.from_texts([text]))
    assert found.aspect.tolist() == [0, 1, 2]
    explained = scorer.explain(text)
    assert found.log_odds.sum() == pytest.approx(sum(each.weight for each in explained.contributions), abs=1e-9)


def test_opinions_of_a_column_are_those_of_its_texts(scorer: Scorer) -> None:
    finder = OpinionFinder(scorer, ASPECTS)
    many = TEXTS * 1000  # several chunks
    found = finder.find(TextColumn.from_texts(many))
    assert found.texts == len(many)
    alone = [finder.find(TextColumn.from_texts([text])) for text in TEXTS]
    expected = [(row, *each) for row, one in enumerate(alone) for each in zip(*one[2:], strict=True)]
    shift = len(many) - len(TEXTS)
    assert [(row - shift, *rest) for row, *rest in zip(*found[1:], strict=True) if row >= shift] == expected
    assert finder.find(TextColumn.from_texts([])).texts == 0


def test_totals_count_reviews_and_movements_are_of_all_reviews(scorer: Scorer) -> None:
    finder = OpinionFinder(scorer, ASPECTS)
    then = totals_of(finder, reviews_of(["Great price.", "Great lamp."]))
    now = totals_of(finder, reviews_of(["Terrible price.", "Great price.", "Great lamp.", "A lamp."]))
    (price,) = compared(finder, then, now).aspects
    assert (price.aspect, price.then.reviews, price.now.reviews) == ("price", 1, 2)
    assert (price.now.positive, price.now.negative) == (1, 1)
    assert price.movement == pytest.approx(price.now.log_odds / 4 - price.then.log_odds / 2, abs=1e-12)
    total = AspectTotals()
    for log_odds in (CLEAR, -CLEAR, CLEAR / 2, 0.0):
        total.add(log_odds)
    assert (total.reviews, total.positive, total.negative) == (4, 1, 1)


def test_the_shipped_aspects_are_valid_and_findable(scorer: Scorer) -> None:
    shipped = read_aspects(None)
    assert {"price", "delivery", "quality", "staff", "cleanliness", "support", "size", "app"} <= set(shipped.names)
    finder = OpinionFinder(scorer, shipped)
    for name, words in zip(shipped.names, shipped.words, strict=True):
        for text in ("{}", "Not {}.", "It is so {}, really!"):
            found = finder.find(TextColumn.from_texts([text.format(word) for word in words]))
            mine = found.text[found.aspect == shipped.names.index(name)]
            assert mine.tolist() == list(range(len(words))), (name, text)
    assert len(shipped.digest) == 64
    assert shipped.chosen(("app",)) == Aspects(("app",), (shipped.words[shipped.names.index("app")],))
    assert shipped.chosen(()) == shipped
    with pytest.raises(AspectUnknown, match="no aspect 'prize'. The aspects are: price, delivery"):
        shipped.chosen(("app", "prize"))


def test_a_word_of_two_aspects_and_nested_lists_are_allowed(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("fit: [fits, [Größe, GRÖSSE, größe]]\nquality: [fits]\n", "utf-8")
    assert read_aspects(file) == Aspects(("fit", "quality"), (("fits", "Größe"), ("fits",)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"\xff", "not UTF-8"),
        (b"a: [b\nc: d", "not valid YAML in line 2"),
        (b"", "must map the name of each aspect to a list of words"),
        (b"- a", "must map the name"),
        (b"price: cheap", "the aspect price must have a list of words"),
        (b"price: {en: [cheap]}", "the aspect price must have a list of words"),
        (b"price: []", "the aspect price has no words"),
        (b"price: [[]]", "the aspect price has no words"),
        (b"no: [cheap]", "the name False is not text. Write it in quotes"),
        (b"price: [10]", "the word 10 of the aspect price is not text. Write it in quotes"),
        (b"price: ['?!']", r"the word '\?!' of the aspect price has no letter or digit"),
        (b"price: [one two three four five]", "has more than 4 parts"),
        (b"' price': [cheap]", "no space at its ends"),
        ("\n".join(f"a{number}: [b]" for number in range(MOST_MARKS + 1)).encode(), "has 33 aspects, and at most 32"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "own.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AspectsInvalid, match=rf"own\.yaml cannot be used: .*{why}.*docs/drivers\.md"):
        read_aspects(file)


def test_the_shipped_file_is_part_of_the_package() -> None:
    assert DEFAULT.parent.name == "aspects"
    assert DEFAULT.exists()
