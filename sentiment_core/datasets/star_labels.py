"""Weak labels from ratings: which stored reviews a snapshot takes, and their weights.

Rows that contradict what the current model clearly sees get a low weight, as in confident learning (C. Northcutt et
al., JAIR 2021).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 gives this class a lower-case name

from sentiment_core.columnar.columns import TextColumn
from sentiment_core.database.connection import Connection
from sentiment_core.datasets.snapshot import Days, Row
from sentiment_core.datasets.star_scale import LeftOut, Reading, Refusal, SourceRatings, read_ratings
from sentiment_core.datasets.star_summary import Stars, StarSource
from sentiment_core.datasets.starred_reviews import (
    PLACES,
    StarredReview,
    Wanted,
    newest_days,
    starred_reviews,
    stored_ratings,
)
from sentiment_core.drops.contract import primary_language
from sentiment_core.labels import LABELS
from sentiment_core.model.scorer import UNFAMILIAR, Scorer
from sentiment_core.ngrams.near_duplicates import nearly_repeated
from sentiment_core.text.fingerprints import hash_text

if TYPE_CHECKING:
    from sentiment_core.params import Params

_CANDIDATES: Final = 2  # texts kept for each row wanted, because limits and duplicates leave rows out
_MAX_READ: Final = 1_000_000  # reviews read from the database, of which few are kept: this bounds time and memory
_LEAST_JUDGED: Final = 20  # rows of a label that a source needs for its agreement with the model
_OPPOSITE: Final = {"negative": "positive", "positive": "negative"}

_Group = tuple[str, bool]  # source, and whether its scale is declared


class StarredRows(NamedTuple):
    """Rows for a snapshot, and their summary for its manifest."""

    rows: list[Row]
    stars: Stars


class Opinions(NamedTuple):
    """A model's opinion of n labelled texts."""

    opposite: NDArray[np.float64]  # n: probability of the opposite label; 0 for neutral rows and unfamiliar texts
    agrees: NDArray[np.float64]  # n: 1 or 0 for rows with a polar label, NaN for all others and unfamiliar texts


class _Candidate(NamedTuple):
    review: StarredReview
    label: str

    @property
    def group(self) -> _Group:
        return self.review.source, self.review.declared


def starred_rows(
    connection: Connection,
    cursor: Cursor,
    params: "Params",
    days: Days,
    labelled: Collection[int],
    judge: Scorer | None = None,
) -> StarredRows:
    """Return stored reviews with a rating as labelled rows, in the caller's transaction.

    `labelled` holds the hashes of texts with a human label, which always takes precedence. `judge` is the model that
    marks suspicious rows. The same stored reviews always give the same rows.
    """
    stars = params.stars
    range_ = newest_days(cursor, days, stars.days)
    ratings = stored_ratings(cursor, range_)
    readings = {(each.source, each.declared): _reading(each, params) for each in ratings}
    places = _places(ratings, readings, params)
    wanted = [
        Wanted(*group, rating)
        for group, reading in readings.items()
        if reading.refusal is None
        for rating, label in reading.labels.items()
        if label in params.data.labels
    ]
    selection = Selection(params, readings, places, labelled)
    most = max(places.values(), default=0)
    for review in starred_reviews(connection, range_, wanted, most, params.snapshot.group_column):
        selection.add(review)
    rows = selection.rows(judge)
    return StarredRows(
        rows,
        Stars(
            since=range_.since,
            until=range_.until,
            settings=stars.model_dump(mode="json", exclude={"enabled"}),
            judge=judge.bundle.digest if judge else None,
            sources=tuple(selection.summary(each) for each in ratings),
        ),
    )


def _reading(ratings: SourceRatings, params: "Params") -> Reading:
    if not ratings.counts:
        why = f"none of its {ratings.unreadable:,} ratings could be parsed. Declare the scale in the source's contract"
        return Reading((), {}, Refusal.UNKNOWN_SCALE, why)
    return read_ratings(ratings, params.data.labels, params.stars)


def _places(ratings: Sequence[SourceRatings], readings: Mapping[_Group, Reading], params: "Params") -> dict[str, int]:
    """Return for each label the place below which reviews become candidates, so that memory is bounded."""
    stored: Counter[str] = Counter()
    for each in ratings:
        reading = readings[each.source, each.declared]
        if reading.refusal is None:
            for rating, rows in each.counts.items():
                stored[reading.labels[rating]] += rows
    counts = {label: stored[label] for label in params.data.labels if stored[label]}
    most = PLACES * _MAX_READ // max(sum(counts.values()), 1)
    wanted = PLACES * _CANDIDATES * params.stars.most_rows
    return {label: min(PLACES, most, wanted // rows) for label, rows in counts.items()}


class Selection:
    """Selects rows from rated reviews that come in the order of their places, and counts those left out."""

    def __init__(
        self,
        params: "Params",
        readings: Mapping[_Group, Reading],
        places: Mapping[str, int],
        labelled: Collection[int],
    ) -> None:
        self._params = params
        self._readings = dict(readings)
        self._places = places
        self._human = frozenset(labelled)
        self._candidates: dict[int, _Candidate] = {}
        self._words: set[tuple[str, str]] = set()  # label and words of each candidate
        self._labels: Counter[int] = Counter()  # one bit for each label of a text
        self._left_out: dict[_Group, Counter[str]] = defaultdict(Counter)
        self._taken: Counter[_Group] = Counter()
        self._suspicious: Counter[_Group] = Counter()
        self._agreement: dict[_Group, float] = {}

    def add(self, review: StarredReview) -> None:
        """Add the next review. It must have a rating with a label, and come in order."""
        group = (review.source, review.declared)
        label = self._readings[group].labels[review.rating]
        hashed = hash_text(review.text)
        self._labels[hashed] |= 1 << LABELS.index(label)
        if review.place >= self._places[label]:
            return  # only its label counts: the text may have another one elsewhere
        reason = self._fault(review, label, hashed)
        if reason:
            self._left_out[group][reason] += 1
        else:
            self._candidates[hashed] = _Candidate(review, label)

    def _fault(self, review: StarredReview, label: str, hashed: int) -> LeftOut | None:
        if len(review.text.strip()) < self._params.stars.least_characters:
            return LeftOut.SHORT_TEXT
        if _is_foreign(review, self._params.model.languages):
            return LeftOut.OTHER_LANGUAGE
        if hashed in self._human:
            return LeftOut.LABELLED
        if hashed in self._candidates:
            return LeftOut.DUPLICATE
        words = (label, _words(review.text) or review.text)
        if words in self._words:
            return LeftOut.NEAR_DUPLICATE
        self._words.add(words)
        return None

    def rows(self, judge: Scorer | None) -> list[Row]:
        """Apply all limits, let the model judge what is left, and return the selected rows. Call it once."""
        found = self._without_contradictions()
        found = self._without_near_duplicates(found)
        found = self._within_limits(found)
        opinions = opinions_of(judge, [each.review for each in found], [each.label for each in found])
        self._judge_sources(found, opinions)
        kept = [row for row, each in enumerate(found) if self._readings[each.group].refusal is None]
        return [self._row(found[row], float(opinions.opposite[row])) for row in self._shared(found, kept)]

    def summary(self, ratings: SourceRatings) -> StarSource:
        """Return the counts of the ratings of a source, after `rows`."""
        group = (ratings.source, ratings.declared)
        reading = self._readings[group]
        left_out = Counter(self._left_out[group])
        for rating, rows in ratings.counts.items():
            if reading.labels.get(rating) in tuple(LeftOut):
                left_out[reading.labels[rating]] += rows
        left_out[LeftOut.ROW_LIMIT] = ratings.rows - self._taken[group] - left_out.total()
        refused = reading.refusal is not None
        return StarSource(
            source=ratings.source,
            declared=ratings.declared,
            scales=tuple(map(str, reading.scales)),
            rows=ratings.rows,
            unreadable=ratings.unreadable,
            taken=self._taken[group],
            suspicious=self._suspicious[group],
            left_out={} if refused else {str(code): left_out[code] for code in sorted(left_out) if left_out[code]},
            agreement=self._agreement.get(group),
            refused=reading.refusal,
            why=reading.why,
        )

    def _leave_out(self, candidate: _Candidate, reason: LeftOut) -> None:
        self._left_out[candidate.group][reason] += 1

    def _without_contradictions(self) -> list[_Candidate]:
        kept = []
        for hashed, candidate in self._candidates.items():
            if self._labels[hashed].bit_count() > 1:
                self._leave_out(candidate, LeftOut.CONTRADICTING)
            else:
                kept.append(candidate)
        return kept

    def _without_near_duplicates(self, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        kept = []
        repeated = nearly_repeated([each.review.text for each in candidates]).tolist()
        for candidate, is_repeated in zip(candidates, repeated, strict=True):
            if is_repeated:
                self._leave_out(candidate, LeftOut.NEAR_DUPLICATE)
            else:
                kept.append(candidate)
        return kept

    def _within_limits(self, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        """Keep the first rows of each product and author of a source."""
        kept = []
        products: Counter[tuple[str, str]] = Counter()
        authors: Counter[tuple[str, str]] = Counter()
        for candidate in candidates:
            review = candidate.review
            product = review.product_id and (review.source, review.product_id)
            author = review.author_id and (review.source, review.author_id)
            if product and products[product] >= self._params.stars.most_per_product:
                self._leave_out(candidate, LeftOut.PRODUCT_LIMIT)
            elif author and authors[author] >= self._params.stars.most_per_author:
                self._leave_out(candidate, LeftOut.AUTHOR_LIMIT)
            else:
                products.update([product] if product else [])
                authors.update([author] if author else [])
                kept.append(candidate)
        return kept

    def _judge_sources(self, candidates: Sequence[_Candidate], opinions: Opinions) -> None:
        """Refuse sources whose stars contradict the texts, such as those of a scale on which 1 is the best rating."""
        judged: dict[_Group, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for candidate, agrees in zip(candidates, opinions.agrees.tolist(), strict=True):
            if not np.isnan(agrees):
                judged[candidate.group][candidate.label].append(agrees)
        least = self._params.stars.least_agreement
        for group, labels in judged.items():
            if len(labels) < len(_OPPOSITE) or min(map(len, labels.values())) < _LEAST_JUDGED:
                continue
            self._agreement[group] = agreement = float(np.mean([np.mean(each) for each in labels.values()]))
            if agreement < least:
                why = f"the model agrees with {agreement:.0%} of its stars, and least_agreement is {least:.0%}"
                self._readings[group] = self._readings[group]._replace(refusal=Refusal.CONTRADICTS_TEXTS, why=why)

    def _shared(self, candidates: Sequence[_Candidate], kept: Sequence[int]) -> list[int]:
        """Return at most `most_rows` of the kept rows: an even share of each label, filled up with the others."""
        most, labels = self._params.stars.most_rows, self._params.data.labels
        quota = most // len(labels)
        seen: Counter[str] = Counter()
        first: list[int] = []
        others: list[int] = []
        for row in kept:
            seen[candidates[row].label] += 1
            (first if seen[candidates[row].label] <= quota else others).append(row)
        return sorted(first + others[: most - len(first)])

    def _row(self, candidate: _Candidate, opposite: float) -> Row:
        stars, review = self._params.stars, candidate.review
        suspicious = opposite >= stars.suspicious_probability
        self._taken[candidate.group] += 1
        self._suspicious[candidate.group] += suspicious
        return Row(
            text=review.text,
            label=candidate.label,
            group=review.group,
            rating=review.rating,
            language=review.language,
            key=review.key,
            line=review.line,
            review_id=review.review_id,
            author_id=review.author_id,
            weight=stars.weight * (stars.suspicious_weight if suspicious else 1.0),
            source=review.source,
            bucket=review.bucket,
            version=review.version,
        )


def opinions_of(judge: Scorer | None, reviews: Sequence[StarredReview], labels: Sequence[str]) -> Opinions:
    """Return a model's opinion of labelled reviews. Without a model it has none."""
    opinions = Opinions(np.zeros(len(labels)), np.full(len(labels), np.nan))
    if judge is None or not labels:
        return opinions
    texts = TextColumn.from_texts([review.text for review in reviews])
    probabilities, unknown = judge.probabilities(texts), judge.unknown_shares(texts)
    manifest = judge.bundle.manifest
    column = {name: probabilities[:, manifest.labels.index(name)] for name in _OPPOSITE}
    for row, (label, review) in enumerate(zip(labels, reviews, strict=True)):
        known = unknown[row] < UNFAMILIAR and not _is_foreign(review, manifest.languages)
        if label in _OPPOSITE and known:
            opinions.opposite[row] = column[_OPPOSITE[label]][row]
            opinions.agrees[row] = column[label][row] >= column[_OPPOSITE[label]][row]
    return opinions


def _words(text: str) -> str:
    """Return the words of a text without numbers, case and punctuation. It is empty for a text of symbols."""
    return " ".join(word for word in re.findall(r"\w+", text.lower()) if not word.isdecimal())


def _is_foreign(review: StarredReview, languages: Collection[str]) -> bool:
    return review.language is not None and primary_language(review.language) not in languages
