"""Contracts of sources in the database: set, shown, kept with their history, and applied to loads and replays."""

import json
import re
import shlex
from datetime import date

import pytest
from click.testing import CliRunner, Result

from sentiment_core.cli.quarantine import quarantine
from sentiment_core.cli.source import source
from sentiment_core.cli.validate import validate
from sentiment_core.database.connection import connect
from sentiment_core.drops.source_contract import NO_CONTRACT, contract_of, read_contract
from sentiment_core.errors import ContractInvalid
from sentiment_core.ledger import source_files
from sentiment_core.ledger.source_contracts import StoredContract, current_contract, store_contract
from sentiment_core.loading.loader import LoadStatus
from tests.integration.test_commands_in_process import configure  # noqa: F401 - a fixture


@pytest.fixture
def run(configure):  # noqa: F811
    """Run `sentiment source …` in this process."""
    configure()

    def invoke(*arguments: str, command=source) -> Result:
        return CliRunner().invoke(command, list(arguments))

    return invoke


def test_a_contract_is_set_changed_shown_and_cleared_with_its_history(run, drops) -> None:
    assert "No source has a contract" in run("list").stdout
    assert "version 1" in run("set", "shop", "--preset", "yotpo", "--note", "their export").stdout
    assert "version 2" in run("set", "shop", "--encoding", "cp1252", "--column", "product_id=SKU").stdout
    shown = run("show", "shop").stdout
    assert "preset: yotpo" in shown
    assert "encoding: cp1252" in shown
    assert "product_id: SKU" in shown
    assert "review_id: Review ID" in shown
    assert run("set", "shop", "--clear").exit_code == 0
    versions = json.loads(run("show", "shop", "--history", "--json").stdout)
    assert [(each["version"], each["note"], "encoding" in each["contract"]) for each in versions] == [
        (3, "", False),
        (2, "", True),
        (1, "their export", False),
    ]
    assert [each["source"] for each in json.loads(run("list", "--json").stdout)] == ["shop"]
    assert "declares nothing" in run("show", "shop").stdout
    assert "encoding: cp1252" in run("show", "shop", "--version", "2").stdout
    assert run("show", "other").exit_code == 1


def test_a_contract_with_a_fault_changes_nothing(run, drops, tmp_path) -> None:
    (tmp_path / "bad.yaml").write_text("encodign: cp1252\n")
    for arguments in (("--from", str(tmp_path / "bad.yaml")), ("--encoding", "klingon"), ("--column", "stars=Note")):
        result = run("set", "shop", *arguments)
        assert isinstance(result.exception, ContractInvalid), result.output
    assert run("set", "shop").exit_code == 2
    assert run("set", "shop", "--column", "rating").exit_code == 2
    assert "No source has a contract" in run("list").stdout


def test_versions_count_for_each_source_and_the_greatest_is_in_force(settings) -> None:
    comma, semicolon = (contract_of({"delimiter": each}, "a test") for each in (",", ";"))
    with connect(settings.require_database_url()) as connection, connection, connection.cursor() as cursor:
        assert current_contract(cursor, "shop") == StoredContract("shop", 0, NO_CONTRACT)
        assert [store_contract(cursor, "shop", each, "", "me") for each in (comma, semicolon)] == [1, 2]
        assert store_contract(cursor, "inn", comma, "", "me") == 1
        assert current_contract(cursor, "shop").contract == semicolon


def test_a_load_reads_by_the_contract_of_its_source_alone(run, drops, query) -> None:
    run("set", "hotel", "--text", "Gut", "--text", "Schlecht", "--column", "rating=Note")
    rows = "Gut,Schlecht,Note,review\nRuhig,Teuer,4,nothing\n"
    assert drops.drop("hotel/dt=2026-11-16/a.csv", rows).status is LoadStatus.LOADED
    assert drops.drop("inn/dt=2026-11-16/a.csv", rows).status is LoadStatus.LOADED
    shown = query("SELECT source, text, rating FROM sentiment.scored_reviews ORDER BY source")
    assert shown == [("hotel", "Ruhig\nTeuer", 4.0), ("inn", "nothing", None)]
    assert query("SELECT DISTINCT source, reading ->> 'contract' FROM sentiment.load_history ORDER BY 1") == [
        ("hotel", "1"),
        ("inn", "0"),
    ]


def test_rejected_rows_are_replayed_by_a_new_contract_exactly_once(run, drops, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\n1,fine\n2,caf\u00e9\n".encode("cp1252"))
    assert query("SELECT line, code FROM sentiment.quarantine WHERE NOT resolved") == [(3, "invalid_utf8")]
    run("set", "shop", "--encoding", "cp1252")
    for _ in range(2):
        run("replay", "--source", "shop", command=quarantine)
    assert query("SELECT review_id, text FROM sentiment.scored_reviews ORDER BY 1") == [
        ("1", "fine"),
        ("2", "caf\u00e9"),
    ]
    assert query("SELECT count(*) FROM sentiment.quarantine WHERE NOT resolved") == [(0,)]


def test_a_rejected_file_is_replayed_by_a_new_contract(run, drops, query) -> None:
    outcome = drops.drop("shop/dt=2026-11-16/a.csv", "nr,meinung\n1,fine\n2,bad\n")
    assert outcome.status is LoadStatus.REJECTED
    run("set", "shop", "--text", "Meinung", "--column", "review_id=Nr")
    assert run("replay", "--source", "shop", command=quarantine).exit_code == 0
    assert query("SELECT review_id, text FROM sentiment.scored_reviews ORDER BY 1") == [("1", "fine"), ("2", "bad")]


def test_the_contract_finds_the_day_in_the_key(run, drops, query, tmp_path) -> None:
    (tmp_path / "c.yaml").write_text("day: 'export_{day}.{month}.{year}*'\n")
    run("set", "shop", "--from", str(tmp_path / "c.yaml"))
    drops.drop("shop/export_09.11.2026_1.csv", "review\nfine\n")
    assert query("SELECT source, day FROM sentiment.source_file") == [("shop", date(2026, 11, 9))]
    refused = drops.drop("shop/other.csv", "review\nfine\n")
    assert (refused.status, refused.reason[:11]) == (LoadStatus.REJECTED, "invalid_day")
    # The contract may come after the file: a file that was never loaded moves to the day that the contract finds.
    run("set", "late", "--text", "Body")
    drops.drop("late/export_08.11.2026.csv", "review\nfine\n")
    (tmp_path / "c.yaml").write_text("day: 'export_{day}.{month}.{year}'\n")
    run("set", "late", "--from", str(tmp_path / "c.yaml"))
    run("replay", "--source", "late", command=quarantine)
    assert query("SELECT day, status FROM sentiment.source_file WHERE source = 'late'") == [
        (date(2026, 11, 8), "loaded")
    ]


def test_a_contract_that_is_set_during_a_load_gives_its_day_and_its_version(run, drops, query, monkeypatch) -> None:
    settle, days = source_files.settle_day, iter(["'v{day}.{month}.{year}'", ""])

    def settle_and_change(*arguments: object) -> None:
        settle(*arguments)
        if day := next(days):
            with drops.connection, drops.connection.cursor() as cursor:
                store_contract(cursor, "shop", read_contract(f"day: {day}", "a test"), "", "me")

    monkeypatch.setattr(source_files, "settle_day", settle_and_change)
    assert drops.drop("shop/dt=2026-11-16/v09.11.2026.csv", "review\nfine\n").status is LoadStatus.LOADED
    assert query("SELECT day, reading ->> 'contract' FROM sentiment.load_history") == [(date(2026, 11, 9), "1")]


def test_a_contract_of_a_later_release_stops_only_its_source(run, drops, query) -> None:
    run("set", "inn", "--text", "Meinung")
    query(
        "INSERT INTO sentiment.source_contract (source, version, contract, note, set_by)"
        " VALUES ('shop', 1, %s, '', 'me')",
        json.dumps({"day": "{year}{week}", "unknown": 1}),
    )
    assert drops.drop("inn/dt=2026-11-16/a.csv", "Meinung\nfine\n").rows_scored == 1
    with pytest.raises(ContractInvalid, match="week} is no place of a day"):
        drops.drop("shop/dt=2026-11-16/a.csv", "review\nfine\n")
    assert query("SELECT status FROM sentiment.source_file WHERE source = 'shop'") == [("seen",)]


def test_validate_reads_a_drop_by_the_contract_of_its_source(run, drops, settings, tmp_path) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "nr,meinung\n1,fine\n")
    uri = f"s3://{settings.bucket}/{settings.incoming_prefix}shop/"
    assert run(uri, command=validate).exit_code == 1
    run("set", "shop", "--text", "meinung")
    shown = run(uri, command=validate)
    assert (shown.exit_code, "contract version 1" in shown.stdout) == (0, True)
    assert "'shpo' has no contract" in run(uri, "--source", "shpo", command=validate).output
    (tmp_path / "a.csv").write_text("nr,meinung\n1,fine\n")
    assert run(str(tmp_path / "a.csv"), command=validate).exit_code == 1
    assert run(str(tmp_path / "a.csv"), "--source", "shop", command=validate).exit_code == 0
    assert run(str(tmp_path / "a.csv"), "--source", "shop", "--preset", "yotpo", command=validate).exit_code == 2


TEXT = "A long text of the customer about the lamp"


@pytest.mark.parametrize(
    ("source_name", "data", "options"),
    [
        ("shop", f"id;n;Meinung\n1;2;{TEXT}\n2;3;{TEXT}\n".encode(), "--delimiter semicolon --text Meinung"),
        ("my shop", f'id\tn\t"Your; words"\n1\t2\t{TEXT}\n'.encode(), "--delimiter tab --text 'Your; words'"),
        ("it's", f'id,"It\'s said"\n1,"{TEXT}"\n'.encode(), """--text 'It'"'"'s said'"""),
        ("", f"id,words\n1,{TEXT}\n".encode(), "--text words"),
        ("hive", f"id\x01n\x01words\n1\x012\x01{TEXT}\n".encode(), r"--delimiter '\x01' --text words"),
        ("late", f"Export of May\n\nreview,n\n{TEXT},1\n".encode(), "--header-line 3"),
        ("west", "review,größe\nfine,1\n".encode("cp1252"), "--encoding cp1252"),
        ("rows", "review\ncafé\n".encode("cp1252"), "--encoding cp1252"),
        ("escapes", b'review,n\n"a \\"b\\", c",1\n"a\\""b",1\n', "--quoting backslash"),
        ("inch", b'review,n\n"19 inch,1\nfine,2\n', "--quoting none"),
    ],
)
def test_the_command_in_a_reason_loads_the_file_when_pasted(run, drops, query, source_name, data, options) -> None:
    drops.drop(f"{source_name}/dt=2026-11-16/a.csv".removeprefix("/"), data)
    ((reason,),) = query("SELECT reason FROM sentiment.quarantine WHERE NOT resolved ORDER BY line LIMIT 1")
    declare, replay = (
        shlex.split(command) for command in re.findall(r"`sentiment ((?:source|quarantine) .+?)`", reason)
    )
    assert declare == ["source", "set", source_name, *shlex.split(options)], reason
    for command, arguments in ((source, declare), (quarantine, replay)):
        result = run(*arguments[1:], command=command)
        assert result.exit_code == 0, result.output
    assert query("SELECT count(*) FROM sentiment.quarantine WHERE NOT resolved") == [(0,)]
    assert query("SELECT count(*) > 0 FROM sentiment.scored_reviews WHERE source = %s", source_name) == [(True,)]


@pytest.mark.parametrize("name", ["incoming/shop", "shop/", "dt=2026-11-16", "2026-11-16"])
def test_a_name_that_no_source_can_have_is_refused(run, drops, name: str) -> None:
    result = run("set", name, "--encoding", "cp1252")
    assert result.exit_code == 2
    assert "is no source. A source is the first folder below incoming/" in result.output


def test_a_source_without_a_file_is_pointed_out(run, drops) -> None:
    assert "no file of the source 'shpo' yet" in run("set", "shpo", "--encoding", "cp1252").stdout


def test_a_support_person_follows_the_page(run, drops, query, tmp_path) -> None:
    """The steps of docs/sources.md: infer, decide, test, set, replay."""
    rows = "".join(f"{n};{n - 30:02}.11.2026;7,5;Zimmer {n} war schön;Frühstück kalt {n}\n" for n in range(40, 52))
    export = f"Nr;Datum;Note;Was war gut;Was war schlecht\n{rows}".encode("cp1252")
    assert drops.drop("inn/dt=2026-11-16/a.csv", export).status is LoadStatus.REJECTED
    (tmp_path / "a.csv").write_bytes(export)
    contract = tmp_path / "inn.yaml"
    assert run("infer", str(tmp_path / "a.csv"), "--out", str(contract)).exit_code == 1
    assert isinstance(run("set", "inn", "--from", str(contract)).exception, ContractInvalid)
    contract.write_text(contract.read_text().partition("# Decide these")[0])
    tested = run("test", str(tmp_path / "a.csv"), "--contract", str(contract))
    assert (tested.exit_code, "12 rows, 12 good" in tested.stdout) == (0, True), tested.output
    assert run("set", "inn", "--from", str(contract), "--note", "their export").exit_code == 0
    for _ in range(2):
        run("replay", "--source", "inn", command=quarantine)
    found = query("SELECT review_id, text, reviewed_at::date FROM sentiment.scored_reviews ORDER BY review_id")
    assert len(found) == 12
    assert found[0] == ("40", "Zimmer 40 war schön\nFrühstück kalt 40", date(2026, 11, 10))


def test_rows_below_a_header_of_two_rows_are_replayed(run, drops, query, tmp_path) -> None:
    (tmp_path / "c.yaml").write_text("{names: [id, rating, review], header_line: 3, rating: 0-10}")
    run("set", "survey", "--from", str(tmp_path / "c.yaml"))
    survey = "Respondent,NPS,Why\n,Response,Open-Ended Response\n1,9,fine\n2,11,good\n"
    assert drops.drop("survey/dt=2026-11-16/a.csv", survey).rows_scored == 1
    assert query("SELECT line, code FROM sentiment.quarantine") == [(4, "invalid_rating")]
    (tmp_path / "c.yaml").write_text("{names: [id, rating, review], header_line: 3, rating: 0-11}")
    run("set", "survey", "--from", str(tmp_path / "c.yaml"))
    for _ in range(2):
        run("replay", "--source", "survey", command=quarantine)
    assert query("SELECT text FROM sentiment.scored_reviews ORDER BY 1") == [("fine",), ("good",)]
