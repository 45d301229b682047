"""The sentences written for the starter model: all can be read, and none is one of those that it is judged by."""

import re
from pathlib import Path

import sentiment_core
from sentiment_core.datasets.suite import Suite
from sentiment_core.promotion.behavioural_tests import CUSTOMERS, Cases

STARTER_SETS = Path(sentiment_core.__file__).parent / "model" / "starter_sets"


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_each_set_is_read_whole_and_has_no_sentence_of_the_behavioural_suite() -> None:
    judged = {
        words(text)
        for of_group in Cases.load(CUSTOMERS).sentences.values()
        for labels in of_group.values()
        for text in sum(labels.values(), ())
    }
    suite = Suite.open(STARTER_SETS)
    assert sorted(path.stem for path in STARTER_SETS.glob("*.csv")) == sorted(each.name for each in suite.sets)
    for each in suite.sets:
        read = suite.read(each)
        assert (read.fault, read.rejected) == (None, 0), each.name
        assert read.reviews is not None
        assert set(read.reviews.names) == {"negative", "neutral", "positive"}, each.name
        assert each.licence == "own", each.name
        repeated = [text for text in read.reviews.texts if words(text) in judged and len(words(text).split()) > 2]
        assert not repeated, each.name
