"""One text on the page with JavaScript: scored as it is typed, by keyboard alone, and whatever the service answers."""

import json
import re
import threading

import pytest
from playwright.sync_api import expect

from tests.api.test_feedback import wait_stored
from tests.api.test_keys import new_key
from tests.api.test_page import GOOD, VIEWS, fits, unweighed

TEXTS = (
    GOOD,
    "Terrible. It broke twice,\nsupport never answered.\n\n  A waste of money!",
    "💔 awful 🙃 but I 💛💛 love the colour — naïve, I know… great\u0085value\ufeff for\u00a0me",
    "zzqx",
    'Not <b>bad</b> & "excellent"',
    "excellent " * 400 + "awful",
)


@VIEWS
def test_a_text_is_scored_as_it_is_typed(service, visit, shots, width, scheme):
    page = visit(service, width=width, color_scheme=scheme)
    page.screenshot(path=shots / f"live-empty-{width}-{scheme}.png", full_page=True)
    loads = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.get_by_role("textbox", name="Review").press_sequentially(GOOD)
    heading = page.locator(".result h2")
    expect(heading).to_have_text("Positive")
    spoken = re.compile(r"^Positive, \d\d\.\d % of the way from negative to positive$")
    expect(page.locator(".spoken")).to_have_text(spoken)
    assert unweighed(page) == GOOD
    assert page.title() == "Positive · Sentiment"
    page.locator(".marked mark").first.hover()
    page.screenshot(path=shots / f"live-{width}-{scheme}.png", full_page=True)
    assert fits(page)

    page.get_by_role("button", name=re.compile("waste of money")).click()
    expect(heading).to_have_text("Negative")
    page.get_by_role("textbox", name="Review").fill("  ")
    expect(heading).to_have_count(0)
    assert loads == []


def test_a_result_is_the_same_with_javascript_and_without(service, visit):
    shown = """node => {
        node.querySelectorAll('[tabindex]').forEach(mark => mark.removeAttribute('tabindex'));
        return node.outerHTML.replace(/>\\s+</g, '><').replaceAll(' hidden=""', ' hidden');
    }"""
    plain, live = visit(service, scripts=False), visit(service)
    home = live.url
    for text in TEXTS:
        for page in (plain, live):
            page.goto(home)
            expect(page.locator(".result")).to_have_count(0)
            page.get_by_role("textbox", name="Review").fill(text)
        plain.get_by_role("button", name="Score", exact=True).click()
        expect(live.locator(".result")).to_have_count(1)
        assert live.locator(".result").evaluate(shown) == plain.locator(".result").evaluate(shown), text


@VIEWS
def test_three_probabilities_the_language_and_the_marks_are_shown(
    start, visit, shots, three_label_bundle, width, scheme
):
    service = start(BUNDLE=str(three_label_bundle))
    page = visit(service, width=width, color_scheme=scheme)
    field = page.get_by_role("textbox", name="Review")
    field.fill("Das ist eine average Maschine, aber nicht sehr schön")
    expect(page.locator(".result h2")).to_have_text("Neutral")
    expect(page.locator(".score")).to_have_text("50.0 % of the way from negative to positive")
    shown = re.compile(r"^\s*Negative\s*4\.5 %\s*Neutral\s*90\.9 %\s*Positive\s*4\.5 %\s*$")
    expect(page.locator(".probabilities")).to_have_text(shown)
    experimental = re.compile(r"^Language: German, \d+ % certain\. .* is experimental")
    expect(page.locator(".result .language")).to_have_text(experimental)
    expect(page.locator(".result .unfamiliar")).to_be_visible()
    expect(page.locator(".result .mixed")).not_to_be_visible()
    expect(page.locator(".spoken")).to_have_text("Neutral, 50.0 % of the way from negative to positive")
    page.screenshot(path=shots / f"three-{width}-{scheme}.png", full_page=True)
    assert fits(page)
    field.fill("the good")
    expect(page.locator(".result .unfamiliar")).not_to_be_visible()
    expect(page.locator(".result .parts")).not_to_be_visible()
    field.fill("💛 the good good! But the awful awful end")
    expect(page.locator(".result .mixed")).to_be_visible()
    expect(page.locator(".parts .positive dd")).to_have_text("💛 the good good!")
    expect(page.locator(".parts .negative dd")).to_have_text("But the awful awful end")
    page.screenshot(path=shots / f"mixed-{width}-{scheme}.png", full_page=True)
    assert fits(page)


def test_only_the_last_text_counts(gateway, visit):
    held, release = threading.Event(), threading.Event()

    def hold_the_first(asked):
        if asked.path == "/predict" and b"love" not in asked.body:
            held.set()
            assert release.wait(60)

    gateway.rule = hold_the_first
    page = visit(gateway)
    field = page.get_by_role("textbox", name="Review")
    aborted = []
    page.on("requestfailed", lambda request: aborted.append(request.failure))
    field.fill("awful")
    expect(page.locator(".outcome")).to_have_attribute("aria-busy", "true")
    assert held.wait(60)
    field.fill("awful? I love it, excellent")
    expect(page.locator(".result h2")).to_have_text("Positive")
    release.set()
    assert aborted == ["net::ERR_ABORTED"]
    expect(page.locator(".result h2")).to_have_text("Positive")


def test_a_long_text_waits_for_the_button(service, visit):
    page = visit(service)
    field = page.get_by_role("textbox", name="Review")
    field.fill("excellent " * 2_001)
    expect(page.locator("#hint")).to_have_text("Too long to score as you type. Press Score.")
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator(".result h2")).to_have_text("Positive")
    assert page.get_by_text("The text is too long to mark its words.").is_visible()
    assert not page.locator(".why").is_visible()
    field.fill("x" * 1_000_001)
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator("#problem")).to_have_text("Not scored. This is more than the service accepts: 1,000,000 bytes.")


def focused(page):
    return page.evaluate("document.activeElement.innerText || document.activeElement.id")


def test_the_keyboard_is_enough(service, visit):
    page = visit(service)
    press = page.keyboard.press
    expect(page.get_by_role("textbox", name="Review")).to_be_focused()  # at once
    press("Shift+Tab")
    assert focused(page) == "One text"
    press("ArrowRight")
    assert focused(page) == "Many texts"
    assert page.get_by_role("tab", name="Many texts").get_attribute("aria-selected") == "true"
    assert page.get_by_role("tabpanel", name="Many texts").is_visible()
    press("Tab")
    assert focused(page) == "lines"
    press("Shift+Tab")
    press("ArrowRight")  # round again
    assert focused(page) == "One text"
    press("Tab")
    page.keyboard.type(GOOD)
    press("Control+Enter")
    expect(page.locator(".result h2")).to_have_text("Positive")
    press("Tab")
    assert focused(page) == "Score"
    press("Tab")  # all marks are one stop
    marks = page.locator(".result mark").all_inner_texts()
    assert (marks[0][:9], marks[1][:4], marks[-1][:6]) == ("excellent", "love", "clumsy")
    for key, word in (("ArrowRight", marks[1]), ("ArrowRight", marks[2]), ("End", marks[-1]), ("Home", marks[0])):
        press(key)
        assert focused(page).startswith(word)
        expect(page.locator("mark:focus .weight")).to_have_css("opacity", "1")
        outline = page.locator("mark:focus").evaluate("node => getComputedStyle(node).outlineStyle")
        assert outline == "solid"
    press("Tab")
    assert focused(page).startswith("The kettle boils")


def test_what_a_screen_reader_is_told(service, visit):
    page = visit(service)
    page.get_by_role("textbox", name="Review").fill("An excellent kettle, awful lid.")
    expect(page.locator(".result")).to_have_count(1)
    told = page.locator("main").aria_snapshot()
    assert re.search(r"mark: excellent \+\d\.\d\d", told)
    assert re.search(r"mark: awful -\d\.\d\d", told)
    assert re.search(r'img "Score 0\.\d{3} on a scale from 0, negative, to 1, positive"', told)
    assert re.search(r'table "Towards positive"', told)
    assert 'tab "One text" [selected]' in told
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, select, textarea, a')].filter(node =>
           node.checkVisibility() && !(node.labels?.length || node.innerText.trim() || node.ariaLabel)).length"""
    )
    assert nameless == 0
    doubled = page.evaluate(
        """[...document.querySelectorAll('[id]')].map(node => node.id).filter((id, at, all) => all.indexOf(id) < at)"""
    )
    assert doubled == []


def problem(status, detail, **headers):
    body = json.dumps({"detail": detail}).encode()
    return status, {"Content-Type": "application/problem+json", **headers}, body


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (problem(429, "Too many requests.", **{"Retry-After": "7"}), "Too many requests. Try again in 7 s."),
        (problem(503, "No model is loaded yet."), "No model is loaded yet."),
        ((500, {"Content-Type": "text/plain"}, b"oops"), "The service failed."),
        ((502, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>"), "The service is not available at the moment."),
        ((418, {}, b""), "The service answered 418."),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_failure_is_explained_in_a_sentence_and_the_text_stays(gateway, visit, answer, sentence):
    page = visit(gateway, bears=f"status of {answer[0]}")
    gateway.rule = lambda asked: answer if asked.path == "/predict" else None
    page.get_by_role("textbox", name="Review").fill(GOOD)
    expect(page.get_by_role("alert")).to_have_text(f"Not scored. {sentence}")
    assert page.get_by_role("textbox", name="Review").input_value() == GOOD
    gateway.rule = lambda _asked: None
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.locator(".result h2")).to_have_text("Positive")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_missing_service_is_reported_in_a_sentence_and_the_text_stays(start, visit):
    service = start().wait_ready()
    page = visit(service, bears="ERR_CONNECTION_REFUSED")
    assert service.stop() == 0
    page.get_by_role("textbox", name="Review").fill(GOOD)
    expect(page.get_by_role("alert")).to_have_text(
        "Not scored. The service cannot be reached. Nothing is lost; try again."
    )
    assert page.get_by_role("textbox", name="Review").input_value() == GOOD


def test_a_service_that_wants_a_key_gets_it_from_the_tab_alone(start, visit, shots):
    key, entry = new_key("page")
    service = start(API_KEYS=json.dumps([entry])).wait_ready()
    page = visit(service, bears="status of 401")
    page.get_by_role("textbox", name="Review").fill(GOOD)
    expect(page.get_by_role("alert")).to_have_text("This service needs an API key.")
    page.screenshot(path=shots / "key.png", full_page=True)
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_have_text("The service rejected that key.")
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page.locator(".result h2")).to_have_text("Positive")
    assert not page.get_by_label("API key").is_visible()
    page.get_by_role("tab", name="Many texts").click()
    page.get_by_label("Reviews, one a line").fill("awful")
    page.get_by_role("button", name="Score all").click()
    expect(page.locator(".rows .label").last).to_have_text("Negative")

    page.reload()
    page.get_by_role("button", name=re.compile("waste of money")).click()
    expect(page.locator(".result h2")).to_have_text("Negative")
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert key not in page.url
    other = visit(service, bears="status of 401")
    other.get_by_role("textbox", name="Review").fill(GOOD)
    expect(other.get_by_role("alert")).to_have_text("This service needs an API key.")


def test_a_text_that_was_scored_in_part_says_so(start, visit):
    service = start(MAX_TEXT_CHARACTERS="20").wait_ready()
    note = "Only the beginning was scored because the text is too long."
    for scripts in (False, True):
        page = visit(service, scripts=scripts)
        page.get_by_role("textbox", name="Review").fill("An excellent kettle. It is awful.")
        page.get_by_role("button", name="Score", exact=True).click()
        expect(page.locator(".result h2")).to_have_text("Positive")
        assert page.get_by_text(note).is_visible()
        assert page.locator(".marked mark", has_text="awful").count() == 0
    paste = "An excellent kettle. It is awful.\nAwful."
    page.get_by_role("tab", name="Many texts").click()
    page.get_by_label("Reviews, one a line").fill(paste)
    page.get_by_role("button", name="Score all").click()
    expect(page.locator(".rows .fault:visible")).to_have_text(["Only its beginning was scored."])


def test_a_service_that_is_asked_too_often_says_when_to_go_on(start, visit):
    service = start(RATE_LIMIT_PER_S="0.01", RATE_LIMIT_BURST="1").wait_ready()
    page = visit(service, bears="status of 429")
    field = page.get_by_role("textbox", name="Review")
    field.fill(GOOD)
    expect(page.locator(".result h2")).to_have_text("Positive")
    field.fill("An awful kettle.")
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"^Not scored\. .*Try again in \d+ s\.$"))
    assert field.input_value() == "An awful kettle."
    assert page.locator(".result").count() == 0


@VIEWS
def test_a_correction_reaches_the_database(start, visit, database_url, shots, width, scheme):
    service = start(DATABASE_URL=database_url).wait_ready()
    text = "An excellent kettle,\nfor a week."
    score = service.post("/predict", {"text": text}).json()["score"]
    page = visit(service, width=width, color_scheme=scheme)
    page.get_by_role("textbox", name="Review").fill(text)
    group = page.get_by_role("group", name="Is that right? Choose the correct label:")
    group.get_by_role("button", name="Negative").click()
    expect(page.locator(".correction [role=status]")).to_have_text("Thank you. The text will be stored as negative.")
    assert group.get_by_role("button", pressed=True).all_inner_texts() == ["Negative"]
    assert focused(page) == "Negative"
    page.screenshot(path=shots / f"corrected-{width}-{scheme}.png", full_page=True)
    assert fits(page)
    page.get_by_role("textbox", name="Review").fill("Another text, excellent.")
    expect(page.locator(".correction [role=status]")).to_have_text("")
    assert group.get_by_role("button", pressed=True).count() == 0

    plain = visit(service, scripts=False)
    plain.get_by_role("textbox", name="Review").fill("An awful kettle.")
    plain.get_by_role("button", name="Score", exact=True).click()
    plain.get_by_role("button", name="Neutral").click()
    assert plain.get_by_role("heading", name="Thank you").is_visible()
    first, second = wait_stored(service, database_url, 2)
    digest = service.get("/model").json()["digest"]
    assert first[1:5] == (text, "negative", score, digest)
    assert (second[1], second[2], second[4]) == ("An awful kettle.", "neutral", digest)


def test_a_correction_that_is_refused_says_why_and_can_be_sent_again(start, visit, database_url):
    service = start(DATABASE_URL=database_url, RATE_LIMIT_PER_S="1", RATE_LIMIT_BURST="1").wait_ready()
    page = visit(service, bears="status of 429")
    page.get_by_role("textbox", name="Review").fill(GOOD)
    page.get_by_role("button", name="Negative").click()
    status = page.locator(".correction [role=status]")
    expect(status).to_have_text(re.compile(r"^Not accepted\. .*Try again in 1 s\.$"))
    assert page.get_by_role("button", pressed=True).count() == 0
    for _ in range(20):
        page.get_by_role("button", name="Negative").click()
        expect(status).to_have_text(re.compile(r"Thank you|Not accepted"))
        if "Thank you" in status.inner_text():
            break
        page.wait_for_timeout(200)
    assert [row[2] for row in wait_stored(service, database_url, 1)] == ["negative"]


def test_an_answer_of_the_canary_names_it_and_shows_no_band_of_the_champion(
    start, visit, registry, variant, small_bundle, mlflow_uri
):
    for alias, bundle in (("champion", small_bundle), ("challenger", variant(1.5))):
        registry.set_alias(alias, registry.register(bundle))
    service = start(
        MLFLOW_TRACKING_URI=mlflow_uri, MODEL_NAME=registry.name, CANARY="challenger", CANARY_SHARE="1"
    ).wait_ready()
    service.wait(lambda: service.get("/readyz").json()["canary"]["model"])
    for scripts in (False, True):
        page = visit(service, scripts=scripts)
        expect(page.locator(".model strong")).to_have_text(f"{registry.name} v1")
        page.get_by_role("textbox", name="Review").fill(GOOD)
        page.get_by_role("button", name="Score", exact=True).click()
        expect(page.locator(".model strong")).to_have_text(f"{registry.name} v2")
        assert page.locator(".result .band:visible").count() == 0


def test_a_result_that_the_service_has_sent_comes_alive(service, visit):
    page = visit(service)
    page.evaluate(
        """() => {
            document.getElementById('text').value = 'An awful kettle.';
            document.querySelector('#one .composer').submit(); // not by the script
        }"""
    )
    expect(page.locator(".result h2")).to_have_text("Negative")
    assert page.url.endswith("/predict")
    page.get_by_role("textbox", name="Review").fill(GOOD)
    expect(page.locator(".result h2")).to_have_text("Positive")
    expect(page.locator(".result")).to_have_count(1)


@pytest.mark.parametrize("options", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}], ids=str)
def test_colours_and_motion_are_as_the_reader_wants_them(service, visit, shots, options):
    page = visit(service, **options)
    page.get_by_role("textbox", name="Review").fill(GOOD)
    expect(page.locator(".result h2")).to_have_text("Positive")
    page.screenshot(path=shots / f"live-{'-'.join(options)}.png", full_page=True)
    moving = page.locator(".marker").evaluate("node => getComputedStyle(node).transitionDuration")
    assert (moving == "0s") == ("reduced_motion" in options)
