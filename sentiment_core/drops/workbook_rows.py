"""Write the rows of an Excel or OpenDocument workbook as JSON lines: a program, with its own limits of memory and time.

`workbook_records` runs it with the workbook as standard input. The reader keeps a whole sheet, with all cells of its
rectangle, in memory, and ends the process where there is too little. One cell far away can make that rectangle large.

The first line describes the sheet, or has an error. Then each row of the sheet is a line, so that line numbers are row
numbers; an empty row, and the rows up to the header, are empty lines.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from sentiment_core.drops.column_names import distinct, fold

_CPU_SECONDS: Final = 900
_EXACT: Final = 10.0**15  # a spreadsheet keeps 15 digits


def main(arguments: Sequence[str]) -> None:
    """Read the workbook on standard input. The argument is a JSON object of the options."""
    options = json.loads(arguments[0])
    limit = options["max_bytes"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        import python_calamine as calamine  # noqa: PLC0415
    except ImportError:
        _print({"error": "library"})
        return
    try:
        workbook = calamine.load_workbook(io.BytesIO(sys.stdin.buffer.read()))
        _write(workbook, options)
    except calamine.PasswordError:
        _print({"error": "password"})
    except (calamine.CalamineError, ValueError, OSError) as error:
        _print({"error": "damaged", "why": " ".join(str(error).split())[:200] or type(error).__name__})


def _write(workbook: Any, options: dict[str, Any]) -> None:
    texts = {fold(name) for name in options["text_columns"]}
    first: tuple[str, int, list[str]] | None = None
    chosen: list[tuple[str, int, list[str]]] = []
    for name in workbook.sheet_names:
        found = _header(workbook, name, options)
        if found is None:
            continue
        first = first or (name, *found)
        if any(fold(column) in texts for column in found[1]):
            chosen.append((name, *found))
    if first is None:
        _print({"error": "empty"})
        return
    sheet, header_row, names = chosen[0] if chosen else first
    keys = distinct([name or f"column_{number}" for number, name in enumerate(names, 1)])
    _print({"names": names, "keys": keys, "sheet": sheet, "others": [name for name, *_ in chosen[1:]]})
    for number, row in _rows(workbook, sheet):
        values = [_text(value) for value in row]
        if number <= header_row or not any(values):
            sys.stdout.write("\n")
        else:
            values += [""] * (len(keys) - len(values))
            _print(dict(zip(keys, values, strict=False)))


def _header(workbook: Any, sheet: str, options: dict[str, Any]) -> tuple[int, list[str]] | None:
    """Return the row number of a sheet's header and its names, or None if the sheet is empty."""
    wanted = options["header_line"]
    for number, row in _rows(workbook, sheet):
        values = [_text(value) for value in row]
        if number < wanted or not any(values):
            continue
        if options["names"] is not None:
            width = max(len(values), len(options["names"]))
            return number - 1, (options["names"] + [""] * width)[:width]
        return number, values
    return None


def _rows(workbook: Any, sheet: str) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows of a sheet with their numbers, from 1."""
    opened = workbook.get_sheet_by_name(sheet)
    yield from enumerate(opened.iter_rows(), 1)


def _text(value: Any) -> str:
    """Return a cell as text. An error is missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if abs(value) >= _EXACT:  # the digits behind the fifteenth are lost
        digits, _, exponent = f"{value:.14E}".partition("E")
        return f"{digits.rstrip('0').rstrip('.')}E{exponent}"
    return str(int(value)) if value.is_integer() else repr(value)


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
