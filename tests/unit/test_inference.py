"""Proposed contracts: what is proposed, why, and which questions remain for a person."""

# ruff: noqa: E501, RUF001 -- rows as exports have them, in many languages

import codecs
from datetime import date
from pathlib import Path

import openpyxl
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
from sentiment_core.errors import ContractInvalid, FileRejected, OutputUnsupported
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


@pytest.mark.parametrize(
    ("data", "encoding", "asked"),
    [
        (b"id,review\n7,very good\0 thing\n9,quite bad\n", None, ""),
        ("id,review\n7,very good thing\n9,quite bad café\n".encode("utf-16-le"), "utf-16-le", ""),
        ("review,n\ncafé,7\n".encode() + "café bar,9\n".encode("cp1252"), "cp1252", "encoding: 1 of 2 lines"),
        (b"very good thing\nquite bad\n", None, "names: is 'very good thing' the name of the column, or the first"),
    ],
    ids=["NUL", "UTF-16 without a mark", "two encodings", "no header"],
)
def test_a_damaged_file_is_asked_about(tmp_path: Path, data: bytes, encoding: str | None, asked: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    found = propose(Storage(None), [local_drop(tmp_path / "a.csv")], Settings())
    assert found.document.get("encoding") == encoding
    assert [question[: len(asked)] for question in found.questions] == ([asked] if asked else [])


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


def test_a_proposal_that_cannot_be_written_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review\nquite good\n")
    result = CliRunner().invoke(infer, [str(tmp_path / "a.csv"), "--out", str(tmp_path / "none" / "a.yaml")])
    assert isinstance(result.exception, OutputUnsupported)


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


def rows(*lines: str, count: int = 12) -> str:
    """Return lines, of which the last is repeated with another number and day in the places of {n} and {d}."""
    *header, row = lines
    header = [line.replace("{n}", "39").replace("{d}", "25") for line in header]
    return "".join(f"{line}\n" for line in (*header, *(row.format(n=n + 40, d=n + 10) for n in range(count))))


ASK = "columns.review_id: does"


@pytest.mark.parametrize(
    ("data", "parts", "columns", "asked"),
    [
        pytest.param(
            rows(
                "Review date,Guest name,Review title,Positive review,Negative review,Review score,Property reply",
                "2024-01-{d} 10:00:00,Ann,Good,Room {n} was very nice,The bed was hard,7.5,Dear guest we are very happy",
            ),
            {"text": ["Positive review", "Negative review"], "title": "Review title", "rating": {"scale": "1-10"}},
            {"rating": "Review score", "reviewed_at": "Review date"},
            ["rating.scale"],
            id="booking",
        ),
        pytest.param(
            rows(
                "Hotel_Address,Review_Date,Average_Score,Hotel_Name,Negative_Review,Positive_Review,Reviewer_Score,Tags",
                "1 Long Street in Amsterdam,1/{d}/2017,7.7,Arena,The bed was hard,Room {n} was nice,0,\"['Trip', 'A']\"",
                "1 Long Street in Amsterdam,1/{d}/2017,7.7,Arena,The bed was hard,Room {n} was nice,9.5,\"['Trip', 'A']\"",
            ).replace(",0,", ",0.0,"),
            {"text": ["Negative_Review", "Positive_Review"], "rating": {"scale": "0-10"}},
            {"product_id": "Hotel_Name", "rating": "Reviewer_Score", "reviewed_at": "Review_Date"},
            [],
            id="hotel reviews of Kaggle",
        ),
        pytest.param(
            rows(
                "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date",
                '7bc2{n}a,73fc{n},1,,"Recebi bem antes do prazo",2018-01-{d} 00:00:00',
            ),
            {"text": "review_comment_message", "rating": {"scale": "1-5"}},
            {"review_id": "review_id", "rating": "review_score", "reviewed_at": "review_creation_date"},
            [],
            id="olist",
        ),
        pytest.param(
            rows(
                "listing_id,id,date,reviewer_id,reviewer_name,comments",
                "2818,11{n},2024-01-{d},1095,Lam,Great place<br/>near the station",
            ),
            {"text": "comments"},
            {"review_id": "id", "product_id": "listing_id", "author_id": "reviewer_id", "reviewed_at": "date"},
            [],
            id="airbnb",
        ),
        pytest.param(
            rows("app_id,app_name,review_text,review_score", "10,Strike,It is bad,0", "10,Strike,It is fun,1"),
            {"text": "review_text", "rating": {"scale": "0-1"}},
            {"product_id": "app_id", "rating": "review_score"},
            ["rating: is review_score a rating"],
            id="thumbs",
        ),
        pytest.param(
            rows(
                "recommendationid,author.steamid,language,review,timestamp_created,timestamp_updated,voted_up",
                "851{n},7656119,english,very fun game,16113816{n},16113816{n},True",
            ),
            {"text": "review", "reviewed_at": {"formats": ["epoch_s"]}},
            {
                "review_id": "recommendationid",
                "author_id": "author.steamid",
                "reviewed_at": "timestamp_created",
                "language": None,
            },
            [],
            id="steam",
        ),
        pytest.param(
            rows(
                "Date,Feedback Date,Product SKU,Service Rating,Service Review,Product Rating,Product Review,Merchant Response",
                "01/02/2024,{d}/02/2024,S{n},5,They were quick and kind,4,The lamp is fine,We thank you for your review of us",
            ),
            {"text": "Service Review", "reviewed_at": {"formats": ["%d/%m/%Y"]}},
            {"product_id": "Product SKU", "rating": "Service Rating", "reviewed_at": "Feedback Date"},
            [
                "text: is the review in Service Review, or in Product Review?",
                "columns.rating: is the rating in Service",
            ],
            id="feefo",
        ),
        pytest.param(
            rows(
                "Bewertungs-ID;Datum;Bewertung (Sterne);Titel;Kommentar;Bestellnummer;Kommentar des Händlers",
                "rev-{n};{d}.01.2024 10:00;5;Gut {n};Schnelle Lieferung;B{n};Vielen Dank für die Bewertung",
            ),
            {"text": "Kommentar", "title": "Titel", "reviewed_at": {"formats": ["%d.%m.%Y %H:%M"]}},
            {"review_id": "Bewertungs-ID", "rating": "Bewertung (Sterne)", "reviewed_at": "Datum"},
            [],
            id="etrusted",
        ),
        pytest.param(
            rows(
                "Respondent ID,Start Date,End Date,How likely would you recommend us?,What did you like?,What can we improve?",
                ",,,Response,Open-Ended Response,Open-Ended Response",
                "118{n},01/{d}/2024 10:00:00 AM,01/{d}/2024 10:09:00 AM,9,The quick answer,Your prices are high",
            ),
            {
                "header_line": 3,
                "text": ["What did you like?", "What can we improve?"],
                "rating": {"scale": "0-10"},
            },
            {
                "review_id": "Respondent ID",
                "rating": "How likely would you recommend us?",
                "reviewed_at": "End Date",
            },
            [],
            id="surveymonkey",
        ),
        pytest.param(
            rows(
                "StartDate,EndDate,ResponseId,Q1,Q2",
                "Start Date,End Date,Response ID,Would you recommend us?,Why did you give that score?",
                '"{{""ImportId"":""startDate""}}","{{""ImportId"":""endDate""}}","{{}}","{{}}","{{}}"',
                "2024-01-{d} 10:00:00,2024-01-{d} 10:09:00,R_{n},10,You were quick",
            )
            .replace("{{", "{")
            .replace("}}", "}"),
            {"header_line": 4, "text": "Why did you give that score?", "rating": {"scale": "0-10"}},
            {"review_id": "ResponseId", "rating": "Would you recommend us?", "reviewed_at": "EndDate"},
            [],
            id="qualtrics",
        ),
        pytest.param(
            rows(
                "Book Id,Title,Author,ISBN,My Rating,Average Rating,Date Read,Date Added,My Review",
                "4{n},Gatsby {n},F. Scott,07{n},0,3.9,2024/01/02,2024/01/{d},A fine book",
                "5{n},Gatsby {n},F. Scott,07{n},5,3.9,2024/01/02,2024/01/{d},A fine book",
            ),
            {"text": "My Review", "reviewed_at": {"formats": ["%Y/%m/%d"]}},
            {"product_id": "Book Id", "rating": "My Rating", "reviewed_at": "Date Added"},
            [
                "title: is Title the title of the review, or of the product?",
                "rating.scale: is 0 in My Rating the lowest",
            ],
            id="goodreads",
        ),
        pytest.param(
            rows("sku,title,body,rating", "kettle,Kettle 2000,It boils fast,5"),
            {"text": "body", "title": None},
            {"product_id": "sku", "rating": "rating"},
            [],
            id="the title of a product",
        ),
        pytest.param(
            rows(
                "Ticket ID,Ticket subject,Satisfaction Score,Satisfaction Comment,Updated",
                "1{n},No order,Good,Quick help,",
            ),
            {"text": "Satisfaction Comment"},
            {"review_id": "Ticket ID"},
            [],
            id="zendesk",
        ),
        pytest.param(
            rows(
                "レビューID,商品名,評価,タイトル,本文,投稿日",
                "R{n},ケトル,3,良い{n},とても良い商品です。,2024年1月{d}日",
            ),
            {"text": "本文", "title": "タイトル", "reviewed_at": {"formats": ["%Y年%m月%d日"]}},
            {"review_id": "レビューID", "product_id": "商品名", "rating": "評価", "reviewed_at": "投稿日"},
            [],
            id="japanese",
        ),
        pytest.param(
            rows(
                "Номер;Дата;Оценка;Достоинства;Недостатки;Комментарий",
                "7{n};{d}.01.2024;5;Всё хорошо;Нет совсем;Советую всем",
            ),
            {"text": ["Достоинства", "Недостатки", "Комментарий"]},
            {"review_id": "Номер", "rating": "Оценка", "reviewed_at": "Дата"},
            [],
            id="russian",
        ),
        pytest.param(
            "No,review,rating\n1,quite good,many\n2,quite bad,few\n",
            {"text": "review"},
            {"rating": None},
            [ASK + " No stay with a review in every export, or is it the number of a row?"],
            id="a number of the row, and a rating without numbers",
        ),
    ],
)
def test_exports_are_understood_by_words_and_values(
    tmp_path: Path, data: str, parts: dict, columns: dict, asked
) -> None:
    found = proposal_for(tmp_path / "a.csv", data)
    assert {part: found.document.get(part) for part in parts} == parts, found
    assert found.document["columns"] == columns, found
    assert [question[: len(start)] for question, start in zip(found.questions, asked, strict=True)] == asked


def test_a_spreadsheet_is_understood_by_its_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Nr", "Datum", "Note", "Meinung"])
    for number in range(9):
        sheet.append([number + 70, date(2026, 11, number + 1), 4.5, "Das Zimmer war sehr schön"])
    book.save(tmp_path / "a.xlsx")
    found = propose(Storage(None), [local_drop(tmp_path / "a.xlsx")], Settings())
    assert (found.document["text"], found.document["rating"]) == ("Meinung", {"scale": "1-5"})
    assert found.document["columns"] == {"review_id": "Nr", "rating": "Note", "reviewed_at": "Datum"}
    assert found.questions == []


@pytest.mark.parametrize(
    ("encoding", "text", "asked"),
    [
        ("cp1252", "Très bonne qualité, livraison rapide et soignée. Déçu, le colis était abîmé à la réception", False),
        ("cp1250", "Velmi dobrý výrobek, nefunguje, vrátil jsem ho už druhý den, příště raději jinde", False),
        ("cp1253", "Πολύ καλό προϊόν, γρήγορη αποστολή, εξαιρετική ποιότητα", False),
        ("cp1254", "Çok güzel bir ürün, kargo çok yavaştı, iade ettim, ışık çalışmıyor", False),
        ("cp1252", "Größe paßt, schönes Gerät für mich – 5 €, übrigens: „gut“ überall", False),
        ("mac_roman", "Größe paßt, schönes Gerät für mich, übrigens gut", False),
        ("cp1250", "Świetny produkt, żona zachwycona, dziękuję", False),
        ("koi8_r", "Отличный товар, всем советую, доставка быстрая", False),
        ("cp1252", "Café bar", False),
        ("cp1251", "Отличный товар, всем советую, доставка быстрая", False),
        ("shift_jis", "とても良い商品です。また買いたいと思います。", False),
        ("gb18030", "这个产品质量很好，我很喜欢，下次还会再来", False),
        ("euc_kr", "배송이 빠르고 제품이 좋아요", False),
        ("big5", "這個產品質量很好，我很喜歡，物流太慢了", False),
    ],
)
def test_an_encoding_is_asked_only_if_two_readings_are_possible(
    tmp_path: Path, encoding: str, text: str, asked
) -> None:
    found = proposal_for(tmp_path / "a.csv", rows("review,n", f'"{text}",{{n}}'), encoding)
    assert codecs.lookup(found.document["encoding"]) == codecs.lookup(encoding)
    assert any(question.startswith("encoding: is the text") for question in found.questions) == asked


def test_one_object_with_a_list_of_reviews_names_the_cure(tmp_path: Path) -> None:
    data = '{"reviews": [{"comment": "quite good", "starRating": "FIVE"}, {"comment": "quite bad"}]}'
    with pytest.raises(
        FileRejected, match=r"the list reviews in it has the rows. .* `jq -c '.\[\"reviews\"\]\[\]' FILE`"
    ):
        proposal_for(tmp_path / "reviews.json", data)


def test_reasons_are_comments_that_fit_on_a_page(tmp_path: Path) -> None:
    path = tmp_path / "hotel.csv"
    path.write_text(GERMAN, encoding="cp1252")
    written = CliRunner().invoke(infer, [str(path)]).stdout
    assert all(len(line) <= 100 for line in written.splitlines() if line.startswith("#"))
    assert "# Was war gut and Was war schlecht are two sides of one review; they are joined" in written


def test_questions_are_printed_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hotel.csv"
    path.write_text(GERMAN, encoding="cp1252")
    result = CliRunner().invoke(infer, [str(path), "--out", str(tmp_path / "c.yaml")])
    assert f"decide in {tmp_path / 'c.yaml'}: rating.scale: does the scale of Note begin at 0 or at 1?" in result.stdout
