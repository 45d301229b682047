"""A snapshot's manifest, split and rows, built from rows in memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sentiment_core.columnar.missing_texts import MissingTexts
from sentiment_core.datasets.checks import check
from sentiment_core.datasets.collection import Collected
from sentiment_core.datasets.correction_votes import Vote, count_votes
from sentiment_core.datasets.snapshot import Rejected, RejectedFile, Row, SnapshotManifest, Source, decoded, encoded
from sentiment_core.datasets.star_summary import Stars, StarSource
from sentiment_core.errors import ChecksFailed
from sentiment_core.params import DEFAULTS, CheckParams, Params, SnapshotParams
from sentiment_core.settings import Settings
from sentiment_core.text.fingerprints import hash_texts
from sentiment_core.training.from_snapshot import divide, train_snapshot

LABELS = ("negative", "positive")
MISSING = MissingTexts(Settings().null_words)


def collected(rows: list[Row], rejected: int = 0, contradicting: int = 0, files: int = 0) -> Collected:
    source = Source(
        bucket="b",
        key="training/a.csv",
        version="1",
        sha256="0" * 64,
        source="",
        rows=len(rows) + rejected + contradicting,
        taken=len(rows),
        duplicates=0,
        contradicting=contradicting,
        rejected={"unknown_label": Rejected(rows=rejected, lines=(2,))} if rejected else {},
    )
    bad = tuple(RejectedFile(bucket="b", key=f"{n}", version="1", code="no_rows", why="none") for n in range(files))
    return Collected(rows, "product_id", (source,), bad, count_votes([], [], LABELS, 1000, MISSING)[1])


def rows_of(reviews, language: str | None = None) -> list[Row]:
    """Return the generated reviews, each in a group of its number. They share their word sequences."""
    texts = zip(reviews.texts, reviews.labels.tolist(), strict=True)
    return [
        Row(f"{number} {text}", LABELS[label // 2], f"p{number}", None, language, "training/a.csv", number, None, None)
        for number, (text, label) in enumerate(texts)
    ]


def plain_rows(count: int, positive: float = 0.5, **changed: object) -> list[Row]:
    """Return short rows without a run of eight words."""
    rows = []
    for number in range(count):
        label = LABELS[number < positive * count]
        row = Row(f"opinion number {number}", label, f"p{number}", None, None, "training/a.csv", number, None, None)
        rows.append(row._replace(**changed))
    return rows


def test_the_id_is_the_hash_of_all_that_a_snapshot_is(params) -> None:
    rows = plain_rows(200)
    one = divide(collected(rows), params)
    assert one.id == divide(collected(list(rows)), params).id == one.manifest.id
    others = [
        divide(collected(rows[:-1]), params),
        divide(collected([*rows[:-1], rows[-1]._replace(label="positive")]), params),
        divide(collected([*rows[:-1], rows[-1]._replace(line=999)]), params),
        divide(collected(rows, rejected=1), params),
        divide(collected(rows), params.model_copy(update={"snapshot": SnapshotParams(test_size=10)})),
    ]
    assert len({one.id, *(other.id for other in others)}) == 6


@given(
    st.lists(
        st.builds(
            Row,
            st.text(),
            st.sampled_from(LABELS),
            st.none() | st.text(),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none() | st.text(),
            st.none() | st.text(),
            st.integers(0),
            st.none() | st.text(),
            st.none() | st.text(),
            weight=st.floats(0, 1, exclude_min=True),
        )
    )
)
def test_rows_are_stored_and_read_as_they_are(rows: list[Row]) -> None:
    storable = [row for row in rows if not any("\ud800" <= letter <= "\udfff" for letter in repr(row))]
    assert decoded(encoded(storable)) == storable


def test_read_rows_share_the_names_of_objects_and_groups() -> None:
    first, second = decoded(encoded(plain_rows(2, group="p")))
    assert first.key is second.key
    assert first.group is second.group


def test_the_counts_of_a_source_must_add_up() -> None:
    with pytest.raises(ValidationError, match="the row counts of a.csv do not add up to 3"):
        Source(
            bucket="b", key="a.csv", version="1", sha256="", source="", rows=3, taken=1, duplicates=1, contradicting=0,
            rejected={},
        )  # fmt: skip


def test_a_copy_of_a_training_text_is_never_test_data_however_short(params) -> None:
    rows = [row._replace(text="The very  same" if row.line % 2 else "the very same", label="positive")
            for row in plain_rows(200)]  # fmt: skip
    snapshot = divide(collected(rows), params)
    sides = {side: sum(row.side == side for row in snapshot.rows) for side in ("training", "test", "near_duplicate")}
    assert sides["test"] == 0
    assert sides["near_duplicate"] == snapshot.manifest.near_duplicates.rows > 20
    assert np.array_equal(snapshot.known_texts, hash_texts(["the very same"]))


def test_without_test_rows_all_are_trained_on(params) -> None:
    snapshot = divide(collected(plain_rows(100)), params.model_copy(update={"snapshot": SnapshotParams(test_size=0)}))
    assert {row.side for row in snapshot.rows} == {"training"}
    assert snapshot.manifest.test.rows == {}


def test_a_model_of_a_snapshot_names_it_and_has_its_test_rows(reviews, params) -> None:
    # The runs of words recur, so the near-duplicate rule would remove almost all test rows.
    rows = [row for row in divide(collected(rows_of(reviews)), params).rows if row.side == "training"]
    snapshot = divide(collected([*rows, *plain_rows(200, positive=0.5)]), params)
    bundle = train_snapshot(snapshot, params).bundle
    assert bundle.provenance["snapshot"] == snapshot.id
    assert bundle.provenance["grouped_by"] == "product_id"
    assert bundle.manifest.training["data"]["test_size"] == 20
    assert set(bundle.manifest.training) == {"data", "model", "calibration"}
    assert bundle.manifest.snapshot.sha256 == snapshot.manifest.training.sha256
    assert bundle.provenance["test"]["rows"] == sum(snapshot.manifest.test.rows.values())
    assert bundle.digest == train_snapshot(snapshot, params).bundle.digest


FAULTY = {
    "least_rows": (collected(plain_rows(90)), "training rows; the limit is 100"),
    "least_label_share": (collected(plain_rows(300, positive=0.05)), "negative, "),
    "most_contradicting": (collected(plain_rows(300), contradicting=10), "10 of 310 rows of texts with two labels"),
    "most_rejected": (collected(plain_rows(300), rejected=40), "40 of 340 rows rejected; the limit is 0.1"),
    "most_rejected_files": (collected(plain_rows(300), files=2), "2 of 3 files rejected; the limit is 0.5"),
    "most_short": (collected([r._replace(text=f"{r.line}") for r in plain_rows(300)]), "texts below 10 characters"),
    "most_long": (
        collected([r._replace(text=f"{r.line}" * 20_001) for r in plain_rows(200)]),
        "texts above 20,000 characters",
    ),
    "most_other_languages": (collected(plain_rows(300, language="de-AT")), "rows in languages other than en"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_data_beyond_a_limit_is_not_trained_on(params, name: str) -> None:
    data, told = FAULTY[name]
    with pytest.raises(ChecksFailed) as failed:
        train_snapshot(divide(data, params), params)
    assert f"{name} (" in str(failed.value)
    assert told in str(failed.value)
    assert failed.value.details["count"] == 1
    assert set(FAULTY) == {n for n in CheckParams.model_fields if n.startswith(("least_", "most_"))}


def test_all_failed_checks_are_named_at_once(params) -> None:
    data = collected(plain_rows(50, positive=1, language="fr"), rejected=50)
    named = r"fails 4 of its checks: least_rows \(.*least_label_share \(no negative rows on the training side"
    with pytest.raises(ChecksFailed, match=named):
        train_snapshot(divide(data, params), params)


def test_a_label_that_the_test_side_lacks_fails(params) -> None:
    rows = plain_rows(300)
    snapshot = divide(collected(rows), params)
    kept = [row for row in snapshot.rows if row.side == "training" or row.label == "positive"]
    with pytest.raises(ChecksFailed, match="no negative rows on the test side"):
        train_snapshot(divide(collected(kept), params), params)


def test_english_by_any_spelling_is_no_other_language(params) -> None:
    limits = params.model_copy(update={"checks": CheckParams(most_other_languages=0)})
    rows = [*plain_rows(100, language="en_GB"), *(row._replace(text=row.text + "!") for row in plain_rows(100))]
    assert all(each.passed for each in check(divide(collected(rows), params), limits))


def test_the_file_of_the_package_has_the_limits_of_a_file_without_any(tmp_path) -> None:
    old = tmp_path / "params.yaml"
    old.write_text(DEFAULTS.read_text().partition("# Of snapshots")[0])
    assert Params.load(old) == Params.load()


def test_votes_are_counted_by_text_and_a_tie_decides_nothing() -> None:
    votes = [
        Vote(1, "A  text", "positive"),
        Vote(2, "a text", "positive"),
        Vote(3, "A text", "neutral"),
        Vote(7, "tie", "negative"),
        Vote(8, "tie", "positive"),
        Vote(9, "x" * 11, "positive"),
        Vote(10, " nan", "positive"),
    ]
    rows, counts = count_votes(votes, [], LABELS, 10, MISSING)
    assert [(row.text, row.label, row.line, row.key) for row in rows] == [("A  text", "positive", 1, None)]
    assert (counts.texts, counts.taken, counts.undecided) == (2, 1, 1)
    assert counts.rejected == {"missing_text": 1, "text_too_long": 1}
    assert counts.ids == ((1, 3), (7, 10))
    three, _ = count_votes([Vote(1, "so so", "neutral")], [], (*LABELS, "neutral"), 10, MISSING)
    assert [row.label for row in three] == ["neutral"]


def starred_rows(count: int, first: int) -> list[Row]:
    """Return starred rows of products that follow those of `plain_rows`."""
    origin = {"weight": 0.5, "source": "shop", "bucket": "b", "version": "v1", "key": "incoming/shop/a.csv"}
    return [
        row._replace(text=f"starred {row.text}", label=LABELS[row.line % 2], rating=1.0, **origin)
        for row in plain_rows(first + count)[first:]
    ]


def with_stars(rows: list[Row], stars: list[Row], least_human_test: int = 1) -> Collected:
    source = StarSource(
        source="shop", declared=False, scales=("1 to 5",), rows=len(stars), unreadable=0, taken=len(stars),
        suspicious=0, left_out={}, agreement=None, refused=None, why="",
    )  # fmt: skip
    settings = {"least_human_test": least_human_test}
    summary = Stars(since=None, until=None, settings=settings, judge=None, sources=(source,))
    return collected(rows)._replace(rows=[*rows, *stars], stars=summary)


def test_a_snapshot_without_stars_keeps_the_id_of_earlier_releases(params) -> None:
    snapshot = divide(collected(plain_rows(200)), params)
    assert snapshot.id == "64a7d29a1677ec4c1eb3aabfcc30d1785619d64284f3f713fc71fa7a12861b31"
    assert "stars" not in snapshot.manifest.model_dump()
    assert b"weight" not in b"".join(encoded(snapshot.rows))
    assert snapshot.reviews("training").weights is None


def test_starred_rows_keep_their_weight_and_origin_and_do_not_move_human_rows(params) -> None:
    rows = plain_rows(300)
    snapshot = divide(with_stars(rows, starred_rows(200, 300)), params)
    assert SnapshotManifest.model_validate_json(snapshot.manifest.document) == snapshot.manifest
    assert decoded(encoded(snapshot.rows)) == snapshot.rows
    assert [row for row in snapshot.rows if row.origin == "file"] == list(divide(collected(rows), params).rows)
    assert {row.origin for row in snapshot.rows[300:]} == {"stars"}
    weights = snapshot.reviews("training").weights
    assert weights is not None
    assert weights.tolist() == [row.weight for row in snapshot.rows if row.side == "training"]


def test_models_are_compared_on_human_labels_unless_they_are_few_or_lack_a_label(params) -> None:
    rows, stars = plain_rows(300), starred_rows(200, 300)
    test = [row for row in divide(with_stars(rows, stars), params).rows if row.side == "test"]
    human = [row for row in test if row.origin == "file"]
    assert divide(with_stars(rows, stars), params).test_rows == human
    assert divide(with_stars(rows, stars, least_human_test=len(human) + 1), params).test_rows == test
    praise = [row for row in rows if row.label == "positive"]
    alone = divide(with_stars(praise, stars), params)
    assert {row.origin for row in alone.test_rows} == {"file", "stars"}


def test_a_starred_training_row_that_nearly_equals_a_human_test_row_gives_way(params) -> None:
    rows = plain_rows(300)
    test = {row.text for row in divide(collected(rows), params).rows if row.side == "test"}
    copies = [
        row._replace(text=text.upper(), group="p0")
        for row, text in zip(starred_rows(len(test), 300), sorted(test), strict=True)
    ]
    snapshot = divide(with_stars(rows, copies), params)
    assert {row.text for row in snapshot.test_rows} == test
    assert {row.side for row in snapshot.rows if row.origin == "stars"} == {"near_duplicate"}


def test_a_model_of_stars_measures_them_separately(reviews, params) -> None:
    human = [row for row in divide(collected(rows_of(reviews)), params).rows if row.side == "training"]
    stars = starred_rows(200, 300)
    trained = train_snapshot(divide(with_stars([*human, *plain_rows(300)], stars), params), params)
    found = trained.evaluation.as_dict()
    assert found["held_out_human"]["rows"] + found["held_out_stars"]["rows"] == found["held_out"]["rows"]
    assert found["test_stars"]["rows"] + found["held_out_stars"]["rows"] == 200
    assert trained.bundle.provenance["starred_rows"] == 200
    assert trained.bundle.provenance["held_out_stars"] == found["held_out_stars"]
