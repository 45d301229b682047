"""The pages of days, of a file, of the quarantine and of what happens now, on a real ledger."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from fastapi import HTTPException
from sentiment_plugin import form_tokens
from sentiment_plugin.app import create_app
from sentiment_plugin.data.file import read as details
from sentiment_plugin.data.quarantine import Choice, read
from sentiment_plugin.page import Acting
from sentiment_plugin.pages.file import _under_way
from sentiment_plugin.pages.quarantine import _group
from starlette.routing import Route

from sentiment_core.database.connection import connect
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.ledger.source_contracts import store_contract
from tests.plugin_pages import Pages, host

BROKEN = b"review_id,text,rating\n1,Lovely,5\n2,,4\n3,caf\xe9 <script>alert(1)</script>\xe2\x80\xae,3\n4,Fine,many\n"
DAY = "2026-11-16"


@pytest.fixture
def pages(settings) -> Pages:
    return Pages(create_app(host(settings.require_database_url)))


@pytest.fixture
def viewer(settings) -> Pages:
    return Pages(create_app(host(settings.require_database_url, may_start=False)))


def words(page: str) -> str:
    """Return the text of a page, with the names that only screen readers read."""
    main = page[page.index("<main>") :]
    named = re.sub(r'<svg[^>]*aria-label="([^"]*)"[^>]*>', r" \1 ", main)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", named)).split())


def history(query, source: str, days: int) -> None:
    """Record a loaded file of 100 rows for each of the days before `DAY`, by SQL, without its rows."""
    query(
        """
        WITH listed AS (
            SELECT %s AS source, day FROM generate_series(%s::date - %s, %s::date - 1, interval '1 day') AS listed (day)
        ), model AS (
            INSERT INTO sentiment.model (digest, name, mlflow_versions) VALUES (repeat('a', 64), 'm', '{7}')
            ON CONFLICT (digest) DO UPDATE SET name = 'm' RETURNING model_id
        ), file AS (
            INSERT INTO sentiment.source_file (bucket, key, version_token, etag, last_modified, size, source, day,
                                               status, sha256, current_model_id, first_seen_at)
            SELECT 'b', source || day, 'v', 'e', day + interval '10 hours', 10, source, day, 'loaded',
                   sha256(convert_to(source || day, 'UTF8')), model_id, day
            FROM model, listed
            RETURNING source_file_id, current_model_id
        ), live AS (INSERT INTO sentiment.live_file SELECT source_file_id, current_model_id FROM file)
        INSERT INTO sentiment.scoring_batch (source_file_id, model_id, kind, rows_in, rows_scored, rows_rejected,
                                             rows_duplicate, run_id, code_version, started_at)
        SELECT source_file_id, current_model_id, 'load', 100, 100, 0, 0, 'r', 'c', now() FROM file
        """,
        *(source, DAY, days, DAY),
    )


def test_a_day_shows_its_files_outcomes_labels_and_model(drops, pages) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    drops.drop(f"app/dt={DAY}/b.csv", "order\n1\n")
    month = words(pages.get("/days", month="2026-11").text)
    assert "November 2026, by source" in month
    assert re.search(rf"Mon {DAY} not complete yet 2 1 rejected 1 3 75 % 0 0 negative, 0 neutral, 1 positive", month)
    assert "file rejected app: 1 rejected as a whole." in month
    day = words(pages.get(f"/days/{DAY}").text)
    assert "app 1 1 rejected 0 0 0" in day
    assert "test run 1 not in Airflow" in day
    assert f"incoming/shop/dt={DAY}/a.csv" in day


def test_a_gap_a_late_file_and_unusual_rows_stand_out(drops, query, pages) -> None:
    drops.drop(f"steady/dt={DAY}/small.csv", "text\nfine\n")  # dropped now, long after its day
    history(query, "steady", 28)
    history(query, "gone", 28)
    shown = words(pages.get(f"/days/{DAY}").text)
    assert "few rows 1 rows; the median of 28 days is 100." in shown
    assert "late 1 dropped after the nightly run of the day." in shown
    assert "gap No file, but this weekday had files" in shown
    assert "version 7" in words(pages.get("/days", month="2026-11", source="gone").text)
    assert "steady" not in words(pages.get("/days", month="2026-11", source="gone").text)


def test_a_replay_moves_rows_from_rejected_to_scored(drops, query, pages) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    (batch,) = query("SELECT batch_id, source_file_id, model_id FROM sentiment.scoring_batch")
    query(
        "INSERT INTO sentiment.scoring_batch (source_file_id, model_id, kind, rows_in, rows_scored, rows_rejected,"
        " rows_duplicate, run_id, code_version, started_at) VALUES (%s, %s, 'replay', 3, 2, 1, 0, 'r', 'c', now())",
        *batch[1:],
    )
    assert re.search(r"shop 1 3 1 25 % 0", words(pages.get(f"/days/{DAY}").text))


def test_a_file_shows_its_contract_batches_versions_and_first_rejected_rows_safely(drops, pages, settings) -> None:
    with connect(settings.require_database_url()) as connection, connection, connection.cursor() as cursor:
        store_contract(cursor, "shop", contract_of({"delimiter": ","}, "a test"), "They changed it", "dana")
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN + b"5,More,5\n")
    page = pages.get("/files/1").text
    shown = words(page)
    assert "<script>alert" not in page
    assert r"3,caf\xe9 <script>alert(1)</script>\u202e,3" in shown
    for expected in (
        "State superseded",
        "invalid_utf8 1 rows",
        "test run 1 code",
        "load 4 1 3 0",
        "version 1 delimited by comma, utf-8, quoting rfc4180, contract version 1 text: text",
        "Version 1, in force, set by dana",
        "They changed it",
        "2 live",
    ):
        assert expected in shown, expected
    assert '"delimiter": ","' in shown


def test_buttons_are_shown_only_to_users_who_may_start_runs(drops, pages, viewer) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    for path, button in (
        ("/files/1", "Replay what was rejected"),
        ("/files/1", "Read again (replace)"),
        (f"/quarantine?since={DAY}", "Replay all of this"),
    ):
        assert button in words(pages.get(path).text)
        assert button not in words(viewer.get(path).text)


def test_the_quarantine_is_shown_by_day_source_and_code(drops, pages) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    drops.drop("dt=2026-11-17/b.csv", "text,rating\nfine,many\n")
    drops.drop("app/dt=2026-11-17/c.csv", "order\n1\n")
    everything = words(pages.get("/quarantine", since="2026-11-01").text)
    assert "Rejected rows: 4. Files rejected as a whole: 1. Files in all: 3." in everything
    assert "2026-11-17 (none) invalid_rating 1 1 0 Replay" in everything
    assert "2026-11-17 app no_text_column 1 0 1 Replay" in everything
    assert f"{DAY} shop invalid_utf8 1 1 0 Replay" in everything
    chosen = words(pages.get("/quarantine", since="2026-11-01", source="shop", code="missing_text").text)
    assert "Rejected rows: 1. Files rejected as a whole: 0. Files in all: 1." in chosen
    none = words(pages.get("/quarantine", since="2026-11-01", source="(none)").text)
    assert "Rejected rows: 1. Files rejected as a whole: 0. Files in all: 1." in none
    assert "Nothing of this choice is in the quarantine" in words(pages.get("/quarantine", since="2026-11-18").text)


def test_a_file_that_a_run_is_loading_is_marked_and_a_replay_would_wait(drops, query, pages) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    query(
        "INSERT INTO sentiment.load_progress (source_file_id, run_id, worker, bytes_read, rows_written, started_at)"
        " SELECT source_file_id, 'nightly', 'w', size / 2, 2, now() FROM sentiment.source_file"
    )
    assert "The run nightly is loading this file: 50 % read." in words(pages.get("/files/1").text)
    found = details(pages.app.state.host.database_url(), 1)
    assert found is not None
    assert _under_way(found) == (
        "The run nightly is loading this file and has read 50 % of it. This run waits until that load has ended.",
    )


def test_groups_are_chosen_by_boxes(drops, pages, viewer) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    drops.drop("my shop/dt=2026-11-17/b.csv", "text,rating\nfine,many\n")
    drops.drop("app/dt=2026-11-17/c.csv", "order\n1\n")
    page = pages.get("/quarantine", since="2026-11-01").text
    boxes = re.findall(r'<input type="checkbox" name="group" form="chosen" value="([^"]*)"', page)
    assert boxes == [
        "2026-11-17 no_text_column app",
        "2026-11-17 invalid_rating my shop",
        f"{DAY} invalid_rating shop",
        f"{DAY} invalid_utf8 shop",
        f"{DAY} missing_text shop",
    ]
    assert "checkbox" not in viewer.get("/quarantine?since=2026-11-01").text
    choice = Choice(None, None, None, None, tuple(map(_group, (boxes[1], boxes[3]))))
    found = read(pages.app.state.host.database_url(), choice)
    assert (found.files, found.rows, found.whole) == (2, 2, 0)
    assert [(entry.source_file_id, entry.code) for entry in found.entries] == [
        (2, "invalid_rating"),
        (1, "invalid_utf8"),
    ]
    # Without Airflow the page counts the entries, but cannot propose a run.
    assert pages.get("/quarantine/groups", group=boxes[1]).status_code == 503


def test_now_shows_loads_with_their_rate_and_time_left_and_the_oldest_file(query, pages) -> None:
    query(
        """
        INSERT INTO sentiment.source_file (bucket, key, version_token, etag, last_modified, size, source, day)
        SELECT 'b', key, 'v', 'e', now() - age * interval '1 hour', 1000, 's', current_date
        FROM (VALUES ('half', 1), ('old', 30), ('dead', 2)) listed (key, age)
        """
    )
    query(
        """
        INSERT INTO sentiment.load_progress (source_file_id, run_id, worker, bytes_read, rows_written, started_at,
                                             updated_at)
        SELECT source_file_id, 'r', 'w', 500, 600, clock_timestamp() - at, clock_timestamp() - at + interval '60 s'
        FROM sentiment.source_file
        JOIN (VALUES ('half', interval '60 s'), ('dead', interval '10 min')) listed (key, at) USING (key)
        """
    )
    shown = words(pages.get("/now").text)
    assert "Files not read yet 3 3 kB" in shown
    assert "Age of the oldest 30 h 0 min old" in shown
    assert re.search(r"half s · 1 kB 50 % 50 % 600 10 (59|1 min 0|60)", shown)
    assert "no report for 9 min 0 s The load was probably killed" in shown
    assert "Rows per second 10" in shown
    assert 'http-equiv="refresh"' not in pages.get("/now").text
    assert 'http-equiv="refresh"' in pages.get("/now", refresh="true").text


def test_days_that_no_nightly_run_has_completed_are_marked(query, pages) -> None:
    today = datetime.now(UTC).date()
    done, open_day = today - timedelta(days=4), today - timedelta(days=3)
    query(
        """
        INSERT INTO sentiment.source_file (bucket, key, version_token, etag, last_modified, size, source, day)
        SELECT 'b', 'k' || day, 'v', 'e', now(), 1, 's', day FROM unnest(%s::date[]) AS day
        """,
        [done, open_day, today],
    )
    query("INSERT INTO sentiment.complete_day (day, completed_at) VALUES (%s, '2026-11-17 02:01:05Z')", done)
    month = words(pages.get("/days", month=f"{open_day:%Y-%m}", source="s").text)
    assert f"{open_day:%a %Y-%m-%d} not complete yet 1 1 waiting" in month
    for day, sentence in (
        (done, "A run of score_reviews completed this day at 2026-11-17 02:01:05."),
        (open_day, "No run of score_reviews has completed this day yet. Its figures can still grow"),
        (today, "This day is not over."),
    ):
        assert sentence in words(pages.get(f"/days/{day}").text), day
    now = words(pages.get("/now").text)
    assert f"Newest complete day {done} 1 day is not complete. The oldest: {open_day}" in now


def test_an_empty_ledger_is_no_error(pages) -> None:
    for path in ("/now", "/days", f"/days/{DAY}", "/files", "/quarantine"):
        assert pages.get(path).status_code == 200, path


WRONG = (
    ("/days?month=2026-13", 400, "“2026-13” is not a month. Use the format 2026-11."),
    ("/days/0001-01-01", 400, "“0001-01-01” is not a day"),
    ("/days?month=9999-12", 400, "“9999-12” is not a month"),
    ("/days/yesterday", 400, "“yesterday” is not a day"),
    ("/days?source=%00", 400, "Nothing has this name"),
    ("/files/99", 404, "The ledger has no file 99."),
    (f"/files/{'9' * 30}", 404, "The ledger has no file"),
    ("/files/x", 400, "The address of this page is incomplete"),
    ("/files/99/replay", 404, "The ledger has no file 99."),
    ("/quarantine?since=2026-11-02&until=2026-11-01", 400, "Swap them"),
    ("/quarantine/replay", 409, "nothing of this choice that a replay could load"),
    ("/quarantine/groups", 400, "No group is chosen."),
    ("/quarantine/groups?group=2026-11-16+x", 409, "nothing of this choice that a replay could load"),
    ("/quarantine/groups?group=2026-11-16", 400, "names no group of the quarantine"),
    ("/quarantine/groups?group=today+x+shop", 400, "“today” is not a day"),
    ("/quarantine/groups?" + "&".join(f"group=2026-11-16+x{number}+s" for number in range(201)), 400, "at most 200"),
    ("/nothing", 404, "This page does not exist."),
)


def test_a_wrong_address_gets_a_sentence(pages) -> None:
    for address, status, sentence in WRONG:
        answer = pages.get(address)
        assert (answer.status_code, sentence in words(answer.text)) == (status, True), (address, words(answer.text))


PATHS = (
    "/backfill",
    "/models",
    "/models/1",
    "/now",
    "/days",
    "/days/2026-11-16",
    "/files",
    "/files/1",
    "/files/1/replay",
    "/quarantine",
)


def test_each_page_explains_an_unavailable_database_and_an_old_schema(empty_database) -> None:
    down = Pages(create_app(host(lambda: "postgresql://nobody:pa55word@127.0.0.1:1/none")))
    older = Pages(create_app(host(lambda: empty_database)))
    for path in PATHS:
        answer = down.get(path)
        assert (answer.status_code, "pa55word" in answer.text) == (503, False), path
        assert "The database is unavailable" in answer.text
        answer = older.get(path)
        assert answer.status_code == 503, path
        assert "Run `sentiment db upgrade`" in answer.text


def test_a_query_that_takes_too_long_is_stopped_with_advice(pages, query, monkeypatch, settings) -> None:
    monkeypatch.setattr("sentiment_plugin.database.LONGEST_QUERY_S", 0.05)
    with connect(settings.require_database_url()) as other, other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE sentiment.source_file")
        answer = pages.get("/days")
    assert answer.status_code == 503
    assert "Choose fewer days, or one source." in answer.text


def test_every_route_that_changes_something_is_guarded(pages) -> None:
    changing = [
        route for route in pages.app.routes if isinstance(route, Route) and not route.methods <= {"GET", "HEAD"}
    ]
    assert len(changing) >= 3
    for route in changing:
        assert any(isinstance(each.call, Acting) for each in route.dependant.dependencies), route.path


def token(path: str, user: str = "operator", key: str = "key") -> str:
    return form_tokens.issue(key, user, path)


SENT = (
    ({}, True),
    ({"token": "1.x"}, True),
    ({"token": token("files/1/replay", user="someone else")}, True),
    ({"token": token("files/1/replace")}, True),
    ({"token": token("files/1/replay", key="guessed")}, True),
    ({"token": "9" * 11 + token("files/1/replay")[10:]}, True),
    ({"token": token("files/1/replay")}, False),
)


def test_an_action_needs_a_form_that_was_shown_to_the_same_user(drops, pages, viewer) -> None:
    drops.drop(f"shop/dt={DAY}/a.csv", BROKEN)
    for sent, refused in SENT:
        answer = pages.post("/files/1/replay", run_id="replay-file-1-run1", **sent)
        assert ("This form was not sent from this page" in answer.text) is refused, sent
        # Without Airflow an accepted form cannot start a run, and the page says why.
        assert answer.status_code == (403 if refused else 503), sent
        answer = viewer.post("/files/1/replay", run_id="replay-file-1-run1", **sent)
        assert answer.status_code == 403
        assert "Only users who may start runs of the DAG replay can do this." in answer.text


def test_a_token_expires(monkeypatch) -> None:
    issued = token("files/1/replay")
    assert form_tokens.is_valid(issued, "key", "operator", "files/1/replay")
    later = datetime.now(UTC) + timedelta(seconds=form_tokens.VALID_S + 2)
    monkeypatch.setattr("sentiment_plugin.form_tokens.time.time", later.timestamp)
    assert not form_tokens.is_valid(issued, "key", "operator", "files/1/replay")


def test_a_user_whom_airflow_rejects_cannot_act(settings) -> None:
    def refuse() -> None:
        raise HTTPException(403, "no")

    answer = Pages(create_app(host(settings.require_database_url, refuse))).post("/files/1/replay")
    assert answer.status_code == 403
    assert "Log in as a user with read access" in answer.text


def test_ten_years_of_days_can_be_paged(query, pages) -> None:
    history(query, "long", 3650)
    first = date.fromisoformat(DAY) - timedelta(days=3650)
    shown = pages.get("/days", month=f"{first:%Y-%m}").text
    assert 'rel="prev"' not in shown
    assert 'rel="next"' in shown


def test_the_commands_of_the_operators_page_list_and_replay(drops, pages, sentiment, settings, checkout) -> None:
    drops.drop(f"support/dt={DAY}/a.csv", "id,text\n1,caf\xe9\n".encode("latin-1"))
    with connect(settings.require_database_url()) as connection, connection, connection.cursor() as cursor:
        store_contract(cursor, "support", contract_of({"encoding": "windows-1252"}, "a test"), "", "dana")
    typed = re.findall(r"^sentiment (quarantine .*)$", (checkout / "docs" / "operate.md").read_text(), re.MULTILINE)
    assert [command.split()[1] for command in typed] == ["list", "replay"]
    done = [sentiment(*command.split()) for command in typed]
    assert [each.returncode for each in done] == [0, 0], done
    assert "invalid_utf8" in done[0].stdout
    assert "support 1 1 0 0" in words(pages.get(f"/days/{DAY}").text)
