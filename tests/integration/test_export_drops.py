"""Drops as shops and tools really make them: which rows the views show, and of which day and source."""

import csv
import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr

from sentiment_core.drops.contract import NO_DROPS
from sentiment_core.drops.json_records import fields_of
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.ledger import verification
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.source_contracts import store_contract
from sentiment_core.loading.loader import LoadStatus
from sentiment_core.loading.replay import Replayer
from sentiment_core.settings import Settings
from tests.unit.forms import parquet_bytes, workbook_bytes, zip_bytes


def test_null_words_as_ids_make_no_two_reviews_one(drops, query) -> None:
    drops.drop("shop/dt=2026-11-01/a.csv", "review_id,review\nNULL,I like the lamp\nnan,I hate the rug\n")
    drops.drop("shop/dt=2026-11-02/b.csv", "review_id,review\nNULL,I hate the kettle\nnan,I like the pan\n")
    assert query("SELECT count(*), count(review_id) FROM sentiment.scored_reviews") == [(4, 0)]


@pytest.mark.parametrize("name", ["reviewId", "Review ID", "review-id", "ReviewID"])
def test_a_daily_full_export_shows_each_review_once(drops, query, name: str) -> None:
    drops.drop("shop/dt=2026-11-01/all.csv", f"{name},score,content\nr1,5,Works well\nr2,1,Crashes on start\n")
    drops.drop("shop/dt=2026-11-02/all.csv", f"{name},score,content\nr1,5,Works well\nr2,2,Crashes less\nr3,4,Nice\n")
    shown = query("SELECT review_id, text FROM sentiment.scored_reviews ORDER BY review_id")
    assert shown == [("r1", "Works well"), ("r2", "Crashes less"), ("r3", "Nice")]


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("shop/date=2026-11-09", "shop"),
        ("date=2026-11-09", ""),
        ("shop/year=2026/month=11/day=09", "shop"),
        ("shop/2026/11/09", "shop"),
        ("2026-11-09", ""),
        ("shop/DT=2026-11-09", "shop"),
    ],
)
def test_a_folder_in_another_spelling_names_day_and_source(drops, query, folder: str, source: str) -> None:
    assert drops.drop(f"{folder}/a.csv", "review_id,review\nr1,fine\n").status is LoadStatus.LOADED
    assert query("SELECT source, day FROM sentiment.source_file") == [(source, date(2026, 11, 9))]


def test_a_day_before_1970_leaves_no_partition(drops, query) -> None:
    outcome = drops.drop("shop/dt=0001-01-01/a.csv", "review\nfine\n")
    assert outcome.status is LoadStatus.REJECTED
    assert outcome.reason.startswith("invalid_day")
    assert query("SELECT relname FROM pg_class WHERE relname LIKE 'review%%000101'") == []


def test_what_a_tool_left_behind_is_recorded_as_no_drop(drops, query) -> None:
    drops.drop("shop/dt=2026-11-20/_SUCCESS", b"")
    drops.drop("shop/dt=2026-11-20/.part-00000.csv.crc", b"crc")
    codes = {code for (code,) in query("SELECT reject_code FROM sentiment.source_file")}
    assert codes <= {str(code) for code in NO_DROPS}


def test_rows_that_a_quote_swallowed_are_kept_and_found_in_the_quarantine(drops, query) -> None:
    rows = 'review_id,rating,review\nr1,5,"fine\nr2,4,good\nr3,1,not 27"\nr4,2,dull\n'
    drops.drop("shop/dt=2026-11-16/a.csv", rows)
    assert query("SELECT review_id FROM sentiment.scored_reviews") == [("r4",)]
    assert query("SELECT line, code FROM sentiment.quarantine") == [(2, "swallowed_records")]


def lines_of(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


ROWS: list[dict[str, Any]] = [
    {"review_id": "r1", "author_id": "ann", "review": "I like it", "rating": 5},
    {"review_id": "r2", "author_id": "bob é", "review": "much too long to pass", "rating": 4},
    {"review_id": "r3", "author_id": "bob é", "review": "", "rating": 1},
    {"review_id": "r4", "author_id": "ann", "review": "I hate it", "rating": 1},
]
FORMS = {  # the bytes, and the line of the third row
    "a.jsonl": (lines_of(*ROWS), 3),
    "a.json": (json.dumps(ROWS, indent=0).encode(), 14),
    "a.ndjson.gz": (gzip.compress(lines_of(*ROWS)), 3),
    "a.parquet": (parquet_bytes(pa.Table.from_pylist(ROWS), row_group_size=2), 3),
    "a.xlsx": (workbook_bytes({"Notes": [["about"]], "Reviews": [list(ROWS[0]), *map(dict.values, ROWS)]}), 4),
    "a.zip": (
        zip_bytes({"one.jsonl": lines_of(*ROWS[:2]), "two.parquet": parquet_bytes(pa.Table.from_pylist(ROWS[2:]))}),
        3,
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_loaded_replayed_and_erased(drops, query, name: str) -> None:
    data, _ = FORMS[name]
    outcome = drops.drop(f"shop/dt=2026-11-16/{name}", data, max_text_bytes=12)
    assert (outcome.status, *outcome[3:7]) == (LoadStatus.LOADED, 4, 2, 2, 0)
    stored = "SELECT review_id, author_id, rating, text FROM sentiment.review ORDER BY line"
    assert query(stored) == [("r1", "ann", 5, "I like it"), ("r4", "ann", 1, "I hate it")]
    first, second = query("SELECT line, code, raw FROM sentiment.quarantine ORDER BY line")
    assert (first[1], second[1]) == ("text_too_long", "missing_text")
    assert fields_of(first[2])["author_id"] == fields_of(second[2])["author_id"] == "bob é"
    assert drops.drop(f"shop/dt=2026-11-17/{name}", data).status is LoadStatus.DUPLICATE

    replayer = Replayer(drops.connection, drops.model, drops.settings, "the replay")
    assert replayer.replay(1)[2:7] == (LoadStatus.REPLAYED, 2, 1, 1, 0)
    assert verification.verify(drops.connection) == []
    assert query(stored)[1] == ("r2", "bob é", 4, "much too long to pass")
    assert query("SELECT line, resolved FROM sentiment.quarantine ORDER BY line") == [
        (first[0], True),
        (second[0], False),
    ]

    keyed = Settings(
        **(drops.settings.model_dump(exclude_unset=True) | {"erasure_key": "a secret of enough characters"})
    )
    assert erase(drops.connection, keyed, "author", "shop", "bob é")[:2] == (1, 2)
    assert query("SELECT count(*), count(raw) FROM sentiment.quarantine") == [(2, 0)]
    assert query("SELECT count(*) FROM sentiment.review") == [(2,)]
    assert verification.verify(drops.connection) == []


def test_a_load_rejects_the_erased_rows_of_any_form(drops, query) -> None:
    keyed = {"erasure_key": SecretStr("a secret of enough characters")}
    erase(drops.connection, drops.settings.model_copy(update=keyed), "author", "shop", "bob é")
    bad = b'{"review": "cut", "author_id": "bob \\u00e9'
    drops.drop("shop/dt=2026-11-16/a.jsonl", lines_of(*ROWS) + bad, **keyed)
    assert query("SELECT line, code, raw FROM sentiment.quarantine ORDER BY line") == [
        (2, "erased", None),
        (3, "erased", None),
        (5, "erased", None),
    ]


def declare(drops, **parts: str) -> None:
    """Set the contract of the source `shop`."""
    with drops.connection, drops.connection.cursor() as cursor:
        store_contract(cursor, "shop", contract_of(parts, "a test"), "", "a test")


def test_rows_of_a_declared_encoding_are_replayed(drops, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,plain\nr2,don\u2019t\n".encode("cp1252"))
    assert query("SELECT line, code FROM sentiment.quarantine") == [(3, "invalid_utf8")]
    ((reason,),) = query("SELECT reason FROM sentiment.quarantine")
    assert "0x92" in reason
    assert "`sentiment source set shop --encoding cp1252`" in reason
    replayer = Replayer(drops.connection, drops.model, drops.settings, "the replay")
    declare(drops, encoding="cp1252")
    assert replayer.replay(1).status is LoadStatus.REPLAYED
    assert query("SELECT line, text FROM sentiment.review ORDER BY line") == [(2, "plain"), (3, "don\u2019t")]
    assert replayer.replay(1).status is LoadStatus.SKIPPED
    assert verification.verify(drops.connection) == []


def test_a_row_that_becomes_several_records_is_replayed_exactly_once(drops, query) -> None:
    data = (
        'review_id,rating,review\nr1,5,"fine\nr2,4,good\nr3,x,bad\nr4,1,not 27"\nr5,2,dull\n'
        'r6,3,"never closed\nr7,2,might belong\n'
    )
    drops.drop("shop/dt=2026-11-16/a.csv", data)
    assert query("SELECT line, code FROM sentiment.quarantine ORDER BY line") == [
        (2, "swallowed_records"),
        (7, "unclosed_quote"),
    ]
    replayer = Replayer(drops.connection, drops.model, drops.settings, "the replay")
    assert replayer.replay(1).status is LoadStatus.SKIPPED
    declare(drops, quoting="rfc4180")
    assert replayer.replay(1).status is LoadStatus.SKIPPED
    declare(drops, quoting="none")
    outcome = replayer.replay(1)
    assert outcome[2:7] == (LoadStatus.REPLAYED, 5, 4, 1, 0)
    assert verification.verify(drops.connection) == []
    entries = "SELECT line, code, raw, resolved FROM sentiment.quarantine ORDER BY line"
    assert query(entries) == [
        (2, "swallowed_records", b'r1,5,"fine', True),
        (3, "swallowed_records", b"r2,4,good", True),
        (4, "invalid_rating", b"r3,x,bad", False),
        (5, "swallowed_records", b'r4,1,not 27"', True),
        (7, "unclosed_quote", b'r6,3,"never closed', True),
    ]
    assert query("SELECT line, text FROM sentiment.review ORDER BY line") == [
        *((2, '"fine'), (3, "good"), (5, 'not 27"'), (6, "dull"), (7, '"never closed'), (8, "might belong")),
    ]
    assert replayer.replay(1).status is LoadStatus.SKIPPED
    with_null = drops.settings.model_copy(update={"bad_values": "null"})
    replayer = Replayer(drops.connection, drops.model, with_null, "the second replay")
    assert replayer.replay(1)[2:7] == (LoadStatus.REPLAYED, 1, 1, 0, 0)
    assert verification.verify(drops.connection) == []
    assert query("SELECT count(*) FROM sentiment.review") == [(7,)]
    assert drops.load("shop/dt=2026-11-16/a.csv", replace=True).status is LoadStatus.REPLACED


def test_each_verb_reads_each_form(tmp_path: Path, sentiment) -> None:
    for name, (data, third) in FORMS.items():
        path = tmp_path / name
        path.write_bytes(data)
        report = json.loads(sentiment("validate", str(path), "--json").stdout)
        assert "4 rows" in str(report) or "'rows_in': 4" in str(report)
        out = tmp_path / "out.csv"
        assert sentiment("score", str(path), "--out", str(out)).returncode == 0
        with out.open(encoding="utf-8", newline="") as file:
            assert [row["review_id"] for row in csv.DictReader(file)] == ["r1", "r2", "r4"]
        with (tmp_path / "out.csv.rejected.csv").open(encoding="utf-8", newline="") as file:
            assert [int(row["line"]) for row in csv.DictReader(file)] == [third]
