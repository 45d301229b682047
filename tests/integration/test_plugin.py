"""The Airflow plugin's page of files on a real ledger.

`tests/end_to_end/plugin_checks.py` tests it in a running Airflow.
"""

import base64
import hashlib
import re
from html import unescape
from pathlib import Path

import pytest
from fastapi import HTTPException
from sentiment_plugin.app import create_app
from sentiment_plugin.data import files as ledger
from starlette.routing import Route

from tests.plugin_pages import Pages, host


@pytest.fixture
def three_a_page(monkeypatch) -> None:
    monkeypatch.setattr(ledger, "PAGE_SIZE", 3)


@pytest.fixture
def pages(settings) -> Pages:
    return Pages(create_app(host(settings.require_database_url)))


def keys(page: str) -> list[str]:
    """Return the keys of a page's entries, from top to bottom."""
    return [unescape(key) for key in re.findall(r'<th scope="row">\s*<a class="key"[^>]*>(.*?)</a>', page, re.DOTALL)]


def entry(page: str, key: str) -> str:
    """Return the words of the entry whose key contains this text."""
    row = next(
        row for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL) if any(key in found for found in keys(row))
    )
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split())


def link(page: str, text: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)" rel="(?:prev|next)">{text}</a>', page)
    return unescape(found[1]) if found else None


def see_files(query, keys: list[str]) -> None:
    """Record files that no run has read yet."""
    query(
        """
        INSERT INTO sentiment.source_file (bucket, key, version_token, etag, last_modified, size, source, day)
        SELECT 'bucket', key, 'v', 'e', now(), 10, 'many', '2026-11-10'
        FROM unnest(%s) WITH ORDINALITY AS listed (key, number) ORDER BY number
        """,
        keys,
    )


def test_each_outcome_of_a_file_is_shown(drops, pages) -> None:
    good = "review_id,text\n1,Lovely kettle\n2,\n1,Lovely kettle\n"
    drops.drop("shop/dt=2026-11-16/a.csv", good)
    drops.drop("shop/dt=2026-11-17/again.csv", good)
    drops.drop("shop/dt=2026-11-17/orders.csv", "order,amount\n1,2\n")
    drops.drop("shop/dt=2026-11-16/b.csv", "text\nIt broke\n")
    drops.drop("shop/dt=2026-11-16/b.csv", "text\nIt broke twice\n")

    page = pages.get("/files").text
    assert keys(page) == [
        "incoming/shop/dt=2026-11-16/b.csv",
        "incoming/shop/dt=2026-11-16/b.csv",
        "incoming/shop/dt=2026-11-17/orders.csv",
        "incoming/shop/dt=2026-11-17/again.csv",
        "incoming/shop/dt=2026-11-16/a.csv",
    ]
    loaded = entry(page, "16/a.csv")
    assert "2026-11-16 live 3 1 1 1" in loaded
    assert f"{drops.model.scorer.bundle.digest[:12]} load test run 1" in loaded
    assert "shop" in loaded
    same = "2026-11-17 duplicate same bytes as incoming/shop/dt=2026-11-16/a.csv" + " \N{EN DASH}" * 6
    assert same in entry(page, "again.csv")
    assert "rejected" in entry(page, "orders.csv")
    assert "no_text_column" in entry(page, "orders.csv")
    assert [word in page for word in ("superseded", "live")] == [True, True]


def test_how_a_file_was_read_and_its_warnings_are_shown(drops, pages) -> None:
    drops.drop("shop/dt=2026-11-16/a.tsv", "id\tReview <Text>\treviewId\treview\n1\tno\t1E+05\tLovely\n")
    shown = entry(pages.get("/files").text, "a.tsv")
    assert "read as delimited by tab, utf-8, quoting rfc4180" in shown
    assert "text: review, review_id: reviewId" in shown
    assert "warning: column reviewId has ids that a spreadsheet has rounded, such as 1E+05." in shown


def test_a_waiting_file_and_a_running_load_are_shown(pages, query) -> None:
    see_files(query, ["waits.csv", "half.csv"])
    query(
        "INSERT INTO sentiment.load_progress SELECT source_file_id, 'r', 'w', 5, 70, now() FROM"
        " sentiment.source_file WHERE key = 'half.csv'"
    )
    page = pages.get("/files").text
    assert "the next nightly run takes it" in entry(page, "waits.csv")
    assert "a load is under way: 50 % read, 70 rows" in entry(page, "half.csv")


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        ("day=2026-11-17", ["b"]),
        ("state=live", ["a"]),
        ("state=superseded", ["a"]),
        ("state=loaded", ["a", "a"]),
        ("state=rejected", ["b"]),
        ("state=seen", ["C_1%"]),
        ("state=expired", []),
        ("key=shop", ["b", "a", "a"]),
        ("key=c_1%25", ["C_1%"]),
        ("key=%25", ["C_1%"]),
        ("day=2026-11-17&state=rejected&key=+SHOP+", ["b"]),
        ("day=2026-11-16&state=rejected", []),
        ("day=&state=&key=", ["C_1%", "b", "a", "a"]),
    ],
)
def test_a_filter_shows_only_matching_files(drops, query, pages, choice, shown) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "text\nFine\n")
    drops.drop("shop/dt=2026-11-16/a.csv", "text\nBetter\n")
    drops.drop("shop/dt=2026-11-17/b.csv", "order\n1\n")
    see_files(query, ["incoming/C_1%.csv"])
    assert [Path(key).stem for key in keys(pages.get(f"/files?{choice}").text)] == shown


@pytest.mark.usefixtures("three_a_page")
def test_pagination_shows_every_file_once_in_both_directions(query, pages) -> None:
    names = [f"incoming/{number:03}.csv" for number in range(8)]
    see_files(query, names)

    def walk(address: str, direction: str) -> tuple[list[list[str]], str]:
        walked = []
        while True:
            page = pages.get(address).text
            walked.append(keys(page))
            further = link(page, direction)
            if not further:
                return walked, page
            address = further

    older, last = walk("/files?key=incoming", "Older →")
    assert [len(page) for page in older] == [3, 3, 2]
    assert [key for page in older for key in page] == names[::-1]
    see_files(query, ["incoming/new.csv"])
    newer, _ = walk(str(link(last, "← Newer")), "← Newer")
    assert newer == [older[1], older[0], ["incoming/new.csv", *older[0][:-1]]], "the first page is full"


@pytest.mark.usefixtures("three_a_page")
def test_batches_of_one_file_can_be_on_two_pages(drops, query, pages) -> None:
    see_files(query, ["incoming/before"])
    drops.drop("shop/a.csv", "text\nFine\n")
    for _ in range(3):
        drops.load("shop/a.csv", replace=True)
    first = pages.get("/files").text
    second = pages.get(link(first, "Older →")).text
    assert keys(first) == ["incoming/shop/a.csv"] * 3
    assert keys(second) == ["incoming/shop/a.csv", "incoming/before"]
    assert "replace" in entry(first, "shop/a.csv")


def test_user_input_is_escaped(query, pages) -> None:
    hostile = """incoming/"><script>alert('1')</script>{{ 7 * 7 }}&amp;.csv"""
    see_files(query, [hostile])
    query(
        "UPDATE sentiment.source_file SET status = 'rejected', source = %s, reject_code = 'x', reject_reason = %s",
        hostile,
        hostile,
    )
    for answer in (pages.get("/files"), pages.get("/files", key=hostile)):
        assert keys(answer.text) == [hostile]
        assert "<script>alert" not in answer.text
    assert "<script>alert" not in pages.get("/files", day=hostile).text


def test_the_policy_allows_the_pages_own_style_and_script_only(pages) -> None:
    answer = pages.get("/files")
    policy = answer.headers["content-security-policy"]
    for kind in ("style", "script"):
        inline = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert len(inline) == 1
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert not re.search(r"https?://|\bsrc=|\s(on\w+|style)=", answer.text)


def test_an_empty_ledger_explains_what_fills_it(pages) -> None:
    assert "The ledger is empty" in pages.get("/files").text
    assert "No file matches this filter" in pages.get("/files?state=live").text


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ("day=yesterday", "“yesterday” is not a day"),
        ("day=2026-02-30", "“2026-02-30” is not a day"),
        ("state=lost", "“lost” is not a state. Choose one of seen, loaded, live,"),
        ("key=%00", "No key can contain this text"),
        ("key=" + "k" * 1025, "No key can contain this text"),
        ("older_than=1", "“1” is not a valid position in the ledger"),
        ("newer_than=1.-1", "“1.-1” is not a valid position in the ledger"),
        (f"older_than={'9' * 19}.0", "is not a valid position in the ledger"),
    ],
)
def test_an_invalid_filter_is_explained(pages, choice, sentence) -> None:
    answer = pages.get(f"/files?{choice}")
    assert answer.status_code == 400
    assert sentence in answer.text


def test_an_unavailable_database_is_explained() -> None:
    pages = Pages(create_app(host(lambda: "postgresql://nobody:pa55word@127.0.0.1:1/none")))
    answer = pages.get("/files")
    assert answer.status_code == 503
    assert "The database is unavailable" in answer.text
    assert "Traceback" not in answer.text
    assert "pa55word" not in answer.text


def test_a_missing_schema_is_explained_with_the_command_that_creates_it(empty_database) -> None:
    answer = Pages(create_app(host(lambda: empty_database))).get("/files")
    assert answer.status_code == 503
    assert "Run `sentiment db upgrade`" in answer.text


@pytest.mark.parametrize("status", [401, 403])
def test_every_route_rejects_users_whom_airflow_rejects(settings, query, status) -> None:
    see_files(query, ["incoming/secret.csv"])

    def refuse() -> None:
        raise HTTPException(status, "no")

    app = create_app(host(settings.require_database_url, refuse))
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert {"/", "/now", "/days", "/files", "/files/{number}/replay", "/quarantine/replay"} <= {
        route.path for route in routes
    }
    for route in routes:
        path = route.path.format(number=1, day="2026-11-10", version=1, backfill_id=1, promotion_id=1)
        answer = Pages(app).post(path) if "POST" in route.methods else Pages(app).get(path)
        assert answer.status_code == status, path
        assert "secret" not in answer.text
        assert "Log in" in answer.text
