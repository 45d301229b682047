"""The model card: what a model is, its intended use, its measures and its limits, as JSON and Markdown.

It follows M. Mitchell et al., "Model cards for model reporting", FAT* 2019. The JSON is part of the bundle's
`provenance.json`, outside the digest. The Markdown is generated from the JSON.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sentiment_core.model.bundle import Bundle
from sentiment_core.model.card_markdown import CARD_KEY, PERCENT
from sentiment_core.model.measures import SliceMetrics
from sentiment_core.model.suite_section import SUITE_KEY, suite_section
from sentiment_core.model.wilson import wilson_interval
from sentiment_core.settings import settings

GROUP_SLICES: Final = 20
_PLAIN: Final = ("f1", "auc", "brier", "ece")  # measures that are not ratios of rows, so they have no interval here
_INTERVALS: Final = (
    "95 % score intervals (E. B. Wilson, 1927). They assume independent rows. Reviews of one group are similar, so the "
    "intervals are slightly too narrow. If the configuration was chosen on the same folds, the held-out metrics are "
    "slightly too high."
)
_INTENDED: Final = (
    "Classify customer reviews as {labels}, for statistics over many reviews, and to sort or find single reviews that "
    "a person then reads.",
)
_OUT_OF_SCOPE: Final = (
    "Decisions about a person, such as hiring, payment, punishment or medical treatment.",
    "Texts in languages other than {languages}.",
    "Texts of a different kind than the training data, unless `sentiment evaluate` has measured the model on them.",
    "Opinions about single aspects of a product, irony, and emotions other than {labels}.",
)
_ETHICAL: Final = (
    "The model reproduces the biases in the labels of its training data. A word for a group of people can change a "
    "score. `sentiment predict --explain` shows the effect of each word.",
    "Errors were not measured by dialect, age or origin of the authors, because the data does not contain them.",
    "The bundle contains no text. It contains hashes of the training n-grams and texts, so a person who has a text can "
    "find out whether it was in the training data.",
)


def card_of(bundle: Bundle) -> dict[str, Any]:
    """Return the card stored in a bundle if its digest matches, else a card made from the manifest and provenance."""
    stored = bundle.provenance.get(CARD_KEY)
    if isinstance(stored, dict) and _mapping(stored.get("model")).get("digest") == bundle.digest:
        return stored
    return model_card(bundle)


def model_card(bundle: Bundle, slices: Mapping[str, SliceMetrics] | None = None) -> dict[str, Any]:
    """Make the card of a bundle from its manifest, its provenance and, if measured, its held-out slices.

    From the provenance it reads, if present: `data`, `snapshot` (its id), `dates` (`first` and `last` day of the
    reviews), `grouped_by`, `groups`, `starred_rows`, `held_out`, `held_out_languages`,
    `held_out_uncalibrated`, `sets`, `suite`, `test`, and
    the versions. The digest does not cover these values, so measures that are not numbers are omitted.
    """
    manifest, provenance = bundle.manifest, bundle.provenance
    held_out = _mapping(provenance.get("held_out"))
    shown, left_out = _slices(slices or {})
    words = {
        "labels": " or ".join(manifest.labels),
        "languages": ", ".join(manifest.languages) or "those of the training data",
    }
    suite = suite_section(provenance.get(SUITE_KEY))
    return {
        "model": {
            "name": manifest.name,
            "digest": bundle.digest,
            "kind": "logistic regression on weighted word n-grams, compiled to one weight per n-gram",
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
        }
        | {name: provenance[name] for name in ("starred_rows",) if name in provenance},
        "recipe": manifest.recipe.model_dump(mode="json"),
        "training": manifest.training,
        "metrics": {
            "held_out": _measures(held_out),
            "test": _measures(_mapping(provenance.get("test"))) or None,
            "intervals": _INTERVALS,
        },
        "sets": _rows_of(provenance.get("sets"), ("name", "language", "rows", "licence", "source")),
        "languages": [
            {"language": language, "balanced_accuracy": accuracy, "standing": manifest.standing(language)}
            for language, accuracy in _mapping(provenance.get("held_out_languages")).items()
            if accuracy is None or isinstance(accuracy, int | float)
        ],
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
    } | ({SUITE_KEY: suite} if suite else {})


def _rows_of(listed: Any, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the given fields of each listed mapping, as text."""
    rows = listed if isinstance(listed, list) else []
    return [{name: str(row.get(name, "")) for name in fields} for row in rows if isinstance(row, Mapping)]


def _limits(bundle: Bundle, slices: list[dict[str, Any]]) -> Iterator[str]:
    yield (
        "The model knows only the n-grams of its training texts. Its accuracy on other kinds of text is unknown until "
        "it is measured."
    )
    if bundle.manifest.thresholds:
        yield "`neutral` means that the model abstains. The training data has no neutral reviews."
    if experimental := bundle.manifest.experimental_languages:
        yield f"In {', '.join(experimental)} its accuracy on held-out reviews is low or was not measured."
    if slices:
        worst = min(slices, key=lambda each: float(each["accuracy"]["value"]))
        yield (
            f"The slice with the lowest accuracy is {worst['slice']}: {worst['accuracy']['value']:.1%} of "
            f"{worst['rows']:,} rows."
        )
    else:
        yield "Accuracy was not measured by slice."
    yield "This card does not show whether reviews have changed since the training. Drift monitoring does."


def _measures(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return each measure with its value and, if it is a ratio of counted rows, its interval."""
    if not isinstance(found.get("rows"), int):
        return {}
    counted = _counted(found)
    measures: dict[str, Any] = {"rows": found["rows"]}
    for name in (*PERCENT, *_PLAIN):
        value = found.get(name)
        if not isinstance(value, int | float):
            continue
        measures[name] = {"value": value}
        if 0 <= value <= 1 and counted.get(name, 0) > 0:
            measures[name] |= dict(zip(("low", "high"), wilson_interval(value, counted[name]), strict=True))
    return measures


def _counted(found: Mapping[str, Any]) -> dict[str, int]:
    """Return the denominator of each ratio, in rows. For three labels, precision and recall are means and have none."""
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


def _slices(slices: Mapping[str, SliceMetrics]) -> tuple[list[dict[str, Any]], int]:
    """Return the slices by length and rating, those of the largest groups, and the number of groups left out."""
    groups = sorted((name for name in slices if name.startswith("group ")), key=lambda name: -slices[name].rows)
    names = [name for name in slices if not name.startswith("group ")] + groups[:GROUP_SLICES]
    shown = []
    for name in names:
        metrics = slices[name]
        low, high = wilson_interval(metrics.accuracy, metrics.rows)
        accuracy = {"value": metrics.accuracy, "low": low, "high": high}
        shown.append({"slice": name} | metrics._asdict() | {"accuracy": accuracy})
    return shown, len(groups[GROUP_SLICES:])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
