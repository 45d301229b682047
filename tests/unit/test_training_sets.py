"""Training on many sets: which are chosen, what their rows weigh, which languages they support, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import sentiment_core
from sentiment_core.cli.train import train
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.datasets.suite import Suite
from sentiment_core.datasets.training_sets import TrainingSet, read_sets, together
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import label_of
from sentiment_core.params import Params, SetParams
from sentiment_core.training.calibration import neutral_ratio
from sentiment_core.training.language_standings import balanced_accuracies, standings

NEGATIVE, NEUTRAL, POSITIVE = range(3)
INDEX = "name\tlanguage\tkind\tdomain\tlicence_class\tlicence\tsource\n"


def a_set(name: str, language: str, labels: list[int]) -> TrainingSet:
    texts = [f"{name} {row}" for row in range(len(labels))]
    return TrainingSet(name, language, "open", "", LabelledReviews(texts, np.array(labels, np.int8), texts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sets of three classes of licence."""
    praise, blame = {"en": ("lovely", "awful"), "nl": ("prachtig", "waardeloos")}, []
    for name, language, licence in (("lamps", "en", "open"), ("fietsen", "nl", "not stated"), ("secret", "en", "no")):
        good, bad = praise[language]
        rows = [f"{name} {row} {good if row % 2 else bad},{'positive' if row % 2 else 'negative'}" for row in range(40)]
        rows += [f"{name} {row} box,neutral" for row in range(20)]
        (tmp_path / f"{name}.csv").write_text("review,sentiment\n" + "\n".join(rows) + "\n", "utf-8")
        blame.append(f"{name}\t{language}\treviews\tproducts\t{licence}\tCC BY\tplace/{name}")
    (tmp_path / "corpora.tsv").write_text(INDEX + "\n".join(blame) + "\n", "utf-8")
    return tmp_path


def test_only_sets_of_the_chosen_licences_and_names_are_read(folder: Path) -> None:
    suite = Suite.open(folder)
    assert [each.name for each in read_sets([suite], ["open"])] == ["lamps"]
    assert [each.name for each in read_sets([suite], ["open"], ["secret"])] == ["lamps", "secret"]
    with pytest.raises(TrainingDataInvalid, match="no set 'gone'"):
        read_sets([suite], ["open"], ["gone"])
    with pytest.raises(TrainingDataInvalid, match="'no', 'not stated', 'open'"):
        read_sets([suite], ["free"])
    (folder / "lamps.csv").write_text("review,stars\ngood,5\n", "utf-8")
    with pytest.raises(TrainingDataInvalid, match="lamps cannot be read"):
        read_sets([suite], ["open"])


def test_a_set_weighs_the_root_of_its_rows_and_its_labels_weigh_the_same() -> None:
    large = a_set("large", "en", [POSITIVE] * 80 + [NEGATIVE] * 20)
    small = a_set("small", "nl", [POSITIVE] * 2 + [NEGATIVE] * 1 + [NEUTRAL])
    found = together([large, small], SetParams(factors={"small": 3}))
    weights = found.weights
    assert weights is not None
    assert weights.mean() == pytest.approx(1)
    assert weights[:100].sum() / weights[100:].sum() == pytest.approx(10 / (2 * 3))
    assert weights[:80].sum() == pytest.approx(weights[80:100].sum())
    assert weights[100:102].sum() == pytest.approx(weights[102]) == pytest.approx(weights[103])
    natural = found.natural_weights
    assert natural is not None
    assert natural[:100].sum() / natural[100:].sum() == pytest.approx(10 / 2)
    assert len(set(natural[:100].tolist())) == 1
    plain = together([large, small], SetParams(exponent=1, label_exponents={"en": 1, "nl": 1}))
    np.testing.assert_allclose(plain.weights, 1)
    between = together([large, small], SetParams(factors={"small": 3}, label_exponents={"en": 0.5})).weights
    assert between is not None
    assert between[:80].sum() / between[80:100].sum() == pytest.approx(2)  # the root of 80 / 20
    assert between[100:102].sum() / between[102] == pytest.approx(1)  # another language
    assert between[:100].sum() / between[100:].sum() == pytest.approx(10 / (2 * 3))
    assert found.languages == ["en"] * 100 + ["nl"] * 4
    by_pattern = together([large, small], SetParams(factors={"s*": 9, "sma*": 3, "large": 1})).weights
    np.testing.assert_allclose(by_pattern, weights)
    with pytest.raises(TrainingDataInvalid, match="'gone'"):
        together([large], SetParams(factors={"gone": 2}))
    with pytest.raises(TrainingDataInvalid, match="'sv'"):
        together([large], SetParams(label_exponents={"sv": 1}))


def test_a_text_that_an_earlier_set_has_is_left_out() -> None:
    first = a_set("same", "en", [POSITIVE, NEGATIVE])
    again = TrainingSet(
        "again", "en", "", "", LabelledReviews(["SAME  0", "new"], np.array([0, 0], np.int8), ["SAME  0", "new"])
    )
    assert together([first, again], SetParams()).texts == ["same 0", "same 1", "new"]


def test_neutral_is_what_says_little_or_both() -> None:
    probabilities = np.array([[0.1, 0.2, 0.7], [0.4, 0.2, 0.4], [0.2, 0.6, 0.2], [0.7, 0.2, 0.1], [0.5, 0.0, 0.5]])
    assert label_of(probabilities, 1.0).tolist() == [POSITIVE, NEUTRAL, NEUTRAL, NEGATIVE, POSITIVE]
    assert label_of(probabilities, None).tolist() == [POSITIVE, NEGATIVE, NEUTRAL, NEGATIVE, NEGATIVE]


def test_the_neutral_ratio_maximizes_macro_f1_with_the_fewest_neutral_labels() -> None:
    # P(neutral) / |P(positive) - P(negative)| is 0.5 for the polar rows and 2 for the neutral ones.
    polar, neutral = [0.125, 0.25, 0.625], [0.35, 0.25, 0.4]
    probabilities = np.array([polar, polar[::-1], [0.225, 0.5, 0.275 + 0.2 - 0.0]] * 20)
    probabilities[2::3] = [neutral[0] - 0.0375, 0.25, neutral[2] + 0.0375]
    labels = np.array([POSITIVE, NEGATIVE, NEUTRAL] * 20, np.int8)
    chosen = neutral_ratio(probabilities, labels)
    assert label_of(probabilities, chosen).tolist() == labels.tolist()
    assert label_of(probabilities, chosen + 0.1).tolist() != labels.tolist()


def test_a_language_is_supported_by_its_held_out_accuracy(params: Params) -> None:
    rows = 420
    labels = np.array([NEGATIVE, POSITIVE] * (rows // 2), np.int8)
    right, wrong = np.where(labels == POSITIVE, 0.9, 0.1), np.full(rows, 0.9)
    scores = np.concatenate((right, wrong, right[:20]))
    reviews = LabelledReviews(
        texts := [str(row) for row in range(len(scores))],
        np.concatenate((labels, labels, labels[:20])),
        texts,
        languages=["en"] * rows + ["nl"] * rows + ["sw"] * 20,
    )
    probabilities = np.stack((1 - scores, np.zeros_like(scores), scores), axis=1)
    assert balanced_accuracies(reviews, probabilities) == {"en": 1.0, "nl": 0.5, "sw": None}
    found = standings(reviews, probabilities, params, None)
    assert found == {"languages": ("en", "nl", "sw"), "experimental_languages": ("nl", "sw")}


def test_the_command_trains_on_files_and_sets(folder: Path, tmp_path: Path) -> None:
    films = tmp_path / "films.csv"
    films.write_text("review,sentiment\n" + "\n".join(f"film {n} lovely,positive" for n in range(9)) + "\n", "utf-8")
    configuration = tmp_path / "params.yaml"
    shipped = Path(sentiment_core.__file__).with_name("starter_params.yaml").read_text("utf-8")
    values = yaml.safe_load(shipped)
    values["data"]["sets"]["factors"] = {"films": 2}
    values["model"] |= {"C": 10, "features": 1000}
    configuration.write_text(yaml.safe_dump(values), "utf-8")
    command = [str(films), "--sets", str(folder), "--licence", "open", "--licence", "not stated"]
    done = CliRunner().invoke(train, [*command, "--params", str(configuration), "--out", str(tmp_path / "model")])
    assert done.exit_code == 0, done.output
    bundle = Bundle.load(tmp_path / "model")
    assert bundle.manifest.labels == LABELS
    assert bundle.manifest.neutral_ratio is not None
    assert set(bundle.manifest.languages) == {"en", "nl"}
    assert "nl" in bundle.manifest.experimental_languages  # too few rows to show more
    assert [each["name"] for each in bundle.provenance["sets"]] == ["films", "lamps", "fietsen"]
    refused = CliRunner().invoke(train, [*command[:3], "--out", str(tmp_path / "other")])
    assert "--licence" in refused.output
