"""The model card, as JSON and as Markdown."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.card import GROUP_SLICES, card_of, model_card
from sentiment_core.model.card_markdown import markdown
from sentiment_core.model.measures import SliceMetrics
from sentiment_core.model.suite_section import suite_section
from sentiment_core.model.wilson import wilson_interval
from sentiment_core.params import Params
from sentiment_core.training.train import train

SECTIONS = (
    "Intended use",
    "Out of scope",
    "Model",
    "Training data",
    "Metrics on held-out folds",
    "Calibration",
    "Limits",
)


def bare(bundle: Bundle, **provenance: Any) -> Bundle:
    """Return the bundle with only these fields in its provenance."""
    return replace(bundle, provenance=provenance)


def sections(document: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)$", document, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_a_card_says_what_the_training_found(trained: Bundle, reviews: LabelledReviews) -> None:
    card = trained.provenance["card"]
    held_out = trained.provenance["held_out"]
    low, high = wilson_interval(held_out["accuracy"], held_out["rows"])
    assert card["metrics"]["held_out"]["accuracy"] == {"value": held_out["accuracy"], "low": low, "high": high}
    assert card["data"]["rows"] == reviews.rows
    assert card["data"]["groups"] == 6
    assert card["model"]["digest"] == trained.digest
    assert card["training"] == trained.manifest.training
    assert [each["rows"] for each in card["slices"] if each["slice"] == "length below 500"] == [len(reviews.texts)]
    assert card == json.loads(json.dumps(card))


def test_its_markdown_has_every_part_and_whole_tables(trained: Bundle) -> None:
    found = sections(markdown(trained.provenance["card"]))
    assert set(SECTIONS) <= set(found)
    accuracy = trained.provenance["held_out"]["accuracy"]
    assert f"| accuracy | {accuracy:.2%} |" in found["Metrics on held-out folds"]
    for name, part in found.items():
        rows = [line for line in part.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1, name
    assert "| `model.C` | 1 |" in found["Configuration: training"]


def test_test_reviews_and_three_labels_are_told(three: LabelledReviews, params: Params) -> None:
    kept = params.model_copy(update={"data": params.data.model_copy(update={"test_size": 30})})
    ungrouped = LabelledReviews(three.texts, three.labels, three.texts)
    card = train(ungrouped, kept, {}).provenance["card"]
    assert "low" in card["metrics"]["test"]["accuracy"]
    # With three labels these metrics are means, and no interval can be computed for a mean from counts.
    assert set(card["metrics"]["test"]["precision"]) == {"value"}
    assert card["calibration"]["neutral_band"] is None
    assert not any("`neutral`" in limit for limit in card["limits"])
    assert "negative or neutral or positive" in card["intended_use"][0]
    assert "Metrics on test reviews" in sections(markdown(card))


def test_the_largest_groups_are_shown_and_the_others_counted(trained: Bundle) -> None:
    slices = {
        f"group g{number}": SliceMetrics(100 + number, 0.9, 0.9, 0.9, 0.1, 0.1, 1.0)
        for number in range(GROUP_SLICES + 5)
    }
    card = model_card(trained, {"rating 1": SliceMetrics(100, 0.7, None, None, 0.1, None, 1.0)} | slices)
    assert [each["slice"] for each in card["slices"][:2]] == ["rating 1", f"group g{GROUP_SLICES + 4}"]
    assert (len(card["slices"]), card["slices_left_out"]) == (GROUP_SLICES + 1, 5)
    assert "5 smaller groups are not shown" in markdown(card)
    assert any("lowest accuracy is rating 1: 70.0% of 100 rows" in limit for limit in card["limits"])


def test_the_measures_over_a_suite_are_a_section_and_travel_with_the_bundle(trained: Bundle, tmp_path: Path) -> None:
    row = {"sets": 2, "rows": 1_200, "accuracy": 0.9, "balanced_accuracy": 0.875, "unfamiliar": 0.1}
    recorded = {"selection": "all rows", "language": {"de": row}, "domain": {"hotels | travel": row}, "sets": {}}
    trained.with_suite(recorded).save(tmp_path)
    loaded = Bundle.load(tmp_path)
    assert loaded.digest == trained.digest
    assert loaded.provenance["suite"] == recorded
    assert card_of(loaded)["suite"]["languages"][0]["balanced_accuracy"] == 0.875
    found = sections((tmp_path / "card.md").read_text())
    assert "| de | 2 | 1,200 | 0.900 | 0.875 |  |" in found["Measured over many sets, by language"]
    assert "| hotels \\| travel | 2 |" in found["Measured over many sets, by domain"]
    assert "Measured over many sets, by language" not in sections(markdown(trained.provenance["card"]))
    remade = card_of(bare(trained, suite=recorded))
    assert remade["suite"] == suite_section(recorded) == card_of(loaded)["suite"]


@pytest.mark.parametrize("suite", [3, [], {"language": 3}, {"language": {"de": 1, "fr": {"rows": "x", "auc": None}}}])
def test_a_suite_that_someone_changed_gives_a_card_too(trained: Bundle, suite: Any) -> None:
    assert "# Model card" in markdown(card_of(bare(trained, suite=suite)))


def test_names_from_outside_do_not_break_the_markdown(trained: Bundle) -> None:
    slices = {"group a|b\n## c <script>": SliceMetrics(100, 0.9, 0.9, 0.9, 0.1, 0.1, 1.0)}
    document = markdown(model_card(bare(trained, data="x | y\n# z"), slices))
    assert "| group a\\|b ## c &lt;script> |" in document
    assert "| name | x \\| y # z |" in document


def test_a_bundle_without_a_card_gets_one_of_what_it_says(trained: Bundle) -> None:
    assert card_of(trained) == trained.provenance["card"]
    found = card_of(bare(trained, held_out=trained.provenance["held_out"], data="old"))
    assert found["metrics"]["held_out"] == trained.provenance["card"]["metrics"]["held_out"]
    assert "Accuracy was not measured by slice." in found["limits"]
    assert "not known" in markdown(found)
    borrowed = bare(trained, card=Bundle.load(STARTER).provenance["card"])
    assert card_of(borrowed)["model"]["digest"] == trained.digest


@pytest.mark.parametrize(
    "held_out",
    [
        None,
        "good",
        [],
        {"rows": "many", "accuracy": 0.9},
        {"rows": 10, "accuracy": "high"},
        {"rows": 0, "accuracy": 0.5},
        {"rows": -3, "accuracy": 0.5},
        {"rows": 10, "accuracy": 7, "coverage": None, "accuracy_covered": 0.5},
        {"rows": 10, "accuracy": 0.9, "precision": 0.9, "confusion": {"positive": 3, "negative": {}}},
        {"rows": 10, "precision": 0.9, "confusion": {"positive": {"positive": 3}, "negative": {"positive": "x"}}},
    ],
)
def test_a_provenance_that_someone_changed_gives_a_card_too(trained: Bundle, held_out: Any) -> None:
    card = card_of(bare(trained, held_out=held_out, test=held_out, card=held_out))
    assert card["model"]["digest"] == trained.digest
    assert "# Model card" in markdown(card)


def test_the_starters_card_is_complete() -> None:
    starter = Bundle.load(STARTER)
    card = card_of(starter)
    assert card["metrics"]["held_out"]["accuracy"]["value"] == starter.provenance["held_out"]["accuracy"]
    assert card["model"]["digest"] == starter.digest
    assert card["model"]["licence"] == "Apache-2.0"
    assert (STARTER / "card.md").read_text() == markdown(card)
