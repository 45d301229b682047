"""Dry run: check a whole file against the drop contract, write nothing, and report what a load would report."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from sentiment_core.drops.body import Body
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.deduplication import Deduplicated, Deduplicator, review_keys
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.header import Header
from sentiment_core.drops.reading import Reading
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.source_contract import Rules
from sentiment_core.drops.storage import Storage
from sentiment_core.drops.validation import CheckedRows, RejectedRow, Review, checked, require_good_rows
from sentiment_core.errors import FileRejected

SHOWN = 5  # sample rows per code


class RejectedSamples(NamedTuple):
    """The rows rejected with one code: their number, and the first of them."""

    rows: int
    first: list[RejectedRow]


class DryRunReport(NamedTuple):
    """The result that a load of the file would have.

    The row counts of a rejected file cover only the rows read before the rejection.
    """

    uri: str
    reject_code: RejectCode | None
    reject_reason: str
    text_column: str
    known_columns: list[str]
    extra_columns: list[str]
    warnings: list[str]
    rows_in: int
    rows_good: int
    rows_duplicate: int
    rows_nulled: int
    rejected: dict[RejectCode, RejectedSamples]
    rows: list[Review]  # the first good rows
    reading: Reading | None  # None if the file was rejected before its first row was read

    @property
    def perfect(self) -> bool:
        """Return whether neither the file nor any of its rows is rejected."""
        return self.reject_code is None and not self.rejected


def dry_run(storage: Storage, drop: Drop, rules: Rules) -> DryRunReport:
    """Read a drop to its end, and a second time if review ids may be duplicated.

    Memory is bounded by one block of the file and the rows with possibly duplicated ids. Raises `StorageUnavailable`
    and `StorageRefused`.
    """
    work = _DryRun(storage, drop, rules)
    suspects: set[bytes] = set()

    def note(keys: list[bytes]) -> dict[bytes, Review]:
        suspects.update(keys)
        return {}

    try:
        work.run(Deduplicator(note), {})
        if suspects:
            # The duplicate of a row may be in an earlier block. The first pass found the keys to remember.
            earlier: dict[bytes, Review] = {}
            work = _DryRun(storage, drop, rules, suspects)
            work.run(Deduplicator(lambda keys: {key: earlier[key] for key in keys if key in earlier}), earlier)
        counts = work.counts
        require_good_rows(counts["in"], work.rejected_counts(), rules.settings.max_rejected_ratio, drop.uri)
    except FileRejected as rejection:
        return work.verdict(RejectCode(rejection.details["reason"]), str(rejection.details["why"]))
    return work.verdict(None, "")


class _DryRun:
    def __init__(self, storage: Storage, drop: Drop, rules: Rules, suspects: set[bytes] | None = None) -> None:
        self.storage = storage
        self.drop = drop
        self.rules = rules
        self.suspects = suspects or set()
        self.header: Header | None = None
        self.reading: Reading | None = None
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.rejected: dict[RejectCode, RejectedSamples] = {}
        self.rows: list[Review] = []

    def run(self, deduplicator: Deduplicator, earlier: dict[bytes, Review]) -> None:
        self.drop.require_day(self.rules.contract.day_template)
        source = self.drop.source(self.rules.settings.incoming_prefix)
        for rows in self._rows():
            self.header = rows.header
            self.reading = self.reading or rows.reading
            keys = review_keys(source, rows.batch.review_id)
            deduplicated = deduplicator.deduplicate(rows.batch, keys)
            self._count(rows, deduplicated)
            for row, key in enumerate(keys.values() if self.suspects else ()):
                if key in self.suspects:
                    earlier.setdefault(key, rows.batch.review(row))

    def _rows(self) -> Iterator[CheckedRows]:
        with self.storage.open(self.drop) as stored:
            body = Body(stored, self.drop, self.rules.settings.max_expanded_bytes)
            yield from checked(read_body(body, self.rules), self.rules, self.drop.uri)

    def _count(self, rows: CheckedRows, deduplicated: Deduplicated) -> None:
        rejected = rows.rejected + deduplicated.rejected
        self.counts["in"] += rows.batch.size + len(rows.rejected)
        self.counts["good"] += len(deduplicated.rows)
        missing = max(0, SHOWN - len(self.rows))
        self.rows += [rows.batch.review(row) for row in deduplicated.rows[:missing].tolist()]
        self.counts["duplicate"] += deduplicated.duplicates
        self.counts["nulled"] += int((~rows.batch.nulled.null).sum())
        for row in rejected:
            faults = self.rejected.get(row.code, RejectedSamples(0, []))
            self.rejected[row.code] = RejectedSamples(faults.rows + 1, [*faults.first, row][:SHOWN])

    def rejected_counts(self) -> dict[RejectCode, int]:
        return {code: faults.rows for code, faults in self.rejected.items()}

    def verdict(self, code: RejectCode | None, reason: str) -> DryRunReport:
        header, counts = self.header, self.counts
        return DryRunReport(
            self.drop.uri,
            code,
            reason,
            header.text_names if header else "",
            list(header.known) if header else [],
            list(header.extra) if header else [],
            header.warnings if header else [],
            counts["in"],
            counts["good"],
            counts["duplicate"],
            counts["nulled"],
            self.rejected,
            self.rows,
            self.reading,
        )
