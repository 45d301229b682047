"""The commands of docs/deploy.md, for the tests that run them."""

import re
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "docs" / "deploy.md"


def blocks(language: str) -> dict[str, str]:
    """Return all code blocks in a language, by the heading above them."""
    found: dict[str, str] = {}
    for section in re.split(r"^##+ ", GUIDE.read_text(), flags=re.MULTILINE):
        heading = section.partition("\n")[0]
        typed = re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        if typed:
            found[heading] = "".join(typed)
    return found
