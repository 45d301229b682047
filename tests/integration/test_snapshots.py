"""Labelled data in S3 and corrections in PostgreSQL give snapshots, and a snapshot always gives the same model."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from backports import zstd
from pydantic import SecretStr

from sentiment_core.database.connection import connect
from sentiment_core.datasets.snapshot import Days
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import (
    ChecksFailed,
    ErasureKeyWrong,
    LoadsUnderWay,
    MaintenanceRuns,
    SnapshotDamaged,
    SnapshotErased,
    SnapshotMissing,
    StorageRefused,
    TrainingDataInvalid,
)
from sentiment_core.ledger.erasure import erase
from sentiment_core.ledger.source_files import block_loads, block_maintenance
from sentiment_core.model.bundle import Bundle
from sentiment_core.params import DEFAULTS, Params
from sentiment_core.text.fingerprints import are_known, hash_texts
from sentiment_core.training.from_snapshot import make_snapshot, train_snapshot
from sentiment_core.training.train import train
from tests.unit.conftest import BAD, GOOD

PRODUCTS = 60


class Training:
    """Put labelled files into this test's bucket and create snapshots from them."""

    def __init__(self, connection, s3, settings) -> None:
        self.connection = connection
        self.s3 = s3
        self.storage = Storage(s3)
        self.settings = settings.model_copy(update={"erasure_key": SecretStr("a secret")})
        self.params = Params.load()
        self.store = SnapshotStore.of(self.storage, settings)

    def put(self, key: str, data: str | bytes) -> None:
        body = data.encode() if isinstance(data, str) else data
        self.s3.put_object(Bucket=self.settings.bucket, Key=f"training/{key}", Body=body)

    def make(self, params: Params | None = None, days: Days | None = None):
        return make_snapshot(
            self.connection, self.storage, self.settings, params or self.params, days or Days()
        ).snapshot

    def keys(self, prefix: str = "training/snapshots/") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.settings.bucket, Prefix=prefix)
        return [found["Key"] for found in listed.get("Contents", ())]


@pytest.fixture
def training(connection, stack, settings) -> Training:
    return Training(connection, stack.object_store.client(), settings)


def csv_of(first: int, last: int) -> str:
    """Return reviews of a range of numbers, each of one of sixty products. No two share a run of eight words."""
    lines = ["review_id,product_id,author_id,rating,review,sentiment"]
    for number in range(first, last):
        dice = random.Random(number)
        positive = dice.random() < 0.5
        praise = [dice.choice(GOOD if positive else BAD) for _ in range(3)]
        text = " ".join(f"{phrase} {dice.getrandbits(40):x} {dice.getrandbits(40):x}" for phrase in praise)
        stars, label = (5, "positive") if positive else (1, "negative")
        lines.append(f'r{number},p{number % PRODUCTS},u{number},{stars},"{text}",{label}')
    return "\n".join(lines) + "\n"


def texts_of(snapshot, *sides: str) -> list[str]:
    return [row.text for row in snapshot.rows if row.side in sides]


def source_of(snapshot, key: str):
    (found,) = [source for source in snapshot.manifest.sources if source.key == f"training/{key}"]
    return found


def test_the_same_data_has_one_snapshot_that_is_stored_once(training) -> None:
    training.put("shop/a.csv", csv_of(0, 300))
    training.put("shop/b.csv.zst", zstd.compress(csv_of(300, 400).encode()))
    made = [make_snapshot(training.connection, training.storage, training.settings, training.params) for _ in range(2)]
    one, other = (each.snapshot for each in made)
    assert [each.new for each in made] == [True, False]
    assert one.id == other.id == one.manifest.id
    folder = f"training/snapshots/{one.id}/"
    assert training.keys() == [f"{folder}{name}" for name in ("manifest.json", "rows.jsonl.zst", "texts.npy")]
    read = training.store.read(one.id[:12])
    assert read.manifest == one.manifest
    assert read.rows == one.rows
    assert np.array_equal(read.known_texts, hash_texts(texts_of(one, "training")))
    assert [each.id for each in training.store.stored()] == [one.id]


def test_a_snapshot_says_where_each_row_comes_from(training) -> None:
    training.put("shop/a.csv", csv_of(0, 300))
    snapshot = training.make()
    source = source_of(snapshot, "shop/a.csv")
    assert (source.source, source.rows, source.taken) == ("shop", 300, 300)
    assert len(source.sha256) == 64
    row = snapshot.rows[7]
    assert (row.key, row.line, row.review_id, row.author_id, row.group) == ("training/shop/a.csv", 9, "r7", "u7", "p7")
    reviews = snapshot.reviews("training")
    assert reviews.sha256 == snapshot.manifest.training.sha256
    assert reviews.rows == snapshot.manifest.training.rows
    assert set(reviews.ratings) == {1.0, 5.0}


def test_no_product_is_on_both_sides_and_no_row_moves_when_data_is_added(training) -> None:
    training.put("shop/m.csv", csv_of(100, 400))
    before = training.make()
    assert before.manifest.group_column == "product_id"
    sides = {row.text: row.side for row in before.rows}
    assert set(sides.values()) == {"training", "test"}
    # One file that sorts earlier, with the same and other products, and one file without products.
    training.put("shop/a.csv", csv_of(0, 100))
    training.put("other/z.csv", "text,sentiment\n" + "".join(f"no product here {n},{n % 2}\n" for n in range(100)))
    after = training.make()
    assert after.id != before.id
    assert len(after.rows) == 500
    assert {row.text: row.side for row in after.rows if row.text in sides} == sides
    groups = {
        side: {row.group for row in after.rows if row.side == side and row.group} for side in ("training", "test")
    }
    assert not groups["training"] & groups["test"]
    assert 0 < sum(row.side == "test" for row in after.rows if row.group is None) < 50


def test_a_new_version_of_an_object_is_another_snapshot_in_a_bucket_with_versions(training) -> None:
    training.s3.put_bucket_versioning(Bucket=training.settings.bucket, VersioningConfiguration={"Status": "Enabled"})
    training.put("a.csv", csv_of(0, 300))
    before = training.make()
    assert (
        source_of(before, "a.csv").version
        == training.store._storage.find(f"s3://{training.settings.bucket}/training/a.csv").version_id
    )
    training.put("a.csv", csv_of(0, 301))
    assert training.make().id != before.id


def test_the_same_model_comes_of_a_snapshot_byte_for_byte_when_its_sources_are_gone(
    training, sentiment, query, tmp_path
) -> None:
    training.put("shop/a.csv", csv_of(0, 500))
    query("INSERT INTO sentiment.feedback (text, label) VALUES ('Not what it was', 'negative')")
    snapshot = training.make()
    first = train_snapshot(snapshot, training.params).bundle
    first.save(tmp_path / "first")
    training.s3.delete_object(Bucket=training.settings.bucket, Key="training/shop/a.csv")
    query("DELETE FROM sentiment.feedback")
    done = sentiment("train", "--snapshot", snapshot.id[:10], "--out", str(tmp_path / "second"), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["digest"], told["snapshot"]) == (first.digest, snapshot.id)
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")]
    provenances = [json.loads(each.pop("provenance.json")) for each in files]
    cards = [each.pop("card.md").decode() for each in files]
    assert files[0] == files[1]
    arrays = {"ngrams.npy", "weights.npy", "texts.npy"}
    assert arrays | {"manifest.json", "digest.sha256", "reference.json"} == set(files[0])
    created = [provenance.pop("created") for provenance in provenances]
    assert cards[0].replace(created[0], "") == cards[1].replace(created[1], "")
    for provenance in provenances:
        del provenance["card"]["model"]["created"]
    assert provenances[0] == provenances[1]
    assert provenances[0]["snapshot"] == snapshot.id
    bundle = Bundle.load(tmp_path / "second")
    assert bundle.manifest.snapshot.sha256 == snapshot.manifest.training.sha256
    assert bundle.provenance["test"]["rows"] == sum(snapshot.manifest.test.rows.values())
    assert not are_known(texts_of(snapshot, "test"), bundle.known_texts).any()
    assert np.array_equal(bundle.known_texts, snapshot.known_texts)


def test_a_bad_row_costs_that_row_and_a_bad_file_that_file(training) -> None:
    rows = (
        "good,positive,5\n"  # line 2
        "unknown,lovely,5\n"
        "missing,,5\n"
        "stars,positive,many\n"
        ",positive,5\n"
        "too,many,columns,here\n"
        "repeated,negative,1\n"
        "repeated,negative,2\n"  # 9
        "Two  labels,negative,1\n"
        "two labels,POS,5\n"
    )
    training.put("a.csv", "review,sentiment,rating\n" + rows)
    training.put("b.csv", "review,stars\nfine,5\n")
    training.put("c.csv.gz", b"\x1f\x8bno gzip")
    training.put("notes.txt", "not a CSV file")
    training.put("dt=yesterday/d.csv", "review,sentiment\nfine,1\n")
    training.put("e.csv", csv_of(0, 300))
    training.put("folder/", b"")
    snapshot = training.make()
    source = source_of(snapshot, "a.csv")
    assert {code: (each.rows, each.lines) for code, each in source.rejected.items()} == {
        "column_count": (1, (7,)),
        "invalid_rating": (1, (5,)),
        "missing_label": (1, (4,)),
        "missing_text": (1, (6,)),
        "unknown_label": (1, (3,)),
    }
    assert (source.rows, source.taken, source.duplicates, source.contradicting) == (10, 2, 1, 2)
    assert {file.key.removeprefix("training/"): file.code for file in snapshot.manifest.rejected_files} == {
        "b.csv": "no_label_column",
        "c.csv.gz": "damaged_compression",
        "dt=yesterday/d.csv": "invalid_day",
        "notes.txt": "no_text_column",
    }
    assert len(snapshot.rows) == 302
    with pytest.raises(ChecksFailed, match=r"most_rejected_files \(4 of 6 files rejected; the limit is 0.5\)"):
        train_snapshot(snapshot, training.params)


def test_what_most_users_say_of_a_text_becomes_a_row(training, query) -> None:
    training.put("a.csv", csv_of(0, 300) + 'x1,p1,u1,5,"Labelled by us",positive\n')
    votes = [
        ("Fell apart at once", "negative"),
        ("fell  apart AT once", "negative"),
        ("Fell apart at once", "positive"),
        ("who knows", "positive"),
        ("who knows", "negative"),
        ("labelled by  us", "negative"),
        ("it is a lamp", "neutral"),
        ("  ", "positive"),
        ("one voice", "positive"),
    ]
    for vote in votes:
        query("INSERT INTO sentiment.feedback (text, label) VALUES (%s, %s)", *vote)
    query("DELETE FROM sentiment.feedback WHERE text = 'it is a lamp'")
    query("INSERT INTO sentiment.feedback (text, label) VALUES ('it is a lamp', 'neutral')")
    snapshot = training.make()
    taken = [(row.text, row.label, row.line, row.group) for row in snapshot.rows if row.key is None]
    assert taken == [("Fell apart at once", "negative", 1, None), ("one voice", "positive", 9, None)]
    counts = snapshot.manifest.corrections
    assert (counts.corrections, counts.texts) == (9, 5)
    assert (counts.taken, counts.undecided, counts.labelled, counts.unknown_label) == (2, 1, 1, 1)
    assert counts.rejected == {"missing_text": 1}
    assert counts.ids == ((1, 6), (8, 10))
    assert [row.label for row in snapshot.rows if row.text == "Labelled by us"] == ["positive"]
    # More votes for the same label give another snapshot with the same rows.
    query("INSERT INTO sentiment.feedback (text, label) VALUES ('ONE voice', 'positive')")
    again = training.make()
    assert (again.id == snapshot.id, again.rows) == (False, snapshot.rows)


def test_only_the_days_that_are_asked_for_are_taken(training, query) -> None:
    training.put("dt=2026-10-01/a.csv", csv_of(0, 200))
    training.put("dt=2026-11-01/b.csv", csv_of(200, 400))
    query(
        "INSERT INTO sentiment.feedback (text, label, received_at) VALUES"
        " ('old', 'positive', '2026-10-01 12:00+00'), ('late', 'positive', '2026-11-01 23:59+00')"
    )
    days = Days(since="2026-10-15", until="2026-11-01")
    snapshot = training.make(days=days)
    assert {row.key for row in snapshot.rows} == {"training/dt=2026-11-01/b.csv", None}
    assert [row.text for row in snapshot.rows if row.key is None] == ["late"]
    assert snapshot.manifest.days == days
    with pytest.raises(TrainingDataInvalid, match=r"there are no labelled rows in the \d+ files below s3://"):
        training.make(days=Days(since="2026-12-01"))


def test_a_snapshot_that_lost_rows_to_an_erasure_says_that_its_model_cannot_be_rebuilt(
    training, sentiment, query
) -> None:
    training.s3.put_bucket_versioning(Bucket=training.settings.bucket, VersioningConfiguration={"Status": "Enabled"})
    secret = {"SENTIMENT_ERASURE_KEY": "a secret"}
    data = csv_of(0, 300) + 'x1,p1,u0,5,"Words of an author",positive\n'
    training.put("shop/a.csv", data)
    training.put("app/b.csv", 'author_id,review,sentiment\nu0,"Somebody else, same id",positive\n')
    query(
        "INSERT INTO sentiment.feedback (text, label) VALUES ('words of an  author', 'positive'), ('mine', 'negative')"
    )
    before = training.make()
    done = sentiment("erase", "author", "u0", "--source", "shop", "--json", **secret)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["snapshots"] == 1
    with pytest.raises(SnapshotErased, match="lost 2 rows to an erasure: its model can no longer be rebuilt"):
        training.store.read(before.id)
    failed = sentiment("train", "--snapshot", before.id)
    assert (failed.returncode, "can no longer be rebuilt" in failed.stderr) == (1, True)
    (listed,) = json.loads(sentiment("snapshot", "list", "--json").stdout)
    assert (listed["id"], listed["rows_erased"]) == (before.id, 2)
    assert "2 rows were erased" in sentiment("snapshot", "show", before.id).stdout
    # No trace of the erased rows remains below the snapshot, in any version.
    for page in training.s3.get_paginator("list_object_versions").paginate(
        Bucket=training.settings.bucket, Prefix="training/snapshots/"
    ):
        for found in page.get("Versions", ()):
            body = training.s3.get_object(
                Bucket=training.settings.bucket, Key=found["Key"], VersionId=found["VersionId"]
            )["Body"].read()
            plain = zstd.decompress(body) if found["Key"].endswith(".zst") else body
            assert b"Words of an author" not in plain
            assert found["Key"].endswith((".json", ".npy")) or b"Somebody else" in plain
    again = json.loads(sentiment("erase", "author", "u0", "--source", "shop", "--json", **secret).stdout)
    assert again["snapshots"] == 0
    # The next snapshot also excludes the erased rows, although the file still contains them.
    after = training.make()
    assert after.id != before.id
    assert source_of(after, "shop/a.csv").rejected["erased"].rows == 2
    assert not any(row.author_id == "u0" and row.key == "training/shop/a.csv" for row in after.rows)
    assert training.store.read(after.id).rows == after.rows


def test_a_correction_goes_with_the_erased_review_that_it_is_about(training, drops, query) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,An erased opinion\n")
    training.put("a.csv", csv_of(0, 300))
    query("INSERT INTO sentiment.feedback (text, label) VALUES ('An erased opinion', 'negative')")
    snapshot = training.make()
    assert texts_of(snapshot, "training", "test").count("An erased opinion") == 1
    done = erase(training.connection, training.settings, "review", "shop", "r1", training.store.erase)
    assert (done.reviews, done.feedback, done.snapshots) == (1, 1, 1)
    assert training.store.find(snapshot.id).rows_erased == 1


def test_an_erasure_that_cannot_reach_the_snapshots_erases_nothing(training, drops, query, stack) -> None:
    drops.drop("shop/dt=2026-11-16/a.csv", "review_id,review\nr1,An erased opinion\n")
    training.put("shop/a.csv", csv_of(0, 300) + 'r1x,p1,u1,5,"x",positive\n')
    snapshot = training.make()
    reader = SnapshotStore.of(Storage(stack.object_store.client(reader=True)), training.settings)
    with pytest.raises(StorageRefused):
        erase(training.connection, training.settings, "review", "shop", "r1x", reader.erase)
    assert query("SELECT count(*) FROM sentiment.erasure") == [(0,)]
    assert training.store.read(snapshot.id).rows == snapshot.rows
    assert erase(training.connection, training.settings, "review", "shop", "r1x", training.store.erase).snapshots == 1


def test_a_snapshot_and_an_erasure_wait_for_each_other(training, settings) -> None:
    training.put("a.csv", csv_of(0, 300))
    hasty = training.settings.model_copy(update={"lock_timeout_s": 0.2})
    training.settings = hasty
    with connect(settings.require_database_url()) as other:
        with other, other.cursor() as cursor:
            block_loads(cursor, 1)
            with pytest.raises(MaintenanceRuns):
                training.make()
        with other, other.cursor() as cursor:
            block_maintenance(cursor, 1)
            with pytest.raises(LoadsUnderWay):
                erase(training.connection, hasty, "review", "shop", "r1", training.store.erase)
    assert len(training.make().rows) == 300


def test_without_the_secret_of_erasures_no_snapshot_could_bring_back_the_erased(training) -> None:
    training.put("shop/a.csv", csv_of(0, 300))
    erase(training.connection, training.settings, "review", "shop", "r1")
    training.settings = training.settings.model_copy(update={"erasure_key": SecretStr("another")})
    with pytest.raises(ErasureKeyWrong):
        training.make()
    assert training.keys() == []


def test_a_snapshot_that_s3_refuses_is_not_there(training, stack) -> None:
    training.put("a.csv", csv_of(0, 300))
    training.storage = Storage(stack.object_store.client(reader=True))
    with pytest.raises(StorageRefused, match="AccessDenied"):
        training.make()
    assert training.keys() == []
    assert list(training.store.stored()) == []


def test_what_was_written_of_a_snapshot_without_its_manifest_is_no_snapshot(training) -> None:
    training.put("a.csv", csv_of(0, 300))
    snapshot = training.make()
    folder = f"training/snapshots/{snapshot.id}/"
    training.s3.delete_object(Bucket=training.settings.bucket, Key=f"{folder}manifest.json")
    assert list(training.store.stored()) == []
    with pytest.raises(SnapshotMissing):
        training.store.read(snapshot.id)
    assert training.make().id == snapshot.id
    assert training.store.read(snapshot.id).rows == snapshot.rows


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl.zst", zstd.compress(b'{"text":"other"}\n')),
        ("rows.jsonl.zst", b"no zstd"),
        ("texts.npy", b"no array"),
        ("manifest.json", b"{}"),
    ],
)
def test_a_snapshot_that_was_changed_is_refused(training, name: str, content: bytes) -> None:
    training.put("a.csv", csv_of(0, 300))
    snapshot = training.make()
    training.s3.put_object(
        Bucket=training.settings.bucket, Key=f"training/snapshots/{snapshot.id}/{name}", Body=content
    )
    with pytest.raises(SnapshotDamaged, match=name):
        training.store.read(snapshot.id)


def test_nearly_the_same_texts_are_not_on_both_sides(training) -> None:
    text = "It came in a dented box, it smelt of glue, and the left hinge was gone when I opened it"
    lines = [f'p{n},"{text} on day {n}",negative' for n in range(40)]
    lines += [f'q{n},"{text.upper()} on day  1",negative' for n in range(40)]
    training.put("a.csv", csv_of(0, 300))
    training.put("near.csv", "product_id,review,sentiment\n" + "\n".join(lines) + "\n")
    snapshot = training.make()
    near = [row for row in snapshot.rows if row.side == "near_duplicate"]
    assert {row.key for row in near} == {"training/near.csv"}
    found = snapshot.manifest.near_duplicates
    assert found.rows == len(near) > 5
    assert found.first == tuple((row.key, row.line) for row in near[:10])
    assert not any(text.lower() in row.text.lower() for row in snapshot.rows if row.side == "test")


def test_more_rows_than_are_allowed_are_refused(training) -> None:
    training.put("a.csv", csv_of(0, 300))
    training.settings = training.settings.model_copy(update={"max_training_rows": 299})
    with pytest.raises(TrainingDataInvalid, match=r"more rows than SENTIMENT_MAX_TRAINING_ROWS \(299\)"):
        training.make()


def test_the_command_line_makes_lists_and_shows_snapshots(training, sentiment, tmp_path: Path) -> None:
    assert "There are no snapshots" in sentiment("snapshot", "list").stdout
    assert "there are no labelled rows" in sentiment("snapshot", "create").stderr
    training.put("shop/a.csv", csv_of(0, 300) + "r,p,u,5,fine,so so\n")
    made = sentiment("snapshot", "create", "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["new"] is True
    assert told["uri"] == f"s3://{training.settings.bucket}/training/snapshots/{told['id']}/"
    assert all(check["passed"] and check["told"] for check in told["checks"])
    people = sentiment("snapshot", "create")
    assert "Already stored" in people.stdout
    assert "training/shop/a.csv: 300 of 301 rows used, 1 unknown_label" in people.stdout
    assert told["id"][:12] in sentiment("snapshot", "list").stdout
    assert json.loads(sentiment("snapshot", "show", told["id"], "--json").stdout)["manifest"] == told["manifest"]
    missing = sentiment("snapshot", "show", "0123456789")
    assert (missing.returncode, "There is no snapshot '0123456789'" in missing.stderr) == (1, True)
    params = tmp_path / "params.yaml"
    params.write_text(DEFAULTS.read_text().replace("least_rows: 100", "least_rows: 1000"))
    failed = sentiment("snapshot", "create", "--params", str(params))
    assert failed.returncode == 1
    assert "Check least_rows failed" in failed.stdout
    refused = sentiment("train", "--snapshot", told["id"], "--params", str(params))
    assert "fails 1 of its checks: least_rows (" in refused.stderr
    assert sentiment("train", "--snapshot", told["id"], "some.csv").returncode == 2


def test_where_there_is_no_object_store_an_erasure_can_leave_it_out(sentiment, settings) -> None:
    nowhere = {"SENTIMENT_ERASURE_KEY": "a secret", "SENTIMENT_BUCKET": "there-is-none"}
    refused = sentiment("erase", "review", "r1", **nowhere)
    assert (refused.returncode, "The object store refused" in refused.stderr) == (1, True)
    done = sentiment("erase", "review", "r1", "--database-only", **nowhere)
    assert done.returncode == 0, done.stderr


def test_the_verbs_of_the_pipeline_write_the_same_files_each_time(training, sentiment, tmp_path) -> None:
    training.put("shop/a.csv", csv_of(0, 400))
    files: list[dict[str, bytes]] = []
    for name in ("first", "second"):
        folder = tmp_path / name
        made = sentiment("snapshot", "create", "--out", str(folder / "snapshot"), "--json")
        assert made.returncode == 0, made.stderr
        snapshot_id = json.loads(made.stdout)["id"]
        report = sentiment("snapshot", "features", snapshot_id, "--out", str(folder / "features.json"))
        assert "n-grams that occur in 2 texts or more are kept" in report.stdout
        model = str(folder / "model")
        assert not sentiment("train", "--snapshot", snapshot_id, "--reproducible", "--out", model).returncode
        written = ("--out", str(folder / "metrics.json"), "--plots", str(folder / "plots"))
        assert not sentiment("evaluate", model, "--snapshot", snapshot_id[:12], *written).returncode
        files.append({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert files[0] == files[1]
    assert files[0]["snapshot/id.txt"].decode() == f"{snapshot_id}\n"
    metrics = json.loads(files[0]["metrics.json"])
    manifest = json.loads(files[0]["snapshot/manifest.json"])
    assert (metrics["snapshot"], metrics["rows"]) == (snapshot_id, sum(manifest["test"]["rows"].values()))
    learned = sentiment("evaluate", model, "--snapshot", snapshot_id, "--out", str(tmp_path / "metrics.csv"))
    assert "its ending must be .json" in learned.stderr


def test_rows_that_a_model_has_learned_from_do_not_measure_it(training, sentiment, tmp_path) -> None:
    training.put("shop/a.csv", csv_of(0, 400))
    snapshot = training.make()
    everything = snapshot.reviews("training", "test")
    train(everything, training.params, {}).save(tmp_path)
    done = sentiment("evaluate", str(tmp_path), "--snapshot", snapshot.id)
    assert done.returncode == 1
    assert "has no test rows that the model has not learned from" in done.stderr
