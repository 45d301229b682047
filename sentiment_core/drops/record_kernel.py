"""The compiled loops that split the bytes of a delimited file into records and fields, 64 bytes at a time.

`csv_records` documents the reading rules. All functions may read up to 64 bytes past the end of `data`, which the
caller must provide.
"""

from typing import Final

from sentiment_core.columnar.compiled import compiled
from sentiment_core.columnar.simd import BYTES, byte_mask, copy_bytes, equal_bytes, ones, trailing_zeros

QUOTE, BACKSLASH, SPACE, LF, CR = ord('"'), ord("\\"), ord(" "), ord("\n"), ord("\r")

# Quoting rules. The last is that of raw rows that are JSON objects, which these functions do not read.
RFC4180, BACKSLASH_ESCAPES, NO_QUOTING, JSON_OBJECTS = 0, 1, 2, 3

# What is known of a record, one bit each.
INVALID_UTF8, NUL, MULTILINE, IMPROPER_QUOTE, BROKEN_ESCAPE, UNCLOSED, DOUBTFUL = 1, 2, 4, 8, 16, 32, 64
INVALID_JSON = 128

# How the bytes of a field become its content.
PLAIN, DOUBLED_QUOTES, ESCAPED_IN_QUOTES, ESCAPED = 0, 1, 2, 3

_PROPER, _IMPROPER, _UNDECIDED = 1, 0, -1

_lf: Final = byte_mask({LF})
_cr: Final = byte_mask({CR})
_backslash: Final = byte_mask({BACKSLASH})
_line_ends: Final = byte_mask({LF, CR})
_quotes_and_lines: Final = byte_mask({QUOTE, LF, CR})
_quotes_escapes_and_lines: Final = byte_mask({QUOTE, BACKSLASH, LF, CR})
_odd_bytes: Final = byte_mask({0, *range(0x80, 0x100)})  # NUL, and every byte of a multi-byte sequence


@compiled
def count(data, size, delimiter):  # type: ignore[no-untyped-def]
    """Return the number of line ends (CRLF counts as two) and of delimiters, inside and outside quotes."""
    ends = 0
    delimiters = 0
    for at in range(0, size, BYTES):
        ends += ones(_line_ends(data, at))
        delimiters += ones(equal_bytes(data, at, delimiter))
    return ends, delimiters


@compiled
def _line_end(data, at, size, cr_ends, final):  # type: ignore[no-untyped-def]
    """Return the width in bytes of the line end at `at`, 0 if there is none, and -1 if the next block decides it."""
    if data[at] == LF:
        return 1
    if data[at] != CR:
        return 0
    if at + 1 == size:
        return 1 if final else -1
    if data[at + 1] == LF:
        return 2
    return 1 if cr_ends else 0


@compiled
def _next_end(data, start, size, delimiter, escapes, cr_ends, final):  # type: ignore[no-untyped-def]
    """Return the end of the unquoted field that starts at `start`, whether it has escapes, and its line ends.

    The end is a delimiter, the first byte of a line end, or `size`.
    """
    at = start
    unescaped = start  # from here on, a CR may begin the line end
    escape = PLAIN
    lines = 0
    while at < size:
        found = equal_bytes(data, at, delimiter) | _lf(data, at)
        if cr_ends:
            found |= _cr(data, at)
        if escapes:
            found |= _backslash(data, at)
        if found == 0:
            at += BYTES
            continue
        at += trailing_zeros(found)
        if at >= size:
            break
        if escapes and data[at] == BACKSLASH:
            escape = ESCAPED
            if at + 1 < size and data[at + 1] == LF:
                lines += 1
            at += 2
            unescaped = at
            continue
        if data[at] == LF and at > unescaped and data[at - 1] == CR:
            return at - 1, escape, lines
        return at, escape, lines
    if final and not cr_ends and size > unescaped and data[size - 1] == CR:
        return size - 1, escape, lines
    return size, escape, lines


@compiled
def _closing_quote(data, start, size, quoting, cr_ends):  # type: ignore[no-untyped-def]
    """Return (position, line ends, escape, backslash) for the content of a quoted field that starts at `start`.

    The position is that of the closing quote, or `size` if there is none. `backslash` says whether a quote in the
    content, or the closing one, follows a backslash.
    """
    at = start
    lines = 0
    escape = PLAIN
    backslash = False
    while at < size:
        found = _quotes_escapes_and_lines(data, at) if quoting == BACKSLASH_ESCAPES else _quotes_and_lines(data, at)
        if found == 0:
            at += BYTES
            continue
        at += trailing_zeros(found)
        if at >= size:
            break
        byte = data[at]
        if byte == BACKSLASH:
            escape = ESCAPED_IN_QUOTES
            if at + 1 < size and data[at + 1] == LF:
                lines += 1
            at += 2
        elif byte == QUOTE:
            backslash |= at > start and data[at - 1] == BACKSLASH
            if not (at + 1 < size and data[at + 1] == QUOTE):
                return at, lines, escape, backslash
            escape = max(escape, DOUBLED_QUOTES)
            at += 2
        else:
            if byte == LF or (cr_ends and not (at + 1 < size and data[at + 1] == LF)):
                lines += 1
            at += 1
    return size, lines, escape, backslash


@compiled
def _after_quote(data, at, size, delimiter, cr_ends, final):  # type: ignore[no-untyped-def]
    """Return whether a quoted field that is closed before `at` ends there or behind spaces, and its end."""
    while at < size and data[at] == SPACE and delimiter != SPACE:
        at += 1
    if at >= size:
        return (_PROPER if final else _UNDECIDED), size
    if data[at] == delimiter:
        return _PROPER, at
    width = _line_end(data, at, size, cr_ends, final)
    if width < 0:
        return _UNDECIDED, at
    return (_PROPER if width > 0 else _IMPROPER), at


@compiled
def _field(data, start, size, delimiter, quoting, cr_ends, final, give_up):  # type: ignore[no-untyped-def]
    """Read the field that starts at `start`.

    Return (end, first and last byte of the content, escape, flags, line ends). The end is a delimiter, a line end or
    `size`; it is -1 if the next block decides where the field ends. With `give_up`, a quote that is not closed in the
    data is a character.
    """
    flags = 0
    if quoting != NO_QUOTING and start < size and data[start] == QUOTE:
        close, lines, escape, backslash = _closing_quote(data, start + 1, size, quoting, cr_ends)
        if close < size:
            state, end = _after_quote(data, close + 1, size, delimiter, cr_ends, final)
            if state == _UNDECIDED:
                return -1, start, start, escape, flags, lines
            if state == _PROPER:
                return end, start + 1, close, escape, MULTILINE if lines > 0 else 0, lines
        elif not (final or give_up):
            return -1, start, start, escape, flags, lines
        else:
            flags = UNCLOSED
        flags |= IMPROPER_QUOTE
        if backslash and quoting == RFC4180:
            flags |= BROKEN_ESCAPE
    end, escape, lines = _next_end(data, start, size, delimiter, quoting == BACKSLASH_ESCAPES, cr_ends, final)
    return end, start, end, escape, flags, lines


@compiled
def split(  # type: ignore[no-untyped-def]
    data,
    field_start,
    field_end,
    field_escape,
    first_field,
    start,
    end,
    line_of,
    flags,
    delimiter,
    quoting,
    cr_ends,
    line,
    final,
    give_up,
):
    """Fill the arrays of a `RecordBlock`, and return (records, bytes consumed, line of the rest).

    With `give_up`, a quote that opens in the first record and is not closed in the data is a character.
    """
    size = len(data)
    at = 0
    records = 0
    fields = 0
    doubtful = 0
    while at < size:
        width = _line_end(data, at, size, cr_ends, final)
        if width < 0:
            break
        if width > 0:  # a blank line
            at += width
            line += 1
            continue

        record_start, record_line = at, line
        flag = doubtful
        while True:  # one field per iteration
            stop, field_start[fields], field_end[fields], field_escape[fields], found, lines = _field(
                data, at, size, delimiter, quoting, cr_ends, final, give_up and records == 0
            )
            if stop < 0:
                return records, record_start, record_line
            at = stop
            fields += 1
            line += lines
            flag |= found
            if at == size or data[at] != delimiter:
                break
            at += 1
        width = 0
        if at < size:
            width = _line_end(data, at, size, cr_ends, final)
        elif not final:
            width = -1
        if width < 0:
            return records, record_start, record_line
        if final and flag & UNCLOSED:
            doubtful = DOUBTFUL
        record_end = at
        at += width
        line += width > 0
        columns = fields - first_field[records]
        if columns > 1 and record_end - record_start == columns - 1:  # only delimiters: a blank row
            fields = first_field[records]
            continue
        start[records] = record_start
        end[records] = record_end
        line_of[records] = record_line
        flags[records] = flag | _judge(data, record_start, record_end)
        records += 1
        first_field[records] = fields
    return records, at, line


@compiled
def _judge(data, at, end):  # type: ignore[no-untyped-def]
    """Return the flags `INVALID_UTF8` and `NUL` of these bytes.

    Valid UTF-8 is defined by Unicode table 3-7 (well-formed byte sequences).
    """
    flags = 0
    while at < end:
        found = _odd_bytes(data, at)
        if found == 0:
            at += BYTES
            continue
        at += trailing_zeros(found)
        if at >= end:
            break
        if data[at] == 0:
            flags |= NUL
            at += 1
            continue
        width = _sequence(data, at, end)
        if width == 0:
            flags |= INVALID_UTF8
        at += max(width, 1)
    return flags


@compiled
def _sequence(data, at, end):  # type: ignore[no-untyped-def]
    """Return the width in bytes of the well-formed multi-byte sequence that starts at `at`, or 0 if there is none."""
    lead = data[at]
    low, high, more = 0x80, 0xBF, 0
    if 0xC2 <= lead <= 0xDF:
        more = 1
    elif 0xE0 <= lead <= 0xEF:
        more = 2
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
    elif 0xF0 <= lead <= 0xF4:
        more = 3
        if lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
    if more == 0 or at + more >= end or data[at + 1] < low or data[at + 1] > high:
        return 0
    for following in range(2, more + 1):
        if data[at + following] & 0xC0 != 0x80:
            return 0
    return more + 1


@compiled
def gather(source, start, end, escape, data, offsets):  # type: ignore[no-untyped-def]
    """Copy fields one after another into `data`, resolve their escapes, and set `offsets` to the written lengths."""
    to = 0
    for i in range(len(start)):
        offsets[i] = to
        if escape[i] == PLAIN:
            copy_bytes(data, to, source, start[i], end[i] - start[i])
            to += end[i] - start[i]
            continue
        at = start[i]
        while at < end[i]:
            byte = source[at]
            following = source[at + 1] if at + 1 < end[i] else 0
            doubled = byte == QUOTE and following == QUOTE and escape[i] != ESCAPED
            escaped = byte == BACKSLASH and escape[i] != DOUBLED_QUOTES and _is_punctuation(following)
            at += 2 if doubled or escaped else 1
            data[to] = following if escaped else byte
            to += 1
    offsets[len(start)] = to


@compiled
def _is_punctuation(byte):  # type: ignore[no-untyped-def]
    """Return whether a byte is ASCII and neither NUL nor a letter or digit: what a backslash escapes.

    Writers escape delimiters, quotes, line ends and the backslash itself. Before a letter, as in the null of MySQL,
    both characters are kept.
    """
    is_letter = 65 <= byte <= 90 or 97 <= byte <= 122
    return 0 < byte < 128 and not is_letter and not 48 <= byte <= 57
