"""Experiments end to end: run by the command line against a real MLflow server, with checks on their trials."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Run

from sentiment_core.cli.group import main
from sentiment_core.datasets.labelled_csv import read_labelled
from sentiment_core.datasets.labelled_objects import labelled_objects
from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import ExperimentDataChanged, ExperimentInvalid, RegistryUnavailable, TrainingDataInvalid
from sentiment_core.experiments.catalogue import EXPERIMENTS, MAX_TRIALS, Trial, TrialResult, experiment
from sentiment_core.experiments.comparison import TrialComparison
from sentiment_core.experiments.mlflow_run import ExperimentRun
from sentiment_core.experiments.trial import ExperimentData, prepare, run_trial, score_trial
from sentiment_core.params import Params
from sentiment_core.settings import settings as settings_of_process
from tests.unit.conftest import generated_reviews

SENTIMENT = Path(sys.executable).with_name("sentiment")
TIMES = {"fit_seconds", "score_us_per_text"}


@pytest.fixture(scope="module")
def params() -> Params:
    return Params.load()


@pytest.fixture(scope="module")
def labelled_csv(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("experiments") / "reviews.csv", generated_reviews(400))


@pytest.fixture(scope="module")
def unlabelled_csv(labelled_csv) -> Path:
    rows = [{"review": f"{row['review']} That is my view of it."} for row in generated_reviews(600)[400:]]
    return written(labelled_csv.with_name("unlabelled.csv"), rows)


@pytest.fixture(scope="module")
def reviews(labelled_csv, params) -> LabelledReviews:
    return read_labelled([labelled_csv], params.data, "product")


@pytest.fixture(scope="module")
def data(reviews, params) -> ExperimentData:
    return prepare(reviews, params)


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def run_experiment(monkeypatch) -> Iterator[Callable[..., Result]]:
    """Run the command line, with the tracking server given as the first argument, if any."""

    def run(mlflow_uri: str | None, *arguments: str | Path | int) -> Result:
        monkeypatch.setenv("SENTIMENT_MLFLOW_TRACKING_URI", mlflow_uri or "")
        settings_of_process.cache_clear()
        return CliRunner().invoke(main, ["experiment", *map(str, arguments)])

    yield run
    settings_of_process.cache_clear()


def accuracy(trial: Trial, data: ExperimentData, params: Params) -> float:
    return score_trial(trial, data, params)["accuracy"]


def without_times(measures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in measures.items() if name not in TIMES}


@pytest.mark.parametrize("name", ["baseline", "algorithms", "grid", "ngrams", "semi-supervised"])
def test_an_experiment_is_found_in_mlflow_by_its_name(
    name, run_experiment, mlflow_uri, labelled_csv, unlabelled_csv, tmp_path
) -> None:
    done = run_experiment(
        mlflow_uri, name, labelled_csv, "--group", "product", "--unlabelled", unlabelled_csv, "--rows", 300, "--json"
    )
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    client = MlflowClient(mlflow_uri)
    known = client.get_experiment_by_name(f"sentiment/experiments/{name}")
    [parent] = client.search_runs([known.experiment_id], f"attributes.run_id = '{printed['mlflow_run_id']}'")
    assert parent.info.run_name.startswith(f"{name} 20")
    assert parent.info.status == "FINISHED"
    assert parent.data.params["rows"] == "300"
    assert parent.data.params["group_column"] == "product"
    assert parent.data.tags["best_trial"] == printed["best"]
    assert parent.inputs.dataset_inputs[0].dataset.digest == parent.data.tags["data_sha256"][:36]

    trials = client.search_runs([known.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    by_name = {trial.info.run_name: trial for trial in trials}
    assert len(by_name) == len(trials) == parent.data.metrics["trials"]
    assert sorted(by_name) == sorted(trial["trial"] for trial in printed["trials"])
    for trial in printed["trials"]:
        found = by_name[trial["trial"]]
        assert found.info.status == "FINISHED"
        assert found.data.metrics == pytest.approx(trial["measures"])
        assert found.data.params == {key: str(value) for key, value in trial["parameters"].items()}
        assert 0.5 < trial["measures"]["accuracy"] <= 1
        assert {*TIMES, "auc", "f1", "precision", "recall", "features", "learned_rows"} < set(trial["measures"])

    client.download_artifacts(parent.info.run_id, "", str(tmp_path))
    with (tmp_path / "comparison.csv").open(newline="", encoding="utf-8") as file:
        assert [row["trial"] for row in csv.DictReader(file)] == [trial["trial"] for trial in printed["trials"]]
    assert (tmp_path / "comparison.md").read_text("utf-8").count("\n| ") == len(trials) + 1
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_a_trial_that_fails_says_why_and_the_others_go_on(mlflow_uri, labelled_csv, tmp_path) -> None:
    nowhere = {"NLTK_DATA": str(tmp_path), "HOME": str(tmp_path)}
    environment = os.environ | {"SENTIMENT_MLFLOW_TRACKING_URI": mlflow_uri} | nowhere
    command = [str(SENTIMENT), "experiment", "classic-recipes", str(labelled_csv), "--json"]
    # A separate process whose NLTK has not searched for its data yet.
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "2 of the 4 trials of experiment classic-recipes failed." in done.stderr
    printed = json.loads(done.stdout)
    assert printed["failed"] == 2
    assert printed["best"].endswith("words as they are")
    client = MlflowClient(mlflow_uri)
    parent = client.get_run(printed["mlflow_run_id"])
    assert parent.info.status == "FAILED"
    assert parent.data.metrics["failed"] == 2
    query = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    trials = {run.info.run_name: run for run in client.search_runs([parent.info.experiment_id], query)}
    for trial in printed["trials"]:
        run = trials[trial["trial"]]
        assert run.info.status == ("FAILED" if trial["failure"] else "FINISHED")
        assert run.data.tags.get("failure") == trial["failure"]
        if trial["failure"]:
            assert "python -m nltk.downloader stopwords wordnet" in trial["failure"]
            assert f"* {trial['trial']}: " in client_text(client, parent.info.run_id, tmp_path)


def client_text(client: MlflowClient, run_id: str, folder: Path) -> str:
    return Path(client.download_artifacts(run_id, "comparison.md", str(folder))).read_text("utf-8")


def test_it_works_without_mlflow(run_experiment, labelled_csv, tmp_path) -> None:
    done = run_experiment(None, "baseline", labelled_csv, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "500 rows" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "comparison.csv",
        "comparison.md",
        "comparison.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("semi-supervised",), 1, "it needs unlabelled reviews"),
        (("baseline", "--group", "shop"), 1, "no group column 'shop'"),
        (("baseline", "--rows", "3"), 1, "are too few for 5 folds"),
        (("baseline", "--rows", "0"), 2, "0 is not in the range"),
        (("cluster",), 2, "is not one of 'baseline'"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(run_experiment, arguments, code, message, labelled_csv) -> None:
    done = run_experiment(None, arguments[0], labelled_csv, *arguments[1:])
    assert done.exit_code == code
    assert message in " ".join(done.output.replace("│", " ").split())


def test_one_that_is_broken_off_says_so(mlflow_uri, tmp_path) -> None:
    # A shell makes its background processes ignore SIGINT, and child processes inherit this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reviews = written(tmp_path / "many.csv", generated_reviews(3_000))
    environment = os.environ | {"SENTIMENT_MLFLOW_TRACKING_URI": mlflow_uri}
    client = MlflowClient(mlflow_uri)
    with subprocess.Popen(
        [str(SENTIMENT), "experiment", "algorithms", str(reviews)], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        while not (runs := running(client)):
            assert process.poll() is None, "it ended before it was interrupted"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 1
    [trial] = runs
    for run_id in (trial.info.run_id, trial.data.tags["mlflow.parentRunId"]):
        assert client.get_run(run_id).info.status == "KILLED"


def running(client: MlflowClient) -> list[Run]:
    """Return the running trials of `algorithms`."""
    known = client.get_experiment_by_name("sentiment/experiments/algorithms")
    query = "attributes.status = 'RUNNING' and tags.trial LIKE '%'"
    return client.search_runs([known.experiment_id], query) if known else []


def test_labelled_objects_are_read_in_the_order_of_their_keys(settings, stack) -> None:
    storage = Storage(stack.object_store.client())
    data = Params.load().data
    labelled = b"review,sentiment\nfine,pos\npoor,neg\n"
    bodies = {
        "training/b.csv": labelled.replace(b"fine", b"good"),
        "training/a.csv.gz": gzip.compress(labelled),
        "training/snapshots/1/manifest.json": b"{}",
        "training/odd/c.parquet": b"c",
    }
    for key, body in bodies.items():
        storage.s3.put_object(Bucket=settings.bucket, Key=key, Body=body)
    assert [drop.key for drop in labelled_objects(storage, settings.bucket, "training/b")] == ["training/b.csv"]
    for prefix, max_bytes, why in (
        ("training/b", 5, "have 35 bytes, and the maximum is 5"),
        ("training/none", 100, "there are no objects at s3://"),
    ):
        with pytest.raises(TrainingDataInvalid, match=why):
            labelled_objects(storage, settings.bucket, prefix, max_bytes)
    with pytest.raises(TrainingDataInvalid, match=r"s3://\S+/training/odd/c.parquet has no text column"):
        read_labelled(labelled_objects(storage, settings.bucket, "training/"), data, storage=storage)
    storage.s3.delete_object(Bucket=settings.bucket, Key="training/odd/c.parquet")
    reviews = read_labelled(labelled_objects(storage, settings.bucket, "training/"), data, storage=storage)
    assert list(reviews.texts) == ["fine", "poor", "good", "poor"]
    storage.s3.put_object(Bucket=settings.bucket, Key="training/b.csv", Body=labelled + b",pos\n")
    with pytest.raises(
        TrainingDataInvalid, match=r"s3://\S+/training/b.csv has 1 bad rows of 3.*line 4: column review"
    ):
        read_labelled(labelled_objects(storage, settings.bucket, "training/"), data, storage=storage)


def test_a_server_that_is_not_there_is_told_before_any_work(data) -> None:
    with pytest.raises(RegistryUnavailable):
        ExperimentRun.start("http://127.0.0.1:9", "baseline", data, {})


def test_the_same_data_gives_the_same_measures_in_whatever_order_it_comes(reviews, params) -> None:
    order = np.random.default_rng(0).permutation(len(reviews.texts))
    shuffled = prepare(reviews.take(order), params, rows=250)
    straight = prepare(reviews, params, rows=250)
    assert shuffled.sha256 == straight.sha256
    for name, trial in (("algorithms", 6), ("algorithms", 8), ("baseline", 1), ("ngrams", 0)):
        chosen = experiment(name).round(0)[trial]
        first, second = (score_trial(chosen, each, params) for each in (straight, shuffled))
        assert without_times(first) == without_times(second), chosen.name


def test_fewer_rows_are_a_part_of_more(reviews, params) -> None:
    few, many = (set(prepare(reviews, params, rows=rows).reviews.texts) for rows in (50, 200))
    assert len(few) == 50
    assert few < many


def test_test_reviews_stay_out(reviews, params) -> None:
    kept = params.model_copy(update={"data": params.data.model_copy(update={"test_size": 30})})
    groups = set(prepare(reviews, kept).reviews.groups)
    assert groups < set(reviews.groups)


@pytest.mark.parametrize("recipe", ["words", "tokens", "shipped"])
def test_nothing_leaks_from_held_out_reviews(recipe, reviews, params) -> None:
    """Labels that are shuffled, or shifted by one row against their texts, teach nothing."""
    trial = {
        "words": experiment("baseline").round(0)[1],
        "tokens": experiment("algorithms").round(0)[1],
        "shipped": experiment("semi-supervised").round(0)[2],
    }[recipe]
    assert accuracy(trial, prepare(reviews, params), params) > 0.85
    labels = reviews.labels
    shuffled = np.random.default_rng(1).permutation(labels)
    for wrong in (shuffled, np.roll(labels, 1)):
        misled = LabelledReviews(reviews.texts, wrong, reviews.groups, reviews.ratings)
        # The standard error at chance level is 2.5 points.
        assert 0.4 < accuracy(trial, prepare(misled, params), params) < 0.6


def test_no_group_is_on_both_sides(params) -> None:
    """A word that reveals the group, and so the label, is of no use in another group."""
    texts = [f"brand{row % 20} item number {row}" for row in range(200)]
    labels = np.array([2 if row % 20 < 10 else 0 for row in range(200)], np.int8)
    trial = experiment("algorithms").round(0)[0]
    apart = LabelledReviews(texts, labels, [f"brand{row % 20}" for row in range(200)])
    assert accuracy(trial, prepare(apart, params), params) < 0.7
    assert accuracy(trial, prepare(LabelledReviews(texts, labels, texts), params), params) > 0.95


def test_a_trial_learns_from_as_many_rows_as_it_says(data, params) -> None:
    few = Trial("few", "words", experiment("baseline").candidates[0].parameters, rows=50)
    assert score_trial(few, data, params)["learned_rows"] == 50
    everything = score_trial(experiment("baseline").round(0)[1], data, params)["learned_rows"]
    assert everything == pytest.approx(len(data.reviews.texts) * 4 / 5, abs=1)


def test_three_labels_can_be_compared_too(reviews, params) -> None:
    plain = [f"It is a {thing}, number {number}." for number in range(40) for thing in ("lamp", "kettle", "blender")]
    labels = np.concatenate((reviews.labels, np.ones(len(plain), np.int8)))
    three = prepare(LabelledReviews([*reviews.texts, *plain], labels, [*reviews.texts, *plain]), params)
    for trial in experiment("algorithms").round(0)[1::2]:
        result = run_trial(trial, three, params)
        assert result.failure is None, (trial.name, result.failure)
        assert result.measures["accuracy"] > 0.8, trial.name


def test_one_label_only_is_a_result_not_an_end(reviews, params) -> None:
    ordered = prepare(reviews, params)
    trial = Trial("one row", "words", experiment("baseline").candidates[0].parameters, rows=1)
    assert "training rows of a fold all have the label" in str(run_trial(trial, ordered, params).failure)


def result(trial: Trial, accuracy: float | None) -> TrialResult:
    measures = {} if accuracy is None else {"accuracy": accuracy, "auc": accuracy}
    return TrialResult(
        trial.name, trial.candidate, trial.round, trial.shown, measures, None if accuracy is not None else "it broke"
    )


def test_halving_keeps_the_best_third_and_drops_what_failed() -> None:
    ngrams = experiment("ngrams")
    first = ngrams.round(0)
    scores = {trial.name: 0.5 + number / 100 for number, trial in enumerate(first)}
    results = [result(trial, scores[trial.name]) for trial in first]
    second = ngrams.round(1, results)
    assert [trial.candidate for trial in second] == [trial.candidate for trial in first[-7:]]
    assert {str(trial.share) for trial in second} == {"1/3"}
    results += [result(trial, None if trial is second[-1] else scores[first[0].name]) for trial in second]
    last = ngrams.round(2, results)
    assert len(last) == 3
    assert second[-1].candidate not in {trial.name for trial in last}
    assert [trial.name for trial in last] == [trial.candidate for trial in last]
    assert ngrams.round(3, results) == []
    comparison = TrialComparison.of(ngrams, [*results, *(result(trial, 0.4) for trial in last)])
    assert comparison.best is not None
    assert comparison.best.round == 2, "what learned from fewer rows cannot be the best"


def test_a_trial_that_was_never_run_counts_as_failed() -> None:
    baseline = experiment("baseline")
    comparison = TrialComparison.of(baseline, [result(baseline.round(0)[0], 0.9)])
    [lost] = comparison.failures
    assert (lost.trial, lost.failure) == ("all rows", "the trial did not run")


def test_every_experiment_fits_into_mapped_tasks_and_names_each_trial_once() -> None:
    for each in EXPERIMENTS:
        names = [
            candidate.of_round(number, share).name
            for number, share in enumerate(each.shares)
            for candidate in each.candidates
        ]
        assert len(names) == len(set(names)), each.name
        assert len(each.candidates) < MAX_TRIALS
        assert all(each.trial(name).name == name for name in names)
    with pytest.raises(ExperimentInvalid, match="The experiments are baseline, "):
        experiment("cluster")


def started(mlflow_uri: str, data: ExperimentData, started_by: str) -> ExperimentRun:
    return ExperimentRun.start(mlflow_uri, "baseline", data, {"data": "generated"}, started_by)


def test_starting_and_trying_twice_doubles_nothing(mlflow_uri, data, params) -> None:
    first, again = (started(mlflow_uri, data, "manual__twice") for _ in range(2))
    assert first.run_id == again.run_id == ExperimentRun.find(mlflow_uri, "baseline", "manual__twice").run_id
    trial = first.experiment.round(0)[0]
    lost = first.begin(trial)
    [unfinished] = first.results()
    assert unfinished.failure == "the trial did not end. Its status in MLflow is RUNNING"
    recorded = again.record(trial, data, params)
    [found] = again.results()
    assert again.begin(trial) == lost
    assert found.measures == pytest.approx(dict(recorded.measures))
    assert (found.trial, found.candidate, found.round) == (recorded.trial, recorded.candidate, recorded.round)


def test_data_that_changed_meanwhile_is_refused(mlflow_uri, data, reviews, params) -> None:
    run = started(mlflow_uri, data, "manual__changed")
    other = prepare(reviews.take(np.arange(100)), params)
    with pytest.raises(ExperimentDataChanged):
        run.record(run.experiment.round(0)[0], other, params)
    with pytest.raises(ExperimentDataChanged):
        started(mlflow_uri, other, "manual__changed")
    with pytest.raises(ExperimentInvalid, match="MLflow has no run of it that was started by nobody"):
        ExperimentRun.find(mlflow_uri, "baseline", "nobody")


def test_too_few_groups_are_refused(reviews, params) -> None:
    data = prepare(LabelledReviews(reviews.texts, reviews.labels, ["one"] * len(reviews.texts)), params)
    with pytest.raises(TrainingDataInvalid, match="1 groups are too few for 5 folds"):
        score_trial(experiment("baseline").round(0)[0], data, params)
