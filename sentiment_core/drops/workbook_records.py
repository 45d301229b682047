"""Read a sheet of an Excel or OpenDocument workbook as records. The line of a row is its number in the sheet."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any, Final

from sentiment_core.drops.contract import RejectCode
from sentiment_core.drops.csv_records import RecordBlock
from sentiment_core.drops.declared_form import DeclaredForm
from sentiment_core.drops.json_records import read_rows
from sentiment_core.errors import FileRejected, LibraryMissing
from sentiment_core.settings import Settings

_PROGRAM: Final = "sentiment_core.drops.workbook_rows"


def read_workbook(
    file: IO[bytes], settings: Settings, found: str, source: str, form: DeclaredForm
) -> Iterator[RecordBlock]:
    """Yield the records of the first sheet that has a text column, its column names first.

    `source` names the file in errors, and `found` says which kind of workbook it is.

    A process with at most `max_workbook_bytes` of memory reads the workbook. Raises `FileRejected` when the workbook is
    empty, damaged, protected by a password, or needs more memory, and `LibraryMissing` without python-calamine.
    """
    file.seek(0)
    options = {
        "max_bytes": settings.max_workbook_bytes,
        "text_columns": settings.text_columns,
        "header_line": form.header_line,
        "names": form.names,
    }
    command = [sys.executable, "-m", _PROGRAM, json.dumps(options)]
    with subprocess.Popen(
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as process:
        try:
            rows = process.stdout
            if rows is None:  # pragma: no cover -- the pipe was asked for
                raise RuntimeError
            described = rows.readline()
            if not described.endswith(b"\n"):
                raise _too_large(found, settings)
            sheet = json.loads(described)
            if "error" in sheet:
                raise _refused(sheet, found)
            block_bytes, largest = settings.block_bytes, settings.max_record_bytes
            blocks = read_rows(rows, sheet["names"], sheet["keys"], block_bytes, largest, source)
            for number, block in enumerate(blocks):
                yield block if number else block._replace(warnings=_warnings(sheet))
            if process.wait() != 0:
                raise _too_large(found, settings)
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUTF8": "1"}


def _warnings(sheet: dict[str, Any]) -> tuple[str, ...]:
    if not sheet["others"]:
        return ()
    others = ", ".join(map(repr, sheet["others"]))
    return (f"only the sheet {sheet['sheet']!r} is read; {others} has a text column too",)


def _refused(sheet: dict[str, Any], found: str) -> Exception:
    code = RejectCode.UNSUPPORTED_FORMAT
    match sheet["error"]:
        case "library":
            return LibraryMissing(library="python-calamine", why=found)
        case "password":
            return FileRejected(reason=code, why=f"{found} with a password. Save it without a password")
        case "empty":
            return FileRejected(reason=RejectCode.EMPTY_FILE, why=f"{found} without rows")
        case _:
            why = f"{found} that cannot be read ({sheet['why']}). Save the sheet as CSV UTF-8"
            return FileRejected(reason=code, why=why)


def _too_large(found: str, settings: Settings) -> FileRejected:
    return FileRejected(
        reason=RejectCode.EXPANDS_TOO_FAR,
        why=f"{found} that needs more than {settings.max_workbook_bytes:,} bytes of memory "
        "(SENTIMENT_MAX_WORKBOOK_BYTES), or is damaged. Save the sheet as CSV UTF-8",
    )
