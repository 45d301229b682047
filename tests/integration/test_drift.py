"""A day's drift: measured from stored reviews, stored, and shown."""

import io
import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.database.connection import connect
from sentiment_core.drift import page, report_store
from sentiment_core.drift.mlflow_run import log_run
from sentiment_core.drift.observation import observe
from sentiment_core.drift.statistics import Cause, Rejections, State
from sentiment_core.drift.tracked_days import EXPERIMENT, plots_of_days
from sentiment_core.errors import DatabaseRefused
from sentiment_core.labels import LABELS
from sentiment_core.ledger.models import ScoringModel, open_model
from sentiment_core.loading.replay import Replayer
from sentiment_core.model.drift_reference import Reference
from sentiment_core.model.scorer import Scorer

DAY, NEXT = date(2026, 11, 16), date(2026, 11, 17)
PRAISE = ["love", "it", "a", "wonderful", "film", "great", "and", "moving", "the", "best", "plot", "good", "acting"]
BLAME = ["awful", "a", "boring", "film", "waste", "of", "time", "the", "worst", "plot", "bad", "acting", "not", "good"]


def reviews(rows: int, seed: int, blame: float = 0.5, product: str = "kettle") -> list[tuple[str, str]]:
    """Pairs of product and text."""
    dice = random.Random(seed)
    return [
        (product, " ".join(dice.choices(BLAME if dice.random() < blame else PRAISE, k=dice.randint(4, 40))))
        for _ in range(rows)
    ]


def as_csv(rows: list[tuple[str, str]]) -> str:
    return "product_id,review\n" + "".join(f"{product},{text}\n" for product, text in rows)


@pytest.fixture
def few(settings):
    """Settings for which a hundred rows are enough."""
    return settings.model_copy(update={"drift_least_rows": 100})


@pytest.fixture
def model(connection, drops) -> ScoringModel:
    """The starter, with a reference built from reviews of this module. Its digest equals the starter's."""
    scorer = drops.model.scorer
    column = TextColumn.from_texts([text for _, text in reviews(4_000, seed=1)])
    scores = scorer.score(column)
    lengths = np.diff(column.offsets)
    reference = Reference.of(scores.score, scores.label, lengths, scorer.unknown_shares(column))
    return open_model(connection, Scorer(replace(scorer.bundle, reference=reference)))


def test_all_rows_are_counted_as_their_scores_and_texts_say(drops, model, connection, few) -> None:
    day = reviews(300, 2) + reviews(150, 3, product="lamp") + reviews(20, 4, product="rare")
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(day[:200]))
    drops.drop(f"shop/dt={DAY}/b.csv", as_csv(day[200:]))
    drops.drop(f"shop/dt={NEXT}/c.csv", as_csv(reviews(50, 5)))
    found = observe(connection, DAY, model, few)
    reference = model.scorer.bundle.reference
    assert reference is not None
    for product, observed in {None: found.rows, **found.products}.items():
        texts = [text for name, text in day if product in (None, name)]
        scores = model.scorer.score_texts(texts)
        assert observed.rows == len(texts)
        np.testing.assert_array_equal(observed.scores, reference.scores.count(scores.score.astype(np.float32)))
        labels = np.bincount(scores.label, minlength=3).tolist()
        assert observed.labels == dict(zip(LABELS, labels, strict=True))
        lengths = np.array([len(text) for text in texts])
        np.testing.assert_array_equal(observed.texts.lengths, reference.lengths.count(lengths))
        unknown = model.scorer.unknown_shares(TextColumn.from_texts(texts))
        assert observed.texts.unknown_mean == pytest.approx(unknown.mean())
        assert observed.texts.length_mean == pytest.approx(lengths.mean())
    assert list(found.products) == ["kettle", "lamp"], "the largest first, and none with few rows"
    assert found.rejections == Rejections(470, 0, 0)


def test_what_the_views_do_not_show_is_not_counted(drops, model, connection, few) -> None:
    key = f"shop/dt={DAY}/a.csv"
    drops.drop(key, "review_id,review\n1,fine\n2,good\n")
    drops.drop(key, "review_id,review\n1,bad\n2,awful\n3,fine\n")
    drops.drop(f"shop/dt={DAY}/b.csv", "review_id,review\n3,good\n4,good\n")
    found = observe(connection, DAY, model, few)
    assert found.rows.rows == 4
    assert found.rejections.rows_in == 5, "rows of the file that took the other one's place, and of the second key"


def test_a_model_that_has_not_scored_the_day_finds_nothing(drops, model, connection, few, other_model) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(120, 2)))
    (report,) = report_store.measure(connection, DAY, other_model, few)
    assert (report.state, report.measures["rows"]) == (State.NO_REFERENCE, 0)
    with_reference = ScoringModel(
        other_model.model_id, Scorer(replace(other_model.scorer.bundle, reference=model.scorer.bundle.reference))
    )
    (report,) = report_store.measure(connection, DAY, with_reference, few)
    assert (report.state, report.measures["rows"]) == (State.TOO_FEW_ROWS, 0)


def test_rejected_rows_are_those_that_nothing_has_taken_in_since(drops, model, connection, few) -> None:
    rows = "".join(f"{'bad' if number < 30 else 5},fine {number}\n" for number in range(200))
    key = f"shop/dt={DAY}/a.csv"
    drops.drop(key, "rating,review\n" + rows)
    drops.drop(f"shop/dt={DAY}/words.csv", "words\nfine\n")
    assert observe(connection, DAY, model, few).rejections == Rejections(200, 30, 1)
    (report,) = report_store.measure(connection, DAY, model, few)
    assert Cause.REJECTED in report.causes
    assert report.measures["rejected"]["effect"] == 0.15
    drops.load(key, replace=True)
    assert observe(connection, DAY, model, few).rejections == Rejections(200, 30, 1)
    Replayer(connection, drops.model, few.model_copy(update={"bad_values": "null"}), "a replay").replay(1)
    assert observe(connection, DAY, model, few).rejections == Rejections(200, 0, 1)


def test_a_day_like_the_reference_has_not_drifted_and_a_shifted_one_has(drops, model, connection, few) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(1_000, 2)))
    foreign = [("kettle", text.replace(" ", " und ")) for _, text in reviews(1_000, 3, blame=0.9)]
    drops.drop(f"shop/dt={NEXT}/a.csv", as_csv(foreign))
    whole, kettle = report_store.measure(connection, DAY, model, few)
    assert (whole.state, whole.causes, kettle.causes) == (State.MEASURED, (), ())
    whole, kettle = report_store.measure(connection, NEXT, model, few)
    assert {Cause.SCORE, Cause.LABELS, Cause.UNKNOWN} <= set(whole.causes)
    assert whole.causes == kettle.causes


def test_the_sample_is_bounded_and_always_the_same(drops, model, connection, few) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(900, 2)))
    little = few.model_copy(update={"drift_sample_rows": 150})
    first, second = (observe(connection, DAY, model, little).rows for _ in range(2))
    assert first.rows == 900
    assert first.texts.rows == 150
    np.testing.assert_array_equal(first.texts.lengths, second.texts.lengths)
    everything = observe(connection, DAY, model, few).rows.texts
    assert first.texts.unknown_mean == pytest.approx(everything.unknown_mean, abs=0.03)
    assert first.texts.unknown_mean != everything.unknown_mean


def test_one_product_is_found_whatever_its_name_and_number(drops, model, connection, few) -> None:
    name = "a'b%s;--"
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(30, 2, product=name) + reviews(200, 3)))
    _, product = report_store.measure(connection, DAY, model, few, name)
    assert (product.product_id, product.state, product.measures["rows"]) == (name, State.TOO_FEW_ROWS, 30)
    _, product = report_store.measure(connection, DAY, model, few, "nothing")
    assert (product.state, product.measures["rows"]) == (State.TOO_FEW_ROWS, 0)


def test_measuring_again_replaces_and_doubles_nothing(drops, model, connection, few, query) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(150, 2) + reviews(150, 3, product="lamp")))
    reports = report_store.measure(connection, DAY, model, few)
    assert len(reports) == 3

    def store(_: int) -> None:
        with connect(few.require_database_url()) as mine:
            report_store.store(mine, DAY, model.model_id, reports)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store, range(8)))
    assert report_store.stored(connection, DAY, model.model_id) == json_like(reports)
    report_store.store(connection, DAY, model.model_id, reports[:1])
    assert query("SELECT product_id, reviews, state FROM sentiment.drift_history") == [(None, 300, "measured")]
    with pytest.raises(Exception, match="drift_report_of_a_day"):
        query(
            "INSERT INTO sentiment.drift_report (day, model_id, measures, drifted) VALUES (%s, %s, '{}', false)",
            DAY,
            model.model_id,
        )


def json_like(reports):
    return [one._replace(measures=json.loads(json.dumps(one.measures))) for one in reports]


def test_analysts_see_the_figures_and_may_not_change_them(drops, model, connection, few, query, members) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(300, 2, blame=0.95)))
    reports = report_store.measure(connection, DAY, model, few)
    with connect(members["wes"]) as writer:
        report_store.store(writer, DAY, model.model_id, reports)
    measures = reports[0].measures
    with connect(members["ann"]) as reader, reader.cursor() as cursor:
        cursor.execute(
            "SELECT score_psi, label_psi, length_psi, unknown_share, unknown_rise, rejected_ratio, causes, model_digest"
            " FROM sentiment.drift_history WHERE product_id IS NULL"
        )
        assert cursor.fetchall() == [
            (
                measures["score"]["effect"],
                measures["labels"]["effect"],
                measures["length"]["effect"],
                measures["unknown"]["mean"],
                measures["unknown"]["effect"],
                0.0,
                measures["causes"],
                model.scorer.bundle.digest,
            )
        ]
    with pytest.raises(DatabaseRefused, match="permission denied"), connect(members["ann"]) as reader:
        reader.cursor().execute("DELETE FROM sentiment.drift_report")


def test_drift_of_many_days_asks_for_one_retraining(model, connection, few, query, members) -> None:
    def ask(number: int) -> str:
        with connect(members["wes"]) as mine:
            return report_store.request_retraining(mine, DAY, model.model_id, [Cause.SCORE], f"run {number}", few)

    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(ask, range(8)))
    assert names == {"drift__1"}
    assert query("SELECT causes, day FROM sentiment.retrain_request") == [(["score"], DAY)]
    query("UPDATE sentiment.retrain_request SET requested_at = now() - interval '6 days 23 hours'")
    assert ask(8) == "drift__1"
    query("UPDATE sentiment.retrain_request SET requested_at = now() - interval '7 days 1 hour'")
    assert ask(9) == "drift__2"


def test_the_command_shows_a_day_and_stores_nothing(drops, sentiment, query, tmp_path) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(250, 2) + reviews(40, 3, product="<lamp>")))
    enough = {"SENTIMENT_DRIFT_LEAST_ROWS": "200"}
    shown = sentiment("drift", "--day", str(DAY), "--product", "<lamp>", "--out", str(tmp_path / "out"), **enough)
    assert shown.returncode == 0, shown.stderr
    assert "All reviews (290 reviews): Drifted: Scores (PSI) at" in shown.stdout
    assert "Product <lamp> (40 reviews): Too few reviews to compare." in shown.stdout
    page = (tmp_path / "out" / "drift.html").read_text()
    assert "&lt;lamp&gt;" in page
    assert "<lamp>" not in page
    assert (tmp_path / "out" / "drift.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(sentiment("drift", "--day", str(DAY), "--json", **enough).stdout)
    assert found["day"] == str(DAY)
    (whole, kettle) = found["reports"]
    assert (whole["product"], whole["rows"], kettle["product"], kettle["rows"]) == (None, 290, "kettle", 250)
    assert whole["drifted"] is True
    assert query("SELECT * FROM sentiment.drift_report") == []


def test_the_command_says_what_it_cannot_judge(drops, sentiment, tmp_path, other_bundle) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(20, 2)))
    assert "Too few reviews to compare." in sentiment("drift", "--day", str(DAY)).stdout
    other_bundle.save(tmp_path / "other")
    shown = sentiment("drift", "--day", str(DAY), "--model", str(tmp_path / "other"), "--out", str(tmp_path))
    assert shown.returncode == 0, shown.stderr
    assert "The model's bundle has no reference to compare with." in shown.stdout
    refused = sentiment("drift", "--day", "2999-01-01")
    assert refused.returncode == 1
    assert "not ended yet" in refused.stderr


def test_a_day_has_one_run_in_mlflow_with_its_figures_plot_and_page(drops, model, connection, few, settings) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(300, 2, blame=0.95)))
    reports = report_store.measure(connection, DAY, model, few)
    report_store.store(connection, DAY, model.model_id, reports)
    past = report_store.trend(connection, DAY, model.model_id)
    assert [one.day for one in past] == [DAY]
    digest = model.scorer.bundle.digest
    uri = str(settings.mlflow_tracking_uri)
    addresses = {log_run(uri, reports, past, DAY, digest) for _ in range(2)}
    (address,) = addresses
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    (run,) = client.search_runs([experiment.experiment_id], f"tags.day = '{DAY}' and tags.digest = '{digest}'")
    assert run.info.run_id in address
    assert plots_of_days(uri, digest)[DAY] == address
    assert plots_of_days(uri, "0" * 64) == {}
    assert run.info.status == "FINISHED"
    assert run.data.metrics["score_effect"] == pytest.approx(reports[0].measures["score"]["effect"])
    assert run.data.tags["drifted"] == "true"
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {page.PLOT, page.PAGE}


def test_the_trend_goes_back_a_month_and_leaves_out_what_was_not_measured(model, connection, query) -> None:
    scores = {"2026-10-17": 0.1, "2026-10-18": 0.2, "2026-11-15": None, "2026-11-16": 0.3, "2026-11-17": 0.4}
    for day, score in scores.items():
        measures = {"state": "measured", "rows": 9, "causes": [], "labels": {"effect": 0.1}}
        if score is not None:
            measures["score"] = {"effect": score}
        query(
            "INSERT INTO sentiment.drift_report (day, model_id, measures, drifted) VALUES (%s, %s, %s, false)",
            day,
            model.model_id,
            json.dumps(measures),
        )
    assert report_store.trend(connection, DAY, model.model_id) == [
        (date(2026, 10, 18), 0.2, 0.1, None),
        (DAY, 0.3, 0.1, None),
    ]


def test_the_plot_is_an_image_of_whatever_was_found(drops, model, connection, few) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", as_csv(reviews(150, 2)))
    measured = report_store.measure(connection, DAY, model, few)[0]
    nothing = report_store.measure(connection, NEXT, model, few)[0]
    past = [report_store.Trend(DAY, 0.1, 0.2, None), report_store.Trend(NEXT, 0.3, 0.1, 0.05)]
    for report, days in ((measured, past), (measured, []), (nothing, [])):
        png = page.plot(report, days, DAY)
        assert png == page.plot(report, days, DAY)
        assert b"Software" not in png
        image = Image.open(io.BytesIO(png))
        assert image.size[0] > 800
        assert len(image.convert("RGB").getcolors(1 << 20)) > 10
