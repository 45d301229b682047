"""Bundles: stored and read back unchanged, and rejected with a reason when they were altered."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sentiment_core.datasets.labelled_reviews import LabelledReviews
from sentiment_core.errors import BundleDamaged, BundleMissing, BundleTooNew, BundleTooOld
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.card_markdown import markdown
from sentiment_core.model.manifest import Manifest
from sentiment_core.text.fingerprints import are_known, hash_texts


@pytest.fixture
def stored(trained: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "bundle"
    trained.save(path)
    return path


def test_a_stored_bundle_reads_back_the_same(trained: Bundle, stored: Path) -> None:
    loaded = Bundle.load(stored)
    assert loaded.digest == trained.digest
    assert loaded.manifest == trained.manifest
    assert loaded.provenance == json.loads(json.dumps(trained.provenance))
    np.testing.assert_array_equal(loaded.ngrams, trained.ngrams)
    np.testing.assert_array_equal(loaded.weights, trained.weights)


def test_the_texts_that_a_model_learned_from_are_known_by_their_hashes(
    reviews: LabelledReviews, trained: Bundle, stored: Path
) -> None:
    known = Bundle.load(stored).known_texts
    assert known is not None
    np.testing.assert_array_equal(known, hash_texts(reviews.texts))
    same = [f"  {text.upper()}\n" for text in reviews.texts[:3]]
    assert are_known([*same, reviews.texts[0] + " more"], known).tolist() == [True, True, True, False]
    hashes = stored / "texts.npy"
    hashes.write_bytes(hashes.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleDamaged, match="texts.npy does not match the SHA-256 in provenance.json"):
        Bundle.load(stored)
    hashes.unlink()
    with pytest.raises(BundleDamaged, match="texts.npy is missing"):
        Bundle.load(stored)


def test_hashes_of_texts_in_another_order_are_refused(trained: Bundle, tmp_path: Path) -> None:
    assert trained.known_texts is not None
    trained.with_known_texts(trained.known_texts[::-1]).save(tmp_path / "reversed")
    with pytest.raises(BundleDamaged, match="texts.npy are not in ascending order"):
        Bundle.load(tmp_path / "reversed")


@pytest.mark.parametrize("known", [0, 1, 40])
def test_a_text_is_known_if_its_hash_is_among_the_sorted_ones(known: int) -> None:
    texts = [f"text {number}" for number in range(60)]
    assert are_known(texts, hash_texts(texts[:known])).tolist() == [number < known for number in range(60)]


def test_what_drift_is_measured_against_is_kept_and_verified(
    reviews: LabelledReviews, trained: Bundle, stored: Path
) -> None:
    loaded = Bundle.load(stored)
    assert loaded.reference == trained.reference is not None
    assert loaded.reference.rows == len(reviews.texts) == sum(loaded.reference.labels.values())
    assert loaded.reference.lengths.mean == pytest.approx(np.mean([len(text) for text in reviews.texts]))
    assert replace(trained, reference=None).digest == trained.digest
    file = stored / "reference.json"
    good = file.read_bytes()
    file.write_bytes(good.replace(b'"rows": ', b'"rows": 1'))
    with pytest.raises(BundleDamaged, match="reference.json does not match the SHA-256 in provenance.json"):
        Bundle.load(stored)
    file.unlink()
    with pytest.raises(BundleDamaged, match="reference.json is missing"):
        Bundle.load(stored)
    provenance = stored / "provenance.json"
    kept = json.loads(provenance.read_text())
    del kept["reference_sha256"]
    provenance.write_text(json.dumps(kept))
    assert Bundle.load(stored).reference is None
    file.write_bytes(b'{"rows": 1}')
    provenance.write_text(json.dumps(kept | {"reference_sha256": sha256(b'{"rows": 1}').hexdigest()}))
    with pytest.raises(BundleDamaged, match="reference.json does not have the format of this release"):
        Bundle.load(stored)


def test_saving_again_writes_the_same_bytes(stored: Path, tmp_path: Path) -> None:
    Bundle.load(stored).save(tmp_path / "again")
    assert {file.name: file.read_bytes() for file in stored.iterdir()} == {
        file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()
    }


def test_provenance_is_outside_of_the_digest(stored: Path) -> None:
    digest = Bundle.load(stored).digest
    (stored / "provenance.json").write_text('{"data": "renamed"}')
    assert Bundle.load(stored).digest == digest


def edit(file: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes())) and None


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (edit("ngrams.npy", lambda content: content[:-8]), "ngrams.npy has .* truncated"),
        (edit("weights.npy", lambda content: content[:-4] + b"\0\0\0\1"), "weights.npy .* changed"),
        (edit("manifest.json", lambda content: content.replace(b'"en"', b'"fr"')), "does not match digest.sha256"),
        (edit("manifest.json", lambda content: content[: len(content) // 2]), "not the manifest of a bundle"),
        (edit("manifest.json", lambda content: content.replace(b'"biases"', b'"baises"')), "biases"),
        (edit("manifest.json", lambda _: b'{"format_version": "x"}'), "not the manifest of a bundle"),
        (edit("manifest.json", lambda _: b"[1]"), "not the manifest of a bundle"),
        (edit("provenance.json", lambda _: b"{"), "provenance.json is not JSON"),
        (edit("provenance.json", lambda _: b"[]"), "provenance.json is not a JSON object"),
        (lambda folder: (folder / "ngrams.npy").unlink(), "ngrams.npy is missing"),
        (lambda folder: (folder / "digest.sha256").unlink(), "digest.sha256 is missing"),
    ],
)
def test_a_damaged_bundle_is_refused_and_the_error_says_where(
    stored: Path, damage: Callable[[Path], None], why: str
) -> None:
    damage(stored)
    with pytest.raises(BundleDamaged, match=why):
        Bundle.load(stored)


def test_a_pickle_in_an_array_file_is_not_read(trained: Bundle, tmp_path: Path) -> None:
    fields = trained.manifest.model_dump(exclude={"arrays"})
    objects = np.array([object()], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        Bundle.create(objects, trained.weights, {}, **fields).save(tmp_path)


def test_arrays_that_do_not_fit_are_refused(trained: Bundle, tmp_path: Path) -> None:
    fields = trained.manifest.model_dump(exclude={"arrays"})
    for ngrams in (trained.ngrams[:-1], trained.ngrams[::-1], trained.ngrams - np.uint64(1)):
        Bundle.create(ngrams, trained.weights, {}, **fields).save(tmp_path)
        with pytest.raises(BundleDamaged, match="do not fit together"):
            Bundle.load(tmp_path)


def test_a_newer_format_is_refused_as_newer(stored: Path) -> None:
    document = (stored / "manifest.json").read_text()
    (stored / "manifest.json").write_text(
        re.sub(r'"format_version": \d+', '"format_version": 99, "shape": []', document)
    )
    with pytest.raises(BundleTooNew, match="has format 99; this release reads format 2"):
        Bundle.load(stored)


def test_an_older_format_is_refused_as_older(stored: Path) -> None:
    (stored / "manifest.json").write_text('{"format_version": 1}')
    with pytest.raises(BundleTooOld, match=r"has format 1; this release reads format 2\. Train the model again"):
        Bundle.load(stored)


def test_a_manifest_whose_parts_do_not_fit_is_refused(trained: Bundle) -> None:
    for fields in ({"biases": (0.1, 0.2)}, {"thresholds": None}, {"labels": ("negative", "neutral", "positive")}):
        with pytest.raises(ValidationError):
            Manifest.model_validate(trained.manifest.model_dump() | fields)


def test_a_folder_that_is_no_bundle_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BundleMissing, match=re.escape(str(path))):
            Bundle.load(path)


def test_the_starter_is_small_and_says_what_it_is() -> None:
    starter = Bundle.load(STARTER)
    manifest, sets = starter.manifest, starter.provenance["sets"]
    assert manifest.labels == LABELS
    assert {manifest.standing(language) for language in ("en", "vi", "zh")} == {"supported"}
    assert set(manifest.experimental_languages) < set(manifest.languages)
    assert len(manifest.languages) > 20
    assert sum(file.stat().st_size for file in STARTER.iterdir()) < 16_000_000
    assert starter.provenance["grouped_by"] == "movie_id"
    assert (sets[0]["name"], sets[0]["rows"]) == ("imdb_train", 25_000)
    assert {each["language"] for each in sets} <= set(manifest.languages)
    assert sum(each["rows"] for each in sets) >= sum(manifest.snapshot.rows.values()) > 300_000
    assert min(manifest.snapshot.rows.values()) > 50_000
    assert starter.provenance["held_out"]["accuracy"] >= 0.7
    assert "length below 500" in [each["slice"] for each in starter.provenance["card"]["slices"]]


def test_a_bundle_brings_its_card_outside_of_its_digest(trained: Bundle, tmp_path: Path) -> None:
    trained.save(tmp_path)
    assert (tmp_path / "card.md").read_text() == markdown(trained.provenance["card"])
    other = trained.with_card(trained.provenance["card"] | {"limits": ["none"]})
    assert other.digest == trained.digest
    other.save(tmp_path)
    assert Bundle.load(tmp_path).provenance["card"]["limits"] == ["none"]
    assert "* none" in (tmp_path / "card.md").read_text()
