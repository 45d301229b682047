import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sentiment_core.drops.body import file_format
from sentiment_core.drops.contract import NO_DROPS, RejectCode
from sentiment_core.drops.drop import Drop, local_drop, local_drops, source_of
from sentiment_core.errors import FileRejected, FolderUnreadable

STORED = datetime(2026, 11, 17, 23, 30, tzinfo=UTC)


def drop(key: str, version_id: str | None = None) -> Drop:
    return Drop("reviews", key, "abc", version_id, STORED, 10)


@pytest.mark.parametrize(
    ("key", "day", "source"),
    [
        ("incoming/dt=2026-11-16/a.csv", date(2026, 11, 16), ""),
        ("incoming/shop/dt=2026-11-16/a.csv", date(2026, 11, 16), "shop"),
        ("incoming/shop/a.csv", date(2026, 11, 17), "shop"),
        ("incoming/a.csv", date(2026, 11, 17), ""),
        ("incoming/my shop é/dt=2026-11-16/x/a.csv", date(2026, 11, 16), "my shop é"),
        ("incoming/dt=2026-02-31/a.csv", date(2026, 11, 17), ""),
        ("incoming/shop/not-dt=2026-11-16/a.csv", date(2026, 11, 16), "shop"),
        ("incoming/shop/date=2026-11-09/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/date=2026-11-09/a.csv", date(2026, 11, 9), ""),
        ("incoming/shop/DT=20261109/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/year=2026/month=11/day=8/a.csv", date(2026, 11, 8), "shop"),
        ("incoming/year=2026/month=11/day=08/hour=5/a.csv", date(2026, 11, 8), ""),
        ("incoming/shop/2026/11/07/a.csv", date(2026, 11, 7), "shop"),
        ("incoming/2026-11-06/a.csv", date(2026, 11, 6), ""),
        ("incoming/shop/2026-11-06/a.csv", date(2026, 11, 6), "shop"),
        ("incoming/shop/1034/7/12/a.csv", date(2026, 11, 17), "shop"),
        ("incoming/shop/a 2026-11-06.csv", date(2026, 11, 17), "shop"),
        ("incoming/ingest_date=2026-11-09/a.csv", date(2026, 11, 9), ""),
        ("incoming/shop/pt=20261109/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/event_date=2026-11-01/dt=2026-11-09/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/updated_at=2026-11-09/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/dt%3D2026-11-09/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/y=2026/m=11/d=9/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/20261109/a.csv", date(2026, 11, 9), ""),
        ("incoming/shop/2026_11_09/05/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/20261109T000000/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/date-2026-11-09/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/shop/dt=2026-11-09/dt=2026-11-09/a.csv", date(2026, 11, 9), "shop"),
        ("incoming/20261399/a.csv", date(2026, 11, 17), "20261399"),
    ],
)
def test_day_and_source_come_from_the_key(key: str, day: date, source: str) -> None:
    assert (drop(key).day(), drop(key).source("incoming/")) == (day, source)


def test_a_version_is_identified_by_its_id_or_by_etag_and_time() -> None:
    assert drop("a", "v1").version_token == "v1"
    assert drop("a").version_token == "abc 2026-11-17T23:30:00+00:00"


def test_a_local_file_is_a_drop_without_a_bucket(tmp_path: Path) -> None:
    path = tmp_path / "dt=2026-11-16" / "a.csv"
    path.parent.mkdir()
    path.write_text("review\nfine\n")
    found = local_drop(path)
    assert (found.uri, found.day(), found.size) == (str(path), date(2026, 11, 16), 12)
    path.write_text("review\nfiner\n")
    assert local_drop(path).version_token != found.version_token


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("a.csv", (",", "")),
        ("A.CSV", (",", "")),
        ("a.csv.gz", (",", ".gz")),
        ("a.csv.zst", (",", ".zst")),
        ("a.csv.bz2", (",", ".bz2")),
        ("a.csv.xz", (",", ".xz")),
        ("a.tsv", ("\t", "")),
        ("a.txt", ("\t", "")),
        ("a.jsonl.gz", (",", ".gz")),
        ("a.ndjson", (",", "")),
        ("a.json", (",", "")),
        ("a.parquet", (",", "")),
        ("a.XLSX", (",", "")),
        ("a.zip", (",", "")),
    ],
)
def test_the_format_is_derived_from_the_suffix(key: str, found: tuple[str, str]) -> None:
    assert file_format(drop(key)) == found


@pytest.mark.parametrize("key", ["a.pdf", "a.csv.lz4", "csv"])
def test_an_unsupported_suffix_is_rejected(key: str) -> None:
    with pytest.raises(FileRejected, match="does not end in .csv, .tsv"):
        file_format(drop(key))


@pytest.mark.parametrize(
    "folder",
    [
        *("dt=2026-02-31", "dt=0001-01-01", "date=yesterday", "2026/13/01", "year=2026/month=2/day=30", "dt="),
        *("0001-01-01", "load_date=null", "09-11-2026", "11/09/2026", "2026/Nov/09", "2026/11", "2026-11"),
        *("year=2026/month=11", "month=2026-11", "dt=2026-11-09T00:00"),
    ],
)
def test_a_folder_that_names_no_valid_day_rejects_the_file(folder: str) -> None:
    with pytest.raises(FileRejected, match="names the day") as refused:
        drop(f"incoming/shop/{folder}/a.csv").require_day()
    assert refused.value.details["reason"] == RejectCode.INVALID_DAY


def test_a_key_with_two_days_is_rejected() -> None:
    with pytest.raises(FileRejected, match="names several days: 2026-11-09, 2026-11-10"):
        drop("incoming/shop/dt=2026-11-09/dt=2026-11-10/a.csv").require_day()


def test_a_local_folder_without_a_day_does_not_reject_its_files() -> None:
    local_drop(Path(__file__))._replace(key="/home/me/2026/11/a.csv").require_day()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "_SUCCESS",
            "_committed_1",
            ".part-0.csv.crc",
            ".DS_Store",
            "._a.csv",
            "~$a.xlsx",
            "a.csv.filepart",
            "a.csv.md5",
        ),
        *(
            "_temporary/0/a.csv",
            ".spark-staging-1/a.csv",
            "_delta_log/0.json",
            "a.csv._COPYING_",
            "a.csv~",
            ".~lock.a.csv#",
        ),
        *("a.csv.sha512", "a.csv.done", "a.csv.inprogress", "x_$folder$"),
        *("SHA256SUMS", "a.csv.bak", "unload_manifest"),
    ],
)
def test_what_a_tool_left_behind_is_no_drop(name: str) -> None:
    with pytest.raises(FileRejected, match="left behind") as refused:
        file_format(drop(f"incoming/shop/dt=2026-11-16/{name}"))
    assert refused.value.details["reason"] in NO_DROPS


def test_a_folder_is_listed_as_s3_lists_a_prefix(tmp_path: Path) -> None:
    names = ["shop/dt=2026-11-16/b.csv", "shop/dt=2026-11-16.csv", "B.csv", "a.csv", ".hidden.csv", "é.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link.csv").symlink_to("a.csv")
    (tmp_path / "to nothing.csv").symlink_to("gone.csv")
    (tmp_path / "shop/circle").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "empty").mkdir()
    found = [drop.key.removeprefix(f"{tmp_path.resolve()}/") for drop in local_drops(tmp_path)]
    assert found == sorted(names, key=str.encode)
    assert local_drops(tmp_path / "empty") == []
    elsewhere = tmp_path.with_name(f"{tmp_path.name}-link")
    elsewhere.symlink_to(tmp_path)
    assert local_drops(elsewhere) == local_drops(tmp_path), "a file has one path, however the folder is named"


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderUnreadable, match="gone: No such file or directory"):
        local_drops(tmp_path / "gone")
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.csv")).write_text("review\n")
    with pytest.raises(FolderUnreadable, match=r"caf\\udce9.csv.*is not UTF-8"):
        local_drops(tmp_path)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/data/incoming/shop/dt=2026-11-16/a.csv", "shop"),
        ("/data/incoming/old/incoming/shop/a.csv", "shop"),
        ("/data/incoming/dt=2026-11-16/a.csv", ""),
        ("/data/incoming/a.csv", ""),
        ("/data/shop/dt=2026-11-16/a.csv", ""),
    ],
)
def test_the_source_of_a_local_file_is_the_folder_below_incoming(path: str, source: str) -> None:
    assert source_of(path, "incoming/") == source
    assert source_of(path, "") == ""
