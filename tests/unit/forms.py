"""Files of the forms that are no delimited text, and what a dry run and the reader make of them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
from pyarrow import parquet

from sentiment_core.drops.body import Body
from sentiment_core.drops.declared_form import UNDECLARED, DeclaredForm
from sentiment_core.drops.drop import local_drop
from sentiment_core.drops.recognition import read_body
from sentiment_core.drops.record_kernel import BACKSLASH_ESCAPES, NO_QUOTING, RFC4180
from sentiment_core.drops.source_contract import Rules, SourceContract
from sentiment_core.drops.validation import CheckedRows, Review, checked
from sentiment_core.settings import Settings


def parquet_bytes(columns: Mapping[str, Any] | pa.Table, **options: Any) -> bytes:
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    out = io.BytesIO()
    parquet.write_table(table, out, **options)
    return out.getvalue()


def workbook_bytes(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zip_bytes(members: Mapping[str, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def read(path: Path, form: DeclaredForm = UNDECLARED, **settings: Any) -> list[CheckedRows]:
    rules = Rules(Settings(**settings), contract_with(form))
    drop = local_drop(path)
    with path.open("rb") as stored:
        body = Body(stored, drop, rules.settings.max_expanded_bytes)
        rows = list(checked(read_body(body, rules), rules, drop.uri))
        body.finish()
    return rows


def contract_with(form: DeclaredForm) -> SourceContract:
    """Return the contract that declares a form and nothing else."""
    quoting = {RFC4180: "rfc4180", BACKSLASH_ESCAPES: "backslash", NO_QUOTING: "none", None: None}[form.quoting]
    return SourceContract.model_validate(form._asdict() | {"quoting": quoting})


def reviews(rows: Sequence[CheckedRows]) -> dict[int, Review]:
    """Return the good rows by line."""
    return {int(part.batch.line[row]): part.batch.review(row) for part in rows for row in range(part.batch.size)}
