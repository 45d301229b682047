"""The page of models: versions, who was champion when, verdicts, drift; promotion through the gate, and rollback."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from sentiment_core.errors import (
    ArtifactsNotServed,
    BundleDamaged,
    ModelUnknown,
    RegistryRefused,
    RegistryUnavailable,
)
from sentiment_plugin import runs
from sentiment_plugin.data import models as data
from sentiment_plugin.data.versions import Version, Versions, drift_plots, registry, versions
from sentiment_plugin.database import reading
from sentiment_plugin.page import Acting, AnyPage, Question
from sentiment_plugin.problems import Problem

RETRAIN, ROLLBACK = "retrain", "rollback"
# A chart of two rows of bars, in units of its own view box.
BAR, GAP, HEIGHT = 10, 2, 60
FULL_PSI: Final = 0.5  # the index of a bar of full height; 0.25 is a large shift by the usual reading

router = APIRouter()


class Bar(NamedTuple):
    """One day of the drift chart."""

    x: int
    y: float
    height: float
    drifted: bool
    title: str


@router.get("/models")
def models(page: AnyPage) -> HTMLResponse:
    """Show the versions, the history of the aliases and the champion's drift."""
    with reading(page.database_url()) as cursor:
        found = versions(cursor)
        moves = data.moves(cursor)
        scored = data.scored_rows(cursor)
        drift = data.drift(cursor, found.champion.digest) if found.champion else []
    plots = drift_plots(found.champion.digest) if found.champion and drift and found.problem is None else {}
    return page.render(
        "models.html",
        "Models",
        versions=found,
        moves=moves,
        scored=scored,
        drift=drift,
        plots=[(day.day, day.drifted, plots[day.day]) for day in reversed(drift) if day.day in plots],
        bars=_bars(drift),
        chart=(len(drift) * (BAR + GAP), HEIGHT),
        may_promote=page.may_start(RETRAIN),
        may_roll_back=page.may_start(ROLLBACK) and any(move.alias == "champion" for move in moves),
    )


@router.get("/models/moves/{promotion_id}")
def verdict(page: AnyPage, promotion_id: int) -> HTMLResponse:
    """Show a move and the gate's verdict, check by check."""
    with reading(page.database_url()) as cursor:
        found = data.move(cursor, promotion_id)
    if found is None:
        raise Problem(404, f"The history has no move {promotion_id}.")
    return page.render("move.html", f"Move {promotion_id}", move=found[0], verdict=found[1])


@router.get("/models/rollback")
def ask_to_roll_back(page: AnyPage) -> HTMLResponse:
    """Ask whether to roll the champion back."""
    champion = _listed(page).champion
    if champion is None:
        raise Problem(409, "There is no champion to roll back from.")
    facts = (
        f"Version {champion.number} is the champion. The last good version before it becomes the champion again.",
        "The service uses it within seconds. Directly after a rollback, another one changes nothing.",
        "Stored scores stay. To show the older version's scores of past days, start a rescore with it.",
    )
    question = Question("Roll the champion back?", facts, "Roll back", "models", (("version", str(champion.number)),))
    return page.ask(question, runs.propose(page.airflow, ROLLBACK, f"rollback-v{champion.number}"))


@router.post("/models/rollback", dependencies=[Depends(Acting(ROLLBACK))])
def roll_back(page: AnyPage, run_id: Annotated[str, Form()], version: Annotated[int, Form(ge=1)]) -> HTMLResponse:
    """Start the DAG that rolls back. It fails if the champion is no longer the version of the question."""
    conf = {"from_version": version, "reason": f"rolled back by {page.user} on the page Models"}
    started = runs.start(page.airflow, ROLLBACK, f"rollback-v{version}", run_id, conf, "Started on the page Models")
    return page.started("Rollback", started, "models")


@router.get("/models/{number}")
def model(page: AnyPage, number: int) -> HTMLResponse:
    """Show the model card of a version: its measures by slice, language and domain."""
    with reading(page.database_url()) as cursor:
        version = _require(versions(cursor), number)
    card, problem = _card(number)
    return page.render(
        "model.html",
        f"Model version {number}",
        version=version,
        card=card,
        problem=problem,
        may_promote=page.may_start(RETRAIN) and not version.is_champion,
    )


@router.get("/models/{number}/promote")
def ask_to_promote(page: AnyPage, number: int) -> HTMLResponse:
    """Ask whether the gate shall judge a version."""
    version = _require(_listed(page), number)
    if version.is_champion:
        raise Problem(409, f"Version {number} is the champion already.")
    facts = (
        f"The DAG retrain takes a snapshot of the labelled data, and its gate compares version {number} with the "
        "champion on the rows that neither has learned from.",
        "If every check passes, the version becomes the champion. Otherwise nothing changes, and the history has the "
        "verdict.",
    )
    question = Question(f"Let the gate judge version {number}?", facts, "Judge and promote", f"models/{number}")
    return page.ask(question, runs.propose(page.airflow, RETRAIN, f"promote-v{number}"))


@router.post("/models/{number}/promote", dependencies=[Depends(Acting(RETRAIN))])
def promote(page: AnyPage, number: int, run_id: Annotated[str, Form()]) -> HTMLResponse:
    """Start the DAG that judges the version and promotes it if it passes."""
    _require(_listed(page), number)
    conf = {"version": number, "learning_curve": False}
    started = runs.start(
        page.airflow, RETRAIN, f"promote-v{number}", run_id, conf, f"Promotion of version {number} asked for on a page"
    )
    return page.started("Promotion", started, "models")


def _listed(page: AnyPage) -> Versions:
    with reading(page.database_url()) as cursor:
        return versions(cursor)


def _require(found: Versions, number: int) -> Version:
    version = found.find(number)
    if version is None:
        known = ", ".join(str(each.number) for each in found.all[:20]) or "none"
        raise Problem(404, f"There is no version {number} of the model. The versions are: {known}.")
    return version


def _card(number: int) -> tuple[Mapping[str, Any] | None, str]:
    """Return the card, or None and why there is none."""
    found = registry()
    if isinstance(found, str):
        return None, found
    try:
        card = found.card(number)
    except (RegistryUnavailable, RegistryRefused, ModelUnknown, ArtifactsNotServed, BundleDamaged) as error:
        return None, str(error)
    return card, "" if card else "The bundle of this version has no model card."


def _bars(days: Sequence[data.DriftDay]) -> list[Bar]:
    bars = []
    for place, day in enumerate(days):
        psi = day.score_psi or 0.0
        height = max(min(psi / FULL_PSI, 1.0) * HEIGHT, 1.0)
        title = f"{day.day}: {psi:.3f}{', drifted' if day.drifted else ''}"
        bars.append(Bar(place * (BAR + GAP), HEIGHT - height, height, day.drifted, title))
    return bars
