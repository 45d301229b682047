"""Tables on standard output. On a terminal they fit its width; in a file or a pipe every field is whole."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNBOUNDED: Final = 1 << 30  # columns: no line is ever cut or wrapped


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def output() -> Console:
    """Return the console of standard output. It cuts and wraps nothing if standard output is not a terminal."""
    return Console(highlight=False, width=None if is_terminal() else _UNBOUNDED)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], title: str | None = None) -> None:
    """Print a table. Cells are literal text: markup and emoji codes in them mean nothing."""
    table = Table(*columns, title=None if title is None else Text(title), box=None)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    output().print(table)
