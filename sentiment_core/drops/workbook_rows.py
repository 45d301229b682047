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
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final, NamedTuple

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


class _Sheet(NamedTuple):
    name: str
    opened: Any
    header_row: int
    names: list[str]


def _write(workbook: Any, options: dict[str, Any]) -> None:
    texts = {fold(name) for name in options["text_columns"]}
    chosen: _Sheet | None = None  # the first sheet with a text column, or else the first that is not empty
    has_text = False
    others = []
    for name in workbook.sheet_names:
        found = _sheet(workbook, name, options)
        if found is None:
            continue
        if any(fold(column) in texts for column in found.names):
            if has_text:
                others.append(name)
            else:
                chosen, has_text = found, True
        chosen = chosen or found
        del found  # a sheet is large
    if chosen is None:
        _print({"error": "empty"})
        return
    keys = distinct([name or f"column_{number}" for number, name in enumerate(chosen.names, 1)])
    _print({"names": chosen.names, "keys": keys, "sheet": chosen.name, "others": others})
    for number, row in enumerate(chosen.opened.iter_rows(), 1):
        values = [_text(value) for value in row]
        if number <= chosen.header_row or not any(values):
            sys.stdout.write("\n")
        else:
            values += [""] * (len(keys) - len(values))
            _print(dict(zip(keys, values, strict=False)))


def _sheet(workbook: Any, name: str, options: dict[str, Any]) -> _Sheet | None:
    """Return a sheet with the row number of its header and its names, or None if it has no cells."""
    opened = workbook.get_sheet_by_name(name)
    for number, row in enumerate(opened.iter_rows(), 1):
        values = [_text(value) for value in row]
        if number < options["header_line"] or not any(values):
            continue
        if options["names"] is not None:
            width = max(len(values), len(options["names"]))
            return _Sheet(name, opened, number - 1, (options["names"] + [""] * width)[:width])
        return _Sheet(name, opened, number, values)
    return None


def _text(value: Any) -> str:
    """Return a cell as text. An error is missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return written_number(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return "" if value is None else str(value)


def written_number(value: float) -> str:
    """Return a number as a spreadsheet shows it: whole ones without a point, long ones with 15 digits."""
    if abs(value) >= _EXACT:  # the digits behind the fifteenth are lost
        digits, _, exponent = f"{value:.14E}".partition("E")
        return f"{digits.rstrip('0').rstrip('.')}E{exponent}"
    return str(int(value)) if value.is_integer() else repr(value)


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
