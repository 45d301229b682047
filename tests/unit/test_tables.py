"""What commands print on standard output: fitted to a terminal, and whole in a pipe."""

import os
import re
import subprocess
import sys

from sentiment_core.cli.tables import print_table

KEY = f"incoming/shop/{'folder/' * 30}[red]:smile:.csv"
TABLE = f"from {print_table.__module__} import print_table; print_table(('File', 'Key'), [('1', {KEY!r})])"
PREDICT = "import sys; from sentiment_core.cli import main; main(['predict', sys.argv[1]])"
ENVIRONMENT = os.environ | {"COLUMNS": "40", "NO_COLOR": "1", "TERM": "xterm"}


def piped(*command: str) -> list[str]:
    ran = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return [line.rstrip() for line in ran.stdout.splitlines()]


def test_a_field_in_a_pipe_is_whole_and_its_characters_mean_nothing() -> None:
    header, row = piped(sys.executable, "-c", TABLE)
    assert header.split() == ["File", "Key"]
    assert row.endswith(KEY)


def test_a_table_on_a_terminal_fits_its_width() -> None:
    parent, terminal = os.openpty()
    subprocess.run([sys.executable, "-c", TABLE], env=ENVIRONMENT, stdout=terminal, check=True)
    os.close(terminal)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", os.read(parent, 1 << 16).decode())
    os.close(parent)
    assert max(map(len, shown.splitlines())) <= 40


def test_a_text_in_a_pipe_is_on_one_line() -> None:
    text = "It works very well, and I would buy it again. " * 20
    (line,) = piped(sys.executable, "-c", PREDICT, text)
    assert text.strip() in line
