"""The model card: what a model is, what it is for, how good it is and where its limits are, as JSON and Markdown.

After M. Mitchell et al., "Model cards for model reporting", FAT* 2019. The JSON stands in the bundle's
`provenance.json`, outside of the digest; the Markdown is made from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sentiment_core.intervals import wilson
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.bundle import Bundle
    from sentiment_core.evaluation import SliceMetrics

CARD_KEY: Final = "card"
GROUP_SLICES: Final = 20
_NOT_KNOWN: Final = "not known"
_PLAIN: Final = ("f1", "auc", "brier", "ece")  # measures that are no share of rows and have no interval here
_PERCENT: Final = ("accuracy", "accuracy_covered", "coverage", "precision", "recall")
_INTERVALS: Final = (
    "95 % score intervals (E. B. Wilson, 1927), with each row taken for independent: reviews of one group are a little "
    "alike, which makes them somewhat too narrow. Where the configuration was chosen on the same folds, held-out "
    "figures are a little optimistic."
)
_INTENDED: Final = (
    "Tell from a customer's review whether it is {labels}: for figures over many reviews, and to sort or to find "
    "single ones that a person then reads.",
)
_OUT_OF_SCOPE: Final = (
    "Decisions about a person: whom to hire, to pay, to punish or to treat.",
    "Texts in other languages than {languages}.",
    "Texts of another kind than those learned from, until `sentiment evaluate` has measured the model on some.",
    "What a text says of one thing among several, irony, and feelings beyond {labels}.",
)
_ETHICAL: Final = (
    "The model repeats what the labels of its training data say, prejudices too: a word for a group of people can move "
    "a score. `sentiment predict --explain` shows which words did.",
    "Its errors were not measured by dialect, age or origin of the authors, which the data do not tell.",
    "It holds no text, but hashes of the n-grams and of the texts that it learned from: who has a text can find out "
    "whether it was among them.",
)


def card_of(bundle: "Bundle") -> dict[str, Any]:
    """Return the card that a bundle brings, if it is of this model, else one made from its manifest and provenance."""
    stored = bundle.provenance.get(CARD_KEY)
    if isinstance(stored, dict) and _mapping(stored.get("model")).get("digest") == bundle.digest:
        return stored
    return model_card(bundle)


def model_card(bundle: "Bundle", slices: "Mapping[str, SliceMetrics] | None" = None) -> dict[str, Any]:
    """Make the card of a bundle from its manifest, its provenance, and the held-out slices where they were measured.

    Of the provenance it takes, each where it is there: `data`, `snapshot` (its id), `dates` (`first` and `last` day of
    the reviews), `grouped_by`, `groups`, `held_out`, `held_out_uncalibrated`, `test`, and the versions. No digest
    guards these: figures that are none are left out.
    """
    manifest, provenance = bundle.manifest, bundle.provenance
    held_out = _mapping(provenance.get("held_out"))
    shown, left_out = _slices(slices or {})
    words = {"labels": " or ".join(manifest.labels), "languages": ", ".join(manifest.languages) or "those learned from"}
    return {
        "model": {
            "name": manifest.name,
            "digest": bundle.digest,
            "kind": "logistic regression on weighted word n-grams, compiled to one weight an n-gram",
            "labels": list(manifest.labels),
            "languages": list(manifest.languages),
            "ngrams": len(bundle.ngrams),
            "created": provenance.get("created"),
            "package_version": provenance.get("package_version"),
            "code_version": provenance.get("code_version"),
            "licence": settings().model_licence,
            "contact": settings().model_contact,
        },
        "intended_use": [line.format(**words) for line in _INTENDED],
        "out_of_scope": [line.format(**words) for line in _OUT_OF_SCOPE],
        "data": {
            "name": provenance.get("data"),
            "snapshot": provenance.get("snapshot"),
            "sha256": manifest.snapshot.sha256,
            "rows": dict(manifest.snapshot.rows),
            "unlabelled_rows": manifest.snapshot.unlabelled_rows,
            "grouped_by": provenance.get("grouped_by"),
            "groups": provenance.get("groups"),
            "dates": provenance.get("dates"),
        },
        "recipe": manifest.recipe.model_dump(mode="json"),
        "training": manifest.training,
        "metrics": {
            "held_out": _measures(held_out),
            "test": _measures(_mapping(provenance.get("test"))) or None,
            "intervals": _INTERVALS,
        },
        "slices": shown,
        "slices_left_out": left_out,
        "calibration": {
            "method": "Platt scaling on held-out folds",
            "brier": held_out.get("brier"),
            "ece": held_out.get("ece"),
            "uncalibrated": provenance.get("held_out_uncalibrated"),
            "neutral_band": manifest.thresholds.model_dump(mode="json") if manifest.thresholds else None,
        },
        "limits": list(_limits(bundle, shown)),
        "ethical_notes": list(_ETHICAL),
    }


def markdown(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown."""
    return "\n".join(_lines(card)) + "\n"


def _limits(bundle: "Bundle", slices: list[dict[str, Any]]) -> Iterator[str]:
    yield "It knows the n-grams of its training texts only; how other kinds of text score is not known until measured."
    if bundle.manifest.thresholds:
        yield "`neutral` means that the model is not sure. It has not learned what a neutral review is."
    if slices:
        worst = min(slices, key=lambda each: float(each["accuracy"]["value"]))
        yield (
            f"Of the slices below it is least accurate on {worst['slice']}: {worst['accuracy']['value']:.1%} of "
            f"{worst['rows']:,} rows."
        )
    else:
        yield "It was not measured by slice."
    yield "Whether reviews change with time is seen by watching drift, not from this card."


def _measures(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return each measure with its value and, where it is a share of counted rows, its interval."""
    if not isinstance(found.get("rows"), int):
        return {}
    counted = _counted(found)
    measures: dict[str, Any] = {"rows": found["rows"]}
    for name in (*_PERCENT, *_PLAIN):
        value = found.get(name)
        if not isinstance(value, int | float):
            continue
        measures[name] = {"value": value}
        if 0 <= value <= 1 and counted.get(name, 0) > 0:
            measures[name] |= dict(zip(("low", "high"), wilson(value, counted[name]), strict=True))
    return measures


def _counted(found: Mapping[str, Any]) -> dict[str, int]:
    """Return of each measure how many rows it is a share of; of three labels, precision and recall are means."""
    rows = int(found["rows"])
    counted = {"accuracy": rows, "coverage": rows}
    if isinstance(found.get("coverage"), int | float):
        counted["accuracy_covered"] = round(rows * found["coverage"])
    table = {name: _mapping(row) for name, row in _mapping(found.get("confusion")).items()}
    right, missed, wrong = (
        table.get(given, {}).get(predicted)
        for given, predicted in (("positive", "positive"), ("positive", "negative"), ("negative", "positive"))
    )
    if len(table) == 2 and isinstance(right, int):
        counted |= {"recall": right + missed} if isinstance(missed, int) else {}
        counted |= {"precision": right + wrong} if isinstance(wrong, int) else {}
    return counted


def _slices(slices: "Mapping[str, SliceMetrics]") -> tuple[list[dict[str, Any]], int]:
    """Return the slices by length and rating and the largest groups, and how many groups are left out."""
    groups = sorted((name for name in slices if name.startswith("group ")), key=lambda name: -slices[name].rows)
    names = [name for name in slices if not name.startswith("group ")] + groups[:GROUP_SLICES]
    shown = []
    for name in names:
        metrics = slices[name]
        low, high = wilson(metrics.accuracy, metrics.rows)
        accuracy = {"value": metrics.accuracy, "low": low, "high": high}
        shown.append({"slice": name} | metrics._asdict() | {"accuracy": accuracy})
    return shown, len(groups[GROUP_SLICES:])


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    model, data, metrics, calibration = (card[part] for part in ("model", "data", "metrics", "calibration"))
    yield f"# Model card: {_cell(model['name'])} {model['digest'][:12]}"
    yield from _list("Intended use", card["intended_use"])
    yield from _list("Out of scope", card["out_of_scope"])
    yield from _table("Model", ("", ""), [(_words(name), _text(value)) for name, value in model.items()])
    yield from _table("Training data", ("", ""), [(_words(name), _text(value)) for name, value in data.items()])
    for name, title in (("held_out", "Metrics on held-out folds"), ("test", "Metrics on test reviews")):
        if metrics[name]:
            yield from _table(title, ("measure", "value", "95 % interval"), list(_rows(metrics[name])))
    yield from ("", metrics["intervals"])
    if card["slices"]:
        yield from _slice_table(card["slices"])
        if card["slices_left_out"]:
            yield from ("", f"{card['slices_left_out']:,} smaller groups are left out here; `metrics.json` has them.")
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
        percent = name in _PERCENT
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
    """Return text as it stands in a table's cell, whatever characters it has."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
