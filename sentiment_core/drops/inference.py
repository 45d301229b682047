"""Propose a contract for the files of a source, from a sample, with reasons and open questions.

A load never uses a proposal: a person reads it and sets it. Where two readings are possible, the proposal asks.
"""

from collections.abc import Sequence
from typing import Final

from sentiment_core.drops.column_names import fold, position
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.hints import list_in_object
from sentiment_core.drops.inferred_columns import column_of, id_question, infer_columns
from sentiment_core.drops.inferred_form import has_known_text, infer_form
from sentiment_core.drops.inferred_values import reads_ratings, reads_times
from sentiment_core.drops.proposal import Draft, Proposal
from sentiment_core.drops.sample import Sample, read_sample
from sentiment_core.drops.source_contract import SourceContract, Times, presets, read_preset
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import FileRejected, SentimentError
from sentiment_core.settings import Settings

_PRESET_COLUMNS: Final = 4  # columns by which a preset is known
_NEEDED: Final = ("review_id", "rating", "reviewed_at")  # what a preset must not miss


def propose(storage: Storage, drops: Sequence[Drop], settings: Settings) -> Proposal:
    """Propose a contract for files of one source. The first is read as the sample; the others must have its columns.

    Raises `FileRejected` when the first file cannot be read in any way, and the storage errors.
    """
    draft, columns = Draft(settings), Draft(settings)
    sample = infer_form(storage, drops[0], draft)
    if not has_known_text(sample, settings) and (nested := list_in_object(sample.block)):
        raise FileRejected(reason=RejectCode.NO_TEXT_COLUMN, why=f"{drops[0].uri} has no rows. {nested}")
    infer_columns(sample, columns)
    if not _preset(sample, columns, draft):
        draft.take(columns)
    for drop in drops[1:]:
        _compare(storage, drop, sample, draft)
    return draft.proposal


def _preset(sample: Sample, columns: Draft, draft: Draft) -> bool:
    """Declare the preset that knows most columns of the file, if it knows enough and misses none that was inferred."""
    best, most = "", 0
    for preset in presets():
        known = _known_columns(sample, read_preset(preset))
        if known > most:
            best, most = preset, known
    if most < _PRESET_COLUMNS or not _reads_well(sample, read_preset(best), columns):
        return False
    draft.declare("preset", best, f"{most} of its columns are in the file")
    review_id = column_of(sample, read_preset(best).columns.get("review_id") or ())
    if review_id is not None and review_id.values and (question := id_question(review_id, named=True)):
        draft.ask(question)
    return True


def _known_columns(sample: Sample, preset: SourceContract) -> int:
    """Return the number of columns that a preset declares and the sample has; 0 if a text is missing."""
    folded = [fold(name) for name in sample.names]
    texts = preset.text or ()
    if any(position(folded, names) is None for names in texts):
        return 0
    declared = [names for names in (preset.title, *preset.columns.values()) if names]
    return len(texts) + sum(position(folded, names) is not None for names in declared)


def _reads_well(sample: Sample, preset: SourceContract, columns: Draft) -> bool:
    """Return whether a preset reads the ratings and times of a sample, and has the columns that were inferred."""
    inferred = columns.document.get("columns", {})
    for known in _NEEDED:
        if inferred.get(known) and column_of(sample, preset.accepted_names(known)) is None:
            return False
    rating = column_of(sample, preset.accepted_names("rating"))
    time = column_of(sample, preset.accepted_names("reviewed_at"))
    if rating is not None and rating.values and not reads_ratings(rating):
        return False
    return time is None or not time.values or reads_times(time, preset.reviewed_at or Times())


def _compare(storage: Storage, drop: Drop, sample: Sample, draft: Draft) -> None:
    try:
        other = read_sample(storage, drop, draft.rules())
    except SentimentError as error:
        draft.ask(f"{drop.uri} cannot be read by this contract: {error}")
        return
    if [fold(name) for name in other.names] != [fold(name) for name in sample.names]:
        draft.ask(f"{drop.uri} has other columns: {', '.join(other.names)}. Is it of the same source?")
