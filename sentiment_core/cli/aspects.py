"""`sentiment aspects`: what reviews of two periods say about aspects such as price or delivery."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from sentiment_core.aspects.catalogue import read_aspects
from sentiment_core.aspects.opinions import AspectTotals, OpinionFinder
from sentiment_core.aspects.stored import AspectChange, AspectChanges, stored_aspects
from sentiment_core.cli.common import DAY, choose_model
from sentiment_core.cli.tables import print_table
from sentiment_core.database.connection import connect
from sentiment_core.drivers.drivers import ratio_difference
from sentiment_core.drivers.stored import Group, Periods
from sentiment_core.settings import settings


@click.command
@click.option("--aspect", "chosen", multiple=True, metavar="NAME", help="Only this aspect. Can be repeated.")
@click.option("--product", help="Only reviews of this product.")
@click.option("--source", help="Only reviews of this source.")
@click.option("--since", type=DAY, required=True, help="First day of the later period.")
@click.option("--until", type=DAY, help="Last day of the later period.  [default: today]")
@click.option("--against", type=DAY, required=True, help="First day of the earlier period, which ends before --since.")
@click.option("--written", is_flag=True, help="Use the day on which a review was written, not the day of its file.")
@click.option("--model-version", help="Version or alias of the registered model.  [default: the champion]")
@click.option("--model", "bundle", type=click.Path(path_type=Path), help="Bundle instead of a registered version.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def aspects(
    chosen: tuple[str, ...],
    product: str | None,
    source: str | None,
    since: datetime,
    until: datetime | None,
    against: datetime,
    written: bool,
    model_version: str | None,
    bundle: Path | None,
    as_json: bool,
) -> None:
    """Show what reviews of two periods say about aspects such as price or delivery.

    A clause that contains a word of an aspect adds its contribution to the log-odds of positive to the aspect. The
    setting SENTIMENT_ASPECTS names a file of other aspects.
    """
    config = settings()
    periods = Periods(against.date(), since.date(), (until or datetime.now(UTC)).date())
    periods.check()
    wanted = read_aspects(config.aspects).chosen(chosen)
    group = Group(source, product)
    with connect(config.require_database_url()) as connection:
        model = choose_model(connection, config, bundle, model_version).model
        found = stored_aspects(connection, OpinionFinder(model.scorer, wanted), group, periods, written=written)
    if as_json:
        document = {**group._asdict(), **periods._asdict(), "model_digest": model.scorer.bundle.digest}
        click.echo(json.dumps({**document, **_document(found)}, ensure_ascii=False, default=str))
        return
    _print(found, periods)


def _document(found: AspectChanges) -> dict[str, object]:
    changes = [each._asdict() | {"then": asdict(each.then), "now": asdict(each.now)} for each in found.aspects]
    return found._asdict() | {"aspects": changes}


def _print(found: AspectChanges, periods: Periods) -> None:
    for (first, last), reviews in ((periods.then, found.reviews_then), (periods.now, found.reviews_now)):
        click.echo(f"{first} to {last}: {reviews:,} reviews")
    if not found.aspects:
        click.echo("No review mentions an aspect.")
        return
    columns = ("aspect", "movement", "then", "now", "mean then", "mean now", "negative then", "now, change in points")
    print_table(columns, map(_row, found.aspects))


def _row(change: AspectChange) -> tuple[str, ...]:
    then, now = change.then, change.now
    return (
        change.aspect,
        f"{change.movement:+.3f}",
        f"{then.reviews:,}",
        f"{now.reviews:,}",
        _mean(then),
        _mean(now),
        f"{then.negative / then.reviews:.0%}" if then.reviews else "",
        _negative(then, now),
    )


def _mean(totals: AspectTotals) -> str:
    return f"{totals.log_odds / totals.reviews:+.3f}" if totals.reviews else ""


def _negative(then: AspectTotals, now: AspectTotals) -> str:
    """Return the ratio of negative reviews now, with the 95 % confidence interval of its change."""
    if not now.reviews:
        return ""
    ratio = now.negative / now.reviews
    if not then.reviews:
        return f"{ratio:.0%}"
    low, high = ratio_difference(then.negative / then.reviews, ratio, then.reviews, now.reviews)
    return f"{ratio:.0%} ({100 * low:+.0f} to {100 * high:+.0f})"
