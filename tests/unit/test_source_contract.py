"""The contract of a source: what its YAML may declare, what it refuses, and what each part does to rows."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentiment_core.columnar.columns import BytesColumn
from sentiment_core.drops.contract_yaml import parsed_document
from sentiment_core.drops.csv_records import Dialect, read_records
from sentiment_core.drops.declared_values import scaled_ratings, spelled_rating
from sentiment_core.drops.header import Header
from sentiment_core.drops.record_kernel import NO_QUOTING
from sentiment_core.drops.source_contract import (
    NO_CONTRACT,
    RatingScale,
    Rules,
    contract_of,
    presets,
    read_contract,
    read_contract_file,
)
from sentiment_core.drops.validation import RejectedRow, ReviewBatch, Validator
from sentiment_core.errors import ContractInvalid, FileRejected
from sentiment_core.settings import Settings


def read(data: str, contract: str) -> tuple[ReviewBatch, list[RejectedRow], Header]:
    (block,) = read_records(io.BytesIO(data.encode()), Dialect(), 1 << 20, 1 << 20, "the file")
    rules = Rules(Settings(), read_contract(contract, "the test"))
    header = Header(block.fields(0), rules, "the file")
    return *Validator(header, rules, block.raw(0)).validate(block.records(1)), header


def test_every_part_of_a_contract_is_read() -> None:
    contract = read_contract(
        """
        delimiter: semicolon
        encoding: windows-1252
        quoting: backslash
        header_line: 3
        title: Betreff
        text: [Positiv, [Negativ, Negatives]]
        columns: {review_id: Nr, rating: [Note, Sterne], product_id: null}
        rating: {scale: 0-10, decimal: ","}
        reviewed_at: {formats: ["%d.%m.%Y", iso], zone: Europe/Berlin}
        null_words: [k.A., "-"]
        language: de
        product_id: kettle
        day: "{year}/{month}/{day}.csv"
        bad_values: "null"
        """,
        "the test",
    )
    assert (contract.delimiter, contract.encoding, contract.header_line) == (";", "cp1252", 3)
    assert contract.text == (("Positiv",), ("Negativ", "Negatives"))
    assert contract.accepted_names("rating") == ("Note", "Sterne")
    assert contract.accepted_names("product_id") == ()
    assert contract.accepted_names("language") == ("language", "review_language", "reviewer_language")
    assert contract_of(contract.document(), "again", resolved=True) == contract


def test_an_empty_contract_declares_nothing() -> None:
    assert read_contract("", "the test") == NO_CONTRACT
    assert NO_CONTRACT.document() == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("delimeter: ;", "no part of a contract. Did you mean delimiter? The parts are preset, delimiter,"),
        ("delimiter: ab", "delimiter: 'ab' is not a delimiter. Write comma, semicolon, tab, pipe or"),
        ("delimiter: e", "delimiter: 'e' is not a delimiter"),
        ("delimiter: '\"'", "is not a delimiter"),
        ("delimiter: ''", "delimiter has no value. Write one, or delete the part"),
        ("header_line: two", "header_line: write the number of a line from 1 to 1000"),
        ("language: german", "language: 'german' is not the code of a language, such as de or en-GB"),
        ("names: [Nr, nr]", "names: Nr occurs twice"),
        ("{names: [a, b], text: c}", "text: c is not one of the names a, b"),
        ("{names: [a, b], columns: {rating: c}}", "columns.rating: c is not one of the names a, b"),
        ("text: [Body, body]", "column body is text and text. A column has one meaning"),
        ("{title: Body, text: body}", "column Body is text and title"),
        ("{text: Body, columns: {rating: body}}", "column body is text and columns.rating"),
        ("columns: [rating]", "columns: write a mapping, such as columns: {review_id: Nr}"),
        ("columns: {Rating: Note}", "columns.Rating is no known column. The known columns are review_id, product_id"),
        ("review_id: Nr", "review_id is no part of a contract. Write it below `columns`"),
        ("scale: 1-5", "scale is no part of a contract. Write it below `rating`"),
        (
            "rating: {sclae: 1-5}",
            "rating.sclae is no part of `rating`. Did you mean scale? The parts are",
        ),
        ("rating: [1, 5]", "rating: write `scale` and `decimal` below it, such as rating: {scale: 0-10}"),
        ("encoding: klingon", "encoding: 'klingon' is not a known encoding"),
        ("encoding: utf-7", "encoding: 'utf-7' is not an encoding without states"),
        ("quoting: excel", "quoting: Input should be 'rfc4180', 'backslash' or 'none'"),
        ("columns: {ratings: Note}", "columns.ratings is no known column"),
        ("rating: {scale: five}", "rating: 'five' is not a scale"),
        ("rating: {scale: 5-1}", "the first number of a scale must be below the second"),
        ("reviewed_at: {formats: [dd.mm.yyyy]}", "'dd.mm.yyyy' does not have a year, a month and a"),
        ("reviewed_at: '%d.%m'", "reviewed_at.formats: '%d.%m' does not have a year, a month and a day"),
        ("reviewed_at: '%d.%m.%Q'", "'%d.%m.%Q' is not a format of times"),
        ("reviewed_at: {formats: []}", "reviewed_at.formats: "),
        ("reviewed_at: {zone: Mars/Olympus}", "'Mars/Olympus' is not a time zone"),
        ("day: '{year}-{month}.csv'", "day: '{year}-{month}.csv' must have each of {year}, {month} and {day} once"),
        ("day: '{year}-{month}-{dya}.csv'", "{dya} is no place of a day"),
        ("null_words: ['much too long']", "null_words: write a list of words of at most 8 ASCII"),
        ("preset: ebay", "there is no preset 'ebay'. The presets are amazon-jsonl,"),
        ("questions: ['is this the text?']", "the contract has open questions: is this the text?"),
        ("- a list", "it must be a mapping"),
        ("a: [b", "it is not YAML"),
        ("text: Was: gut", "it is not YAML (line 1: mapping values are not allowed here. Put a value in quotes"),
        ("text: Gut\ntitle: Titel\ntext: Schlecht", "it is not YAML (line 3: the key text occurs twice)"),
        ("columns: {rating: Note, rating: Sterne}", "the key rating occurs twice"),
        ("[" * 5000, "it is not YAML"),
        ("!!python/object/apply:os.system ['true']", "it must be a mapping"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, why: str) -> None:
    with pytest.raises(ContractInvalid) as raised:
        read_contract(text, "the test")
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("delimiter: TAB", {"delimiter": "\t"}),
        ("delimiter: '\\x01'", {"delimiter": "\x01"}),
        ("rating: 1-5", {"rating": {"scale": "1-5", "decimal": "."}}),
        ("rating: {scale: -1 to 1}", {"rating": {"scale": "-1 to 1", "decimal": "."}}),
        ("reviewed_at: '%d.%m.%Y'", {"reviewed_at": {"formats": ["%d.%m.%Y"], "zone": "UTC"}}),
        ("{text: [Gut], title: Titel}", {"text": "Gut", "title": "Titel"}),
        ("{text: [Gut, [Schlecht, Bad]]}", {"text": ["Gut", ["Schlecht", "Bad"]]}),
        ("columns: {rating: [Note], author_id: null}", {"columns": {"rating": "Note", "author_id": None}}),
        ("{text: null, title: ~, columns: null}", {}),
        ("null_words: '-'", {"null_words": ["-"]}),
    ],
)
def test_a_contract_is_shown_as_one_writes_it(text: str, document: dict) -> None:
    contract = read_contract(text, "the test")
    assert contract.document() == document
    assert contract_of(document, "again", resolved=True) == contract


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes("text: Schön".encode("utf-8-sig"))
    assert read_contract_file(path).text == (("Schön",),)
    path.write_bytes("text: Schön".encode("cp1252"))
    with pytest.raises(ContractInvalid, match="it is not UTF-8"):
        read_contract_file(path)


def test_title_and_texts_are_joined_and_missing_parts_are_left_out() -> None:
    batch, rejected, header = read(
        "Titel,Positiv,Negativ\nSchön,Ruhig,Teuer\n,Ruhig,\nSchön,N/A, \n,,\n",
        "{title: Titel, text: [Positiv, Negativ]}",
    )
    assert batch.text.texts() == ["Schön\nRuhig\nTeuer", "Ruhig", "Schön"]
    assert rejected == []  # the last line has only delimiters
    assert header.text_names == "Titel + Positiv + Negativ"
    assert batch.review(0).extra == {"Titel": "Schön", "Negativ": "Teuer"}


def test_without_a_contract_only_a_title_of_the_review_is_joined() -> None:
    batch, _, header = read("review_title,title,review\nGood,Kettle,Boils fast\nGood,Kettle,\n", "")
    assert header.text_names == "review_title + review"
    assert batch.text.texts() == ["Good\nBoils fast", "Good"]


def test_a_declared_text_or_id_column_must_be_in_the_file() -> None:
    for contract in ("text: Body", "{text: review, columns: {review_id: No}}"):
        with pytest.raises(FileRejected) as raised:
            read("review,id\nfine,1\n", contract)
        assert raised.value.details["reason"] == "missing_column"
        assert "Its columns are review, id" in str(raised.value)


def test_another_declared_column_that_is_missing_is_a_warning() -> None:
    _, _, header = read("review\nfine\n", "{title: Betreff, columns: {rating: Note}}")
    assert header.warnings == [
        "the contract's title column Betreff is not in the file",
        "the contract's rating column Note is not in the file",
    ]


def test_a_known_column_can_be_declared_as_none() -> None:
    batch, _, _ = read("review,stars\nfine,many\n", "columns: {rating: null}")
    assert (batch.review(0).rating, batch.review(0).extra) == (None, {"stars": "many"})


@pytest.mark.parametrize(
    ("scale", "value", "stars"),
    [
        ("1-5", "4", 4),
        ("1-5", "4 out of 5", 4),
        ("1-5", "4.5/5", 4.5),
        ("1-5", "★★★☆☆", 3),
        ("1-5", "★★★★", 4),
        ("1-5", "5 stars", 5),
        ("1-5", "FIVE", 5),
        ("0-10", "5", 3),
        ("0-10", "10", 5),
        ("percent", "75%", 4),
        ("percent", "75 %", 4),
        ("1-10", "1", 1),
    ],
)
def test_ratings_of_any_spelling_become_stars(scale: str, value: str, stars: float) -> None:
    batch, rejected, _ = read(f'review,rating\nfine,"{value}"\n', f"rating: {{scale: {scale}}}")
    assert rejected == []
    assert batch.review(0).rating == pytest.approx(stars)


def test_a_rating_on_another_scale_is_kept_as_it_was_written() -> None:
    batch, _, _ = read("review,rating\nfine,5\n", "rating: {scale: 0-10}")
    assert batch.review(0).extra == {"rating": "5"}


@pytest.mark.parametrize(
    ("scale", "value", "why"),
    [
        ("1-5", "6", "'6' is not on the scale from 1 to 5"),
        ("1-5", "0", "'0' is not on the scale from 1 to 5"),
        ("1-5", "4/10", "is out of 10, the scale of the source ends at 5"),
        ("1-5", "4,5", "a comma is no decimal point here"),
        ("1-5", "good", "'good' is not a rating"),
        ("0-10", "★★★☆☆", "is out of 5"),
    ],
)
def test_a_rating_that_is_not_on_the_scale_is_refused(scale: str, value: str, why: str) -> None:
    batch, rejected, _ = read(f'review,rating\nfine,"{value}"\n', f"rating: {{scale: {scale}}}")
    assert batch.size == 0
    assert (rejected[0].code, why in rejected[0].reason) == ("invalid_rating", True)


@pytest.mark.parametrize(
    ("declared", "value", "time"),
    [
        ('formats: ["%d.%m.%Y"]', "05.01.2024", datetime(2024, 1, 5, tzinfo=UTC)),
        ('formats: ["%m/%d/%y"]', "1/5/24", datetime(2024, 1, 5, tzinfo=UTC)),
        ('formats: ["%m %d, %Y"]', "05 21, 2014", datetime(2014, 5, 21, tzinfo=UTC)),
        ("formats: [epoch_s, epoch_ms]", "1400630400", datetime(2014, 5, 21, tzinfo=UTC)),
        ("formats: [epoch_s, epoch_ms]", "1400630400500", datetime(2014, 5, 21, 0, 0, 0, 500000, tzinfo=UTC)),
        ("zone: Europe/Berlin", "2024-07-05 10:00", datetime(2024, 7, 5, 8, tzinfo=UTC)),
        ("zone: Europe/Berlin", "2024-07-05T10:00:00Z", datetime(2024, 7, 5, 10, tzinfo=UTC)),
        ("zone: Europe/Berlin", "2024-07-05 10:00:00 UTC", datetime(2024, 7, 5, 10, tzinfo=UTC)),
        (
            '{formats: ["%d.%m.%Y %H:%M"], zone: America/New_York}',
            "05.01.2024 20:00",
            datetime(2024, 1, 6, 1, tzinfo=UTC),
        ),
    ],
)
def test_times_of_declared_formats_become_utc(declared: str, value: str, time: datetime) -> None:
    declared = declared if declared.startswith("{") else f"{{{declared}}}"
    batch, rejected, _ = read(f'review,reviewed_at\nfine,"{value}"\n', f"reviewed_at: {declared}")
    assert (rejected, batch.review(0).reviewed_at) == ([], time)


def test_a_time_of_another_form_is_refused_with_the_declared_forms() -> None:
    _, rejected, _ = read("review,reviewed_at\nfine,2024-01-05\n", 'reviewed_at: {formats: ["%d.%m.%Y"]}')
    assert rejected[0].reason == "column reviewed_at: '2024-01-05' is not a time of the form %d.%m.%Y"


def test_defaults_fill_missing_languages_and_products_only() -> None:
    batch, _, _ = read("review,language\nfine,fr\ngut,\n", "{language: de, product_id: kettle}")
    assert [(batch.review(row).language, batch.review(row).product_id) for row in (0, 1)] == [
        ("fr", "kettle"),
        ("de", "kettle"),
    ]


def test_null_words_and_bad_values_of_the_contract_win() -> None:
    batch, rejected, _ = read("review,rating\nN/A,k.A.\nfine,?\n", '{null_words: [k.A.], bad_values: "null"}')
    assert (batch.text.texts(), rejected) == (["N/A", "fine"], [])
    assert (batch.review(0).rating, batch.review(1).nulled) == (None, {"rating": "?"})


def test_quoting_none_keeps_quotes_as_characters() -> None:
    contract = read_contract("{delimiter: tab, quoting: none}", "the test")
    assert contract.form[:2] == ("\t", NO_QUOTING)


def test_every_preset_is_valid_and_names_its_columns() -> None:
    assert set(presets()) >= {"amazon-tsv", "google-play", "app-store", "trustpilot", "yotpo", "judgeme", "bazaarvoice"}
    for name in presets():
        contract = contract_of({"preset": name}, name)
        assert contract.text, name
        assert "rating" in contract.columns, name


@pytest.mark.parametrize("name", presets())
def test_a_preset_means_the_same_after_it_was_stored(name: str) -> None:
    contract = contract_of({"preset": name}, name)
    assert contract_of(contract.document(), "the database", resolved=True) == contract


@pytest.mark.parametrize("text", ["Body", "[A, B]", "[[A, B]]", "[A, [B, C]]"])
def test_texts_and_their_names_are_kept_apart_when_stored(text: str) -> None:
    contract = read_contract(f"text: {text}", "the test")
    assert contract_of(contract.document(), "the database", resolved=True).text == contract.text


def test_a_contract_extends_its_preset() -> None:
    contract = read_contract("{preset: yotpo, columns: {product_id: SKU}, language: fr}", "the test")
    assert contract.accepted_names("product_id") == ("SKU",)
    assert contract.accepted_names("review_id") == ("Review ID",)
    assert (contract.language, contract.preset) == ("fr", "yotpo")


@pytest.mark.parametrize("text", ["4 out of 5", "4/5", "4 von 5", "4 sur 5", "4 de 5 estrellas", "4 su 5", "4 van 5"])
def test_a_rating_out_of_a_number_is_read_in_several_languages(text: str) -> None:
    assert spelled_rating(text, ".") == (4, 5)


def test_a_value_that_is_written_again_is_parsed_once() -> None:
    numbers, refused = scaled_ratings(BytesColumn.of([b"4", None, b"9", b"4", b"9"]), RatingScale())
    assert (numbers.values.tolist()[::3], numbers.null.tolist()) == ([4, 4], [False, True, True, False, True])
    assert sorted(refused) == [2, 4]


def test_every_scalar_is_text_and_a_key_that_occurs_twice_is_refused() -> None:
    assert parsed_document("{text: No, language: 1}", "x") == {"text": "No", "language": "1"}
    assert parsed_document("# nothing", "x") == {}
    with pytest.raises(ContractInvalid, match="the key text occurs twice"):
        parsed_document("text: a\ntext: b\n", "x")
