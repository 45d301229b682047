"""The `sentiment` command with the kill points installed: `python -m tests.crash.child load …`."""

import os
from pathlib import Path

from sentiment_core.cli.group import main
from tests.crash import points

if __name__ == "__main__":
    points.install(Path(os.environ[points.FOLDER]))
    main(prog_name="sentiment")
