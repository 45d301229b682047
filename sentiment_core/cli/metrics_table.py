"""Options and the metrics table that `train` and `evaluate` share."""

import json
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table
from rich.text import Text

from sentiment_core.cli.tables import output

CSV: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)
AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def print_metrics(metrics: dict[str, Any], title: str, as_json: bool) -> None:
    """Print metrics as a table or as JSON."""
    if as_json:
        click.echo(json.dumps(metrics))
        return
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in metrics.items():
        table.add_row(name.replace("_", " "), Text(_shown(value)))
    output().print(table)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key.replace('_', ' ')}: {_shown(each)}" for key, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return f"{value:.4f}" if isinstance(value, float) else str(value)
