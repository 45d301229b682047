"""Proposed contracts: what is proposed, why, and which questions remain for a person."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sentiment_core.cli.source import infer, list_presets
from sentiment_core.cli.source import test_contract as read_by_contract
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.inference import propose
from sentiment_core.drops.proposal import Proposal
from sentiment_core.drops.sample import read_sample
from sentiment_core.drops.source_contract import Rules, read_contract
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import ContractInvalid
from sentiment_core.settings import Settings


def proposal_for(path: Path, data: str, encoding: str = "utf-8") -> Proposal:
    path.write_bytes(data.encode(encoding))
    return propose(Storage(None), [local_drop(path)], Settings())


GERMAN = "Nr;Erstellt;Note;Was war gut;Was war schlecht\n" + "".join(
    f"{number};{number % 28 + 1:02}.0{number % 9 + 1}.2024;{number % 10 + 1};"
    f"Das Zimmer war sehr schön, Nummer {number};"
    f"Das Frühstück war leider kalt und teuer {number}\n"
    for number in range(40)
)


def test_a_file_of_unknown_names_is_understood_by_its_values(tmp_path: Path) -> None:
    found = proposal_for(tmp_path / "hotel.csv", GERMAN, "cp1252")
    assert found.document["encoding"] == "cp1252"
    assert found.document["delimiter"] == "semicolon"
    assert found.document["text"] == ["Was war gut", "Was war schlecht"]
    assert found.document["columns"] == {"rating": "Note", "reviewed_at": "Erstellt"}
    asked = ["columns.review_id: does Nr stay with a review in every export, or is it the number", "rating.scale: does"]
    assert [question[: len(start)] for question, start in zip(found.questions, asked, strict=True)] == asked
    assert set(found.reasons) == set(found.document)


def test_a_proposal_with_questions_is_refused_until_they_are_decided(tmp_path: Path) -> None:
    path = tmp_path / "hotel.csv"
    path.write_text(GERMAN, encoding="cp1252")
    result = CliRunner().invoke(infer, [str(path)])
    assert result.exit_code == 1
    with pytest.raises(ContractInvalid, match="open questions"):
        read_contract(result.stdout, "the proposal")
    decided = result.stdout[: result.stdout.index("questions:")]
    assert read_contract(decided, "the proposal").encoding == "cp1252"


@pytest.mark.parametrize(
    ("dates", "form", "asked"),
    [
        (("05.01.2024", "17.02.2024"), "%d.%m.%Y", False),
        (("05/01/2024", "06/02/2024"), "%d/%m/%Y", True),
        (("05/01/2024", "17/02/2024"), "%d/%m/%Y", False),
        (("01/17/2024", "02/03/2024"), "%m/%d/%Y", False),
        (("31-Jul-18", "01-Aug-18"), "%d-%b-%y", False),
        (("05 21, 2014", "06 01, 2014"), "%m %d, %Y", False),
        (("1400630400", "1400630401"), "epoch_s", False),
        (("1400630400000", "1400630401000"), "epoch_ms", False),
    ],
)
def test_dates_are_recognised_and_two_readings_are_asked(tmp_path: Path, dates, form: str, asked: bool) -> None:
    rows = "".join(f'"a review of four words","{date}"\n' for date in dates)
    found = proposal_for(tmp_path / "a.csv", f"review,reviewed_at\n{rows}")
    assert found.document["reviewed_at"] == {"formats": [form]}
    assert any(question.startswith("reviewed_at.formats") for question in found.questions) == asked


@pytest.mark.parametrize(
    ("ratings", "declared", "asked"),
    [
        (("5", "1"), {"scale": "1-5"}, False),
        (("4,5", "1,0"), {"scale": "1-5", "decimal": ","}, False),
        (("10", "1"), {"scale": "1-10"}, True),
        (("10", "0"), {"scale": "0-10"}, False),
        (("80%", "20%"), {"scale": "0-100"}, False),
        (("★★★☆☆", "★☆☆☆☆"), {"scale": "1-5"}, False),
        (("4 out of 5", "1 out of 5"), {"scale": "1-5"}, False),
    ],
)
def test_the_scale_of_ratings_is_recognised(tmp_path: Path, ratings, declared: dict, asked: bool) -> None:
    rows = "".join(f'"a review of four words","{rating}"\n' for rating in ratings)
    found = proposal_for(tmp_path / "a.csv", f"review,rating\n{rows}")
    assert found.document["rating"] == declared
    assert any(question.startswith("rating.scale") for question in found.questions) == asked


def test_an_id_that_repeats_is_a_question(tmp_path: Path) -> None:
    found = proposal_for(tmp_path / "a.csv", "id,review\n1,it is quite good\n1,it is quite bad\n")
    assert found.document.get("columns") is None
    assert "columns.review_id: is id the id of the review? 0 rows have none and 1 repeat" in found.questions[0]


def test_a_header_below_title_lines_is_found(tmp_path: Path) -> None:
    rows = "".join(f"{number},4,nice thing number {number}\n" for number in range(9))
    found = proposal_for(tmp_path / "a.csv", f"Export of 2026-11-01\n\nNo,Note,Meinung\n{rows}")
    assert found.document["header_line"] == 3
    assert found.document["text"] == "Meinung"


def test_a_file_without_a_header_asks_for_names(tmp_path: Path) -> None:
    rows = "".join(f"{number},4,nice thing number {number}\n" for number in range(9))
    found = proposal_for(tmp_path / "a.csv", rows)
    assert found.document["names"] == ["column_1", "column_2", "column_3"]
    assert any(question.startswith("names:") for question in found.questions)


def test_another_file_with_other_columns_is_a_question(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review,rating\nquite good,5\n")
    (tmp_path / "b.csv").write_text("review,stars\nquite good,5\n")
    drops = [local_drop(tmp_path / name) for name in ("a.csv", "b.csv")]
    found = propose(Storage(None), drops, Settings())
    assert found.questions == [f"{drops[1].uri} has other columns: review, stars. Is it of the same source?"]


def test_a_known_export_is_its_preset(tmp_path: Path) -> None:
    found = proposal_for(
        tmp_path / "yotpo.csv",
        "Review ID,Review Title,Review Content,Review Score,Review Creation Date,Comment Content\n"
        "1,Great,Works as it should,5,2024-01-05,Thanks\n",
    )
    assert found.document == {"preset": "yotpo"}
    assert found.questions == []


def test_infer_writes_a_file_that_test_reads(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Nr;Meinung;Note\n7;Das Zimmer war sehr schön;4,5\n9;Leider laut und teuer;1,0\n")
    result = CliRunner().invoke(infer, [str(tmp_path / "a.csv"), "--out", str(tmp_path / "a.yaml")])
    assert (result.exit_code, "row 1" in result.output) == (0, True), result.output
    tested = CliRunner().invoke(read_by_contract, [str(tmp_path / "a.csv"), "--contract", str(tmp_path / "a.yaml")])
    assert (tested.exit_code, "rating: '4.5'" in tested.output) == (0, True), tested.output


def test_presets_are_listed_and_shown() -> None:
    assert "trustpilot" in CliRunner().invoke(list_presets).stdout.split()
    assert "Review Content" in CliRunner().invoke(list_presets, ["trustpilot"]).stdout
    assert isinstance(CliRunner().invoke(list_presets, ["ebay"]).exception, ContractInvalid)


def test_a_sample_leaves_missing_values_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review,rating\nquite good,NULL\nquite bad,1\n")
    sample = read_sample(Storage(None), local_drop(tmp_path / "a.csv"), Rules(Settings()))
    assert [(column.name, column.values, column.rows) for column in sample.columns] == [
        ("review", ["quite good", "quite bad"], 2),
        ("rating", ["1"], 2),
    ]
