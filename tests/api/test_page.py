"""The page as a browser shows it: without JavaScript, without other hosts, light and dark, on a phone."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
GOOD = "An excellent kettle, I love it. Not bad at all, though the lid is a little clumsy."
FORM = "application/x-www-form-urlencoded"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_form_from_a_browser_is_answered_by_the_page(service):
    answer = service.post("/predict", b"text=An+excellent+kettle", Content_Type=FORM, Accept=HTML)
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers.get_content_type() == "text/html"
    assert ">Positive</h2>" in page
    assert re.search(r'<mark class="up\d">excellent</mark>', page)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/html;q=0.2, application/json;q=0.1", "text/html"),
        ("text/*", "text/html"),
    ],
)
def test_a_form_is_answered_in_what_the_client_prefers(service, accept, content_type):
    answer = service.post("/predict", b"text=good", Content_Type=FORM, Accept=accept)
    assert answer.headers.get_content_type() == content_type


def test_an_empty_form_is_answered_by_the_page_with_the_reason(service):
    answer = service.post("/predict", b"text=+", Content_Type=FORM, Accept=HTML)
    assert answer.status == 422
    assert "The field text holds no text." in answer.body.decode()


def test_markup_in_a_text_stays_text(service):
    attack = b"text=%3Cscript%3Ealert(1)%3C/script%3E+excellent+%3C/textarea%3E"
    page = service.post("/predict", attack, Content_Type=FORM, Accept=HTML).body.decode()
    assert "<script" not in page
    assert page.count("</textarea>") == 1


def test_a_page_may_load_nothing_and_run_nothing(service):
    headers = service.get("/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_text_too_long_to_mark_is_scored_all_the_same(service):
    answer = service.post("/predict", b"text=" + b"excellent+" * 5_000, Content_Type=FORM, Accept=HTML)
    assert answer.status == 200
    assert "too long" in answer.body.decode()


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: install Debian's chromium to test the page in a browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_in_a_browser(service, browser, tmp_path, width, scheme):
    home = f"http://127.0.0.1:{service.port}/"
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=False, locale="en"
    )
    page = context.new_page()
    complaints, requested = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: requested.append(request.url))
    shots = Path(os.environ.get("SENTIMENT_TEST_SCREENSHOTS", tmp_path))

    page.goto(home)
    page.screenshot(path=shots / f"page-{width}-{scheme}.png", full_page=True)
    page.get_by_label("Review").fill(GOOD)
    page.get_by_role("button", name="Score", exact=True).click()
    assert page.get_by_role("heading", name="Positive", exact=True).is_visible()
    assert page.get_by_label("Review").input_value() == GOOD
    assert page.locator(".marked").inner_text() == GOOD
    assert page.locator(".marked mark", has_text="excellent").get_attribute("class").startswith("up")
    page.screenshot(path=shots / f"result-{width}-{scheme}.png", full_page=True)
    assert page.locator("html").evaluate("node => node.scrollWidth <= node.clientWidth")

    page.get_by_role("button", name=re.compile("waste of money")).click()
    assert page.get_by_role("heading", name="Negative", exact=True).is_visible()
    page.goto(home + "docs")
    page.screenshot(path=shots / f"docs-{width}-{scheme}.png", full_page=True)
    assert page.locator("html").evaluate("node => node.scrollWidth <= node.clientWidth")
    context.close()
    assert complaints == []
    assert all(url.startswith(home) for url in requested)
