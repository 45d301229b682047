"""What docs/deploy.md tells the reader to type, for the tests that type it."""

import re
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "docs" / "deploy.md"


def blocks(language: str) -> dict[str, str]:
    """Return all that is to be typed in a language, by the heading that it stands below."""
    found: dict[str, str] = {}
    for section in re.split(r"^##+ ", GUIDE.read_text(), flags=re.MULTILINE):
        heading = section.partition("\n")[0]
        typed = re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        if typed:
            found[heading] = "".join(typed)
    return found
