r"""Read JSON lines, and a JSON array of objects, as records.

- One object is one record. Its line is the physical line on which it starts, and its raw row is its text.
- Names are the keys in the order of their first appearance. A key that first appears in a later block makes that block
  begin with a header of its own. A key that an object lacks is a missing value.
- Nested objects are flatten to `user.name`. Lists become JSON text, `true` and `false` words, and null a missing value.
- Numbers keep their written form: `5.0`, `1e3` and ids of any length stay as they are. So Python's `json`, whose
  hooks see that form, is the parser; orjson turns integers beyond 64 bits into floats.
- A key that differs from an earlier one only in case, spaces, dots, dashes and underscores is the same column, unless
  one object has both.
- A key that occurs twice makes its record invalid, because one of the values would be lost.
- Half of a surrogate pair, as programs leave when they cut a text, becomes U+FFFD.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentiment_core.columnar.columns import BytesColumn, TextColumn
from sentiment_core.columnar.simd import BYTES
from sentiment_core.drops.column_names import fold
from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import Dialect, RecordBlock, Stream, too_large
from sentiment_core.drops.record_kernel import INVALID_JSON, INVALID_UTF8, JSON_OBJECTS, NUL, PLAIN
from sentiment_core.errors import FileRejected

MAX_COLUMNS: Final = 1_000
MAX_CELLS: Final = 2_000_000  # of a block: missing values need memory too
_LINES: Final = re.compile(rb"\s*\{\s*[\"}]")
_ARRAY: Final = re.compile(rb"\s*\[\s*[{\]]")
# The first line of an object that is written over many lines, such as `{` and `{"reviews": [`.
_OPENS_A_DOCUMENT: Final = re.compile(rb'\s*\{\s*(?:"[^"]*"\s*:\s*[\[{]?\s*)?')
_OTHER: Final = re.compile(rb"\s*\[\s*[\[\"]")
_WORDS: Final = {True: "true", False: "false", None: ""}
_BETWEEN: Final = re.compile(r"[\s,]*")
_WORD: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s",:{}\[\]]+', re.DOTALL)
_SPACES: Final = " \t\r\n"


class _Invalid(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Invalid(f"the key {repeated!r} occurs twice in an object")
    return found


# Literal tabs in strings are accepted. NaN and Infinity, which Python writes, stay words.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str, strict=False
)
_EXACT: Final = json.JSONDecoder(strict=False)


def is_json(data: bytes) -> bool:
    """Return whether the first bytes of a text are those of JSON lines or a JSON array of objects."""
    return bool(_LINES.match(data) or _ARRAY.match(data) or _OTHER.match(data))


def header_bytes(names: Sequence[str]) -> bytes:
    """Return the header that the ledger keeps of a form without a header row: its names as a JSON list."""
    return json.dumps(names, ensure_ascii=False).encode("utf-8", "replace")


def header_names(header: bytes) -> list[str] | None:
    """Return the names of a header that `header_bytes` made, or None for a header of delimited text."""
    try:
        names = json.loads(header) if header.startswith(b"[") else None
    except ValueError:
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def fields_of(raw: bytes) -> dict[str, str]:
    """Return the names and values of one object. Raises `ValueError` with the reason when the bytes are none."""
    return _fields(raw.decode())


def words_of(raw: bytes) -> Iterator[str]:
    """Yield the strings and words in bytes that are not valid JSON, as far as they can be told."""
    for found in _WORD.finditer(raw.decode("utf-8", "surrogateescape")):
        word = found[0]
        if not word.startswith('"'):
            yield word
            continue
        closed = word if len(word) > 1 and word.endswith('"') else f'{word}"'  # the last string may be cut
        try:
            yield json.loads(closed, strict=False)
        except ValueError:
            yield word.strip('"')


def _fields(text: str) -> dict[str, str]:
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _Invalid(f"the row is not valid JSON: {_at(error)}") from None
    except RecursionError:
        raise _Invalid("the row is not valid JSON: it is nested too deeply") from None
    if type(found) is not dict:
        raise _Invalid("the row is not a JSON object")
    return _flat(found, text)


def _at(error: json.JSONDecodeError) -> str:
    place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno} of the row"
    return f"{_what(error)} at {place}"


def _what(error: json.JSONDecodeError) -> str:
    return f"{error.msg[:1].lower()}{error.msg[1:]}".removesuffix(" at")


def _flat(found: dict[str, Any], text: str) -> dict[str, str]:
    for value in found.values():
        if type(value) is not str:
            break
    else:
        return found
    flat: dict[str, str] = {}
    exact = None
    for key, value in found.items():
        if type(value) is str:
            _put(flat, key, value)
        elif type(value) is dict or type(value) is list:
            exact = exact or _EXACT.decode(text)
            _flatten(flat, key, value, exact[key])
        else:
            _put(flat, key, _WORDS[value])
    return flat


def _flatten(flat: dict[str, str], name: str, value: Any, exact: Any) -> None:
    if type(value) is dict:
        for key, inner in value.items():
            _flatten(flat, f"{name}.{key}", inner, exact[key])
    elif type(value) is list:
        _put(flat, name, json.dumps(exact, ensure_ascii=False))
    else:
        _put(flat, name, value if type(value) is str else _WORDS[value])


def _put(flat: dict[str, str], name: str, value: str) -> None:
    if name in flat:
        raise _Invalid(f"the key {name!r} occurs twice in an object")
    flat[name] = value


class JsonRow(NamedTuple):
    """The bytes of one object, and the physical line on which it starts."""

    raw: bytes
    line: int


class JsonBlocks:
    """Makes blocks of the objects of one file. It remembers the names that occurred."""

    def __init__(self, dialect: Dialect, source: str, keys: Sequence[str] = (), names: Sequence[str] = ()) -> None:
        self._dialect = dialect._replace(quoting=JSON_OBJECTS)
        self._source = source
        self._fields: dict[str, int] = {key: number for number, key in enumerate(keys)}
        self._folded = {fold(key): key for key in reversed(keys)}
        self._shown = {key: name for key, name in zip(keys, names, strict=False) if key != name}
        self._started = False

    def blocks(self, rows: Sequence[JsonRow]) -> Iterator[RecordBlock]:
        """Yield blocks of rows, the first with a header if a row has a key that no earlier row has.

        Raises `FileRejected` when there are too many different keys for columns.
        """
        before = len(self._fields)
        parsed, flags = self._parsed([raw for raw, _ in rows])
        names = list(self._fields)
        if len(names) > MAX_COLUMNS:
            why = f"{self._source} has objects with more than {MAX_COLUMNS:,} different keys"
            raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=why)
        has_header = not self._started or len(names) > before
        self._started = True
        step = max(1, MAX_CELLS // max(1, len(names)))
        for first in range(0, max(1, len(rows)), step):
            part = slice(first, first + step)
            columns = _columns(parsed[part], names)
            yield table_block(
                self._dialect,
                [self._shown.get(name, name) for name in names] if has_header and first == 0 else None,
                columns,
                BytesColumn.of([raw for raw, _ in rows[part]]),
                np.array([line for _, line in rows[part]], np.int32),
                flags[part] | with_nul(columns, len(parsed[part])),
                names,
            )

    def _with_new_keys(self, row: dict[str, str]) -> dict[str, str]:
        """Note the keys that are new. One that differs from an earlier key in its spelling alone means that key."""
        renamed = {}
        for name, value in row.items():
            same = self._folded.get(fold(name), name)
            key = name if name in self._fields or same in row else same
            self._fields.setdefault(key, len(self._fields))
            self._folded.setdefault(fold(key), key)
            renamed[key] = value
        return renamed

    def _parsed(self, raws: Sequence[bytes]) -> tuple[list[dict[str, str]], NDArray[np.uint8]]:
        parsed = []
        flags = np.zeros(len(raws), np.uint8)
        known = self._fields
        for number, raw in enumerate(raws):
            row: dict[str, str] = {}
            try:
                row = {} if b"\0" in raw else _fields(raw.decode())
                flags[number] = NUL if b"\0" in raw else 0
            except UnicodeDecodeError:
                flags[number] = INVALID_UTF8
            except ValueError:
                flags[number] = INVALID_JSON
            if not row.keys() <= known.keys():
                if any("\0" in name for name in row):
                    row, flags[number] = {}, NUL
                row = self._with_new_keys(row)
            parsed.append(row)
        return parsed, flags


def _columns(rows: Sequence[dict[str, str]], names: Sequence[str]) -> list[TextColumn]:
    if not rows:
        return [_column(()) for _ in names]
    keys = tuple(names)
    # Most programs write the same keys in the same order in every line.
    values = [row.values() if tuple(row) == keys else [row.get(name, "") for name in keys] for row in rows]
    return [_column(texts) for texts in zip(*values, strict=True)]


def _column(texts: Sequence[str]) -> TextColumn:
    joined = "".join(texts)
    if not joined.isascii():
        return TextColumn.from_texts(texts)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=offsets[1:])
    return TextColumn(np.frombuffer(joined.encode("ascii"), np.uint8), offsets)


def with_nul(columns: Sequence[TextColumn], rows: int) -> NDArray[np.uint8]:
    """Return the flags of rows of which a value has a NUL byte."""
    flags = np.zeros(rows, np.uint8)
    for column in columns:
        if len(places := np.flatnonzero(column.data == 0)):
            flags[np.searchsorted(column.offsets, places, "right") - 1] = NUL
    return flags


def table_block(
    dialect: Dialect,
    names: Sequence[str] | None,
    columns: Sequence[TextColumn],
    raw: BytesColumn,
    line: NDArray[np.int32],
    flags: NDArray[np.uint8],
    keys: Sequence[str],
) -> RecordBlock:
    """Return rows that are columns already as a block of records. With `names`, the block has a header.

    `keys` are the names in the raw rows, which are distinct.
    """
    rows, has_header = raw.size, names is not None
    header_raw = header_bytes(keys) if names is not None else b""
    header = [name.encode("utf-8", "replace") for name in names or ()]
    parts = [np.frombuffer(header_raw, np.uint8), *(np.frombuffer(name, np.uint8) for name in header), raw.data]
    parts += [column.data for column in columns]
    base = np.cumsum([0, *(len(part) for part in parts)])
    fields = len(columns)
    starts = np.empty((rows + has_header, fields), np.int64)
    ends = np.empty((rows + has_header, fields), np.int64)
    if has_header:
        starts[0], ends[0] = base[1 : fields + 1], base[2 : fields + 2]
    raw_base = base[1 + len(header)]
    for number, column in enumerate(columns):
        at = base[2 + len(header) + number]
        starts[has_header:, number] = column.offsets[:-1] + at
        ends[has_header:, number] = column.offsets[1:] + at
    padded = np.concatenate([*parts, np.zeros(BYTES, np.uint8)])  # the compiled functions read past the end
    start = raw.start + raw_base
    end = start + raw.length
    if has_header:
        start, end = np.concatenate([[0], start]), np.concatenate([[len(header_raw)], end])
        line = np.concatenate([np.zeros(1, np.int32), line])
        flags = np.concatenate([np.zeros(1, np.uint8), flags])
    return RecordBlock(
        dialect,
        padded[:-BYTES],
        starts.reshape(-1),
        ends.reshape(-1),
        np.full(starts.size, PLAIN, np.uint8),
        np.arange(rows + has_header + 1, dtype=np.int64) * fields,
        start,
        end,
        line,
        flags,
        has_header,
    )


def read_json(
    stream: Stream, dialect: Dialect, block_bytes: int, max_record_bytes: int, source: str
) -> Iterator[RecordBlock]:
    """Yield the records of a stream of UTF-8 that `is_json` accepts. `source` names it in errors.

    Memory is bounded by a small multiple of `block_bytes + max_record_bytes`. Raises `FileRejected` when no line of the
    first block is an object, for one object over many lines, for an array with a faulty element, and for a record
    larger than `max_record_bytes`.
    """
    first = stream.read(block_bytes)
    if _OTHER.match(first):
        why = f"{source} is a JSON array of arrays or words. Write one JSON object a line"
        raise FileRejected(reason=RejectCode.UNSUPPORTED_FORMAT, why=why)
    is_array = bool(_ARRAY.match(first))
    groups = (_elements if is_array else _lines)(stream, first, block_bytes, max_record_bytes, source)
    blocks = JsonBlocks(dialect, source)
    started = False
    for rows in groups:
        for block in blocks.blocks(rows):
            is_document = not is_array and _OPENS_A_DOCUMENT.fullmatch(rows[0].raw)
            if not started and (is_document or np.all(block.flags[1:] & INVALID_JSON)):
                raise _no_objects(rows, source)
            started = True
            yield block


def read_rows(
    stream: Stream, names: Sequence[str], keys: Sequence[str], block_bytes: int, max_record_bytes: int, source: str
) -> Iterator[RecordBlock]:
    """Yield the rows of a workbook's sheet, written as JSON lines. Its header has `names`, and the rows have `keys`."""
    blocks = JsonBlocks(Dialect(form="workbook"), source, keys, names)
    groups = _lines(stream, stream.read(block_bytes), block_bytes, max_record_bytes, source)
    yield from blocks.blocks(next(groups, []))
    for rows in groups:
        yield from blocks.blocks(rows)


def _no_objects(rows: Sequence[JsonRow], source: str) -> FileRejected:
    start = b"\n".join(raw for raw, _ in rows[:20])
    inner = re.search(rb'"([\w.-]+)"\s*:\s*\[', start)
    path = f".{inner[1].decode()}[]" if inner else "."
    return FileRejected(
        reason=RejectCode.UNSUPPORTED_FORMAT,
        why=f"{source} is JSON, but not one object a line. Write it so: `jq -c '{path}' FILE.json > FILE.jsonl`",
    )


def _lines(
    stream: Stream, fresh: bytes, block_bytes: int, max_record_bytes: int, source: str
) -> Iterator[list[JsonRow]]:
    line, rest, final = 1, b"", False
    while not final:
        following = stream.read(block_bytes)
        final = not following
        data = rest + fresh
        cut = len(data) if final else data.rfind(b"\n") + 1
        rest = data[cut:]
        rows = []
        for number, text in enumerate(data[:cut].split(b"\n"), line):
            if len(text) > max_record_bytes:
                raise too_large(number, max_record_bytes, source)
            if text and (text := text.rstrip(b"\r")) and not text.isspace():
                rows.append(JsonRow(text, number))
        line += data.count(b"\n", 0, cut)
        if len(rest) > max_record_bytes:
            raise too_large(line, max_record_bytes, source)
        if rows:
            yield rows
        fresh = following


def _elements(
    stream: Stream, fresh: bytes, block_bytes: int, max_record_bytes: int, source: str
) -> Iterator[list[JsonRow]]:
    """Yield the elements of an array. Those behind a faulty one cannot be found, so that rejects the file."""
    line = 1 + fresh.count(b"\n", 0, fresh.index(b"["))
    fresh, rest = fresh[fresh.index(b"[") + 1 :] or stream.read(block_bytes), b""
    ended = final = False
    while not final:
        following = stream.read(block_bytes)
        final = not following
        data = rest + fresh
        cut = len(data) if final else max(data.rfind(b"}"), data.rfind(b"]")) + 1  # both end a whole character
        text, rest = data[:cut].decode("utf-8", "surrogateescape"), data[cut:]
        rows = []
        at = 0
        while not ended:
            between = _BETWEEN.match(text, at)
            start = between.end() if between else at
            line += text.count("\n", at, start)
            at = start
            if at < len(text) and text[at] == "]":
                ended, at = True, at + 1
                break
            end = _end_of_element(text, at, final, line, source)
            if end is None:
                break
            raw = text[at:end].encode("utf-8", "surrogateescape")
            if len(raw) > max_record_bytes:
                raise too_large(line, max_record_bytes, source)
            rows.append(JsonRow(raw, line))
            line += text.count("\n", at, end)
            at = end
        if ended and (text[at:].strip(_SPACES) or (final and rest.strip())):
            raise _faulty(source, line, "it continues behind its end")
        rest = b"" if ended else text[at:].encode("utf-8", "surrogateescape") + rest
        if len(rest) > max_record_bytes + block_bytes:
            raise too_large(line, max_record_bytes, source)
        if rows:
            yield rows
        fresh = following


def _end_of_element(text: str, at: int, final: bool, line: int, source: str) -> int | None:
    """Return the end of the element that starts at a position, or None if the text may end inside it."""
    try:
        return _EXACT.raw_decode(text, at)[1]
    except RecursionError:
        raise _faulty(source, line, "it is nested too deeply") from None
    except json.JSONDecodeError as error:
        if not final:
            return None
        if at == len(text):
            raise _faulty(source, line, "its end is missing") from None
        place = line + text.count("\n", at, error.pos)
        raise _faulty(source, place, _what(error)) from None


def _faulty(source: str, line: int, why: str) -> FileRejected:
    return FileRejected(
        reason=RejectCode.INVALID_JSON,
        why=f"the JSON array in {source} is not valid on line {line}: {why}. In a file with one object a line, only "
        "the faulty row would be rejected",
    )
