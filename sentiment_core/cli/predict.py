"""`sentiment predict`: texts given as arguments. Needs no scikit-learn and no pandas."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from sentiment_core.cli.metrics_table import AS_JSON, FOLDER
from sentiment_core.cli.tables import output
from sentiment_core.columnar.columns import TextColumn
from sentiment_core.columnar.missing_texts import MissingTexts
from sentiment_core.languages.detected_languages import DetectedLanguage, DetectedLanguages
from sentiment_core.model.bundle import STARTER, Bundle
from sentiment_core.model.manifest import Manifest
from sentiment_core.settings import settings

if TYPE_CHECKING:
    from sentiment_core.model.scorer import Explanation, TextScore

_TOP: Final = 12  # n-grams that an explanation shows to people
_COLOURS: Final = {"negative": "red", "neutral": "yellow", "positive": "green"}


@click.command
@click.argument("text", nargs=-1, required=True)
@click.option("--explain", is_flag=True, help="Show the n-grams that contribute to the score.")
@click.option("--model", type=FOLDER, default=STARTER, help="Bundle to score with.  [default: the starter model]")
@AS_JSON
def predict(text: tuple[str, ...], explain: bool, model: Path, as_json: bool) -> None:
    """Score texts given as arguments.

    A blank text and a word of SENTIMENT_NULL_WORDS are missing texts: they have no label and no score.
    """
    from sentiment_core.model.scorer import Scorer  # noqa: PLC0415

    scorer = Scorer(Bundle.load(model))
    missing = MissingTexts(settings().null_words)
    explanations: list[Explanation | None] = [None if each in missing else scorer.explain(each) for each in text]
    languages = list(DetectedLanguages.of(TextColumn.from_texts(text)).texts())
    manifest = scorer.bundle.manifest
    if as_json:
        results = [
            _as_dict(explanation, language, manifest, explain)
            for explanation, language in zip(explanations, languages, strict=True)
        ]
        click.echo(json.dumps({"digest": scorer.bundle.digest, "results": results}, ensure_ascii=False))
        return
    console = output()
    for each, explanation, language in zip(text, explanations, languages, strict=True):
        if explanation is None:
            console.print(Text.assemble((f"{'missing':<8}", "dim"), f" {'-':<5}  ", each))
            continue
        colour = _COLOURS[explanation.label]
        shown = _highlighted(explanation) if explain else Text(explanation.text)
        marks = _marks(explanation.scored, language, manifest)
        console.print(
            Text.assemble((f"{explanation.label:<8}", colour), f" {explanation.score:.3f}  ", shown, (marks, "dim"))
        )
        for clause in explanation.parts if explain else ():
            said = " ".join(explanation.text[clause.start : clause.end].split())
            console.print(Text.assemble("    ", (f"{clause.label} part", _COLOURS[clause.label]), f"  {said}"))
        for part in explanation.contributions[:_TOP] if explain else ():
            sign = _COLOURS["positive" if part.weight > 0 else "negative"]
            times = f"  x {len(part.spans)}" if len(part.spans) > 1 else ""
            console.print(Text.assemble("    ", (f"{part.weight:+.3f}", sign), f"  {part.ngram}", (times, "dim")))


def _highlighted(explanation: "Explanation") -> Text:
    """Return the text with its strongest n-grams coloured by the label that they support."""
    shown = Text(explanation.text)
    for part in reversed(explanation.contributions[:_TOP]):
        for start, end in part.spans:
            shown.stylize(_COLOURS["positive" if part.weight > 0 else "negative"], start, end)
    return shown


def _marks(scored: "TextScore", language: DetectedLanguage, manifest: Manifest) -> str:
    marks = [name for name, holds in (("unfamiliar", scored.unfamiliar), ("mixed", scored.mixed)) if holds]
    if language.code is not None and (standing := manifest.standing(language.code)) != "supported":
        marks.append(f"{language.code}, {standing}")
    return f"  ({'; '.join(marks)})" if marks else ""


def _as_dict(
    explanation: "Explanation | None", language: DetectedLanguage, manifest: Manifest, explain: bool
) -> dict[str, Any]:
    if explanation is None:
        return {"label": None, "score": None}
    scored = explanation.scored
    values = scored._asdict() | {"probabilities": scored.probabilities}
    del values["neutral"]
    standing = None if language.code is None else manifest.standing(language.code)
    values["language"] = {"detected": language.code, "certainty": language.certainty, "standing": standing}
    if explain:
        values["parts"] = [part._asdict() for part in explanation.parts]
        values["bias"] = explanation.bias
        values["contributions"] = [
            {"ngram": part.ngram, "weight": part.weight, "spans": part.spans} for part in explanation.contributions
        ]
    return values
