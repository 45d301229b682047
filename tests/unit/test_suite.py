"""A model measured over a folder of labelled sets: the table, its means, and what it says of sets without figures."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sentiment_core.cli.evaluate import evaluate
from sentiment_core.cli.train import train
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.datasets.domain_groups import domain_group
from sentiment_core.datasets.split import in_test
from sentiment_core.datasets.suite import Suite
from sentiment_core.errors import BaselineMissing, SuiteInvalid
from sentiment_core.evaluation.predictions import BundlePredictor, Predictions, predictions_of
from sentiment_core.evaluation.set_measures import measure_set
from sentiment_core.evaluation.suite_report import as_markdown
from sentiment_core.evaluation.suite_table import measure_suite
from sentiment_core.evaluation.vader import Vader
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import Bundle
from sentiment_core.model.scorer import Scorer

NEGATIVE, NEUTRAL, POSITIVE = range(3)
HEADER = "name\tlanguage\tkind\tdomain\trows\n"


def write_set(folder: Path, name: str, rows: list[tuple[str, str]], header: str = "review,sentiment") -> None:
    lines = [header, *(f'"{text}",{label}' for text, label in rows)]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")


def opinions(count: int, word: str = "kettle", neutral: int = 0) -> list[tuple[str, str]]:
    """Return polar rows that the generated model knows well, half of them positive, and neutral rows."""
    polar = [
        (f"The {word} works very well, love it, no. {row}", "positive")
        if row % 2
        else (f"The {word} is awful, waste of money, no. {row}", "negative")
        for row in range(count)
    ]
    return polar + [(f"The {word} has the number {row}.", "neutral") for row in range(neutral)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite with a good set of two labels, one of three, and one for each reason to have no figures."""
    write_set(tmp_path, "kettles", opinions(60))
    write_set(tmp_path, "lamps", opinions(60, "lamp", neutral=40))
    write_set(tmp_path, "praise", [row for row in opinions(80) if row[1] == "positive"])
    write_set(tmp_path, "few", opinions(10))
    write_set(tmp_path, "empty", [])
    write_set(tmp_path, "stars", opinions(40), header="review,stars")
    write_set(tmp_path, "odd", [(text, "mixed") for text, _ in opinions(40)])
    write_set(tmp_path, "left_over", opinions(4))
    described = {
        "kettles": ("en", "reviews", "products"),
        "lamps": ("en", "sentences", "products"),
        "praise": ("en", "reviews", "hotels"),
        "few": ("sw", "tweets", "tweets"),
        "empty": ("en", "reviews", "films"),
        "stars": ("en", "reviews", "apps"),
        "odd": ("en", "reviews", "apps"),
        "absent": ("en", "reviews", "apps"),
    }
    rows = ["\t".join((name, *fields, "60")) for name, fields in described.items()]
    (tmp_path / "corpora.tsv").write_text(HEADER + "\n".join(rows) + "\n", "utf-8")
    return tmp_path


def test_every_set_has_its_figures_or_says_why_it_has_none(folder: Path, trained: Bundle) -> None:
    steps: list[str] = []
    table = measure_suite(trained, folder, step=steps.append)
    sets = {row.described.name: row for row in table.sets}
    assert steps == list(sets) == ["kettles", "lamps", "praise", "few", "empty", "stars", "odd", "absent"]
    measures = {name: row.measures["model"] for name, row in sets.items()}
    assert (measures["kettles"].rows, measures["lamps"].rows, measures["lamps"].polar_rows) == (60, 100, 60)
    assert measures["kettles"].accuracy > 0.9
    assert measures["kettles"].missing["macro_f1"] == "no neutral rows"
    assert measures["lamps"].missing == {}
    assert (measures["praise"].accuracy, measures["praise"].balanced_accuracy) == (1, None)
    assert measures["praise"].missing["auc"] == "no negative rows"
    assert set(measures["few"].missing.values()) == {"10 rows, fewer than 30"}
    assert {name for name, row in sets.items() if row.fault} == {"empty", "stars", "odd", "absent"}
    assert "no rows" in sets["empty"].fault
    assert "no label column 'sentiment'" in sets["stars"].fault
    assert "unknown_label" in sets["odd"].fault
    assert "absent.csv.xz" in sets["absent"].fault
    assert [fault.split(":")[0] for fault in table.faults] == ["empty", "stars", "odd", "absent"]
    assert table.unlisted == ("left_over.csv",)
    assert json.loads(json.dumps(table.as_dict()))["sets"][3]["measures"]["model"]["accuracy"] is None


def test_a_mean_counts_each_set_once_and_only_sets_with_the_figure(folder: Path, trained: Bundle) -> None:
    table = measure_suite(trained, folder)
    accuracy = {row.described.name: row.measures["model"].accuracy for row in table.sets}
    english, products = table.mean("language", "en"), table.mean("domain", "products and shops")
    assert english.measures["model"]["accuracy"] == pytest.approx(
        np.mean([accuracy["kettles"], accuracy["lamps"], accuracy["praise"]])
    )
    assert (english.sets, english.counts["model"]["accuracy"], english.counts["model"]["macro_f1"]) == (7, 3, 1)
    assert products.measures["model"]["accuracy"] == pytest.approx(np.mean([accuracy["kettles"], accuracy["lamps"]]))
    assert table.mean("language", "sw").measures["model"]["accuracy"] is None
    of_languages = table.mean("mean of languages", "mean of languages")
    assert of_languages.measures["model"]["accuracy"] == english.measures["model"]["accuracy"]


def test_only_the_test_side_of_a_split_is_measured(folder: Path, trained: Bundle) -> None:
    texts = [text for text, _ in opinions(60)]
    table = measure_suite(trained, folder, 50)
    assert table.sets[0].measures["model"].rows == in_test(texts, 50).sum()
    assert "below 50" in table.selection
    assert table.sets[0].measures["model"].rows + np.sum(~in_test(texts, 50)) == 60


def test_two_models_are_compared_on_the_same_rows(folder: Path, trained: Bundle, trained_of_three: Bundle) -> None:
    suite = Suite.open(folder)
    table = measure_suite(trained, suite, others={"against": BundlePredictor(trained_of_three)})
    row = table.sets[1]
    ours, other = (row.measures[role] for role in ("model", "against"))
    assert row.differences["against"].estimate == pytest.approx(ours.accuracy - other.accuracy)
    assert row.differences["against"].low < row.differences["against"].estimate < row.differences["against"].high
    assert "against" not in table.sets[3].differences
    differences = [each.differences["against"].estimate for each in table.sets if each.differences]
    assert len(differences) == 3
    assert table.mean("language", "en").differences["against"].estimate == pytest.approx(np.mean(differences))


def test_sets_of_some_languages_are_chosen(folder: Path) -> None:
    suite = Suite.open(folder)
    assert [each.name for each in suite.of_languages(["sw"]).sets] == ["few"]
    with pytest.raises(SuiteInvalid, match="no set of the language 'xx'. Its languages are en, sw"):
        suite.of_languages(["en", "xx"])


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (None, "it has no corpora.tsv"),
        (b"", "has no column 'name'"),
        (b"name\tlanguage\tkind\n", "has no column 'domain'"),
        (HEADER.encode(), "names no set"),
        (HEADER.encode() + b"a\ten\treviews\n", "has no domain on line 2"),
        (HEADER.encode() + b"a\ten\tr\td\n\na\ten\tr\td\n", "names the set 'a' twice, the second time on line 4"),
        (b"\xff\xfename", "is not UTF-8"),
    ],
)
def test_an_index_that_cannot_be_used_says_why(tmp_path: Path, index: bytes | None, why: str) -> None:
    if index is not None:
        (tmp_path / "corpora.tsv").write_bytes(index)
    with pytest.raises(SuiteInvalid, match=why):
        Suite.open(tmp_path)


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SuiteInvalid, match="cannot be read"):
        Suite.open(tmp_path / "nowhere")


def test_measures_of_a_set_are_those_calculated_by_hand() -> None:
    # 20 negative rows, 5 of them labelled positive; 10 neutral rows, 6 labelled neutral; 20 positive rows, all right,
    # of which 2 get the label neutral.
    labels = np.repeat([NEGATIVE, NEUTRAL, POSITIVE], [20, 10, 20]).astype(np.int8)
    score = np.concatenate((np.full(15, 0.1), np.full(5, 0.8), np.full(10, 0.5), np.full(20, 0.9)))
    given = np.concatenate((np.full(15, 0), np.full(5, 2), np.full(6, 1), np.full(4, 0), np.full(18, 2), np.full(2, 1)))
    probabilities = np.stack((1 - score, np.zeros(50), score), axis=1)
    probabilities[40:] = [0.25, 0.5, 0.25]
    unfamiliar = np.arange(50) < 5
    found = measure_set(Predictions(score, given.astype(np.int8), probabilities, unfamiliar), labels)
    assert (found.rows, found.polar_rows, found.accuracy) == (50, 40, 35 / 40)
    assert found.balanced_accuracy == (15 / 20 + 1) / 2
    assert found.auc == 1
    assert found.polar_neutral == 2 / 40
    expected = [2 * 15 / (19 + 20), 2 * 6 / (8 + 10), 2 * 18 / (23 + 20)]
    assert found.macro_f1 == pytest.approx(np.mean(expected))
    assert found.unfamiliar == 0.1
    # Bins of P(positive) among the two: 0.1 (15 negative rows), 0.8 (5 negative), 0.9 (10 positive), 0.5 (10 positive).
    assert found.ece == pytest.approx((15 * 0.1 + 5 * 0.8 + 10 * 0.1 + 10 * 0.5) / 40)


def test_predictions_without_probabilities_have_no_calibration_error() -> None:
    labels = np.repeat([NEGATIVE, POSITIVE], 20).astype(np.int8)
    score = np.where(labels == POSITIVE, 0.9, 0.2)
    found = measure_set(Predictions(score, labels, None, None), labels)
    assert (found.accuracy, found.ece, found.unfamiliar) == (1, None, None)
    assert (found.missing["ece"], found.missing["unfamiliar"]) == ("no probabilities", "no n-grams")


def test_models_of_two_and_three_labels_predict_in_one_form(trained: Bundle, trained_of_three: Bundle) -> None:
    texts = TextColumn.from_texts(["I love it, works very well", "awful", "It is a lamp, number 3.", "xyzzy plugh"])
    two, three = (predictions_of(Scorer(bundle), texts) for bundle in (trained, trained_of_three))
    assert two.probabilities.shape == three.probabilities.shape == (4, 3)
    assert np.allclose(two.probabilities[:, POSITIVE], two.score)
    assert not two.probabilities[:, NEUTRAL].any()
    assert np.allclose(three.probabilities.sum(axis=1), 1)
    assert [LABELS[label] for label in three.label[:3]] == ["positive", "negative", "neutral"]
    assert two.unfamiliar.tolist()[0] is False
    assert two.unfamiliar.tolist()[3] is True


@pytest.mark.parametrize(
    ("domain", "group"),
    [
        ("Amazon kitchen", "products and shops"),
        ("Amazon music", "books and music"),
        ("airline lounges", "hotels and travel"),
        ("apps (Google Play)", "apps and devices"),
        ("books, phones, fruit, hotels", "many domains"),
        ("Amazon, many categories", "many domains"),
        ("apparel", "products and shops"),
        ("poems", "other"),
    ],
)
def test_a_domain_belongs_to_a_group(domain: str, group: str) -> None:
    assert domain_group(domain) == group


@pytest.fixture
def run() -> CliRunner:
    return CliRunner(catch_exceptions=False)


def saved(bundle: Bundle, folder: Path) -> str:
    bundle.save(folder)
    return str(folder)


def test_the_command_prints_the_table_and_names_what_it_could_not_measure(
    run: CliRunner, folder: Path, trained: Bundle, tmp_path: Path
) -> None:
    model, out = saved(trained, tmp_path / "model"), tmp_path / "table.csv"
    shown = run.invoke(evaluate, [model, "--suite", str(folder), "--vader", "--out", str(out)])
    assert shown.exit_code == 1, "some sets could not be measured"
    for words in ("By language", "By domain", "By kind", "By set", "10 rows, fewer than 30", "VADER knows only en"):
        assert words in shown.stdout
    for words in ("Not measured: stars: ", "corpora.tsv does not name are not measured: left_over.csv"):
        assert words in shown.stderr
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    kettles = next(row for row in rows if row["name"] == "kettles")
    assert float(kettles["accuracy_model"]) > 0.9
    assert kettles["macro_f1_model"] == "no neutral rows"
    assert kettles["ece_vader"] == "no probabilities"
    difference = float(kettles["accuracy_model"]) - float(kettles["accuracy_vader"])
    assert float(kettles["difference_vader_estimate"]) == pytest.approx(difference)
    assert {row["grouping"] for row in rows} == {"set", "all", "kind", "domain", "language", "mean of languages"}


def test_the_command_gives_json_and_markdown_too(run: CliRunner, folder: Path, trained: Bundle, tmp_path: Path) -> None:
    model, out = saved(trained, tmp_path / "model"), tmp_path / "table.md"
    chosen = ["--language", "sw", "--split", "50", "--against", model]
    arguments = [model, "--suite", str(folder), *chosen, "--out", str(out), "--json"]
    shown = run.invoke(evaluate, arguments)
    assert shown.exit_code == 0, shown.output
    table = json.loads(shown.stdout)
    assert [row["name"] for row in table["sets"]] == ["few"]
    assert table["models"] == dict.fromkeys(("model", "against"), f"sentiment {trained.digest[:12]}")
    assert "## By language" in out.read_text("utf-8")
    odd = tmp_path / "table.xlsx"
    refused = CliRunner().invoke(evaluate, [*arguments[:-2], str(odd), "--json"])
    assert "its ending must be .json, .csv or .md" in str(refused.exception)


def test_the_means_are_stored_in_the_bundle_and_on_its_card(
    run: CliRunner, folder: Path, trained: Bundle, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    run.invoke(evaluate, [saved(trained, model), "--suite", str(folder), "--card"])
    stored = Bundle.load(model)
    assert stored.digest == trained.digest
    assert stored.provenance["suite"]["sets"]["kettles"]["accuracy"] > 0.9
    assert stored.provenance["suite"]["sets"]["few"] == {"language": "sw", "rows": 10}
    assert str(folder) not in json.dumps(stored.provenance)
    assert "Measured over many sets, by language" in (model / "card.md").read_text("utf-8")


def test_a_training_measures_only_texts_that_it_did_not_learn_from(
    run: CliRunner, folder: Path, labelled_csv: Path, tmp_path: Path
) -> None:
    learned = labelled_csv.read_text("utf-8").splitlines()
    (folder / "left_over.csv").write_text("\n".join([*learned, "A lamp that nobody saw,positive,lamp"]) + "\n", "utf-8")
    with (folder / "corpora.tsv").open("a", encoding="utf-8") as index:
        index.write("left_over\ten\treviews\tproducts\n")
    out = tmp_path / "model"
    shown = run.invoke(train, [str(labelled_csv), "--out", str(out), "--suite", str(folder), "--json"])
    assert shown.exit_code == 0, shown.output
    assert "Not measured: absent" in shown.stderr
    suite = Bundle.load(out).provenance["suite"]
    assert (suite["sets"]["left_over"]["rows"], suite["sets"]["kettles"]["rows"]) == (1, 60)
    assert suite["selection"] == "rows that the model was not trained on"
    assert run.invoke(train, [str(labelled_csv), "--cross-validate", "product", "--suite", "x"]).exit_code == 2


def test_markdown_has_a_row_for_each_set(folder: Path, trained: Bundle) -> None:
    text = as_markdown(measure_suite(trained, folder))
    assert "| kettles | en | reviews | products | 60 |" in text
    assert "| absent | en | reviews | apps | 0 | not readable |" in text
    assert "* Not measured: absent:" in text


@pytest.mark.parametrize(
    "arguments",
    [["--vader"], [], ["--suite", "x", "--test-only"], ["--suite", "x", "--behaviour"], ["--card"]],
    ids=str,
)
def test_options_that_do_not_fit_together_are_bad_usage(
    run: CliRunner, trained: Bundle, tmp_path: Path, arguments: list[str]
) -> None:
    assert run.invoke(evaluate, [saved(trained, tmp_path), *arguments]).exit_code == 2


def test_vader_labels_english_and_says_so_when_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Vader().predict(TextColumn.from_texts(["I love it!", "It is a lamp.", "Terrible."]))
    assert found.label.tolist() == [POSITIVE, NEUTRAL, NEGATIVE]
    assert found.score[0] > 0.5 == found.score[1] > found.score[2]
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    with pytest.raises(BaselineMissing, match="extra `bench`"):
        Vader()


def test_behaviour_is_reported_by_group_and_language(run: CliRunner, trained: Bundle, tmp_path: Path) -> None:
    model = saved(trained, tmp_path)
    report = json.loads(run.invoke(evaluate, [model, "--behaviour", "--json"]).stdout)
    assert list(report["language"]) == ["en", "de", "fr", "es", "it", "pt", "nl", "sv"]
    assert report["language"]["en"]["cases"] >= 200
    cases = sum(rate["cases"] for rate in report["language"].values())
    assert cases == sum(rate["cases"] for rate in report["group"].values()) >= 300
    failed = [each for each in report["failed"] if each["group"] in report["group"] and each["language"] != "any"]
    passed = sum(rate["passed"] for rate in report["language"].values())
    assert cases - passed <= len(failed)
    shown = run.invoke(evaluate, [model, "--behaviour"])
    assert shown.exit_code == 0
    assert "Customers' sentences by language" in " ".join(shown.output.split())
    assert "en delivery: " in shown.output
