"""Infer how the files of a source are written: the encoding, the delimiter, and where the header and the rows begin."""

import re
from collections.abc import Sequence
from typing import Final

from charset_normalizer import from_bytes

from sentiment_core.drops.body import Body
from sentiment_core.drops.column_names import fold, position
from sentiment_core.drops.column_words import TEXT
from sentiment_core.drops.drop import Drop
from sentiment_core.drops.inferred_values import is_typed
from sentiment_core.drops.likely_alphabet import latin_readings
from sentiment_core.drops.likely_encoding import likely_encoding
from sentiment_core.drops.proposal import Draft
from sentiment_core.drops.recognition import DELIMITERS
from sentiment_core.drops.sample import Sample, SampleColumn, read_sample
from sentiment_core.drops.source_contract import presets, read_preset
from sentiment_core.drops.storage import Storage
from sentiment_core.errors import FileRejected
from sentiment_core.settings import Settings

_SAMPLE_BYTES: Final = 1_000_000
_WESTERN: Final = "cp1252"
_LATIN: Final = (_WESTERN, "cp1250", "cp1254", "iso8859-2", None)
# Encodings of which files have so many that others are not asked for: each is often found for bytes of these.
_USUAL: Final = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "iso8859_2"),
    *("iso8859_9", "koi8_r", "koi8_u", "tis_620", "big5", "gb18030", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"),
]
_SHOWN: Final = 80
_FEW: Final = 10  # one line in ten
_LEAST_FIT: Final = 0.9
_AS_LIKELY: Final = 0.02
_MOST_HEADERS: Final = 3
_LONGEST_NAME: Final = 150
_NAMES_OF_DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def infer_form(storage: Storage, drop: Drop, draft: Draft) -> Sample:
    """Declare the form of a file as far as it is not recognised, and return the sample that is read by it."""
    sample = _try_sample(storage, drop, draft)
    if sample is None or sample.unreadable:
        _encoding(_start(storage, drop, draft.settings), draft)
        sample = read_sample(storage, drop, draft.rules())
    if not sample.is_delimited:
        return sample
    if not has_known_text(sample, draft.settings):
        sample = _header_line(storage, drop, _delimiter(storage, drop, sample, draft), draft)
    return _first_row(storage, drop, sample, draft)


def _try_sample(storage: Storage, drop: Drop, draft: Draft) -> Sample | None:
    """Return the sample, or None if its header is not UTF-8."""
    try:
        return read_sample(storage, drop, draft.rules())
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
        return data[: data.rfind(b"\n") + 1] or data  # a character may be cut


def _encoding(data: bytes, draft: Draft) -> None:
    """Choose the encoding in which the bytes are most like a text. Ask if another reading is as good."""
    best, others = _readings(data)
    if best.startswith("utf-16"):
        shown = data[:_SHOWN].decode(best, "replace")
        draft.declare("encoding", best, f"every second byte is NUL; the text begins {shown!r}")
        return
    at, other = _first_difference(data, best, others)
    place = f"0x{data[at]:02x} at byte {at:,}"
    draft.declare("encoding", best, f"the bytes are not UTF-8 ({place}); the text reads {_around(data, at, best)!r}")
    if other:
        shown = " or ".join(f"{_around(data, at, name)!r} ({name})" for name in (best, other))
        draft.ask(f"encoding: is the text {shown}? If neither, name another encoding, such as mac_roman or cp850")

    if mixed := _mixed(data):
        draft.ask(mixed)


def _mixed(data: bytes) -> str:
    """Return the question about a file of which some lines are UTF-8, or "". By chance, few lines look so."""
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    valid = sum(_is_utf8(line) for line in lines)
    if valid * _FEW < len(lines):
        return ""
    return (
        f"encoding: {valid:,} of {len(lines):,} lines with letters beyond ASCII are UTF-8, the others are not. Does "
        "the file have two encodings? Then export it again"
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _readings(data: bytes) -> tuple[str, list[str]]:
    """Return the encoding in which the bytes are most like a text, and the others that are as likely."""
    likely = likely_encoding(data)
    if likely not in _LATIN:
        return likely, []  # the frequent characters of other scripts are evidence enough
    latin = latin_readings(data)
    best, fit = max(latin.items(), key=lambda each: each[1])  # the first of equal ones
    if fit >= _LEAST_FIT:
        return best, [page for page, other in latin.items() if page != best and other >= fit - _AS_LIKELY]
    found = list(from_bytes(data, cp_isolation=_USUAL))
    first = next((match.encoding for match in found if match.coherence), likely or _WESTERN)
    return first, []


def _first_difference(data: bytes, best: str, others: Sequence[str]) -> tuple[int, str]:
    """Return the first byte that is not ASCII, or else the first that another encoding reads differently."""
    high = [found.start() for found in re.finditer(rb"[\x80-\xff]", data)]
    text = data.decode(best, "replace")
    for other in others:
        if data.decode(other, "replace") != text:
            return next((at for at in high if _byte(data, at, best) != _byte(data, at, other)), high[0]), other
    return (high[0] if high else 0), ""


def _byte(data: bytes, at: int, encoding: str) -> str:
    return data[at : at + 1].decode(encoding, "replace")


def _around(data: bytes, at: int, encoding: str) -> str:
    begin = data.rfind(b"\n", 0, at) + 1
    line = data[begin : data.find(b"\n", at)] if data.find(b"\n", at) > 0 else data[begin:]
    before = len(data[begin:at].decode(encoding, "replace"))
    return line.decode(encoding, "replace")[max(0, before - 20) : before + 20].strip()


def has_known_text(sample: Sample, settings: Settings) -> bool:
    """Return whether a column of a sample has the name of a text, by the settings or a preset."""
    folded = [fold(name) for name in sample.names]
    texts = (names for preset in presets() for names in read_preset(preset).text or ())
    return position(folded, (*settings.text_columns, *(name for names in texts for name in names))) is not None


def _delimiter(storage: Storage, drop: Drop, sample: Sample, draft: Draft) -> Sample:
    """Declare the delimiter with which most records have the same number of fields."""
    best, best_share = sample, _agreement(sample)
    for delimiter in DELIMITERS:
        other = read_sample(storage, drop, draft.rules(delimiter=delimiter))
        share = _agreement(other)
        if share > best_share:
            best, best_share = other, share
            reason = f"{share:.0%} of the first rows have the same number of columns with it"
            draft.declare("delimiter", _NAMES_OF_DELIMITERS[delimiter], reason)
    return best


def _agreement(sample: Sample) -> float:
    """Return the ratio of records with the usual number of fields; 0 if that is one field."""
    counts = sample.block.field_counts.tolist()
    usual = max(set(counts), key=counts.count)
    return 0.0 if usual == 1 else counts.count(usual) / len(counts)


def _header_line(storage: Storage, drop: Drop, sample: Sample, draft: Draft) -> Sample:
    """Find the header below title lines, or ask for names if the first record looks like a row."""
    counts = sample.block.field_counts.tolist()
    usual = max(set(counts), key=counts.count)
    first = counts.index(usual)
    if first > 0:
        line = int(sample.block.line[first])
        draft.declare("header_line", line, f"the lines before it have another number of columns than the {usual} below")
        sample = read_sample(storage, drop, draft.rules())
    if len(sample.names) == 1 and sample.names[0] not in TEXT:
        draft.ask(
            f"names: is {sample.names[0][:60]!r} the name of the column, or the first review? If it is a review, add "
            "the line names: [review] and write text: review"
        )
    elif any(_looks_like_value(name) for name in sample.names):
        names = [f"column_{number}" for number in range(1, len(sample.names) + 1)]
        draft.declare("names", names, f"the first record looks like a row: {', '.join(sample.names)[:80]!r}")
        draft.ask("names: what do the columns mean? Name them, for example review, rating, reviewed_at")
        sample = read_sample(storage, drop, draft.rules())
    return sample


def _looks_like_value(name: str) -> bool:
    # A question of a survey is a long name.
    return (len(name) > 60 and not name.endswith("?")) or re.fullmatch(r"[\d.,:/ -]+", name) is not None


def _first_row(storage: Storage, drop: Drop, sample: Sample, draft: Draft) -> Sample:
    """Declare the first row if more lines of the header come before it, as exports of surveys have them."""
    headers = _further_headers(sample)
    if not headers or "names" in draft.document:
        return sample
    line = int(sample.block.line[headers + 1])
    shown = ", ".join(column.cells[0] or "" for column in sample.columns)[:80]
    draft.declare("header_line", line, f"line of the first row: the header has {headers + 1} rows ({shown!r})")
    names = [_label(column) for column in sample.columns]
    if len(set(map(fold, names))) < len(names):
        names = sample.names
    draft.declare("names", names, "from the header; files must keep this order of columns")
    return read_sample(storage, drop, draft.rules())


def _label(column: SampleColumn) -> str:
    """Return the name of a column: the question in the next row of the header in place of its number, such as Q2."""
    question = column.cells[0] or ""
    numbered = re.fullmatch(r"Q?\d+(?:_\w+)?|column_\d+", column.name) is not None
    return question if numbered and 0 < len(question) <= _LONGEST_NAME else column.name


def _further_headers(sample: Sample) -> int:
    """Return the number of rows below the header that no column of numbers or times has a value for."""
    rows = min((column.rows for column in sample.columns), default=0)
    typed = [column for column in sample.columns if is_typed(column.cells[_MOST_HEADERS:])]
    headers = 0
    while headers < min(_MOST_HEADERS, rows - 1) and len(typed) > 1:
        if any(is_typed([column.cells[headers]]) for column in typed) or not any(
            column.cells[headers] for column in sample.columns
        ):
            break
        headers += 1
    return headers
