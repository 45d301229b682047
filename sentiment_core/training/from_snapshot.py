"""Train on labelled data in separate steps: make a snapshot, check it, train on it."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.database.connection import Connection
from sentiment_core.datasets.checks import check, require_passed
from sentiment_core.datasets.collection import Collected, collect
from sentiment_core.datasets.labelled_reviews import digest_of
from sentiment_core.datasets.snapshot import (
    Days,
    NearDuplicates,
    Row,
    Side,
    SideRows,
    Snapshot,
    SnapshotManifest,
    SnapshotSplit,
    content_of,
    group_of,
    labelled_reviews,
    rows_by_label,
)
from sentiment_core.datasets.snapshot_store import SnapshotStore
from sentiment_core.datasets.split import in_test
from sentiment_core.drops.storage import Storage
from sentiment_core.evaluation.bundle_evaluation import evaluate
from sentiment_core.evaluation.metrics import measure
from sentiment_core.labels import LABELS
from sentiment_core.model.bundle import array_bytes
from sentiment_core.model.manifest import ArrayFile
from sentiment_core.model.scorer import Scorer
from sentiment_core.ngrams.near_duplicates import NEARLY_ALL, Shingles
from sentiment_core.params import Params
from sentiment_core.settings import Settings
from sentiment_core.text.fingerprints import are_known, hash_texts
from sentiment_core.training.train import Trained, TrainingStep, train_measured

ALL_DAYS: Final = Days()
_SHOWN: Final = 10  # near-duplicates in the manifest


class MadeSnapshot(NamedTuple):
    """A snapshot, and whether this call stored it."""

    snapshot: Snapshot
    new: bool


def make_snapshot(
    connection: Connection,
    storage: Storage,
    settings: Settings,
    params: Params,
    days: Days = ALL_DAYS,
    judge: Scorer | None = None,
) -> MadeSnapshot:
    """Collect the labelled data of some days, split it, and store it as a snapshot.

    `judge` is the model that marks suspicious starred rows. An erasure waits until the snapshot is stored, and then
    erases from it too. Raises the errors of `collect` and `SnapshotStore.write`.
    """
    with connection, connection.cursor() as cursor:
        collected = collect(connection, cursor, storage, settings, params, days, judge)
        snapshot = divide(collected, params, days)
        return MadeSnapshot(snapshot, SnapshotStore.of(storage, settings).write(snapshot))


def divide(collected: Collected, params: Params, days: Days = ALL_DAYS) -> Snapshot:
    """Assign each row to a side by its group, and describe the snapshot in a manifest.

    A test row is left out if its text, or more than half of its runs of eight words, also occurs on the training side.
    If the training row is a starred one and the test row has a human label, the training row is left out instead.
    """
    sides = _sides(collected.rows, params)
    rows = [
        row if row.side == side else row._replace(side=side) for row, side in zip(collected.rows, sides, strict=True)
    ]
    training, test, near = (
        [row for row in rows if row.side == side] for side in ("training", "test", "near_duplicate")
    )
    texts = hash_texts(row.text for row in training)
    texts_file = array_bytes(texts)
    manifest = SnapshotManifest(
        label_column=params.data.label_column,
        group_column=collected.group_column,
        days=days,
        sources=collected.sources,
        rejected_files=collected.rejected_files,
        corrections=collected.corrections,
        split=SnapshotSplit(test_size=params.snapshot.test_size),
        training=_side_rows(training),
        test=_side_rows(test),
        near_duplicates=NearDuplicates(rows=len(near), first=tuple((row.key, row.line) for row in near[:_SHOWN])),
        content=content_of(rows),
        known_texts=ArrayFile(size=len(texts_file), sha256=sha256(texts_file).hexdigest()),
        stars=collected.stars,
    )
    return Snapshot(manifest, rows, texts)


def train_snapshot(
    snapshot: Snapshot,
    params: Params,
    provenance: dict[str, Any] | None = None,
    unlabelled: Sequence[str] = (),
    step: TrainingStep = lambda _: None,
) -> Trained:
    """Train on a snapshot if it passes the checks of the configuration. The same snapshot gives the same model.

    The bundle's test data are the snapshot's `test_rows`, and `params.data.test_size` is ignored. Starred rows are also
    measured separately: on held-out folds and on the test side. Raises `ChecksFailed` and `TrainingDataInvalid`.
    """
    require_passed(check(snapshot, params))
    known: dict[str, Any] = {
        "data": f"snapshot {snapshot.id}",
        "snapshot": snapshot.id,
        "grouped_by": snapshot.manifest.group_column,
    }
    if snapshot.manifest.stars is not None:
        known["starred_rows"] = snapshot.manifest.stars.taken
    chosen = params_for(snapshot, params)
    training = [row for row in snapshot.rows if row.side == "training"]
    reviews = labelled_reviews([*training, *snapshot.test_rows])
    trained = train_measured(reviews, chosen, known | (provenance or {}), unlabelled, step)
    return trained if snapshot.manifest.stars is None else _with_star_metrics(trained, training, snapshot)


def params_for(snapshot: Snapshot, params: Params) -> Params:
    """Return the configuration with which a training on the snapshot runs."""
    chosen = params.with_test_size(snapshot.manifest.split.test_size)
    if snapshot.manifest.stars is None:
        return chosen
    # A company's rated reviews add to what the starter model knows. They are rarely enough to replace it.
    return chosen.changed({"model": {"base": "starter"}})


def _with_star_metrics(trained: Trained, training: Sequence[Row], snapshot: Snapshot) -> Trained:
    """Measure the rows with human labels and the starred rows separately, as far as they have every label."""
    evaluation = trained.evaluation
    starred = np.array([row.origin == "stars" for row in training], np.bool_)
    measured = {}
    for name, rows in (("held_out_human", ~starred), ("held_out_stars", starred)):
        labels = evaluation.labels[rows]
        if len(np.unique(labels)) == len(evaluation.names):
            scores = evaluation.probabilities[rows]
            measured[name] = measure(scores, labels, evaluation.names, evaluation.thresholds)
    test = labelled_reviews([row for row in snapshot.rows if row.side == "test" and row.origin == "stars"])
    if test.names == evaluation.names and (tested := evaluate(trained.bundle, test).metrics):
        measured["test_stars"] = tested
    trained.bundle.provenance.update({name: metrics._asdict() for name, metrics in measured.items()})
    return trained._replace(evaluation=evaluation._replace(by_origin=measured))


def _sides(rows: Sequence[Row], params: Params) -> list[Side]:
    test = in_test(map(group_of, rows), params.snapshot.test_size)
    texts = [row.text for row in rows]
    starred = np.array([row.origin == "stars" for row in rows], np.bool_)
    # A human label is rarer than a starred one, so the starred training row gives way.
    near = _near(texts, starred & ~test, ~starred & test)
    near |= _near(texts, test, ~test & ~near)
    sides: list[Side] = []
    for is_test, is_near in zip(test.tolist(), near.tolist(), strict=True):
        sides.append("near_duplicate" if is_near else "test" if is_test else "training")
    return sides


def _near(texts: Sequence[str], rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of the texts of some rows that are near-duplicates of the texts of other rows."""
    near = np.zeros(len(texts), np.bool_)
    if rows.any() and others.any():
        mine, known = ([texts[row] for row in np.flatnonzero(side).tolist()] for side in (rows, others))
        near[rows] = (Shingles(mine).containment(known) > NEARLY_ALL) | are_known(mine, hash_texts(known))
    return near


def _side_rows(rows: Sequence[Row]) -> SideRows:
    digest = digest_of([row.text for row in rows], [LABELS.index(row.label) for row in rows])
    return SideRows(rows=rows_by_label(rows), sha256=digest)
