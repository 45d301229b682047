"""An operator's morning in a running Airflow: see the day, open a file, replay it, and what a viewer cannot do."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
import urllib3
from playwright.sync_api import Browser, ConsoleMessage, FrameLocator, Page, expect

from demo.airflow_client import Run
from demo.stack import Stack
from sentiment_core.database.connection import connect
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.ledger import verification
from sentiment_core.ledger.source_contracts import store_contract
from tests.browser import browser, shots  # noqa: F401 - fixtures
from tests.end_to_end.conftest import OPERATOR, VIEWER
from tests.end_to_end.plugin_checks import airflow_token

# No other test scores this day.
DAY = "2026-11-05"
KEY = f"incoming/support/dt={DAY}/latin.csv"
BODY = b"id,text\n1,Lovely and quiet.\n2,Caf\xe9 was awful.\n3,D\xe9licieux <b>pie</b>.\n"


class User:
    """A user of the pages who sends requests by hand."""

    def __init__(self, system: Stack, login: tuple[str, str]) -> None:
        self.url = system.airflow.url
        self.token = airflow_token(self.url, *login)

    def get(self, path: str) -> str:
        return self._send("GET", path)[1]

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, str]:
        urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", path, urlencoded | (headers or {}), body=urlencode(form))

    def start_by_rest(self, dag_id: str) -> int:
        return self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None})[0]

    def _send(self, method: str, path: str, headers: dict[str, str] | None = None, **content) -> tuple[int, str]:
        sent = {"Cookie": f"_token={self.token}"} | (headers or {})
        answer = urllib3.request(method, self.url + path, headers=sent, timeout=60, retries=False, **content)
        return answer.status, answer.data.decode()


def form_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a question."""
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}


def query(system: Stack, statement: str, *parameters: object) -> list[tuple]:
    with connect(system.postgres.url()) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@pytest.fixture(scope="module")
def number(system: Stack) -> int:
    """The number of a file with two rejected rows, whose source has declared its encoding since."""
    rejected = {"orders": b"id,amount\n1,2\n", "ratings": b"text,rating\nFine,5\nNot fine,many\n"}
    others = {f"incoming/{source}/dt={DAY}/a.csv": body for source, body in rejected.items()}
    for key, body in ({KEY: BODY} | others).items():
        system.object_store.client().put_object(Bucket="reviews", Key=key, Body=body)
    client = system.airflow.client()
    run = client.ended("score_reviews", client.trigger("score_reviews", DAY), 180)
    client.require_success("score_reviews", run)
    with connect(system.postgres.url()) as connection, connection, connection.cursor() as cursor:
        store_contract(cursor, "support", contract_of({"encoding": "windows-1252"}, "a test"), "Ask Dana", "dana")
    ((found,),) = query(system, "SELECT source_file_id FROM sentiment.source_file WHERE key = %s", KEY)
    return int(found)


def is_ours(message: ConsoleMessage) -> bool:
    """Return whether our pages caused a message. The sandbox of Airflow's frame makes Chromium warn about it."""
    return "/sentiment/" in message.location["url"] and "escape its sandboxing" not in message.text


@pytest.fixture
def visit(system: Stack, browser: Browser):  # noqa: F811 - the fixture
    """Open a path of Airflow as a logged-in user. In the end the browser has complained of nothing in our pages."""
    contexts, complaints = [], []

    def begin(login: tuple[str, str], path: str, **options) -> Page:
        context = browser.new_context(locale="en", **options)
        token = airflow_token(system.airflow.url, *login)
        context.add_cookies([{"name": "_token", "value": token, "url": system.airflow.url, "sameSite": "Lax"}])
        page = context.new_page()
        contexts.append(context)
        page.on("console", lambda message: complaints.append(message.text) if is_ours(message) else None)
        page.goto(system.airflow.url + path)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert complaints == []


def framed(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_an_operator_replays_a_file_from_its_day_and_the_second_press_starts_nothing(
    system: Stack,
    visit,
    number: int,
    shots,  # noqa: F811 - the fixture
) -> None:
    colleague = User(system, ("admin", system.airflow.password))
    question = form_of(colleague.get(f"/sentiment/files/{number}/replay"))

    page = visit(OPERATOR, "/plugin/sentiment")
    pages = framed(page)
    expect(pages.get_by_role("heading", level=1)).to_have_text("Now")
    pages.get_by_role("link", name="Days").click()
    pages.get_by_role("textbox", name="Source").fill("support")
    pages.get_by_role("button", name="Show").click()
    pages.get_by_role("link", name=f"Thu {DAY}").click()
    expect(pages.get_by_role("heading", level=1)).to_have_text(f"Day {DAY}")
    pages.get_by_role("link", name=KEY).click()
    expect(pages.get_by_text(r"2,Caf\xe9 was awful.")).to_be_visible()
    expect(pages.get_by_text("<b>pie</b>")).to_be_visible()
    expect(pages.get_by_role("link", name="log of the task")).to_be_visible()
    page.screenshot(path=shots / "operator-file.png")
    pages.get_by_role("link", name="Replay what was rejected").click()
    expect(pages.get_by_text("The file was last read under the default contract")).to_be_visible()
    button = pages.get_by_role("button", name="Replay")
    button.focus()
    page.keyboard.press("Enter")
    expect(pages.get_by_text("The run was started.")).to_be_visible()

    run_id = question["run_id"]
    client = system.airflow.client()
    status, answer = colleague.post(f"/sentiment/files/{number}/replay", **question)
    assert status == 200
    assert f"This run was already started by {OPERATOR[0]}" in " ".join(answer.split())
    client.require_success("replay", client.ended("replay", Run(run_id, None, "queued"), 180))
    assert query(
        system, "SELECT line, text FROM sentiment.scored_reviews WHERE source = 'support' AND line > 2 ORDER BY line"
    ) == [(3, "Café was awful."), (4, "Délicieux <b>pie</b>.")]
    assert query(system, "SELECT kind, rows_scored FROM sentiment.scoring_batch WHERE run_id = %s", run_id) == [
        ("replay", 2)
    ]
    with connect(system.postgres.url()) as connection:
        assert verification.verify(connection) == []
    assert len(client.get("/dags/replay/dagRuns")["dag_runs"]) == 1
    events = client.get("/eventLogs", event="trigger_dag_run", dag_id="replay", order_by="id")["event_logs"]
    assert (events[0]["owner"], events[0]["run_id"]) == (OPERATOR[0], run_id)
    assert f'"files": [{number}]' in events[0]["extra"]

    pages.get_by_role("link", name=run_id).click()
    page.wait_for_url(f"**/dags/replay/runs/{run_id}**")
    assert "quarantine has no row of this file" in colleague.get(f"/sentiment/files/{number}/replay")


def test_a_viewer_sees_the_pages_and_cannot_act_by_hand(system: Stack, visit, number: int) -> None:
    page = visit(VIEWER, f"/sentiment/files/{number}", viewport={"width": 360, "height": 800}, color_scheme="dark")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"File {number}")
    assert page.get_by_role("link", name="Read again").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 360

    client = system.airflow.client()
    before = client.get("/dags/replay/dagRuns")["total_entries"]
    viewer, operator = User(system, VIEWER), User(system, OPERATOR)
    path = f"/sentiment/files/{number}/replace"
    question = form_of(operator.get(path))
    own = form_of(viewer.get(path))
    for form in (question, own):
        status, answer = viewer.post(path, **form)
        assert status == 403
        assert "Only users who may start runs of the DAG replay can do this." in answer
    assert viewer.start_by_rest("replay") == 403
    status, answer = operator.post(path, {"Sec-Fetch-Site": "cross-site"}, **question)
    assert (status, "This form was not sent from this page" in answer) == (403, True)
    assert client.get("/dags/replay/dagRuns")["total_entries"] == before


def test_one_run_replays_the_groups_whose_boxes_are_ticked(
    system: Stack,
    visit,
    number: int,
    shots,  # noqa: F811 - the fixture
) -> None:
    page = visit(OPERATOR, f"/sentiment/quarantine?since={DAY}&until={DAY}")
    for source in ("orders", "ratings"):
        page.get_by_role("checkbox", name=f"Choose {source}").check()
    page.screenshot(path=shots / "operator-quarantine.png")
    page.get_by_role("button", name="Replay the chosen groups").click()
    groups = [("orders", "no_text_column"), ("ratings", "invalid_rating")]
    named = "; ".join(f"{DAY} {source} {code}" for source, code in groups)
    expect(page.get_by_text(f"The run replays 2 groups: {named}.")).to_be_visible()
    expect(page.get_by_text("Rejected rows: 1. Files rejected as a whole: 1. Files in all: 2.")).to_be_visible()
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("The run was started.")).to_be_visible()
    run_id = page.get_by_role("link", name="replay-quarantine").inner_text()
    client = system.airflow.client()
    client.require_success("replay", client.ended("replay", Run(run_id, None, "queued"), 180))
    conf = {"groups": [{"day": DAY, "source": source, "code": code} for source, code in groups]}
    assert client.get(f"/dags/replay/dagRuns/{run_id}")["conf"] == conf
    assert query(
        system,
        "SELECT source FROM sentiment.planned_file JOIN sentiment.source_file USING (source_file_id)"
        " WHERE run_id = %s ORDER BY source",
        run_id,
    ) == [(source,) for source, _ in groups]
    (event,) = client.get("/eventLogs", event="trigger_dag_run", dag_id="replay", run_id=run_id)["event_logs"]
    assert event["owner"] == OPERATOR[0]


def test_a_file_is_read_again_and_keeps_its_rows(system: Stack, number: int) -> None:
    """The rows rejected under the earlier contract are there afterwards, whether a replay stored them or not."""
    operator = User(system, OPERATOR)
    path = f"/sentiment/files/{number}/replace"
    rows = "SELECT line, text, score FROM sentiment.scored_reviews WHERE source = 'support' ORDER BY line"
    before = query(system, rows)
    question = form_of(operator.get(path))
    status, answer = operator.post(path, **question)
    assert (status, "The run was started." in answer) == (200, True), answer
    assert "This is already being done" in operator.get(path)
    client = system.airflow.client()
    client.require_success("replay", client.ended("replay", Run(question["run_id"], None, "queued"), 180))
    after = query(system, rows)
    assert [line for line, _, _ in after] == [2, 3, 4]
    assert set(before) <= set(after)
    assert "replace" in operator.get(f"/sentiment/files/{number}")
