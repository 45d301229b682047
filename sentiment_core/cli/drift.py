"""`sentiment drift`: compare a day's reviews with the model's training data."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from sentiment_core.cli.common import DAY, choose_model
from sentiment_core.cli.tables import print_table
from sentiment_core.database.connection import connect
from sentiment_core.drift import page, report_store
from sentiment_core.drift.statistics import Report
from sentiment_core.loading.scoring_run import finished_day, yesterday
from sentiment_core.settings import settings


@click.command()
@click.option("--day", type=DAY, help="Day of the files.  [default: yesterday (UTC)]")
@click.option("--product", help="Compare only this product, in addition to the whole day.")
@click.option(
    "--model",
    "bundle",
    type=click.Path(path_type=Path),
    help="Bundle that scored them.  [default: the champion, or the starter model without MLflow]",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the plot and the HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def drift(day: datetime | None, product: str | None, bundle: Path | None, out: Path | None, as_json: bool) -> None:
    """Compare a day's scored reviews with what the model was trained on.

    Nothing is stored. The DAG `monitor_drift` stores reports. docs/drift.md explains the figures.
    """
    config = settings()
    wanted = finished_day(day.date().isoformat()) if day else yesterday()
    with connect(config.require_database_url()) as connection:
        model = choose_model(connection, config, bundle).model
        reports = report_store.measure(connection, wanted, model, config, product)
        past = report_store.trend(connection, wanted, model.model_id)
    digest = model.scorer.bundle.digest
    paths = page.write(reports, past, wanted, digest, out) if out else []
    if as_json:
        found = [{"product": one.product_id, "drifted": one.drifted, **one.measures} for one in reports]
        click.echo(json.dumps({"day": wanted.isoformat(), "digest": digest, "reports": found}))
        return
    click.echo(f"{wanted}, model {digest[:12]}")
    _print(reports)
    for path in paths:
        click.echo(f"Written: {path}")


def _print(reports: Sequence[Report]) -> None:
    for report in reports:
        rows = f"{report.measures['rows']:,} reviews"
        name = "All reviews" if report.product_id is None else f"Product {report.product_id}"
        click.echo(f"\n{name} ({rows}): {page.verdict(report)}")
        figures = [(*cells, "drifted" if beyond else "") for *cells, beyond in page.figures(report)]
        if figures:
            print_table(("Measure", "Effect", "Threshold", "p-value", ""), figures)
