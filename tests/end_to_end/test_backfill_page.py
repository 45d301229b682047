"""An operator's work on the pages in Airflow, in a browser: backfill, rescore and roll back, and see the effects."""

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest

from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.promotion.alias_moves import promote
from sentiment_core.registry.names import CHAMPION
from sentiment_core.registry.registered_model import RegisteredModel
from tests.browser import browser, shots  # noqa: F401 - fixtures
from tests.starter import starter

DAY = "2026-11-12"
KEY = f"incoming/pages/dt={DAY}/reviews.csv"
REVIEWS = "review_id,review\n" + "".join(f"b{row},Works well {row}\n" for row in range(200))
WAIT_MS = 120_000


def query(system: Stack, statement: str, *parameters: object) -> list[tuple]:
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def champion_events(system: Stack) -> list[dict]:
    """Return what the events of the asset `champion_model` say, oldest first."""
    events = system.airflow.client().get("/assets/events", limit=100, order_by="timestamp")["asset_events"]
    return [event["extra"] for event in events if event["name"] == "champion_model"]


@pytest.fixture(scope="module")
def operator(system: Stack, browser) -> Iterator:  # noqa: F811
    """A browser window of the user who may do everything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{system.airflow.url}/auth/login")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", system.airflow.password)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"^(?!.*/auth/login)"))
    yield page
    context.close()


@pytest.fixture
def other(system: Stack, shift_bundle, tmp_path) -> Iterator[int]:
    """A version that is promoted without the gate, so that the champion can be rolled back. It is restored after."""
    shift_bundle(starter(), tmp_path / "other", 0.7)
    models = RegisteredModel(system.mlflow.url, cache=tmp_path / "cache")
    before = models.resolve(CHAMPION)[0]
    version = models.register(tmp_path / "other")
    with connect(system.postgres.url()) as connection:
        promote(connection, models, version, actor="test", reason="to be rolled back", kind="force")
        yield version
        promote(connection, models, before, actor="test", reason="as it was", kind="force")


END_WAITING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = current_user
"""


def open_form(operator, system: Stack, version: int | None = None):
    operator.goto(f"{system.airflow.url}/sentiment/backfill")
    for name in ("since", "until"):
        operator.fill(f"input[name={name}]", DAY)
    if version is not None:
        operator.select_option("select[name=version]", str(version))


def start_rescore(operator, system: Stack, version: int) -> None:
    open_form(operator, system, version)
    operator.fill("input[name=source]", "pages")
    operator.check("input[value=stored]")
    operator.click("text=Preview")
    assert "Files to score from their stored text: 1, up to 200 rows" in operator.inner_text("main")
    assert "Source: pages." in operator.inner_text("main")
    operator.click("button:has-text('Start the rescore')")


def wait_for_the_end(operator, what: str) -> str:
    """Reload the progress until the newest line of a kind has ended, and return its text."""
    line = operator.locator("tbody tr", has_text=what).first
    line.locator(".state", has_text=re.compile("ended|success|failed")).wait_for()
    return " ".join(line.inner_text().split())


def test_a_backfill_from_the_form_loads_the_day(system: Stack, operator, shots) -> None:  # noqa: F811
    system.object_store.client().put_object(Bucket="reviews", Key=KEY, Body=REVIEWS.encode())
    open_form(operator, system)
    operator.screenshot(path=shots / "page-backfill.png")
    operator.click("text=Preview")
    assert f"1 day: {DAY}" in operator.inner_text("main")
    operator.screenshot(path=shots / "page-preview.png")
    same_question = operator.context.new_page()
    same_question.goto(operator.url)
    for page, said in ((operator, "It was started"), (same_question, "It had already been started")):
        page.click("button:has-text('Start the backfill')")
        assert said in page.inner_text("main")
    same_question.close()
    shown = wait_for_the_end(operator, f"{DAY} to {DAY}")
    assert "1 of 1 runs" in shown
    assert query(system, "SELECT count(*) FROM sentiment.scored_reviews WHERE source = 'pages'") == [(200,)]


def test_a_backfill_can_be_cancelled_and_a_second_one_is_refused_meanwhile(system: Stack, operator) -> None:
    for last, confirmed in (("2026-10-30", "It was started"), ("2026-10-29", "is still running")):
        address = f"sentiment/backfill/files?since=2026-10-01&until={last}&parallel=1&work=missing"
        operator.goto(f"{system.airflow.url}/{address}")
        assert "The ledger has no file of these days for this work" in operator.inner_text("main")
        operator.click("button:has-text('Start the backfill')")
        assert confirmed in operator.inner_text("main")
    operator.goto(f"{system.airflow.url}/sentiment/backfill/progress")
    assert "0 of 30 runs" in operator.inner_text("main") or "1 of 30 runs" in operator.inner_text("main")
    operator.click("tbody tr >> text=Cancel")
    operator.click("button:has-text('Cancel the backfill')")
    assert "It was stopped" in operator.inner_text("main")
    shown = wait_for_the_end(operator, "2026-10-01 to 2026-10-30")
    assert int(re.search(r"(\d+) failed", shown)[1]) > 20, shown


def test_a_rescore_and_a_rollback_from_the_pages_change_views_and_service(
    system: Stack,
    operator,
    other,
    shots,  # noqa: F811
) -> None:
    # Another program holds the file, so the run waits for it until it is stopped.
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM sentiment.source_file WHERE key = %s FOR UPDATE", (KEY,))
        start_rescore(operator, system, other)
        line = operator.locator("tbody tr", has_text=f"model {other}, source pages").first
        line.locator(".state", has_text="running").wait_for()
        line.get_by_role("link", name="Stop").click()
        operator.click("button:has-text('Stop the rescore')")
        assert "It was stopped" in operator.inner_text("main")
        assert "failed 0 of 0 rows" in wait_for_the_end(operator, f"model {other}")
        # Airflow ends the task's process some seconds later. Until then it would still get the file.
        cursor.execute(END_WAITING)
        connection.rollback()
    start_rescore(operator, system, other)
    shown = wait_for_the_end(operator, f"model {other}")
    operator.screenshot(path=shots / "page-progress.png")
    assert "200 of 200 rows" in shown
    assert "success" in shown
    digests = "SELECT DISTINCT model_digest FROM sentiment.scored_reviews WHERE source = 'pages'"
    assert query(system, digests) != [(starter().digest,)]

    operator.goto(f"{system.airflow.url}/sentiment/models")
    operator.screenshot(path=shots / "page-models.png", full_page=True)
    operator.click("text=Roll the champion back")
    operator.click("button:has-text('Roll back')")
    assert "The run was started" in operator.inner_text("main")
    body = json.dumps({"text": "Works well"}).encode()
    request = urllib.request.Request(f"{system.api.url}/predict", body, {"Content-Type": "application/json"})
    while True:
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
        if answer["model"]["version"] != other:
            break
        system.pause(0.3)
    assert answer["model"]["digest"] == starter().digest
    operator.goto(f"{system.airflow.url}/sentiment/models")
    assert "rolled back by" in operator.inner_text("main")

    # The rollback starts the DAG that emits an event for each move, also for the one by hand before.
    while (newest := champion_events(system)[-1:]) == [] or newest[0]["kind"] != "rollback":
        system.pause(0.3)
    assert [event["kind"] for event in champion_events(system)[-2:]] == ["force", "rollback"]
    assert newest[0]["version"] == answer["model"]["version"]
