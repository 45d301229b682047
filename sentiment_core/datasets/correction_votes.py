"""Majority vote over user corrections: the label on which most corrections of a text agree."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from sentiment_core.columnar.missing_texts import MissingTexts
from sentiment_core.database.connection import Connection
from sentiment_core.datasets.snapshot import Corrections, Days, Row
from sentiment_core.drops.contract import RejectCode
from sentiment_core.text.fingerprints import hash_text

_PAGE = 10_000  # corrections per fetch


class Vote(NamedTuple):
    """One correction: a text and the label that the user says is correct."""

    feedback_id: int
    text: str
    label: str


@dataclass
class _Text:
    """A text as it was first corrected, and the number of votes for each label."""

    feedback_id: int
    text: str
    labels: Counter[str] = field(default_factory=Counter)

    @property
    def majority(self) -> str | None:
        (label, count), *_ = self.labels.most_common(1)
        return label if 2 * count > self.labels.total() else None


def read_votes(connection: Connection, days: Days) -> Iterable[Vote]:
    """Yield the stored corrections received on the given days (UTC), ordered by id, fetched page by page."""
    # A server-side cursor, so that this process never holds all corrections in memory.
    with connection.cursor("votes") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(
            "SELECT feedback_id, text, label::text FROM sentiment.feedback"
            " WHERE (%(since)s::date IS NULL OR (received_at AT TIME ZONE 'UTC')::date >= %(since)s)"
            " AND (%(until)s::date IS NULL OR (received_at AT TIME ZONE 'UTC')::date <= %(until)s)"
            " ORDER BY feedback_id",
            {"since": days.since, "until": days.until},
        )
        for fields in cursor:
            yield Vote(*fields)


def count_votes(
    votes: Iterable[Vote],
    labelled: Iterable[int],
    labels: Iterable[str],
    max_text_bytes: int,
    missing: MissingTexts,
) -> tuple[list[Row], Corrections]:
    """Return a row for each text with a label that more than half of its corrections agree on, and outcome counts.

    Texts that differ only in case and spaces count as equal (`fingerprints.py`). `labelled` holds the hashes of texts
    that a labelled file already covers; these need no vote. The row keeps the text as it was first sent, so the row
    does not change as more votes arrive.
    """
    texts: dict[int, _Text] = {}
    rejected: Counter[str] = Counter()
    digest, ids, count = sha256(), _Runs(), 0
    for vote in votes:
        encoded = vote.text.encode()
        digest.update(b"%d %s %d " % (vote.feedback_id, vote.label.encode(), len(encoded)))
        digest.update(encoded)
        ids.add(vote.feedback_id)
        count += 1
        fault = _fault(vote.text, len(encoded), max_text_bytes, missing)
        if fault:
            rejected[fault] += 1
        else:
            text = texts.setdefault(hash_text(vote.text), _Text(vote.feedback_id, vote.text))
            text.labels[vote.label] += 1
    rows, ends = _rows(texts, set(labelled), set(labels))
    return rows, Corrections(
        corrections=count,
        ids=ids.runs,
        sha256=digest.hexdigest(),
        rejected=dict(sorted(rejected.items())),
        texts=len(texts),
        taken=len(rows),
        undecided=ends["undecided"],
        labelled=ends["labelled"],
        unknown_label=ends["unknown_label"],
    )


def _rows(texts: Mapping[int, _Text], labelled: set[int], labels: set[str]) -> tuple[list[Row], Counter[str]]:
    rows: list[Row] = []
    ends: Counter[str] = Counter()
    for hashed, text in texts.items():
        label = text.majority
        if hashed in labelled:
            ends["labelled"] += 1
        elif label is None:
            ends["undecided"] += 1
        elif label not in labels:
            ends["unknown_label"] += 1
        else:
            rows.append(Row(text.text, label, None, None, None, None, text.feedback_id, None, None))
    return rows, ends


def _fault(text: str, size: int, max_text_bytes: int, missing: MissingTexts) -> RejectCode | None:
    if text in missing:
        return RejectCode.MISSING_TEXT
    return RejectCode.TEXT_TOO_LONG if size > max_text_bytes else None


class _Runs:
    """Ascending numbers, stored as the first and last number of each run without gaps."""

    def __init__(self) -> None:
        self._runs: list[list[int]] = []

    def add(self, number: int) -> None:
        if self._runs and self._runs[-1][1] + 1 == number:
            self._runs[-1][1] = number
        else:
            self._runs.append([number, number])

    @property
    def runs(self) -> tuple[tuple[int, int], ...]:
        return tuple((first, last) for first, last in self._runs)
