"""Stored reviews with a rating become rows of a snapshot, with their origin, and go when they are erased."""

import json
from collections import Counter
from datetime import date

import pytest

from sentiment_core.datasets.checks import check, require_passed
from sentiment_core.datasets.snapshot import Days
from sentiment_core.drops.source_contract import contract_of
from sentiment_core.errors import TrainingDataInvalid
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.source_contracts import store_contract
from sentiment_core.model.scorer import Scorer
from sentiment_core.training.from_snapshot import ALL_DAYS, make_snapshot, train_snapshot
from tests.integration.test_snapshots import csv_of, training  # noqa: F401 - a fixture

DAY = "dt=2026-11-16"


def rated(ratings: list[str], first: int = 0, product: str = "p") -> str:
    """Return rated reviews, one of each product and author. No two share a run of eight words."""
    lines = ["review_id,product_id,author_id,rating,review"]
    for number, rating in enumerate(ratings, first):
        words = " ".join(f"word{number}x{place}" for place in range(12))
        lines.append(f's{number},{product}{number},u{number},{rating},"{words}"')
    return "\n".join(lines) + "\n"


@pytest.fixture
def stars(training):  # noqa: F811
    """Create snapshots with stars; keyword arguments change the section `stars`."""
    training.put("shop/dt=2026-12-05/a.csv", csv_of(0, 100))

    def make(between: Days = ALL_DAYS, judge: Scorer | None = None, **changed: object):
        params = training.params.changed({"stars": {"enabled": True, **changed}})
        return make_snapshot(training.connection, training.storage, training.settings, params, between, judge).snapshot

    return make


def summaries(snapshot) -> dict[str, object]:
    return {each.source: each for each in snapshot.manifest.stars.sources}


def starred(snapshot) -> list:
    return [row for row in snapshot.rows if row.origin == "stars"]


def test_rated_reviews_join_the_snapshot_with_their_origin_and_go_with_an_erasure(
    stars, drops, training  # noqa: F811
) -> None:  # fmt: skip
    before = training.make()
    drops.drop(f"web/{DAY}/a.csv", rated(["5", "1"] * 20))
    snapshot = stars()
    assert [row for row in snapshot.rows if row.origin != "stars"] == list(before.rows)
    assert training.make().id == before.id, "a snapshot without stars does not depend on stored reviews"
    row = next(row for row in starred(snapshot) if row.review_id == "s7")
    assert (row.label, row.rating, row.weight, row.group, row.author_id) == ("negative", 1, 0.5, "p7", "u7")
    version = training.storage.find(f"s3://{training.settings.bucket}/incoming/web/{DAY}/a.csv").version_token
    assert (row.source, row.bucket, row.key, row.version, row.line) == (
        "web", training.settings.bucket, f"incoming/web/{DAY}/a.csv", version, 9
    )  # fmt: skip
    assert training.store.read(snapshot.id).rows == snapshot.rows
    assert stars().id == snapshot.id
    done = erase(training.connection, training.settings, "author", "web", "u7", training.store.erase)
    assert (done.reviews, done.snapshots) == (1, 1)
    assert training.store.find(snapshot.id).rows_erased == 1
    # The labelled file has an author u7 too, of another source.
    assert {row.review_id for row in stars().rows if row.author_id == "u7"} == {"r7"}


def test_only_the_newest_version_of_a_review_counts_and_only_on_the_days(stars, drops) -> None:
    drops.drop(f"web/{DAY}/a.csv", rated(["5", "1"] * 20))
    drops.drop("web/dt=2026-11-18/b.csv", rated(["1"]) + rated(["5"] * 4, first=100).partition("\n")[2])
    snapshot = stars()
    assert Counter(row.label for row in starred(snapshot)) == {"positive": 23, "negative": 21}
    assert [row.label for row in starred(snapshot) if row.review_id == "s0"] == ["negative"]
    assert summaries(stars(Days(until=date(2026, 11, 17))))["web"].rows == 39
    newest = stars(days=2, least_ratings=2)
    assert len(starred(newest)) == 5
    assert newest.manifest.stars.since == date(2026, 11, 17)
    assert stars(Days(since=date(2026, 12, 1))).manifest.stars.sources == ()
    with pytest.raises(TrainingDataInvalid, match=r"or in the rated reviews \('web': it has 39 ratings"):
        stars(Days(until=date(2026, 11, 17)), least_ratings=50)
    with pytest.raises(TrainingDataInvalid, match="no stored review of these days has a rating"):
        stars(Days(until=date(2026, 11, 1)))


def test_the_scale_is_that_of_the_contract_at_the_time_of_the_load_or_found(stars, drops, query) -> None:
    drops.drop(f"app/{DAY}/raw.csv", rated(["10", "1", "9", "2"] * 10))
    with drops.connection, drops.connection.cursor() as cursor:
        store_contract(cursor, "app", contract_of({"rating": "0-10", "bad_values": "null"}, "test"), "", "test")
    # The same numbers are stored as stars from now on.
    drops.drop(f"app/{DAY}/read.csv", rated(["10", "0", "4/10", "6"] * 10, first=100))
    drops.drop(f"grades/{DAY}/a.csv", rated(["1", "2", "6"] * 10, first=200))
    drops.drop(f"words/{DAY}/a.csv", rated(["4/5", "1/5"] * 10, first=300), bad_values="null")
    found = {(each.source, each.declared): each for each in stars().manifest.stars.sources}
    raw, read = found["app", False], found["app", True]
    assert (raw.scales, raw.taken) == (("1 to 10", "0 to 10"), 40)
    assert (read.scales, read.taken, read.left_out) == (("1 to 5",), 20, {"between_thresholds": 20})
    assert (found["grades", False].refused, found["words", False].refused) == ("unknown_scale", "unknown_scale")
    assert (found["words", False].rows, found["words", False].unreadable) == (0, 20)
    assert "none of its 20 ratings could be parsed" in found["words", False].why
    declared = stars(scales={"grades": [6, 1]})
    assert summaries(declared)["grades"].taken == 30
    assert {row.label for row in starred(declared) if row.source == "grades" and row.rating == 1} == {"positive"}


def test_poisoned_and_useless_stars_are_capped_or_refused_and_printed(stars, drops, sentiment, training) -> None:  # noqa: F811
    honest = rated(["5", "1"] * 20)
    copies = "".join(f'x{number},q{number},v{number},1,"Never buy anything here"\n' for number in range(1000))
    drops.drop(f"web/{DAY}/a.csv", honest + copies)
    drops.drop(f"happy/{DAY}/a.csv", rated(["5"] * 30, first=400))
    found = summaries(stars())
    assert (found["web"].taken, found["web"].left_out) == (41, {"duplicate": 999})
    assert (found["happy"].refused, found["happy"].taken) == ("one_rating", 0)
    made = sentiment("snapshot", "create", "--stars")
    assert "Stars of web: 41 of 1,040 rated reviews used, scale 1 to 5, 999 duplicate" in made.stdout
    assert "Stars of happy: refused: one_rating: all 30 ratings are 5" in made.stdout
    snapshot_id = made.stdout.split("/snapshots/")[1].split("/")[0]
    assert "Stars of happy: refused" in sentiment("snapshot", "show", snapshot_id).stdout
    manifest = json.loads(sentiment("snapshot", "create", "--stars", "--json").stdout)["manifest"]
    assert manifest["stars"]["judge"] == drops.model.scorer.bundle.digest
    assert "stars" not in json.loads(sentiment("snapshot", "create", "--json").stdout)["manifest"]


def test_the_reviews_of_the_demo_teach_by_their_stars(training, drops, checkout) -> None:  # noqa: F811
    folders = {name: checkout / "examples" / name for name in ("incoming", "presets")}
    with drops.connection, drops.connection.cursor() as cursor:
        for preset in folders["presets"].iterdir():
            store_contract(cursor, preset.name, contract_of({"preset": preset.name}, "test"), "", "test")
    for folder in folders.values():
        for path in sorted(folder.rglob("*.*")):
            drops.drop(str(path.relative_to(folder)), path.read_bytes())
    # None of the ten products is on the test side.
    alone = training.params.changed(
        {"stars": {"enabled": True}, "snapshot": {"group_column": "author_id"}, "model": {"languages": ["en"]}}
    )
    made = make_snapshot(
        training.connection, training.storage, training.settings, alone, judge=drops.model.scorer
    ).snapshot
    found = summaries(made)
    taken = {"app-store": 63, "google-business": 6, "trustpilot": 0, "web-shop": 107}
    assert {name: each.taken for name, each in found.items()} == taken
    assert (found["trustpilot"].declared, found["trustpilot"].refused) == (True, "too_few_ratings")
    assert found["web-shop"].left_out == {"between_thresholds": 11, "other_language": 2}
    assert found["google-business"].left_out == {"between_thresholds": 2, "other_language": 14}
    assert all(found[name].agreement > 0.6 for name in ("app-store", "web-shop"))
    assert found["google-business"].agreement is None, "it has too few rows"
    require_passed(check(made, alone))
    bundle = train_snapshot(made, alone).bundle
    assert (bundle.provenance["starred_rows"], bundle.provenance["held_out_stars"]["rows"]) == (176, 144)
