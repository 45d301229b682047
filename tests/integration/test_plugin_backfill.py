"""The pages Backfill and Models on a real ledger and registry. `tests/end_to_end` uses them in a running Airflow."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class with a lowercase name in psycopg2
from sentiment_plugin.app import create_app
from sentiment_plugin.data import backfill as data
from sentiment_plugin.data import models
from sentiment_plugin.database import reading
from sentiment_plugin.pages.models import FULL_PSI, HEIGHT, _bars

from sentiment_core.drift.tracked_days import EXPERIMENT
from sentiment_core.errors import RegistryRefused
from sentiment_core.ledger.models import ensure_model
from sentiment_core.loading.scoring_run import RunPlan, plan_run
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.promotion.history import NO_TARGET, AliasTarget, insert_move
from sentiment_core.promotion.verdict import GateCheck, Verdict
from sentiment_core.registry.registered_model import RegisteredModel
from sentiment_core.registry.rest_client import TrackingServer
from sentiment_core.settings import settings as settings_of_process
from tests.plugin_pages import Pages, host

DAYS = "since=2026-11-14&until=2026-11-16"


@pytest.fixture
def pages(settings) -> Pages:
    return Pages(create_app(host(settings.require_database_url)))


@pytest.fixture
def cursor(settings) -> Iterator[Cursor]:
    with reading(settings.require_database_url()) as cursor:
        yield cursor


@pytest.fixture
def registry(settings, monkeypatch) -> Iterator[RegisteredModel]:
    """A registered model for this process, with the starter as its champion."""
    monkeypatch.setenv("SENTIMENT_MLFLOW_TRACKING_URI", str(settings.mlflow_tracking_uri))
    monkeypatch.setenv("SENTIMENT_MODEL_NAME", "pages")
    monkeypatch.setenv("SENTIMENT_MODEL_CACHE", str(settings.model_cache))
    settings_of_process.cache_clear()
    registry = RegisteredModel(str(settings.mlflow_tracking_uri), "pages", settings.model_cache)
    registry.set_alias("champion", registry.register(STARTER))
    yield registry
    settings_of_process.cache_clear()


def some_files(drops) -> None:
    """Drop files with each outcome, and one that no run has read."""
    drops.drop("shop/dt=2026-11-14/a.csv", "review_id,review\n1,fine\n2,awful\n")
    drops.drop("shop/dt=2026-11-15/a.csv", "review_id,review\n1,fine again\n")
    drops.drop("shop/dt=2026-11-15/orders.csv", "id\n1\n")
    drops.drop("shop/dt=2026-11-15/picture.png", "no drop")
    drops.drop("app/dt=2026-11-15/same.csv", "review_id,review\n1,fine again\n")
    drops.drop("shop/dt=2026-11-16/a.csv", "review\nold\n")
    drops.drop("shop/dt=2026-11-16/a.csv", "review\nnew\nand more\n")


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("champion", [False, True])
def test_a_preview_counts_the_files_that_the_runs_then_plan(
    drops, other_model, settings, query, again, champion
) -> None:
    some_files(drops)
    for day in (14, 15):
        drops.put(f"app/dt=2026-11-{day}/new.csv", "review\nnot read yet\n")
    days = [date(2026, 11, day) for day in (14, 15, 16)]
    plan_run(
        drops.connection,
        drops.storage,
        settings,
        RunPlan("lists the bucket", date(2026, 11, 1), drops.model.model_id, 1, True, False),
        include_earlier=False,
    )
    for model in (drops.model, other_model):
        with reading(settings.require_database_url()) as cursor:
            rates = data.rates(cursor)
            found = data.preview(cursor, settings.bucket, days[0], days[-1], model.model_id, champion, again, rates)
        for day in days:
            plan = RunPlan(f"run {day} {model.model_id}", day, model.model_id, 1, champion, again)
            plan_run(drops.connection, drops.storage, settings, plan, include_earlier=False)
        ((planned,),) = query(
            "SELECT count(*) FROM sentiment.planned_file WHERE run_id LIKE %s", f"run %% {model.model_id}"
        )
        assert found.read_files + found.rescored_files == planned
        if model is other_model:
            loaded = (6, 0) if again else (0, 6)
            assert (found.read_rows >= loaded[0], found.rescored_rows) == (True, loaded[1])
            assert found.days == 3


def test_minutes_follow_from_measured_rates_and_are_unknown_without_them(drops, cursor) -> None:
    found = data.Preview(days=2, read_files=1, read_rows=1_000_000, rescored_files=1, rescored_rows=0)
    assert data.seconds_needed(found, data.rates(cursor), runs=2, parallel=1) is None
    rates = data.Rates(load=10_000, rescore=None, rows_per_byte=0.01)
    assert data.seconds_needed(found, rates, runs=2, parallel=1) == 100 + 2 * data.SECONDS_A_RUN
    assert data.seconds_needed(found, rates, runs=2, parallel=4) == 50 + data.SECONDS_A_RUN, "two runs, not four"


def test_rates_and_progress_come_from_the_ledger(drops, settings) -> None:
    drops.drop("shop/dt=2026-11-14/a.csv", "review\n" + "fine\n" * 500)
    with reading(settings.require_database_url()) as cursor:
        rates = data.rates(cursor)
        done = data.progress(cursor, ["test run 1", "another"])
        assert data.progress(cursor, []).rate is None
        assert data.model_id_of(cursor, 99) is None
    assert rates.load is not None
    assert rates.rescore is None
    assert rates.rows_per_byte == pytest.approx(500 / 2507)
    assert (done.files, done.rows) == (1, 500)
    assert done.rate is not None


def test_the_form_lists_days_and_versions_without_the_registry(drops, pages) -> None:
    drops.drop("shop/dt=2026-11-14/a.csv", "review\nfine\n")
    ensure_model(drops.connection, drops.model.scorer.bundle.digest, "sentiment", 3)
    page = pages.get("/backfill").text
    assert "Loaded files have days from 2026-11-14 to 2026-11-14" in page
    assert "SENTIMENT_MLFLOW_TRACKING_URI" in page
    assert '<option value="3">3</option>' in page


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date()


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("files?since=&until=2026-11-14", 400, "Choose the first day"),
        ("files?since=14.11.&until=2026-11-14", 400, "“14.11.” is not a day"),
        ("files?since=2026-11-15&until=2026-11-14", 400, "2026-11-15, is after the last day, 2026-11-14"),
        (f"files?since=2026-11-15&until={TOMORROW}", 400, "has not ended yet"),
        ("files?since=2016-11-15&until=2026-11-14", 400, "3,652 days are too many for a backfill"),
        (f"files?{DAYS}&work=all", 400, "“all” is not a kind of work"),
        (f"files?{DAYS}&parallel=0", 400, "“0” cannot run at the same time"),
        (f"files?{DAYS}&version=99", 404, "There is no version “99” of the model. The versions are: none"),
        (f"stored?{DAYS}&work=stored", 404, "no file has been loaded yet"),
        (f"stored?{DAYS}&make_current=maybe", 400, "incomplete"),
        (f"stored?{DAYS}&work=stored&source=nobody", 404, "the ledger has no source &#39;nobody&#39;"),
        (f"files?{DAYS}&work=missing&source=shop", 400, "A backfill loads the files of all sources."),
        ("progress?said=hello", 400, "incomplete"),
        ("progress", 503, "without Airflow"),
    ],
)
def test_an_invalid_choice_is_explained(pages, address, status, sentence) -> None:
    answer = pages.get(f"/backfill/{address}")
    assert answer.status_code == status
    assert sentence in answer.text


def test_the_preview_leads_to_the_question_for_the_kind_of_work(pages) -> None:
    answer = pages.get(f"/backfill/preview?{DAYS}&work=stored&version=")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/backfill/stored?{DAYS}&work=stored&version=")
    assert pages.get(f"/backfill/preview?{DAYS}").headers["location"] == f"/backfill/files?{DAYS}"


def test_models_shows_versions_history_and_a_card(registry, pages, drops) -> None:
    page = pages.get("/models").text
    assert "Version 1" in page
    assert "champion" in page
    assert "No alias has been moved yet" in page
    card = pages.get("/models/1").text
    assert "length below 500" in card
    assert "By language" in card
    accuracy = Bundle.load(STARTER).provenance["held_out"]["accuracy"]
    assert f"{100 * accuracy:.1f} %" in card
    missing = pages.get("/models/7")
    assert (missing.status_code, "There is no version 7" in missing.text) == (404, True)
    assert pages.get("/models/1/promote").status_code == 409
    shown = pages.get("/backfill").text
    assert '<option value="1" selected>1 (champion)</option>' in shown


def test_models_links_to_the_plots_of_each_measured_day(registry, pages, drops, query, settings) -> None:
    for day in ("2026-11-14", "2026-11-15"):
        query(
            "INSERT INTO sentiment.drift_report (day, model_id, measures, drifted)"
            """ VALUES (%s, %s, '{"state": "measured", "causes": [], "score": {"effect": 0.25}}', true)""",
            day,
            drops.model.model_id,
        )
    assert "Plots in MLflow" not in pages.get("/models").text
    server = TrackingServer(str(settings.mlflow_tracking_uri))
    with suppress(RegistryRefused):  # another test may have created it
        server.post("experiments/create", name=EXPERIMENT)
    experiment = server.get("experiments/get-by-name", experiment_name=EXPERIMENT)["experiment"]["experiment_id"]
    tags = {"day": "2026-11-15", "digest": drops.model.scorer.bundle.digest}
    tagged = [{"key": key, "value": value} for key, value in tags.items()]
    run = server.post("runs/create", experiment_id=experiment, tags=tagged)["run"]["info"]["run_id"]
    page = pages.get("/models").text
    address = f"{server.uri}/#/experiments/{experiment}/runs/{run}/artifacts"
    assert f'<a data-airflow href="{address}" class="bad">2026-11-15, drifted</a>' in page
    assert "Plots in MLflow (1)" in page


def test_models_works_without_the_registry_and_shows_each_check_of_a_verdict(drops, pages, cursor, query) -> None:
    digest = drops.model.scorer.bundle.digest
    checks = (
        GateCheck.at_least("accuracy better", 0.01, 0.02, "the challenger is 1 % better"),
        GateCheck.skipped("shadow", "too few stored reviews"),
    )
    judged = Verdict(
        challenger=digest, champion=None, policy="better", rows_given=10, rows=8, rows_sha256=None, checks=checks
    )
    with drops.connection, drops.connection.cursor() as writing:
        target = AliasTarget(3, digest)
        made = insert_move(
            writing, "champion", "external", "moved", NO_TARGET, target, "MLflow", "found", None, "sentiment"
        )
        refused = insert_move(
            writing,
            "champion",
            "promote",
            "refused",
            target,
            AliasTarget(4, "f" * 64),
            "ann",
            "new",
            judged,
            "sentiment",
        )
    query(
        "INSERT INTO sentiment.drift_report (day, model_id, measures, drifted)"
        """ VALUES ('2026-11-15', %s, '{"state": "measured", "causes": [], "score": {"effect": 0.25}}', true)""",
        drops.model.model_id,
    )
    page = pages.get("/models").text
    assert "The rest of this page comes from the database" in page
    assert "champion: version 3" in page
    assert "failed: accuracy better" in page
    assert "2026-11-15: 0.250, drifted" in page
    shown = pages.get(f"/models/moves/{refused}").text
    assert "the challenger is 1 % better" in shown
    assert "skipped" in shown
    assert "made without the gate" in pages.get(f"/models/moves/{made}").text
    assert pages.get("/models/moves/99").status_code == 404
    assert "SENTIMENT_MLFLOW_TRACKING_URI" in pages.get("/models/3").text


def test_a_viewer_sees_no_button_and_a_posted_action_is_refused(settings) -> None:
    viewer = Pages(create_app(host(settings.require_database_url, may_start=False)))
    assert "Only users who may start runs" in viewer.get("/backfill").text
    assert "Roll the champion back" not in viewer.get("/models").text
    for address in (
        f"backfill/files?{DAYS}",
        f"backfill/stored?{DAYS}",
        "backfill/1/cancel",
        "backfill/rescore/stop",
        "models/rollback",
        "models/1/promote",
    ):
        answer = viewer.post(f"/{address}", run_id="1", version="1", stopped_run="1")
        assert (answer.status_code, "Only users who may start runs" in answer.text) == (403, True), address


def test_a_bar_has_the_height_of_its_index_up_to_a_limit() -> None:
    day = date(2026, 11, 15)
    bars = _bars([models.DriftDay(day, psi, 0.0, False) for psi in (None, FULL_PSI / 2, 9.0)])
    assert [bar.height for bar in bars] == [1, HEIGHT / 2, HEIGHT]
