"""The page as the service sends it, and as a browser without JavaScript shows it: light and dark, and on a phone."""

import os
import re

import pytest

from api.pages.languages import NAMES, sentence
from api.pages.pages import LONGEST_EXPLAINED
from sentiment_core.languages.codes import CODES, UNDETERMINED
from tests.browser import SCREENSHOTS

GOOD = "An excellent kettle, I love it. Not bad at all, though the lid is a little clumsy."
FORM = "application/x-www-form-urlencoded"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
# No rule of the page depends on both. Somebody who wants to see all screenshots gets all combinations.
VIEWS = pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (360, "dark"), *([(1280, "dark"), (360, "light")] if SCREENSHOTS in os.environ else [])],
)


def test_a_form_from_a_browser_is_answered_by_the_page(service):
    answer = service.post("/predict", b"text=An+excellent+kettle", Content_Type=FORM, Accept=HTML)
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers.get_content_type() == "text/html"
    assert ">Positive</h2>" in page
    assert re.search(r'<mark class="up\d"[^>]*>excellent<span class="weight">\+\d\.\d\d</span></mark>', page)


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


def test_the_page_names_every_language_that_can_be_detected():
    assert set(NAMES) == set(CODES) - {UNDETERMINED}
    german = {"detected": "de", "certainty": 0.934, "standing": "unsupported"}
    assert sentence(german) == "Language: German, 93 % certain. The model does not support it: the score means little."
    assert sentence({"detected": None, "certainty": None, "standing": None}) == ""


def test_an_empty_form_is_answered_by_the_page_with_the_reason(service):
    answer = service.post("/predict", b"text=+", Content_Type=FORM, Accept=HTML)
    assert answer.status == 422
    assert "The field text has no text: it is blank. Send a text." in answer.body.decode()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/predict", 405)])
def test_a_person_gets_a_page_for_a_problem_too(service, method, path, status):
    answer = service.request(method, path, Accept=HTML)
    assert answer.status == status
    assert answer.headers.get_content_type() == "text/html"
    assert "Content-Security-Policy" in answer.headers
    assert ("Allow" in answer.headers) == (status == 405)
    assert '<p class="lead" role="alert">' in answer.body.decode()


def test_markup_in_a_text_stays_text(service):
    blank = service.get("/").body.decode()
    attack = b"text=%3Cscript%3Ealert(1)%3C/script%3E+excellent+%3C/textarea%3E+%27%3E%22%3E%3Cimg+src%3Dx%3E"
    page = service.post("/predict", attack, Content_Type=FORM, Accept=HTML).body.decode()
    for tag in ("<script", "</textarea>", "<img"):
        assert page.count(tag) == blank.count(tag)


def test_a_page_may_load_only_what_the_service_has_and_run_nothing_else(service):
    for path in ("/", "/docs"):
        answer = service.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert policy.pop("default-src") == "'none'"
        assert policy.pop("require-trusted-types-for") == "'script'"
        assert set(policy.values()) == {"'self'", "'none'"}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        page = answer.body.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]* src=)", page)


def test_a_text_too_long_to_mark_is_scored_all_the_same(service):
    text = b"excellent+" * (LONGEST_EXPLAINED // 10 + 1)
    page = service.post("/predict", b"text=" + text, Content_Type=FORM, Accept=HTML)
    assert page.status == 200
    assert '<p class="note unexplained">' in page.body.decode()


def test_the_files_of_the_page_are_kept_for_as_long_as_they_do_not_change(service):
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', service.get("/").body.decode())
    assert len({address.split("/")[2] for address in addresses}) == 1
    for address in addresses:
        answer = service.get(address)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        again = service.get(address, If_None_Match=answer.headers["ETag"])
        assert again.status == 304


def test_a_page_of_another_release_gets_the_files_of_this_one_but_does_not_keep_them(service):
    answer = service.get("/static/of-another-release/page.js")
    assert answer.status == 200
    assert answer.headers.get_content_type() in {"text/javascript", "application/javascript"}
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/static/x/pages.py", "/static/x/..%2fpages.py", "/static/x/../pages.py", "/static/page.js", "/static/x/"]
)
def test_only_files_of_the_folder_are_served(service, path):
    assert service.get(path).code == "not_found"


def luminance(color):
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in color]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    """The ratio of WCAG 2.2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def mixed(color, share, ground):
    return tuple(share * a + (1 - share) * b for a, b in zip(color, ground, strict=True))


@SCHEMES
def test_every_text_stands_out_from_its_ground(checkout, scheme):
    static = checkout / "api" / "pages" / "static"
    light, dark = (
        {
            name: tuple(int(value[at : at + 2], 16) / 255 for at in (0, 2, 4))
            for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6});", block)
        }
        for block in re.findall(r":root \{(.*?)\}", (static / "style.css").read_text(), re.DOTALL)
    )
    colors = light | (dark if scheme == "dark" else {})
    pairs = {
        (name, ground): contrast(colors[name], colors[ground])
        for name in ("ink", "soft", "up", "down", "flat")
        for ground in ("paper", "card")
    }
    pairs["accent"] = contrast(colors["on-accent"], colors["accent"])
    pairs |= {f"pressed {name}": contrast(colors["card"], colors[name]) for name in ("up", "down", "flat")}
    strengths = [int(share) / 100 for share in re.findall(r"--much: (\d+)%", (static / "result.css").read_text())]
    assert len(strengths) == 4
    for name in ("up", "down"):
        for share in strengths:
            ground = mixed(colors[name], share, colors["card"])
            pairs[name, share] = contrast(colors["ink"], ground)
    assert {pair: round(ratio, 2) for pair, ratio in pairs.items() if ratio < 4.5} == {}


def unweighed(page):
    """The marked text without its weights, as it is copied."""
    return page.locator(".marked").evaluate(
        "node => [...node.cloneNode(true).childNodes].map(child => child.firstChild?.data ?? child.data).join('')"
    )


def fits(page):
    return page.locator("html").evaluate("node => node.scrollWidth <= node.clientWidth")


@VIEWS
def test_the_page_without_javascript(service, visit, shots, width, scheme):
    page = visit(service, width=width, color_scheme=scheme, scripts=False)
    page.screenshot(path=shots / f"plain-{width}-{scheme}.png", full_page=True)
    assert page.get_by_text("With JavaScript this page scores as you type").is_visible()
    assert page.get_by_role("tab").count() == 0
    page.get_by_role("textbox", name="Review").fill(GOOD)
    page.get_by_role("button", name="Score", exact=True).click()
    assert page.get_by_role("heading", name="Positive", exact=True).is_visible()
    assert page.get_by_role("textbox", name="Review").input_value() == GOOD
    assert unweighed(page) == GOOD
    excellent = page.locator(".marked mark", has_text="excellent")
    assert excellent.get_attribute("class").startswith("up")
    excellent.focus()
    page.wait_for_function("document.querySelector('mark:focus .weight').checkVisibility({opacityProperty: true})")
    page.screenshot(path=shots / f"plain-result-{width}-{scheme}.png", full_page=True)
    assert fits(page)

    page.get_by_role("button", name=re.compile("waste of money")).click()
    assert page.get_by_role("heading", name="Negative", exact=True).is_visible()
    page.goto(page.url.replace("predict", "docs"))
    page.screenshot(path=shots / f"docs-{width}-{scheme}.png", full_page=True)
    assert fits(page)


def test_the_page_says_that_no_correction_is_kept_without_a_database(service, visit):
    page = visit(service, scripts=False)
    page.get_by_role("button", name=re.compile("waste of money")).click()
    assert page.get_by_text("Corrections are not stored because no database is configured.").is_visible()
    assert page.locator(".correction").count() == 0
