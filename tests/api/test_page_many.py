"""Many texts on the page: pasted or dropped, scored in slices, shown, sorted and saved, with nothing cut or lost."""

import csv
import io
import json
import random
import re
import threading

import pytest
from playwright.sync_api import expect

from api.contract.settings import ServiceSettings
from tests.api.test_page import VIEWS, fits
from tests.api.test_page_live import problem

BITS = (
    *("excellent", "it broke twice", "I love it", "a waste of money", "not bad", "the lid is a little clumsy"),
    *("support never answered", "it is a kettle", "arrived on Monday", "okay for the price", "terrible"),
)
ADDED = [
    *("sentiment_label", "sentiment_score", "sentiment_negative", "sentiment_neutral", "sentiment_positive"),
    *("sentiment_unfamiliar", "sentiment_mixed", "sentiment_language", "sentiment_language_standing"),
    *("sentiment_model", "sentiment_error"),
]
MODEL, ERROR = ADDED.index("sentiment_model"), ADDED.index("sentiment_error")


def sentences(number):
    chance = random.Random(1)
    return [f"{', '.join(chance.sample(BITS, chance.randint(1, 4))).capitalize()}." for _ in range(number)]


def open_many(page):
    page.get_by_role("tab", name="Many texts").click()
    return page.get_by_role("tabpanel", name="Many texts")


def paste(page, texts):
    open_many(page).get_by_label("Reviews, one a line").fill("\n".join(texts))
    page.get_by_role("button", name="Score all").click()


def choose(page, name, content):
    if isinstance(content, str):
        content = content.encode()
    open_many(page).locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": content})


def drop(page, name, content):
    transfer = page.evaluate_handle(
        """([name, content]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([content], name));
            return transfer;
        }""",
        [name, content],
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})


def finished(page, note="Done"):
    expect(page.locator(".progress [role=status]")).to_have_text(re.compile(f"^{note}: "), timeout=60_000)
    page.get_by_role("heading", name="Results").wait_for()


def downloaded(page):
    with page.expect_download() as started:
        page.get_by_role("button", name="Download CSV").click()
    content = started.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    return started.value.suggested_filename, list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def scores_shown(page):
    return [float(score) for score in page.locator(".rows .points span").all_inner_texts()]


@VIEWS
def test_hundreds_of_lines_are_scored_and_shown(service, visit, shots, width, scheme):
    page = visit(service, width=width, color_scheme=scheme)
    open_many(page)
    page.screenshot(path=shots / f"many-empty-{width}-{scheme}.png", full_page=True)
    texts = sentences(300)
    paste(page, [*texts[:100], "", "  ", *texts[100:]])
    finished(page)
    page.screenshot(path=shots / f"many-{width}-{scheme}.png", full_page=True)
    assert fits(page)
    expected = service.post("/predict/batch", {"texts": texts}).json()["results"]
    assert page.locator(".rows .text p:first-child").all_inner_texts() == texts
    assert scores_shown(page) == [round(one["score"], 3) for one in expected]
    counts = {
        label: int(page.locator(f".counts .{label} strong").inner_text())
        for label in ("negative", "neutral", "positive")
    }
    assert all(counts.values())
    assert counts == {label: [one["label"] for one in expected].count(label) for label in counts}
    chart = page.locator(".histogram").get_attribute("aria-label")
    assert chart.startswith("Distribution of 300 scores: ")
    assert page.locator(".histogram rect").count() >= 15
    assert not page.locator(".counts .failed").is_visible()

    header = page.get_by_role("columnheader", name="Score")
    assert header.get_attribute("aria-sort") is None
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert scores_shown(page) == sorted(scores_shown(page))
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert scores_shown(page) == sorted(scores_shown(page), reverse=True)
    assert page.locator("th[aria-sort]").count() == 1

    name, (columns, *rows) = downloaded(page)
    assert name == "reviews-scored.csv"
    assert columns == ["text", *ADDED]
    assert [row[0] for row in rows] == texts
    assert [float(row[2]) for row in rows] == [one["score"] for one in expected]
    assert {row[1 + MODEL] for row in rows} == {expected[0]["model"]["digest"]}
    languages = [(one["language"]["detected"] or "", one["language"]["standing"] or "") for one in expected]
    assert [(row[8], row[9]) for row in rows] == languages
    marks = [[str(one[mark]).lower() for mark in ("unfamiliar", "mixed")] for one in expected]
    assert [row[6:8] for row in rows] == marks


def test_a_dropped_csv_keeps_its_columns_and_runs_no_formula(service, visit, shots):
    page = visit(service)
    hostile = '=HYPERLINK("http://x","excellent")'
    rows = [
        ["1", 'She said "awful"\r\nand left.', "-5"],
        ["2", hostile, "+1+1"],
        ["3", " @SUM(A1) good", "\tx"],
        ["4", "", "no text"],
        ["5", "- excellent, \uff1d1 😀", "\uff0d2"],
    ]
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows([["id", "Review_Text", "note"], *rows])
    drop(page, "q3.csv", "\ufeff" + sheet.getvalue() + '6,short\r\n7,"long, good",a,b\r\n')
    assert page.get_by_role("tab", name="Many texts").get_attribute("aria-selected") == "true"
    expect(page.locator(".file")).to_contain_text("q3.csv 206 bytes")
    assert not page.get_by_label("Which column holds the text?").is_visible()
    page.get_by_role("button", name="Score all").click()
    finished(page)
    page.screenshot(path=shots / "many-faults.png", full_page=True)

    assert page.get_by_label("Which column holds the text?").input_value() == "Review_Text"
    assert page.locator(".understood p").inner_text() == "Read as: text from Review_Text; other columns: id, note."
    assert page.locator(".understood li").all_inner_texts() == [
        "Column id looks like review_id and is not used as such.",
        "3 rows could not be scored: 1 missing_text, 2 column_count. The reasons are at the rows.",
    ]
    name, (columns, *saved) = downloaded(page)
    assert name == "q3-scored.csv"
    assert columns == ["id", "Review_Text", "note", *ADDED, "sentiment_row"]
    assert {len(row) for row in saved} == {len(columns)}
    assert [row[:3] for row in saved] == [
        ["1", 'She said "awful"\r\nand left.', "-5"],
        ["2", f"'{hostile}", "'+1+1"],
        ["3", "' @SUM(A1) good", "'\tx"],
        ["", "", ""],
        ["5", "'- excellent, \uff1d1 😀", "'\uff0d2"],
        ["", "", ""],
        ["", "", ""],
    ]
    assert [row[-1] for row in saved if row[-2]] == ["4,,no text", "6,short", '7,"long, good",a,b']
    plain = service.post("/predict/batch", {"texts": [row[1] for row in rows if row[1]]}).json()["results"]
    assert [float(row[4]) for row in saved if row[4]] == pytest.approx([one["score"] for one in plain], abs=1e-6)
    assert [row[-2] for row in saved if row[-2]] == [
        "Column Review_Text is empty. (missing_text)",
        "The row has 2 columns, the header has 3. (column_count)",
        "The row has 4 columns, the header has 3. (column_count)",
    ]
    assert page.locator(".rows .line").all_inner_texts()[1:] == ["2", "4", "5", "6", "7", "8", "9"]
    assert page.locator(".rows .fault:visible").all_inner_texts() == [row[-2] for row in saved if row[-2]]
    assert page.locator(".counts .failed strong").inner_text() == "3"
    assert not page.get_by_role("button", name="Score the rest").is_visible()


@VIEWS
def test_a_file_as_excel_and_app_stores_write_it_is_read_as_a_drop(service, visit, shots, width, scheme):
    page = visit(service, width=width, color_scheme=scheme)
    content = (
        "sep=;\r\nReview Text;Star Rating;Country;score\r\n"
        '"Lovely; and\r\nquiet.";4,5;Österreich;1\r\nThe 19" screen is awful;1,0;Schweiz;2\r\nNULL;3;Schweiz;3\r\n'
    ).encode("utf-16")
    choose(page, "export.csv", content)
    page.get_by_role("button", name="Score all").click()
    finished(page)
    page.screenshot(path=shots / f"many-file-{width}-{scheme}.png", full_page=True)
    assert fits(page)
    expected = service.request(
        "POST", "/predict/file?name=export.csv", content, Content_Type="application/octet-stream"
    ).json()
    assert page.locator(".understood p").inner_text() == (
        "Read as: text from Review Text; rating from Star Rating; other columns: Country, score."
    )
    assert page.locator(".rows .text p:first-child").all_inner_texts() == [
        *(row["text"].replace("\r\n", "\n") for row in expected["results"]),
        "NULL;3;Schweiz;3",
    ]
    assert scores_shown(page) == [round(row["score"], 3) for row in expected["results"]]
    assert [row["cells"][1] for row in expected["results"]] == ["4,5", "1,0"]
    assert page.locator(".counts .negative strong").inner_text() == "1"


def test_a_file_without_a_known_column_asks_for_it(service, visit, shots):
    page = visit(service, bears="status of 422")
    choose(page, "words.csv", "when;words;more\n1;awful;excellent\n2;excellent;awful\n")
    page.get_by_role("button", name="Score all").click()
    column = page.get_by_label("Which column holds the text?")
    expect(column).to_be_focused()
    expect(page.get_by_role("alert")).to_have_text(
        "None of the columns of words.csv is known as the text. Choose the one that holds it."
    )
    page.screenshot(path=shots / "many-column.png", full_page=True)
    assert column.locator("option").all_inner_texts() == ["Choose one", "when", "words", "more"]
    page.get_by_role("button", name="Score all").click()
    assert column.evaluate("node => node.validity.valueMissing")
    assert not page.locator(".progress").is_visible()
    column.select_option("words")
    page.get_by_role("button", name="Score all").click()
    finished(page)
    assert not page.get_by_role("alert").is_visible()
    assert page.locator(".rows .text p:first-child").all_inner_texts() == ["awful", "excellent"]
    column.select_option("more")
    page.get_by_role("button", name="Score all").click()
    expect(page.locator(".rows .text p:first-child")).to_have_text(["excellent", "awful"])
    page.get_by_role("button", name="Remove").click()
    paste(page, ["excellent"])
    expect(page.locator(".rows .text p:first-child")).to_have_text(["excellent"])
    assert not page.locator(".understood").is_visible()


ROWS = ServiceSettings().max_file_rows
BYTES = ServiceSettings().max_file_bytes
REJECTED = "The file is rejected"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", "", f"{REJECTED} (empty_file): empty.csv is empty."),
        ("header.csv", "text\r\n\r\n", f"{REJECTED} (no_rows): header.csv has a header but no rows."),
        (
            "book.csv",
            b"PK\x03\x04\0\0",
            f"{REJECTED} (damaged_compression): book.csv cannot be decompressed (File is not a zip file).",
        ),
        ("empty.txt", "\n \n", "It has no text. Each line is one text."),
        ("latin.txt", "na\xefve\n".encode("latin-1"), "latin.txt is not text in UTF-8."),
        (
            "rows.csv",
            "text\n" + "good\n" * (ROWS + 1),
            "rows.csv has more than 5,000 rows. Split it, or use `sentiment score`, which has no such limit.",
        ),
        (
            "lines.txt",
            "good\n" * (ROWS + 1),
            "It has 5,001 rows; this page accepts 5,000. Split it, or score it with `sentiment score`,"
            " which accepts files of any size.",
        ),
        (
            "large.csv",
            "text\n" + "x" * (BYTES - 4),
            "large.csv has 5,000,001 bytes; this page accepts 5,000,000. Split it, or score it with `sentiment score`,"
            " which accepts files of any size.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else "",
)
def test_what_cannot_be_taken_is_refused_whole_with_the_reason(service, visit, name, content, sentence):
    page = visit(service, bears="status of 4")
    choose(page, name, content)
    if page.locator(".file").is_visible():
        page.get_by_role("button", name="Score all").click()
    expect(page.get_by_role("alert")).to_have_text(sentence)
    assert not page.locator(".progress").is_visible()
    assert not page.locator(".results").is_visible()


def test_a_file_of_lines_has_a_text_a_line(service, visit):
    page = visit(service)
    choose(page, "lines.txt", 'excellent, "lovely"\r\n\r\nawful\r\n')
    expect(page.locator(".file")).to_contain_text("lines.txt 2 rows")
    page.get_by_role("button", name="Score all").click()
    finished(page)
    assert page.locator(".rows .text p:first-child").all_inner_texts() == ['excellent, "lovely"', "awful"]


def test_a_file_at_the_limit_is_taken_whole(service, visit):
    page = visit(service)
    choose(page, "rows.csv", "text\n" + "excellent\n" * ROWS)
    page.get_by_role("button", name="Score all").click()
    finished(page)
    assert page.locator(".progress [role=status]").inner_text() == "Done: 5,000 of 5,000 texts scored"
    assert page.locator(".rows tbody tr").count() == ROWS
    assert page.locator(".counts .positive strong").inner_text() == "5,000"


def test_a_file_is_sent_again_when_the_service_asks_to_wait_and_can_be_cancelled(gateway, visit):
    held, release = threading.Event(), threading.Event()
    asked = []

    def busy_at_first(request):
        if not request.path.startswith("/predict/file"):
            return None
        asked.append((request.path, request.body))
        if len(asked) == 2:
            held.set()
            assert release.wait(60)
        return problem(503, "Too much.", **{"Retry-After": "1"}) if len(asked) == 1 else None

    gateway.rule = busy_at_first
    page = visit(gateway, bears="status of 503")
    choose(page, "a b.csv", "text\nexcellent\n")
    page.get_by_role("button", name="Score all").click()
    told = page.locator(".progress [role=status]")
    expect(told).to_have_text("The service asks to wait 1 s.")
    assert held.wait(60)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".progress")).not_to_be_visible()
    release.set()
    assert not page.locator(".results").is_visible()
    page.get_by_role("button", name="Score all").click()
    finished(page)
    assert asked == [("/predict/file?name=a+b.csv", b"text\nexcellent\n")] * 3


def test_slices_stay_below_both_limits_of_the_service(start, visit):
    service = start(MAX_BATCH_TEXTS="7", MAX_BODY_BYTES="400").wait_ready()
    page = visit(service)
    sizes = []
    page.on("request", lambda request: sizes.append(request.post_data) if "batch" in request.url else None)
    texts = sentences(40)
    long = "excellent " * 50
    paste(page, [*texts[:20], long, *texts[20:]])
    finished(page)
    assert [len(text) for text in page.locator(".rows .label").all_inner_texts()[1:]].count(len("Not scored")) == 1
    bodies = [json.loads(size)["texts"] for size in sizes]
    assert [text for body in bodies for text in body] == texts
    assert max(map(len, bodies)) <= 7
    assert max(len(size.encode()) for size in sizes) <= 400
    expect(page.locator(".rows .fault:visible")).to_have_text(
        ["The text is longer than the service accepts: 400 bytes."]
    )


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_asks_to_wait_is_asked_again(gateway, visit, status):
    asked = []

    def busy_at_first(request):
        if request.path != "/predict/batch":
            return None
        asked.append(request.body)
        return problem(status, "Too much.", **{"Retry-After": "1"}) if len(asked) < 3 else None

    gateway.rule = busy_at_first
    page = visit(gateway, bears=f"status of {status}")
    told = page.locator(".progress [role=status]")
    paste(page, ["excellent", "awful"])
    expect(told).to_have_text("The service asks to wait 1 s.: 0 of 2 texts")
    finished(page)
    assert told.inner_text() == "Done: 2 of 2 texts scored"
    assert len(asked) == 3
    assert len(set(asked)) == 1
    assert scores_shown(page)[0] > 0.9


def test_what_failed_is_told_at_each_row_and_can_be_tried_again(gateway, visit):
    asked = []

    def fail_the_second(request):
        if request.path == "/predict/batch":
            asked.append(json.loads(request.body)["texts"])
            return problem(500, "It failed.") if len(asked) == 2 else None
        return None

    gateway.rule = fail_the_second
    page = visit(gateway, bears="status of 500")
    texts = sentences(600)
    paste(page, texts)
    finished(page)
    assert page.locator(".rows .fault:visible").all_inner_texts() == ["It failed."] * 250
    assert page.locator(".counts .failed strong").inner_text() == "250"
    page.get_by_role("button", name="Score the rest").click()
    expect(page.locator(".counts .failed")).not_to_be_visible()
    assert asked[3] == asked[1] == texts[250:500]
    assert len(scores_shown(page)) == 600
    assert not page.get_by_role("button", name="Score the rest").is_visible()


def test_a_run_can_be_cancelled_and_finished(gateway, visit):
    held, release = threading.Event(), threading.Event()
    asked = []

    def hold_the_second(request):
        if request.path == "/predict/batch":
            asked.append(request.body)
            if len(asked) == 2:
                held.set()
                assert release.wait(60)

    gateway.rule = hold_the_second
    page = visit(gateway)
    paste(page, sentences(400))
    expect(page.locator(".progress [role=status]")).to_have_text("Scoring: 250 of 400 texts")
    assert page.get_by_role("progressbar", name="Texts scored").is_visible()
    assert held.wait(60)
    page.get_by_role("button", name="Cancel").click()
    finished(page, "Cancelled")
    release.set()
    assert len(scores_shown(page)) == 250
    assert {row[1 + ERROR] for row in downloaded(page)[1][251:]} == {"not scored"}
    page.get_by_role("button", name="Score the rest").click()
    finished(page)
    assert len(scores_shown(page)) == 400
