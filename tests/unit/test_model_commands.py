"""`sentiment train`, `evaluate` and `predict`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sentiment_core.cli.evaluate import evaluate
from sentiment_core.cli.predict import predict
from sentiment_core.cli.train import train
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.params import DEFAULTS


@pytest.fixture
def run() -> CliRunner:
    return CliRunner(catch_exceptions=False)


def values(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def test_a_model_is_trained_evaluated_and_used(run: CliRunner, labelled_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    data = str(labelled_csv)
    metrics = values(run.invoke(train, [data, "--out", str(out), "--cross-validate", "product", "--json"]))
    bundle = Bundle.load(out)
    assert metrics["digest"] == bundle.digest
    assert bundle.provenance["data"] == "reviews.csv"
    assert bundle.provenance["grouped_by"] == "product"
    measured = values(run.invoke(evaluate, [str(out), data, "--json"]))
    assert measured["accuracy"] > 0.9
    answer = values(run.invoke(predict, ["--model", str(out), "--json", "works very well", "awful"]))
    assert answer["digest"] == bundle.digest
    assert [result["label"] for result in answer["results"]] == ["positive", "negative"]


def test_cross_validation_alone_writes_nothing(
    run: CliRunner, labelled_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metrics = values(run.invoke(train, [str(labelled_csv), "--cross-validate", "product", "--json"]))
    assert not list(tmp_path.iterdir())
    assert len(metrics["fold_accuracies"]) == 5


def test_unlabelled_reviews_are_counted_in_the_snapshot(run: CliRunner, labelled_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    values(run.invoke(train, [str(labelled_csv), "--unlabelled", str(labelled_csv), "--out", str(out), "--json"]))
    snapshot = Bundle.load(out).manifest.snapshot
    assert snapshot.unlabelled_rows == sum(snapshot.rows.values())
    assert len(snapshot.unlabelled_sha256 or "") == 64


def test_a_model_is_measured_on_the_rows_that_its_training_kept_aside(
    run: CliRunner, labelled_csv: Path, tmp_path: Path
) -> None:
    params, out = tmp_path / "params.yaml", tmp_path / "model"
    params.write_text(DEFAULTS.read_text().replace("test_size: 0", "test_size: 30"))
    trained = values(run.invoke(train, [str(labelled_csv), "--params", str(params), "--out", str(out), "--json"]))
    tested = values(run.invoke(evaluate, [str(out), str(labelled_csv), "--test-only", "--json"]))
    assert {name: tested[name] for name in trained["test"]} == trained["test"]
    everything = values(run.invoke(evaluate, [str(out), str(labelled_csv), "--json"]))
    assert everything["rows"] == trained["rows"] + trained["test"]["rows"]


def test_a_model_that_kept_nothing_aside_has_no_test_rows(run: CliRunner, labelled_csv: Path) -> None:
    result = run.invoke(evaluate, [str(STARTER), str(labelled_csv), "--test-only"])
    assert result.exit_code == 2
    assert "held out no rows" in result.output


def test_training_that_would_keep_nothing_is_bad_usage(run: CliRunner, labelled_csv: Path) -> None:
    result = run.invoke(train, [str(labelled_csv)])
    assert result.exit_code == 2
    assert "--out DIR" in result.output


def test_a_missing_text_has_no_prediction(run: CliRunner) -> None:
    (nan, good, blank) = values(run.invoke(predict, ["--json", "nan", "I loved it", " "]))["results"]
    assert nan == blank == {"label": None, "score": None}
    assert good["label"] == "positive"
    shown = run.invoke(predict, ["--explain", "NULL", "I loved it"]).output.splitlines()
    assert shown[0].split() == ["missing", "-", "NULL"]
    assert shown[1].startswith("positive")


def test_the_starter_predicts_by_default(run: CliRunner) -> None:
    answer = values(run.invoke(predict, ["--json", "--explain", "I loved it"]))
    assert answer["digest"] == Bundle.load(STARTER).digest
    (result,) = answer["results"]
    assert result["label"] == "positive"
    found = result["probabilities"]
    assert list(found) == list(LABELS)
    assert sum(found.values()) == pytest.approx(1)
    assert result["score"] == pytest.approx(found["positive"] + found["neutral"] / 2)
    assert (result["unfamiliar"], result["mixed"], set(result["language"])) == (
        *(False, False),
        {"detected", "certainty", "standing"},
    )
    assert {"ngram": "loved", "spans": [[2, 7]]}.items() <= next(
        part for part in result["contributions"] if part["ngram"] == "loved"
    ).items()


def test_people_get_a_line_a_text_and_its_reasons(run: CliRunner) -> None:
    mixed = "A wonderful, brilliant film. But the ending is awful, a waste of time"
    result = run.invoke(predict, ["--explain", "I loved it", "[awful]", "bad, bad", mixed])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("positive")
    assert any(line.split()[1:] == ["loved"] for line in lines)
    assert any(line.startswith("negative") and line.endswith("[awful]") for line in lines)
    assert any(line.split()[1:] == ["bad", "x", "2"] for line in lines)
    assert "    negative part  But the ending is awful, a waste of time" in lines


def test_people_see_that_a_text_is_unfamiliar_and_its_language_unsupported(run: CliRunner) -> None:
    result = run.invoke(predict, ["A szoba koszos volt, a személyzet pedig nagyon barátságtalan"])
    assert " ".join(result.output.split()).endswith("barátságtalan (unfamiliar; hu, unsupported)")


def test_an_explanation_is_coloured_on_a_terminal(monkeypatch: pytest.MonkeyPatch, run: CliRunner) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run.invoke(predict, ["--explain", "wonderful, not awful"], color=True)
    assert "\x1b[32mwonderful\x1b[0m" in result.output
    assert "\x1b[31m" in result.output


def test_neutral_rows_do_not_stop_the_evaluation_of_a_model_of_two_labels(
    run: CliRunner, trained: Bundle, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    trained.save(model)
    rows = [
        f"I bought this lamp {1000 + row} {words},{label}"
        for row in range(20)
        for words, label in (("awful", "neg"), ("delightful", "pos"))
    ]
    rows += [f"It is lamp {1000 + row},neutral" for row in range(20)]
    data = tmp_path / "mixed.csv"
    data.write_text("\n".join(("review,sentiment", *rows)) + "\n", "utf-8")
    measured = values(run.invoke(evaluate, [str(model), str(data), "--json"]))
    assert (measured["rows"], measured["accuracy"], measured["polar_only"]) == (40, 1, True)
    assert (measured["labels_given"]["rows"], measured["labels_given"]["polar_rows"]) == (60, 40)
    assert 0 < measured["labels_given"]["macro_f1"] < 1
    data.write_text("review,sentiment\nIt is a film,odd\n", "utf-8")
    refused = CliRunner().invoke(evaluate, [str(model), str(data)])
    assert "known labels are 0, 1, neg, negative, neutral, pos, positive" in str(refused.exception)


def test_people_get_a_table_of_measures(run: CliRunner, labelled_csv: Path) -> None:
    result = run.invoke(evaluate, [str(STARTER), str(labelled_csv)])
    assert result.exit_code == 0
    assert "accuracy covered" in result.output
