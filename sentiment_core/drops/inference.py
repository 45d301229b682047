"""Propose a contract for the files of a source, from a sample, with reasons and open questions.

A load never uses a proposal: a person reads it and sets it. Where two readings are possible, the proposal asks.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from charset_normalizer import from_bytes

from sentiment_core.drops.body import Body
from sentiment_core.drops.column_names import KNOWN_NAMES, PROPOSED_NAMES, SIMILAR_NAMES, TITLES, fold, position
from sentiment_core.drops.declared_form import require_encoding
from sentiment_core.drops.declared_values import declared_time, spelled_rating
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.recognition import DELIMITERS
from sentiment_core.drops.sample import Sample, SampleColumn, read_sample
from sentiment_core.drops.source_contract import Rules, contract_of, presets
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import FileRejected, SentimentError
from sentiment_core.settings import Settings

_SAMPLE_BYTES: Final = 1_000_000
_USUAL_ENCODING: Final = "cp1252"  # of several that read the sample alike
_FITS: Final = 0.98  # ratio of a column's values that a reading must fit
_DISTINCT: Final = 0.999  # ratio of distinct values of an id
_LEAST_WORDS: Final = 3.0  # mean words of a text
_PRESET_COLUMNS: Final = 4  # columns by which a preset is known
_UTC: Final = ZoneInfo("UTC")
_DAYS: Final = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%d.%m.%y", "%d/%m/%y"),
    *("%m/%d/%y", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%m %d, %Y"),
)
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_FORMATS: Final = ("iso", "epoch_s", "epoch_ms", *(day + clock for clock in _CLOCKS for day in _DAYS))


class Proposal(NamedTuple):
    """A proposed contract: its document, the reason of each part, and the questions that a person must decide."""

    document: dict[str, Any]
    reasons: dict[str, str]
    questions: list[str]


class _Work:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.document: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}
        self.questions: list[str] = []

    def declare(self, part: str, value: Any, reason: str) -> None:
        self.document[part] = value
        self.reasons[part] = reason

    def rules(self) -> Rules:
        return Rules(self.settings, contract_of(self.document, "the proposal"))


def propose(storage: Storage, drops: Sequence[Drop], settings: Settings) -> Proposal:
    """Propose a contract for files of one source. The first is read as the sample; the others must have its columns.

    Raises `FileRejected` when the first file cannot be read in any way, and the storage errors.
    """
    work = _Work(settings)
    sample = _form(storage, drops[0], work)
    if not _preset(sample, work):
        _columns(sample, work)
    for drop in drops[1:]:
        _compare(storage, drop, sample, work)
    return Proposal(work.document, work.reasons, work.questions)


def _form(storage: Storage, drop: Drop, work: _Work) -> Sample:
    """Find the encoding, the delimiter and the line of the header."""
    sample = _try_sample(storage, drop, work)
    if sample is None or sample.unreadable:
        _encoding(_start(storage, drop, work.settings), work)
        sample = read_sample(storage, drop, work.rules())
    if not _has_known_text(sample, work.settings):
        sample = _header_line(storage, drop, _delimiter(storage, drop, sample, work), work)
    return sample


def _try_sample(storage: Storage, drop: Drop, work: _Work) -> Sample | None:
    """Return the sample, or None if its header is not UTF-8."""
    try:
        return read_sample(storage, drop, work.rules())
    except FileRejected as fault:
        if fault.details["reason"] != "unsupported_encoding":
            raise
        return None


def _start(storage: Storage, drop: Drop, settings: Settings) -> bytes:
    with storage.open(drop) as stored:
        body = Body(stored, drop, settings.max_expanded_bytes)
        data = b""
        while len(data) < _SAMPLE_BYTES and (more := body.read(_SAMPLE_BYTES - len(data))):
            data += more
        return data


def _encoding(data: bytes, work: _Work) -> None:
    """Choose the encoding in which the bytes are most like a text. Ask if another one reads them differently."""
    at = next(index for index, byte in enumerate(data) if byte >= 0x80)
    found = [match.encoding for match in from_bytes(data) if _may_be(match.encoding)] or [_USUAL_ENCODING]
    texts = {name: data.decode(name, "replace") for name in found[:3]}
    best = found[0]
    if data.decode(_USUAL_ENCODING, "replace") == texts[best]:
        best = _USUAL_ENCODING
        texts[best] = texts[found[0]]
    reason = f"the bytes are not UTF-8 (0x{data[at]:02x} at byte {at:,}) and read best as {best}"
    work.declare("encoding", best, reason)
    others = [name for name, text in texts.items() if text != texts[best]]
    if others:
        shown = {name: _around(data, at, name) for name in (best, *others)}
        readings = " or ".join(f"{text!r} ({name})" for name, text in shown.items())
        work.questions.append(f"encoding: is the text {readings}?")


def _may_be(name: str) -> bool:
    try:
        require_encoding(name)
    except ValueError:
        return False
    return True


def _around(data: bytes, at: int, encoding: str) -> str:
    return data[max(0, at - 20) : at + 20].decode(encoding, "replace").strip()


def _has_known_text(sample: Sample, settings: Settings) -> bool:
    folded = [fold(name) for name in sample.names]
    accepted = [name for preset in presets() for name in _names_of_preset(preset, settings).text_names]
    return position(folded, (*settings.text_columns, *accepted)) is not None


def _names_of_preset(preset: str, settings: Settings) -> Rules:
    return Rules(settings, contract_of({"preset": preset}, preset))


def _delimiter(storage: Storage, drop: Drop, sample: Sample, work: _Work) -> Sample:
    """Declare the delimiter with which most records have the same number of fields."""
    best, best_share = sample, _agreement(sample)
    for delimiter in DELIMITERS:
        rules = Rules(work.settings, contract_of(work.document | {"delimiter": delimiter}, "the proposal"))
        other = read_sample(storage, drop, rules)
        share = _agreement(other)
        if share > best_share:
            best, best_share = other, share
            name = {"\t": "tab"}.get(delimiter, delimiter)
            work.declare("delimiter", name, f"{share:.0%} of the first rows have the same number of columns with it")
    return best


def _agreement(sample: Sample) -> float:
    """Return the ratio of records with the usual number of fields; 0 if that is one field."""
    counts = sample.block.field_counts.tolist()
    usual = max(set(counts), key=counts.count)
    return 0.0 if usual == 1 else counts.count(usual) / len(counts)


def _header_line(storage: Storage, drop: Drop, sample: Sample, work: _Work) -> Sample:
    """Find the header below title lines, or ask for names if the first record looks like a row."""
    counts = sample.block.field_counts.tolist()
    usual = max(set(counts), key=counts.count)
    first = counts.index(usual)
    if first > 0:
        line = int(sample.block.line[first])
        work.declare("header_line", line, f"the lines before it have another number of columns than the {usual} below")
        sample = read_sample(storage, drop, work.rules())
    if any(_looks_like_value(name) for name in sample.names):
        names = [f"column_{number}" for number in range(1, len(sample.names) + 1)]
        work.declare("names", names, f"the first record looks like a row: {', '.join(sample.names)[:80]!r}")
        work.questions.append("names: what do the columns mean? Name them, for example review, rating, reviewed_at")
        sample = read_sample(storage, drop, work.rules())
    return sample


def _looks_like_value(name: str) -> bool:
    return len(name) > 60 or re.fullmatch(r"[\d.,:/ -]+", name) is not None


def _preset(sample: Sample, work: _Work) -> bool:
    """Declare the preset that knows most columns of the file, if it knows enough of them."""
    folded = [fold(name) for name in sample.names]
    best, most = "", 0
    for preset in presets():
        contract = contract_of({"preset": preset}, preset)
        texts = [position(folded, names) for names in contract.text or ()]
        declared = [names for names in (contract.title, *contract.columns.values()) if names]
        known = sum(position(folded, names) is not None for names in declared)
        if None not in texts and known + len(texts) > most:
            best, most = preset, known + len(texts)
    if most < _PRESET_COLUMNS or not _reads_well(sample, best):
        return False
    work.declare("preset", best, f"{most} of its columns are in the file")
    return True


def _reads_well(sample: Sample, preset: str) -> bool:
    """Return whether a preset reads the ratings and times of a sample."""
    contract = contract_of({"preset": preset}, preset)
    for name, reads in (("rating", _reads_rating), ("reviewed_at", _reads_times(contract.reviewed_at))):
        column = _column(sample, contract.accepted_names(name))
        if column is not None and _share(column, reads) < _FITS:
            return False
    return True


def _reads_rating(text: str) -> None:
    spelled_rating(text, ".")


def _reads_times(declared: Any) -> Callable[[str], object]:
    formats = ("iso",) if declared is None else declared.formats
    return lambda text: declared_time(text, formats, _UTC)


def _share(column: SampleColumn, read: Callable[[str], object]) -> float:
    return sum(_reads(read, value) for value in column.values) / max(1, len(column.values))


def _reads(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except (ValueError, OverflowError):
        return False
    return True


def _column(sample: Sample, names: Sequence[str]) -> SampleColumn | None:
    field = position([fold(name) for name in sample.names], names)
    return None if field is None else sample.columns[field]


def _columns(sample: Sample, work: _Work) -> None:
    text = _text(sample, work)
    _title(sample, text, work)
    columns: dict[str, str] = {}
    reasons = []
    for name in KNOWN_NAMES:
        column = _column(sample, (*KNOWN_NAMES[name], *SIMILAR_NAMES[name], *PROPOSED_NAMES[name]))
        if column is None or column.name == text.name or not column.values:
            continue
        if reason := _CHECKS.get(name, _by_name)(column, work):
            columns[name] = column.name
            reasons.append(f"{name}: {reason}")
    if columns:
        work.declare("columns", columns, "; ".join(reasons))


def _text(sample: Sample, work: _Work) -> SampleColumn:
    known = _column(sample, work.settings.text_columns)
    if known is not None and known.values:
        work.declare("text", known.name, f"its name; {known.mean_words:.0f} words on average")
        return known
    ranked = sorted(sample.columns, key=lambda column: column.mean_length, reverse=True)
    best = ranked[0]
    work.declare("text", best.name, f"it has the longest texts, {best.mean_words:.0f} words on average")
    rivals = [each.name for each in ranked[1:] if each.mean_words >= max(_LEAST_WORDS, best.mean_words / 2)]
    if rivals or best.mean_words < _LEAST_WORDS:
        others = ", ".join(rivals or [each.name for each in ranked[1:4]])
        work.questions.append(f"text: is the review in {best.name}, or in {others}? A list joins several columns")
    return best


def _title(sample: Sample, text: SampleColumn, work: _Work) -> None:
    column = _column(sample, (*TITLES, "title", "subject", "review_subject"))
    if column is None or column.name == text.name or not column.values:
        return
    if column.distinct > 0.5:
        work.declare("title", column.name, f"its name; {column.distinct:.0%} of its values are distinct")
    else:
        values = len(set(column.values))
        work.questions.append(
            f"title: is {column.name} the title of the review? It has only {values} values in {column.rows:,} rows, as "
            "a product's name has"
        )


def _by_name(column: SampleColumn, work: _Work) -> str:
    del work
    return f"the name {column.name}"


def _id(column: SampleColumn, work: _Work) -> str:
    if column.distinct >= _DISTINCT and len(column.values) == column.rows:
        return f"every row has another {column.name}"
    missing = column.rows - len(column.values)
    repeated = len(column.values) - len(set(column.values))
    work.questions.append(
        f"columns.review_id: is {column.name} the id of the review? {missing:,} rows have none and {repeated:,} repeat "
        "one. Equal ids mean one review"
    )
    return ""


def _rating(column: SampleColumn, work: _Work) -> str:
    comma = any("," in value for value in column.values)
    decimal = "," if comma else "."
    share = _share(column, lambda text: spelled_rating(text, decimal))
    if share < _FITS:
        return ""
    found = [spelled_rating(value, decimal) for value in column.values if _reads(_spelled(decimal), value)]
    values = [value for value, _ in found]
    most = max([named for _, named in found if named] or [max(values)])
    top = next((limit for limit in (5, 10, 100) if most <= limit), None)
    if top is None:
        return ""
    scale = {5: "1-5", 10: "1-10", 100: "0-100"}[top]
    if min(values) < 1 and top < 100:
        scale = f"0-{top}"
    elif top == 10:
        work.questions.append(f"rating.scale: does the scale of {column.name} begin at 0 or at 1? Write 0-10 or 1-10")
    declared = {"scale": scale} | ({"decimal": ","} if comma else {})
    work.declare("rating", declared, f"{column.name} has values from {min(values):g} to {max(values):g}")
    return f"{share:.0%} of the values of {column.name} are ratings"


def _spelled(decimal: str) -> Callable[[str], object]:
    return lambda text: spelled_rating(text, decimal)


def _time(column: SampleColumn, work: _Work) -> str:
    fitting = [form for form in _FORMATS if _share(column, _reads_form(form)) >= _FITS]
    if not fitting:
        return ""
    first = fitting[0]
    if first != "iso":
        work.declare("reviewed_at", {"formats": [first]}, f"all values of {column.name} are like {column.values[0]!r}")
    swapped = first.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
    if swapped != first and swapped in fitting:
        work.questions.append(
            f"reviewed_at.formats: is {column.values[0]!r} of the form {first} or {swapped}? Both fit all sampled rows"
        )
    return f"all values of {column.name} are times"


def _reads_form(form: str) -> Callable[[str], object]:
    return lambda text: declared_time(text, (form,), _UTC)


_CHECKS: Final[dict[str, Callable[[SampleColumn, _Work], str]]] = {
    "review_id": _id,
    "rating": _rating,
    "reviewed_at": _time,
}


def _compare(storage: Storage, drop: Drop, sample: Sample, work: _Work) -> None:
    try:
        other = read_sample(storage, drop, work.rules())
    except SentimentError as error:
        work.questions.append(f"{drop.uri} cannot be read by this contract: {error}")
        return
    if [fold(name) for name in other.names] != [fold(name) for name in sample.names]:
        work.questions.append(f"{drop.uri} has other columns: {', '.join(other.names)}. Is it of the same source?")
