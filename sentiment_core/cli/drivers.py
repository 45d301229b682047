"""`sentiment drivers`: the phrases that moved sentiment between two periods."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from sentiment_core.cli.common import DAY, choose_model
from sentiment_core.cli.tables import print_table
from sentiment_core.database.connection import connect
from sentiment_core.drivers.drivers import Driver, Drivers
from sentiment_core.drivers.stored import Group, Periods, stored_drivers
from sentiment_core.settings import settings

_SHOWN_CHARACTERS = 80  # of an example


@click.command
@click.option("--product", help="Only reviews of this product.")
@click.option("--source", help="Only reviews of this source.")
@click.option("--since", type=DAY, required=True, help="First day of the later period.")
@click.option("--until", type=DAY, help="Last day of the later period.  [default: today]")
@click.option("--against", type=DAY, required=True, help="First day of the earlier period, which ends before --since.")
@click.option("--written", is_flag=True, help="Use the day on which a review was written, not the day of its file.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="Phrases in each direction.")
@click.option("--model-version", help="Version or alias of the registered model.  [default: the champion]")
@click.option("--model", "bundle", type=click.Path(path_type=Path), help="Bundle instead of a registered version.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def drivers(
    product: str | None,
    source: str | None,
    since: datetime,
    until: datetime | None,
    against: datetime,
    written: bool,
    top: int,
    model_version: str | None,
    bundle: Path | None,
    as_json: bool,
) -> None:
    """Show the phrases that moved sentiment between two periods.

    The change of the mean log-odds of positive is the sum of the phrases' movements and a rest. The texts and one
    model are compared, not the stored scores.
    """
    config = settings()
    periods = Periods(against.date(), since.date(), (until or datetime.now(UTC)).date())
    periods.check()
    group = Group(source, product)
    with connect(config.require_database_url()) as connection:
        chosen = choose_model(connection, config, bundle, model_version).model
        found = stored_drivers(connection, chosen.scorer, group, periods, top, written=written)
    if as_json:
        document = {**group._asdict(), **periods._asdict(), "model_digest": chosen.scorer.bundle.digest}
        click.echo(json.dumps({**document, **_document(found)}, ensure_ascii=False, default=str))
        return
    _print(found, periods)


def _document(found: Drivers) -> dict[str, object]:
    documents = {
        name: [
            driver._asdict() | {"examples": [{**each.review._asdict(), "text": each.text} for each in driver.examples]}
            for driver in each
        ]
        for name, each in (("up", found.up), ("down", found.down))
    }
    return found._asdict() | documents


def _print(found: Drivers, periods: Periods) -> None:
    for (first, last), mean, reviews in (
        (periods.then, found.mean_then, found.reviews_then),
        (periods.now, found.mean_now, found.reviews_now),
    ):
        click.echo(f"{first} to {last}: mean log-odds {mean:+.3f} of {reviews:,} reviews")
    click.echo(f"Change: {found.change:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f})")
    for title, rows in (("Phrases that lowered it", found.down), ("Phrases that raised it", found.up)):
        if rows:
            columns = ("phrase", "movement", "of the change", "then", "now", "reviews, 95 % interval", "example")
            print_table(columns, map(_row, rows), title)
    click.echo(f"All other phrases: {found.rest:+.3f}")


def _row(driver: Driver) -> tuple[str, ...]:
    example = " ".join(driver.examples[0].text.split()) if driver.examples else ""
    return (
        driver.phrase,
        f"{driver.movement:+.3f}",
        "" if driver.explained is None else f"{driver.explained:.0%}",
        f"{driver.reviews_then:,}",
        f"{driver.reviews_now:,}",
        f"{driver.low:+.1%} to {driver.high:+.1%}",
        example if len(example) <= _SHOWN_CHARACTERS else example[: _SHOWN_CHARACTERS - 1] + "…",
    )
