"""Rendering of a model card's JSON as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sentiment_core.model.suite_section import SUITE_KEY, SUITE_MEASURES

CARD_KEY: Final = "card"
PERCENT: Final = ("accuracy", "accuracy_covered", "coverage", "precision", "recall")  # measures that are ratios of rows
_NOT_KNOWN: Final = "not known"


def markdown(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    model, data, metrics, calibration = (card[part] for part in ("model", "data", "metrics", "calibration"))
    yield f"# Model card: {_cell(model['name'])} {model['digest'][:12]}"
    yield from _list("Intended use", card["intended_use"])
    yield from _list("Out of scope", card["out_of_scope"])
    yield from _table("Model", ("", ""), [(_words(name), _text(value)) for name, value in model.items()])
    yield from _table("Training data", ("", ""), [(_words(name), _text(value)) for name, value in data.items()])
    if sets := card.get("sets"):
        header = ("set", "language", "rows", "class of licence", "source and licence")
        yield from _table("Training sets", header, [tuple(map(_cell, row.values())) for row in sets])
    for name, title in (("held_out", "Metrics on held-out folds"), ("test", "Metrics on test reviews")):
        if metrics[name]:
            yield from _table(title, ("measure", "value", "95 % interval"), list(_rows(metrics[name])))
    yield from ("", metrics["intervals"])
    if card["slices"]:
        yield from _slice_table(card["slices"])
        if card["slices_left_out"]:
            yield from ("", f"{card['slices_left_out']:,} smaller groups are not shown. `metrics.json` contains them.")
    if languages := card.get("languages"):
        yield from _table(
            "Languages",
            ("language", "balanced accuracy on held-out folds", "standing"),
            [
                (_cell(row["language"]), _accuracy(row["balanced_accuracy"]), _cell(row["standing"]))
                for row in languages
            ],
        )
        yield from ("", "Rows with a sentiment only. An accuracy is missing if a label has fewer than 50 rows.")
    if suite := card.get(SUITE_KEY):
        yield from _suite_tables(suite)
    yield from _table("Calibration", ("", ""), [(_words(name), _text(value)) for name, value in calibration.items()])
    yield from _list("Limits", card["limits"])
    yield from _list("Ethical notes", card["ethical_notes"])
    for name in ("recipe", "training"):
        rows = [(f"`{_cell(key)}`", _text(value)) for key, value in _flat(card[name])]
        yield from _table(f"Configuration: {name}", ("", ""), rows)


def _rows(measures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "rows", _text(measures["rows"]), ""
    for name, measure in measures.items():
        if name == "rows":
            continue
        percent = name in PERCENT
        interval = f"{measure['low']:.2%} to {measure['high']:.2%}" if "low" in measure else ""
        yield _words(name), f"{measure['value']:.2%}" if percent else f"{measure['value']:.4f}", interval


def _slice_table(slices: list[dict[str, Any]]) -> Iterator[str]:
    rows = []
    for found in slices:
        accuracy = found["accuracy"]
        figures = ["" if found[name] is None else f"{found[name]:.4f}" for name in ("auc", "f1", "brier", "ece")]
        interval = f"{accuracy['low']:.1%} to {accuracy['high']:.1%}"
        coverage = f"{found['coverage']:.1%}"
        rows.append(
            (_cell(found["slice"]), f"{found['rows']:,}", f"{accuracy['value']:.1%}", interval, *figures, coverage)
        )
    header = ("slice", "rows", "accuracy", "95 % interval", "AUC", "F1", "Brier", "ECE", "coverage")
    yield from _table("Held-out folds by slice", header, rows)
    yield from ("", "AUC, F1 and ECE are empty where all rows of a slice have one label.")


def _suite_tables(suite: Mapping[str, Any]) -> Iterator[str]:
    for title, part in (("language", "languages"), ("domain", "domains")):
        header = (title, "sets", "rows", *map(_words, SUITE_MEASURES))
        rows = [
            (
                *(_cell(row["name"]), f"{row['sets']:,}", f"{row['rows']:,}"),
                *("" if row[name] is None else f"{row[name]:.3f}" for name in SUITE_MEASURES),
            )
            for row in suite[part]
        ]
        yield from _table(f"Measured over many sets, by {title}", header, rows)
    yield from ("", f"Means over sets; {_cell(suite['selection'])}. A cell is empty where no set has the measure.")


def _accuracy(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _list(title: str, lines: list[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from (f"* {line}" for line in lines)


def _table(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield from ("", f"## {title}", "", f"| {' | '.join(header)} |", "|---" * len(header) + "|")
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _words(name: str) -> str:
    return _cell(name.replace("_", " "))


def _text(value: Any) -> str:
    match value:
        case None:
            return _NOT_KNOWN
        case float():
            return f"{value:.4g}"
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case Mapping():
            return ", ".join(f"{_words(str(key))}: {_text(each)}" for key, each in value.items()) or "none"
        case list() | tuple():
            return ", ".join(map(_text, value)) or "none"
    return _cell(str(value))


def _cell(text: str) -> str:
    """Return text escaped for a table cell, with any characters."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
