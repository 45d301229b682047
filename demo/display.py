"""Display of the tour: progress lines and tables on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text


class Display:
    """Show the steps in progress and their results; a context manager around the steps."""

    def __init__(self, titles: dict[str, str]) -> None:
        self._titles = titles
        self._console = Console(highlight=False, soft_wrap=True)
        if not self._console.is_terminal:
            # A log is not read in a terminal window, so its lines must not wrap at a window's width.
            self._console.width = 240
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._notes: dict[str, str] = {}
        self._lines: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            TextColumn("[dim]{task.fields[note]}[/]"),
            TimeElapsedColumn(),
            console=self._console,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def begun(self, name: str) -> None:
        """Show that a step has started."""
        with self._lock:
            if self._console.is_terminal:
                self._lines[name] = self._progress.add_task(self._titles[name], total=1, note="")

    def note(self, name: str, note: str) -> None:
        """Show the progress of a step."""
        with self._lock:
            if self._console.is_terminal:
                self._progress.update(self._lines[name], note=note)
            elif self._notes.get(name) != note:
                self._notes[name] = note
                self._say(name, note)

    def done(self, name: str, note: str) -> None:
        """Show that a step has finished."""
        with self._lock:
            if self._console.is_terminal:
                self._progress.update(self._lines[name], note=note, completed=1)
            else:
                self._say(name, note)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Show a table. A title that is a SQL statement is formatted as SQL."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row))
        self.say()
        self.say(title, style="bold cyan")
        self._console.print(table, soft_wrap=False)

    def card(self, title: str, lines: Iterable[tuple[str, str]]) -> None:
        """Show names and values for copying. The frame never breaks a value."""
        self.say()
        self._console.print(Panel.fit(title, style="bold green") if self._console.is_terminal else Text(title))
        entries = list(lines)
        width = max(len(name) for name, _ in entries)
        for name, value in entries:
            self._console.print(Text(f"{name:<{width}}  ", style="bold").append(value, style="not bold"))

    def say(self, text: str = "", style: str | None = None) -> None:
        """Show a line."""
        self._console.print(Text(text, style=style or ""))

    def _say(self, name: str, note: str) -> None:
        self._console.print(Text(f"{self.elapsed_s:6.1f} s  {self._titles[name]}: {note}"))
