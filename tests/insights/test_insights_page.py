"""The insights page in a browser: light and dark, wide and on a phone, by keyboard, and without JavaScript."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from insights.settings import InsightsSettings
from sentiment_core.database.connection import connect
from tests.insights.conftest import BAD, FIRST, KETTLE, Running, gadget

# How many colours a chart has: one that was not drawn has one.
COLORS = """canvas => new Set(new Uint32Array(
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
# Its columns are those of the migrated view.
DRIVERS = """DROP VIEW IF EXISTS sentiment.sentiment_drivers;
CREATE VIEW sentiment.sentiment_drivers AS
SELECT 'shop'::text AS source, 'kettle'::text AS product_id, %(first)s::date AS first_then,
       %(first)s::date AS last_then, %(last)s::date AS first_now, %(last)s::date AS last_now, -2.0::float8 AS change,
       -2.1::float8 AS change_low, -1.9::float8 AS change_high, 1 AS rank, 'waste of money'::text AS phrase,
       -0.5::float8 AS movement, 0.25::float8 AS explained, 3 AS reviews_then, 7 AS reviews_now,
       ARRAY[%(text)s, '<b>bold</b>'] AS examples, 9 AS all_reviews_now"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "dark")])
def test_the_figures_are_drawn_and_fit(page, visit, shots, width, scheme):
    shown = visit(page, "?product=kettle", width=width, color_scheme=scheme)
    for chart in ("trend", "mix", "compare"):
        expect(shown.locator(f"#{chart}")).to_be_visible()
        assert shown.locator(f"#{chart}").evaluate(COLORS) > 8, chart
    expect(shown.locator("#aspects tbody tr")).to_contain_text(["price"])
    assert shown.locator("#aspects .bar").is_visible() == (width > 480)
    shown.screenshot(path=shots / f"insights-{width}-{scheme}.png", full_page=True)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_product_is_found_and_its_days_are_read_by_keyboard_alone(page, visit):
    shown = visit(page)
    field = shown.get_by_label("Product")
    field.press_sequentially("gadget <1")
    expect(shown.locator("#products option")).to_have_count(10)
    assert shown.locator("#products option").first.get_attribute("value") == gadget(10)
    field.fill("kettle")
    shown.keyboard.press("Enter")
    expect(shown.locator("h1")).to_have_text("Product kettle")
    shown.locator("#trend").focus()
    shown.keyboard.press("End")
    last = FIRST + timedelta(len(KETTLE) - 1)
    expect(shown.locator("#trend-point")).to_contain_text(f"{last}: mean score 0.0")
    shown.keyboard.press("ArrowLeft")
    shown.keyboard.press("ArrowLeft")
    expect(shown.locator("#trend-point")).to_have_text(f"{FIRST + timedelta(2)}: no reviews")
    shown.locator("#mix").focus()
    shown.keyboard.press("End")
    expect(shown.locator("#mix-point")).to_have_text(f"{last}: positive 0.0 %, neutral 0.0 %, negative 100.0 %")


def test_the_same_figures_are_tables_without_javascript(page, visit):
    shown = visit(page, "?product=kettle", scripts=False)
    shown.get_by_text("Table: labels by day").click()
    row = shown.get_by_role("row", name=str(FIRST))
    expect(row).to_contain_text("3 75.0")
    assert shown.locator("#labels").get_by_role("columnheader", name="Negative").is_visible()


def test_phrases_that_moved_sentiment_are_shown_with_reviews_if_the_database_has_them(stack, shop, visit, shots):
    owner = stack.postgres.create_database("insights_drivers", template="insights")
    values = {"first": FIRST, "last": FIRST + timedelta(4), "text": BAD}
    with connect(owner) as connection, connection, connection.cursor() as cursor:
        cursor.execute(DRIVERS, values)
        cursor.execute("GRANT SELECT ON sentiment.sentiment_drivers TO sentiment_reader")
    running = Running(InsightsSettings(insights_database_url=shop.replace("/insights", "/insights_drivers")))
    try:
        shown = visit(running, "?product=kettle", width=360)
        row = shown.locator("#drivers tr").filter(has=shown.get_by_role("rowheader", name="waste of money"))
        expect(row).to_contain_text("\N{MINUS SIGN}0.500")
        expect(shown.get_by_text(BAD)).to_be_visible()
        expect(shown.get_by_text("<b>bold</b>")).to_be_visible()
        shown.screenshot(path=shots / "insights-drivers.png", full_page=True)
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert "waste of money" in running.get("/drivers.csv", product="kettle").text
        assert "waste of money" not in running.get("/?" + urlencode({"source": "app"})).text
    finally:
        running.stop()
        stack.postgres.drop_database("insights_drivers")
