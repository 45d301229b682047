"""The section of a model card with the measures over a suite of labelled sets, by language and domain."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

SUITE_KEY: Final = "suite"
SUITE_MEASURES: Final = ("accuracy", "balanced_accuracy", "auc", "polar_neutral", "macro_f1", "ece")


def suite_section(recorded: Any) -> dict[str, Any] | None:
    """Return the section for what `SuiteTable.recorded` gave, or None if there is none.

    The digest does not cover these values, so measures that are not numbers are omitted.
    """
    if not isinstance(recorded, Mapping):
        return None
    parts = {"languages": "language", "domains": "domain"}
    return {"selection": str(recorded.get("selection"))} | {
        name: list(_rows(recorded.get(grouping))) for name, grouping in parts.items()
    }


def _rows(groups: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(groups, Mapping):
        return
    for name, found in groups.items():
        if isinstance(found, Mapping):
            counts = {count: _number(found.get(count)) or 0 for count in ("sets", "rows")}
            measures = {measure: _number(found.get(measure)) for measure in SUITE_MEASURES}
            yield {"name": str(name)} | counts | measures


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) else None
