"""The insights page over HTTP, on a real database."""

import asyncio
import csv
import hashlib
import io
import json
import re
from datetime import timedelta

import pytest

from insights.__main__ import serve
from insights.aspects import Aspect, Aspects, Mentions, read_aspects
from insights.csv_files import aspects_csv, drivers_csv
from insights.database import Database
from insights.drivers import Comparison, Phrase
from insights.errors import Busy, QueryRefused
from insights.figures import Counts, Day, total
from insights.pages import STATIC, VERSION
from insights.report import SUGGESTIONS, Report, read_report
from insights.selection import DayOf, Period, Wanted
from insights.settings import InsightsSettings
from sentiment_core.api_keys import ApiKeys
from sentiment_core.database.connection import connect
from sentiment_core.errors import AddressTaken, SettingMissing
from tests.insights.conftest import FIRST, GADGETS, KETTLE, gadget

LAST = FIRST + timedelta(len(KETTLE) - 1)


def report(shop: str, wanted: Wanted) -> Report:
    found = asyncio.run(Database(shop, 5, 1).read(lambda cursor: read_report(cursor, wanted, LAST)))
    assert isinstance(found, Report)
    return found


def unescaped(address: str) -> str:
    return "/" + address.replace("&amp;", "&")


@pytest.mark.parametrize("wanted", [Wanted(source="shop"), Wanted(product="kettle"), Wanted("shop", "kettle")])
@pytest.mark.parametrize("day_of", DayOf)
def test_the_figures_are_those_of_the_reviews(shop: str, wanted: Wanted, day_of: DayOf) -> None:
    shift = 1 if day_of is DayOf.WRITTEN else 0  # the reviews were written a day before
    found = report(shop, wanted._replace(day_of=day_of))
    counts = {(each.day - FIRST).days: (each.counts.positive, each.counts.negative) for each in found.days}
    assert counts == {day - shift: pair for day, pair in enumerate(KETTLE) if pair is not None}
    assert found.period.until == LAST - timedelta(shift)
    assert found.now is not None
    assert found.now[:4] == (16, 6, 0, 10)
    assert found.before is None
    assert found.sources == ["app", "shop"]


def test_a_period_is_compared_with_the_one_before_and_all_sources_are_the_default(shop: str) -> None:
    found = report(shop, Wanted(since=FIRST + timedelta(3), until=LAST))
    assert found.now is not None
    assert found.before is not None
    assert found.now[:4] == (8, 1, 0, 7)
    assert found.before[:4] == (4, 2, 0, 2)  # the day before is empty
    assert report(shop, Wanted()).days[0].counts.reviews == 4 + GADGETS


def test_totals_weigh_each_day_by_its_reviews() -> None:
    days = [Day(FIRST, Counts(reviews, reviews, 0, 0, score)) for reviews, score in ((1, 0.2), (3, 0.6))]
    found = total(days)
    assert found is not None
    assert found.mean_score == pytest.approx(0.5)
    assert found.ratio("positive") == 1
    assert found.interval("positive")[0] == pytest.approx(0.51, abs=0.01)  # Wilson, 4 of 4
    assert total([]) is None


def test_the_page_has_the_figures_as_tables_and_a_link_that_carries_the_selection(page) -> None:
    answer = page.get("/", source="shop", product="kettle")
    assert answer.status == 200
    rows = re.findall(r'<tr data-day="([0-9-]+)" data-reviews="(\d+)" data-score="0\.\d{4}">', answer.text)
    assert rows == [
        (str(FIRST + timedelta(number)), str(sum(pair))) for number, pair in enumerate(KETTLE) if pair is not None
    ]
    (link,) = re.findall(r'id="link" href="/(\?[^"]+)"', answer.text)
    assert f"until={LAST}" in link
    assert page.get(unescaped(link)).text == answer.text
    assert "Phrases that moved" not in answer.text  # this database has no view of drivers


def test_the_shown_days_are_downloaded_as_csv(page) -> None:
    answer = page.get("/days.csv", product="kettle")
    assert answer.headers.get_content_type() == "text/csv"
    assert f"{LAST}.csv" in answer.headers["Content-Disposition"]
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert header == ["day", "reviews", "positive", "neutral", "negative", "mean_score", "complete"]
    assert [(row[0], row[2], row[4], row[6]) for row in rows] == [
        (str(FIRST + timedelta(number)), *map(str, pair), "false")
        for number, pair in enumerate(KETTLE)
        if pair is not None
    ]


def test_a_period_that_ends_in_a_day_that_is_not_complete_has_a_note(stack, shop: str, page) -> None:
    def note(**query: str) -> bool:
        return f"{LAST}, the last day with reviews of this period, is not complete yet." in page.get("/", **query).text

    assert note()
    assert not note(until=str(LAST - timedelta(1)))
    assert not note(day="written"), "later files can bring reviews of a day of writing, so no such day is complete"
    owner = stack.postgres.url("insights", "sentiment")
    with connect(owner) as connection, connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO sentiment.complete_day (day) VALUES (%s)", (LAST,))
    try:
        assert not note()
        days = page.get("/days.csv", since=str(LAST - timedelta(1))).text.split()
        assert [day.rpartition(",")[2] for day in days] == ["complete", "false", "true"]
        written = page.get("/days.csv", day="written").text.split()
        assert written[-1].endswith(",")
    finally:
        with connect(owner) as connection, connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM sentiment.complete_day")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_downloaded_text_is_a_formula_and_numbers_are_unchanged(first: str) -> None:
    text = f"{first}1+1"
    phrase = Phrase(text, -0.5, None, 1, 2, [text, "two"])
    found = Comparison(text, FIRST, FIRST, LAST, LAST, -0.7, -0.8, -0.6, [phrase])
    _, row = csv.reader(io.StringIO(drivers_csv(found).decode(), newline=""))
    days = list(map(str, (FIRST, FIRST, LAST, LAST)))
    assert row == [f"'{text}", "-0.5", "", "1", "2", f"'{text}\ntwo", f"'{text}", *days]
    aspects = Aspects(Period(FIRST, LAST), [Aspect(text, Mentions(3, -1.5, 1, 2), None)])
    _, row = csv.reader(io.StringIO(aspects_csv(aspects).decode(), newline=""))
    assert row == [f"'{text}", "3", "-1.5", "1", "2", "", "", "", "", str(FIRST), str(LAST)]
    assert [each(None).decode().count("\n") for each in (drivers_csv, aspects_csv)] == [1, 1]


def test_aspects_are_compared_with_the_period_before_if_all_its_days_are_kept(stack, shop: str, page) -> None:
    found = report(shop, Wanted("shop", since=FIRST + timedelta(3), until=LAST)).aspects
    assert found is not None
    assert found.days == Period(FIRST + timedelta(3), LAST)
    (price,) = found.aspects
    assert price.aspect == "price"
    assert (price.now.reviews, price.now.positive, price.now.negative) == (8, 1, 7)
    assert price.before is not None
    assert (price.before.reviews, price.before.positive, price.before.negative) == (4, 2, 2)
    assert price.now.positive_ratio + price.now.negative_ratio == 1
    downloaded = page.get("/aspects.csv", source="shop", since=str(FIRST + timedelta(3)), until=str(LAST))
    assert downloaded.text == aspects_csv(found).decode()
    with connect(stack.postgres.url("insights", "sentiment")) as owner, owner, owner.cursor() as cursor:
        cursor.execute("DELETE FROM sentiment.aspect_day WHERE day <= %s", (FIRST + timedelta(1),))
        found = read_aspects(cursor, Wanted("shop"), Period(FIRST + timedelta(3), LAST))
        assert found is not None
        assert found.aspects[0].before is None
        found = read_aspects(cursor, Wanted("shop"), Period(FIRST, LAST))
        assert found is not None
        assert found.days.since == FIRST + timedelta(3)
        assert read_aspects(cursor, Wanted("shop"), Period(FIRST, FIRST)) is None
        owner.rollback()


def test_many_products_are_searched_and_never_listed_whole(page) -> None:
    def search(part: str) -> list[str]:
        return json.loads(page.get("/products", until=str(LAST), product=part).text)

    assert "gadget" not in page.get("/").text
    assert len(search("")) == SUGGESTIONS < GADGETS
    assert search("")[0] == "kettle"  # the one with most reviews
    assert search("GADGET <07") == [gadget(7)]
    assert search("%")[0] == gadget(0)
    assert search("100 %") == []


def test_a_product_that_does_not_exist_is_answered_with_similar_ones(page) -> None:
    answer = page.get("/", product="gadget <07")
    assert answer.status == 404
    assert "There is no product &#39;gadget &lt;07&#39; with scored reviews." in answer.text
    (address,) = re.findall(r'<a href="/(\?product=[^"]+)">', answer.text)
    assert page.get(unescaped(address)).status == 200
    assert page.get("/days.csv", product="nothing").status == 404
    assert "There is no source" in page.get("/", source="nothing").text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"since": "2020-01-01", "until": "2020-01-31"}, "There are no reviews from 2020-01-01 to 2020-01-31. The"),
        ({"source": "app", "product": "kettle"}, "The source app has no reviews of the product kettle."),
    ],
)
def test_an_empty_selection_says_so_and_offers_another(page, query, says) -> None:
    answer = page.get("/", **query)
    assert answer.status == 200
    assert says in answer.text
    (address,) = re.findall(r'<a href="/(\?[^"]+)">Show', answer.text)
    assert 'id="days"' in page.get(unescaped(address)).text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/?since=2026-10-02&until=2026-10-01", 400, "Swap the two days."),
        ("/?since=yesterday", 400, "is not a day"),
        ("/nothing", 404, "nothing at this address"),
    ],
)
def test_bad_input_is_answered_by_a_page_with_a_sentence(page, path, status, says) -> None:
    answer = page.get(path)
    assert answer.status == status
    assert says in answer.text
    assert ('value="2026-10-02"' in answer.text) == ("2026-10-02" in path)  # the form is as it was filled in
    assert page.get("/", method="DELETE").status == 405


def test_an_empty_database_says_that_there_is_nothing_yet(database_url, start) -> None:
    assert "There are no scored reviews yet." in start(insights_database_url=database_url).get("/").text


def test_a_database_that_is_down_or_has_no_schema_is_reported_in_a_sentence(start, empty_database) -> None:
    down = start(insights_database_url="postgresql://ida:ida@127.0.0.1:1/insights")
    answer = down.get("/")
    assert answer.status == 503
    assert "The database does not answer." in answer.text
    assert answer.headers["Retry-After"] == "5"
    assert down.get("/healthz").status == 200
    assert json.loads(down.get("/products").text)["code"] == "database_down"
    answer = start(insights_database_url=empty_database).get("/")
    assert answer.status == 500
    assert "The database refused to answer." in answer.text


def test_no_query_runs_longer_than_the_limit(stack, shop, start) -> None:
    running = start(insights_database_url=shop, insights_statement_timeout_s=0.3)
    tables = "SELECT string_agg(format('sentiment.%I', tablename), ',') FROM pg_tables WHERE schemaname = 'sentiment'"
    with connect(stack.postgres.url("insights", "sentiment")) as owner, owner, owner.cursor() as cursor:
        cursor.execute(tables)
        cursor.execute(f"LOCK TABLE {cursor.fetchall()[0][0]} IN ACCESS EXCLUSIVE MODE")
        answer = running.get("/")
    assert answer.status == 503
    assert "The database took longer than 0.3 s." in answer.text


def test_every_query_is_read_only_even_for_a_user_who_may_write(database_url) -> None:
    database = Database(database_url, 5, 1)
    with pytest.raises(QueryRefused):
        asyncio.run(database.read(lambda cursor: cursor.execute("UPDATE sentiment.model SET name = 'x'")))
    database.close()


def test_too_many_requests_are_rejected(shop) -> None:
    async def read() -> list[object]:
        database = Database(shop, 5, 1)
        slow = [database.read(lambda cursor: cursor.execute("SELECT pg_sleep(0.01)")) for _ in range(10)]
        found = await asyncio.gather(*slow, return_exceptions=True)
        database.close()
        return found

    assert [type(each) for each in asyncio.run(read())] == [type(None)] * 9 + [Busy]


def test_figures_need_a_key_and_probes_and_files_do_not(shop, start) -> None:
    entry = f"ann:{hashlib.sha256(b'secret').hexdigest()}"
    running = start(insights_database_url=shop, api_keys=(entry,))
    for path in ("/", "/days.csv", "/drivers.csv", "/aspects.csv", "/products"):
        answer = running.get(path)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="sentiment"'
        assert running.get(path, headers={"Authorization": "Bearer secret"}).status == 200
    assert running.get("/healthz").status == 200
    assert running.get(f"/static/{VERSION}/page.js").status == 200
    assert running.get("/", headers={"Authorization": "Basic YW5uOnNlY3JldA=="}).status == 200  # ann:secret
    assert running.get("/", headers={"X-API-Key": "other"}).status == 401
    assert not ApiKeys(())


def test_files_are_pinned_and_every_answer_has_the_policy(page) -> None:
    # The file of the npm package chart.js 4.6.1, unmodified.
    digest = hashlib.sha256(STATIC["chart-4.6.1.umd.min.js"].content).hexdigest()
    assert digest == "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
    answer = page.get(f"/static/{VERSION}/chart-4.6.1.umd.min.js")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "javascript" in answer.headers["Content-Type"]
    assert page.get("/static/older/page.js").headers["Cache-Control"] == "no-cache"
    assert page.get(f"/static/{VERSION}/nothing.js").status == 404
    for path in ("/", "/nothing", "/days.csv"):
        policy = page.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
    assert "<script>" not in page.get("/").text
    assert "style=" not in page.get("/").text


def test_a_process_serves_until_it_is_told_to_stop_and_says_why_it_cannot_start(shop, page, caplog) -> None:
    async def run(settings: InsightsSettings) -> None:
        stopping = asyncio.Event()
        stopping.set()
        await serve(settings, stopping)

    caplog.set_level("INFO", "insights")
    asyncio.run(run(InsightsSettings(insights_database_url=shop, insights_port=0)))
    assert [record.message for record in caplog.records] == ["listening"]
    with pytest.raises(AddressTaken, match=r"cannot listen on 127\.0\.0\.1"):
        asyncio.run(run(InsightsSettings(insights_database_url=shop, insights_port=page.port)))
    with pytest.raises(SettingMissing, match="SENTIMENT_INSIGHTS_DATABASE_URL"):
        asyncio.run(run(InsightsSettings()))
