"""Each preset on a file in the true form of its export: encoding, delimiter, header and values."""

# ruff: noqa: E501 -- rows are written as the exports have them

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from sentiment_core.cli.source import first_rows
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.dry_run import dry_run
from sentiment_core.drops.inference import propose
from sentiment_core.drops.source_contract import Rules, contract_of, presets
from sentiment_core.drops.storage import Storage
from sentiment_core.settings import Settings


class Export(NamedTuple):
    preset: str
    name: str
    data: bytes
    review_id: str | None
    product_id: str | None
    author_id: str | None
    rating: float
    reviewed_at: datetime
    language: str | None
    text: str
    not_scored: str = "Thank you for your feedback"  # the shop's answer


def lines(*objects: dict) -> bytes:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects).encode()


EXPORTS = [
    Export(
        "amazon-tsv",
        "amazon_reviews_us_Tools_v1_00.tsv",
        (
            b"marketplace\tcustomer_id\treview_id\tproduct_id\tproduct_parent\tproduct_title\tproduct_category\tstar_rating"
            b"\thelpful_votes\ttotal_votes\tvine\tverified_purchase\treview_headline\treview_body\treview_date\n"
            b'US\t15785389\tR2UM5QMHBHC90Q\tB00H5U9ZD6\t115362950\t19" level\tTools\t5\t0\t0\tN\tY\tFive Stars\t'
            b'"19 inch is what it says<br />I like it\t2015-08-31\n'
            b"US\t47910848\tRF0D1LEIF6L7\tB001TJGCS0\t570955425\tSaw\tTools\t1\t0\t0\tN\tY\tDull\tIt cuts nothing\t2015-08-31\n"
        ),
        "R2UM5QMHBHC90Q",
        "B00H5U9ZD6",
        "15785389",
        5,
        datetime(2015, 8, 31, tzinfo=UTC),
        None,
        'Five Stars\n"19 inch is what it says<br />I like it',
        '19" level',
    ),
    Export(
        "amazon-jsonl",
        "Musical_Instruments_5.json",
        lines(
            {
                "reviewerID": "A2IBPI20UZIR0U",
                "asin": "1384719342",
                "reviewerName": "cassandra tu \"Yeah, well, that's just like, u...",
                "helpful": [0, 0],
                "reviewText": "Not much to write about here, but it does exactly what it's supposed to.",
                "overall": 5.0,
                "summary": "good",
                "unixReviewTime": 1393545600,
                "reviewTime": "02 28, 2014",
            }
        ),
        None,
        "1384719342",
        "A2IBPI20UZIR0U",
        5,
        datetime(2014, 2, 28, tzinfo=UTC),
        "en",
        "good\nNot much to write about here, but it does exactly what it's supposed to.",
    ),
    Export(
        "amazon-jsonl",
        "All_Beauty.jsonl",
        lines(
            {
                "rating": 1.0,
                "title": "Stopped working",
                "text": "It broke on the second day.",
                "images": [],
                "asin": "B00YQ6X8EO",
                "parent_asin": "B00YQ6X8EO",
                "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ",
                "timestamp": 1588687728923,
                "helpful_vote": 0,
                "verified_purchase": True,
            }
        ),
        None,
        "B00YQ6X8EO",
        "AGKHLEW2SOWHNMFQIJGBECAF7INQ",
        1,
        datetime(2020, 5, 5, 14, 8, 48, 923000, tzinfo=UTC),
        "en",
        "Stopped working\nIt broke on the second day.",
    ),
    Export(
        "google-play",
        "reviews_com.example.app_202611.csv",
        (
            "Package Name,App Version Code,App Version Name,Reviewer Language,Device,Review Submit Date and Time,Review "
            "Submit Millis Since Epoch,Review Last Update Date and Time,Review Last Update Millis Since Epoch,Star Rating,"
            "Review Title,Review Text,Developer Reply Date and Time,Developer Reply Millis Since Epoch,Developer Reply Text,"
            "Review Link\n"
            "com.example.app,77,1.0.6,ko,starlte,2026-11-02T03:04:05Z,1793588645000,2026-11-03T03:04:05Z,1793675045000,5,,"
            '"좋아요, 잘 사용하고 있어요.",2026-11-04T03:04:05Z,1793761445000,Thank you for your feedback,'
            "https://play.google.com/console/developers/app/user-feedback/review-details?reviewId=1f2a\n"
        ).encode("utf-16"),
        "https://play.google.com/console/developers/app/user-feedback/review-details?reviewId=1f2a",
        "com.example.app",
        None,
        5,
        datetime(2026, 11, 3, 3, 4, 5, tzinfo=UTC),
        "ko",
        "좋아요, 잘 사용하고 있어요.",
    ),
    Export(
        "app-store",
        "customer_reviews.jsonl",
        lines(
            {
                "type": "customerReviews",
                "id": "00000025-7c3b-4c1f-9ba4-8d2f00000000",
                "attributes": {
                    "rating": 2,
                    "title": "Crashes",
                    "body": "It crashes when I open a photo.",
                    "reviewerNickname": "Ann B.",
                    "createdDate": "2026-11-02T08:00:00-07:00",
                    "territory": "USA",
                },
                "relationships": {"response": {"links": {"self": "https://api.example.com/r"}}},
            }
        ),
        "00000025-7c3b-4c1f-9ba4-8d2f00000000",
        None,
        None,
        2,
        datetime(2026, 11, 2, 15, tzinfo=UTC),
        None,
        "Crashes\nIt crashes when I open a photo.",
    ),
    Export(
        "trustpilot",
        "service-reviews.csv",
        (
            b"Domain Url,Webshop Name,Business Unit Id,Review Id,Review Created (UTC),Review Consumer User Id,Review Title,"
            b"Review Content,Review Stars,Source Of Review,Company Reply,Review Username,Review User Email,Reference Id,"
            b"Review Language\n"
            b"www.example.com,Example,4b8a,65b1f0,2026-11-02 10:00:00,5f3c,Slow delivery,"
            b'"It took three weeks, and nobody answered.",2,AFS,Thank you for your feedback,Bob,b@example.com,1001,en\n'
        ),
        "65b1f0",
        "Example",
        "5f3c",
        2,
        datetime(2026, 11, 2, 10, tzinfo=UTC),
        "en",
        "Slow delivery\nIt took three weeks, and nobody answered.",
    ),
    Export(
        "yotpo",
        "yotpo_reviews.csv",
        (
            b"Review ID,Review Status,Review Title,Review Content,Review Score,Review Creation Date,Product ID,Product Title,"
            b"User Name,Email,Comment Content,Comment Date\n"
            b"8812,Published,Love it,Soft and warm,5,2026-11-02,SKU-7,Blanket,Ann,a@example.com,"
            b"Thank you for your feedback,2026-11-03\n"
        ),
        "8812",
        "SKU-7",
        None,
        5,
        datetime(2026, 11, 2, tzinfo=UTC),
        None,
        "Love it\nSoft and warm",
    ),
    Export(
        "judgeme",
        "judgeme_reviews.csv",
        (
            b"title,body,rating,review_date,source,curated,reviewer_name,reviewer_email,product_id,product_handle,reply,"
            b"reply_date,picture_urls,ip_address,location\n"
            b"Nice,Fits well,4,2026-11-02 08:09:10 UTC,email,ok,Ann,a@example.com,7551,blue-shirt,"
            b"Thank you for your feedback,2026-11-03 08:09:10 UTC,,,US\n"
        ),
        None,
        "blue-shirt",
        None,
        4,
        datetime(2026, 11, 2, 8, 9, 10, tzinfo=UTC),
        None,
        "Nice\nFits well",
    ),
    Export(
        "bazaarvoice",
        "reviews.jsonl",
        lines(
            {
                "Id": "192612",
                "ProductId": "test0",
                "AuthorId": "c94d",
                "Rating": 3,
                "RatingRange": 5,
                "Title": "So so",
                "ReviewText": "It works, but it is loud.",
                "SubmissionTime": "2026-11-02T10:00:00.000+00:00",
                "ContentLocale": "en_US",
                "ClientResponses": [{"Response": "Thank you for your feedback"}],
            }
        ),
        "192612",
        "test0",
        "c94d",
        3,
        datetime(2026, 11, 2, 10, tzinfo=UTC),
        "en_US",
        "So so\nIt works, but it is loud.",
    ),
    Export(
        "google-business",
        "reviews.jsonl",
        lines(
            {
                "reviewId": "AbFvOq",
                "reviewer": {"displayName": "Ann", "profilePhotoUrl": "https://example.com/p"},
                "starRating": "FOUR",
                "comment": "Friendly and quick.",
                "createTime": "2026-11-02T10:00:00.123456Z",
                "updateTime": "2026-11-02T11:00:00.123456Z",
                "reviewReply": {"comment": "Thank you for your feedback", "updateTime": "2026-11-03T10:00:00Z"},
                "name": "accounts/1/locations/2/reviews/AbFvOq",
            }
        ),
        "AbFvOq",
        None,
        None,
        4,
        datetime(2026, 11, 2, 11, 0, 0, 123456, tzinfo=UTC),
        None,
        "Friendly and quick.",
    ),
    Export(
        "kaggle",
        "Reviews.csv",
        (
            b"Id,ProductId,UserId,ProfileName,HelpfulnessNumerator,HelpfulnessDenominator,Score,Time,Summary,Text\n"
            b"1,B001E4KFG0,A3SGXH7AUHU8GW,delmartian,1,1,5,1303862400,Good Quality Dog Food,"
            b'"The product looks more like a stew, and it smells better."\n'
        ),
        None,
        "B001E4KFG0",
        "A3SGXH7AUHU8GW",
        5,
        datetime(2011, 4, 27, tzinfo=UTC),
        None,
        "Good Quality Dog Food\nThe product looks more like a stew, and it smells better.",
    ),
    Export(
        "kaggle",
        "Womens Clothing E-Commerce Reviews.csv",
        (
            b",Clothing ID,Age,Title,Review Text,Rating,Recommended IND,Positive Feedback Count,Division Name,"
            b"Department Name,Class Name,reviewed_at\n"
            b"0,767,33,Lovely,Absolutely wonderful - silky and comfortable,4,1,0,Initmates,Intimate,Intimates,2018-02-03\n"
        ),
        None,
        "767",
        None,
        4,
        datetime(2018, 2, 3, tzinfo=UTC),
        None,
        "Lovely\nAbsolutely wonderful - silky and comfortable",
    ),
]


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: f"{export.preset} {export.name}")
def test_an_export_is_read_by_its_preset(tmp_path: Path, export: Export) -> None:
    path = tmp_path / export.name
    path.write_bytes(export.data)
    rules = Rules(Settings(), contract_of({"preset": export.preset}, export.preset))
    report = dry_run(Storage(None), local_drop(path), rules)
    assert (report.perfect, report.warnings) == (True, []), report
    review = first_rows(Storage(None), local_drop(path), rules)[0]
    found = (review.review_id, review.product_id, review.author_id, review.rating, review.reviewed_at, review.language)
    expected = (
        export.review_id,
        export.product_id,
        export.author_id,
        export.rating,
        export.reviewed_at,
        export.language,
    )
    assert found == expected
    assert review.text == export.text
    assert export.not_scored not in review.text


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: f"{export.preset} {export.name}")
def test_an_export_is_recognised_as_its_preset(tmp_path: Path, export: Export) -> None:
    path = tmp_path / export.name
    path.write_bytes(export.data)
    assert propose(Storage(None), [local_drop(path)], Settings()).document["preset"] == export.preset


def test_every_preset_has_an_export() -> None:
    assert {export.preset for export in EXPORTS} == set(presets())


def test_every_example_export_is_read_by_the_preset_that_its_folder_names(checkout: Path) -> None:
    folders = list((checkout / "examples" / "presets").iterdir())
    assert len(folders) == 2
    for folder in folders:
        rules = Rules(Settings(), contract_of({"preset": folder.name}, folder.name))
        for path in folder.rglob("*.csv"):
            report = dry_run(Storage(None), local_drop(path), rules)
            assert (report.perfect, report.warnings) == (True, []), report


def test_the_example_reviews_of_a_hotel_are_in_eight_languages(checkout: Path) -> None:
    (path,) = (checkout / "examples" / "presets" / "google-business").rglob("*.csv")
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert {row["language"] for row in rows} == {"en", "de", "fr", "es", "it", "pt", "nl", "sv"}
    assert {row["starRating"] for row in rows} == {"ONE", "TWO", "THREE", "FOUR", "FIVE"}
