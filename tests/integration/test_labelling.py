"""Export the reviews with the least certain scores for labelling, and include their labels in the next snapshot."""

import csv
import json
from datetime import date

import pytest

from sentiment_core.datasets.active_learning import import_labels
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import LabelSourceInvalid
from sentiment_core.params import Params
from sentiment_core.training.from_snapshot import make_snapshot

SURE = ("a wonderful masterpiece, superb and touching", "an awful waste of time, terrible and dull")
UNSURE = ("it is a film", "they went to a house", "on a Tuesday", 'she said "no"\nand left')


@pytest.fixture
def rows(drops):
    """Reviews of two products on two days, and of another source."""
    quoted = [text.replace('"', '""') for text in (*SURE, *UNSURE)]
    for day in ("2026-11-15", "2026-11-16"):
        lines = [
            f'r{day[-1]}{product}{n},p{product},u,4,en,"{text}"' for product in (1, 2) for n, text in enumerate(quoted)
        ]
        drops.drop(f"shop/dt={day}/a.csv", "review_id,product_id,author_id,rating,language,review\n" + "\n".join(lines))
    drops.drop("app/dt=2026-11-16/b.csv", "review\nof another source\n")


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, rows) -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_the_least_certain_reviews_come_back_labelled(rows, drops, sentiment, settings, query, tmp_path) -> None:
    out = tmp_path / "to-label.csv"
    options = ("--since", "2026-11-15", "--until", "2026-11-16", "--source", "shop", "--each", "2", "--out", str(out))
    done = sentiment("label", "export", *options)
    assert "8 reviews to label" in done.stdout, done.stderr
    found = read(out)
    assert list(found[0])[-1] == "sentiment"
    for day in ("2026-11-15", "2026-11-16"):
        for product in ("p1", "p2"):
            mine = [row["review_id"] for row in found if (row["day"], row["product_id"]) == (day, product)]
            assert mine == [
                name
                for (name,) in query(
                    "SELECT review_id FROM sentiment.scored_reviews WHERE day = %s AND product_id = %s"
                    " ORDER BY greatest(positive, neutral, negative), line LIMIT 2",
                    date.fromisoformat(day),
                    product,
                )
            ]
    assert not {row["review"] for row in found} & set(SURE)

    found[0]["sentiment"], found[1]["sentiment"], found[2]["sentiment"] = "Positive", "neg", "dunno"
    write(out, found)
    done = sentiment("label", "import", str(out), "--source", "shop", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["labelled"], told["unlabelled"], told["rejected"]) == (2, 5, {"unknown_label": 1})
    assert told["uri"].startswith(f"s3://{settings.bucket}/training/shop/labels-")
    again = json.loads(sentiment("label", "import", str(out), "--source", "shop", "--json").stdout)
    assert (again["uri"], again["new"]) == (told["uri"], False)

    snapshot = make_snapshot(drops.connection, drops.storage, settings, Params.load()).snapshot
    assert [(row.review_id, row.text, row.label, row.group, row.rating) for row in snapshot.rows] == [
        (each["review_id"], each["review"], label, each["product_id"], 4.0)
        for each, label in zip(found, ("positive", "negative"), strict=False)
    ]
    assert snapshot.manifest.sources[0].source == "shop"


def test_a_clearly_neutral_review_is_not_uncertain(drops, sentiment, three_label_model, tmp_path) -> None:
    drops.model = three_label_model
    drops.drop("dt=2026-11-16/a.csv", "review\naverage\ngood average\n")
    clear, unclear = three_label_model.scorer.score_texts(["average", "good average"]).score
    assert abs(clear - 0.5) < abs(unclear - 0.5)
    out = tmp_path / "to-label.csv"
    sentiment("label", "export", "--since", "2026-11-16", "--each", "1", "--out", str(out))
    assert [row["review"] for row in read(out)] == ["good average"]


def test_only_the_product_that_is_asked_for_goes_out(rows, sentiment, tmp_path) -> None:
    out = tmp_path / "to-label.csv"
    sentiment("label", "export", "--since", "2026-11-15", "--source", "shop", "--product", "p2", "--out", str(out))
    assert {(row["day"], row["product_id"]) for row in read(out)} == {("2026-11-15", "p2")}
    assert {row["review"] for row in read(out)} == {*SURE, *UNSURE}


def test_a_column_that_groups_rows_goes_out_and_comes_back(drops, settings, sentiment, tmp_path, checkout) -> None:
    drops.drop("dt=2026-11-16/a.csv", "review,movie\nit is a film,m7\n")
    params = tmp_path / "params.yaml"
    shipped = (checkout / "sentiment_core" / "params.yaml").read_text()
    params.write_text(shipped.replace("group_column: product_id", "group_column: movie"))
    out = tmp_path / "to-label.csv"
    sentiment("label", "export", "--since", "2026-11-16", "--out", str(out), "--params", str(params))
    (found,) = read(out)
    assert found["movie"] == "m7"
    write(out, [found | {"sentiment": "negative"}])
    assert sentiment("label", "import", str(out), "--params", str(params)).returncode == 0
    snapshot = make_snapshot(drops.connection, drops.storage, settings, Params.load(params)).snapshot
    assert [(row.text, row.label, row.group) for row in snapshot.rows] == [("it is a film", "negative", "m7")]


@pytest.mark.parametrize("source", ["snapshots", "a/b", "dt=2026-11-16"])
def test_a_source_that_is_no_folder_of_labels_is_refused(connection, stack, settings, tmp_path, source) -> None:
    path = tmp_path / "a.csv"
    path.write_text("review,sentiment\nfine,1\n")
    storage = Storage(stack.object_store.client())
    with pytest.raises(LabelSourceInvalid):
        import_labels(connection, storage, Rules(settings), Params.load(), local_drop(path), source)
    assert list(storage.list(settings.bucket, "")) == []
