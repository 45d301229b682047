"""A browser for the tests of pages: Debian's Chromium, driven by Playwright."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SCREENSHOTS = "SENTIMENT_TEST_SCREENSHOTS"  # the folder for them
# The first that is installed. The headless shell, without a user interface, takes three quarters of the processor time.
BROWSERS = [Path("/usr/bin", name) for name in ("chromium-headless-shell", "chromium", "google-chrome")]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")  # while it runs, nothing else can have an event loop
def browser():
    installed = next(filter(Path.exists, BROWSERS), None)
    if installed is None:
        pytest.skip("there is no browser: install Debian's chromium-headless-shell or chromium to test pages in it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(installed), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def shots(tmp_path):
    """Where screenshots go."""
    return Path(os.environ.get(SCREENSHOTS, tmp_path))


@pytest.fixture
def visit(browser):
    """Open the page of a service; in the end the browser complained of nothing, and asked no other host."""
    contexts, complaints, requested, homes = [], [], [], []

    def begin(service, path="", *, width=1280, scripts=True, bears=None, **options):
        home = f"http://127.0.0.1:{service.port}/"
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, java_script_enabled=scripts, locale="en", **options)
        page = context.new_page()

        def complain(text):
            if bears is None or bears not in text:
                complaints.append(text)

        page.on("console", lambda message: complain(message.text))
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("request", lambda request: requested.append(request.url))
        contexts.append(context)
        homes.append((home, f"blob:{home}"))
        page.goto(home + path)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert complaints == []
    assert all(any(url.startswith(home) for home in homes) for url in requested)
